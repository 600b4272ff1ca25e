"""Which batches stand on the chain, one by one or in an epoch: so that a receipt names what is really opened."""

from __future__ import annotations

from collections.abc import Sequence

from ..formats import merkle
from ..formats.epochs import epoch_leaf
from ..formats.typed_data import Domain, batch_digest, recovers_to
from ..ports import Chain
from ..records import Batch, Context, Included

Proof = tuple[Batch, Included]


class Anchors:
    """Remembers what each endpoint said that its chain holds; what it does not know, it asks again."""

    def __init__(self) -> None:
        self._known: dict[Chain, set[tuple[int, str, int, bytes]]] = {}  # (twin, device, sequence, digest)

    def has(self, chain: Chain, batches: Sequence[tuple[bytes, Context]], proofs: Sequence[Proof]) -> bool:
        """Whether each digest is the batch of its context, by this endpoint; `proofs` are of batches in epochs."""
        known = self._known.setdefault(chain, set())

        def missing() -> list[tuple[bytes, Context]]:
            return [one for one in batches if _named(*one) not in known]

        for twin_id in {context.twin_id for _, context in missing()}:
            for event in chain.events("DataAnchor", "BatchAnchored", twinId=twin_id):
                one = event.args["batch"]
                known.add((twin_id, event.args["device"], one["sequence"], one["digest"]))
        for digest, context in missing():
            if not any(_in_epoch(chain, digest, context, *proof) for proof in proofs):
                return False
            known.add(_named(digest, context))
        return True


def _named(digest: bytes, context: Context) -> tuple[int, str, int, bytes]:
    return context.twin_id, context.device, context.sequence, digest


def _in_epoch(chain: Chain, digest: bytes, context: Context, batch: Batch, included: Included) -> bool:
    """Whether the context's device signed this batch and a gateway put it into an epoch."""
    if (batch.twin_id, batch.sequence, batch.digest) != (context.twin_id, context.sequence, digest):
        return False
    domain = Domain(chain.chain_id, context.anchor)
    if not recovers_to(batch_digest(domain, batch), included.signature, context.device):
        return False  # before the chain is asked
    posted = chain.events("EpochAnchor", "EpochAnchored", gateway=included.gateway, number=included.number)
    return bool(
        posted
        and merkle.verify(
            posted[-1].args["epoch"]["root"], included.path, epoch_leaf(domain, batch, included.signature)
        )
        and chain.read("DeviceRegistry", "pairingOf", context.device, context.twin_id)[0]
    )
