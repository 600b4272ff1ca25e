"""Many agreed reports in one transaction: a node proposes a bundle, the others compare it with what they signed themselves.

No report is in a bundle that its signers did not sign by themselves first, so a bundle says nothing new; it is posted
instead of them. Where a quorum does not answer in time they are posted one by one, so nothing waits for a bundle longer
than half of a node's patience.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import ChainError, Denied, MedtwinError, VerificationError
from ..formats.bundles import MOST_REPORTS, Bundle, bundle_digest, bundled, place_of
from ..formats.typed_data import Domain, recover
from ..ports import Peers, Signer
from ..records import Report
from ..stages.post import post_bundle
from .bundles import Bundled, Standing, read_manifest
from .due import Place
from .memory import sign_bundle, signed_alike
from .predict import Node

NOBODY = "0x" + 40 * "0"
ON_ITS_WAY = "may_be_posted"
"""Kind of the error where it is not known whether a bundle was taken."""


FORGOTTEN_AFTER_S = 3_600.0
"""From when on a round may be left to a proposer once more."""


@dataclass(frozen=True, slots=True)
class _Left:
    """The bundle that a round was last signed in, which no other may follow until `until_s`; posted by nobody else until `free_s`."""

    root: bytes
    until_s: float
    free_s: float


@dataclass(frozen=True, slots=True)
class Ready:
    """A report that a quorum signed and this node may post, since `waited_s`."""

    report: Report
    signatures: Sequence[bytes]
    waited_s: float

    @property
    def place(self) -> Place:
        """Its round."""
        return place_of(self.report)


class Bundler:
    """One node's part in bundles.

    Parameters
    ----------
    node : Node
        Its key, chain, store and memory of what it signed.
    sender : Signer
        Pays for its transactions.
    peers : Peers
        The other nodes, which are asked to sign.
    standing : Standing
        What stands in bundles already.
    noticed : callable
        Told whatever another node signs: who, the bundle, the signature.
    clock_s : callable
        A clock that never goes back (s).
    least : int
        Reports that are worth a bundle; 0 for a node that proposes none, and signs others' all the same.
    patience_s : float
        How long a round that it signed in a bundle is left to whoever proposed it.
    """

    def __init__(
        self,
        node: Node,
        sender: Signer,
        peers: Peers,
        standing: Standing,
        noticed: Callable[[str, Bundle, bytes], None],
        *,
        clock_s: Callable[[], float],
        least: int,
        patience_s: float,
    ) -> None:
        self._node, self._sender, self._peers, self._standing = node, sender, peers, standing
        self._noticed = noticed
        self._clock_s, self._least, self._patience_s = clock_s, least, patience_s
        self._domain = Domain(node.chain.chain_id, node.chain.address("PredictionOracle"))
        self._left: dict[Place, _Left] = {}
        self._unsettled = False

    def choose(self, ready: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
        """What goes into a bundle now, and what is posted alone; the rest waits for company."""
        if not self._least:
            return [], list(ready)
        if len(ready) >= self._least:
            return list(ready[:MOST_REPORTS]), []
        return [], [one for one in ready if one.waited_s >= self._patience_s / 2]

    def settle(self) -> None:
        """If it is not known what became of this node's last bundle, wait until it is."""
        if self._unsettled:
            self._node.chain.settle(self._sender)
            self._unsettled = False

    def post(self, ready: Sequence[Ready], quorum: int, valid: set[str]) -> str:
        """Propose a bundle, and post it with the signatures of a quorum of `valid` nodes.

        Returns
        -------
        str
            Empty if it is on the chain; else why not, and its reports may be posted one by one, but for
            :data:`ON_ITS_WAY`: then first :meth:`settle` and look.
        """
        try:
            bundle, block = bundled(self._domain, [one.report for one in ready])
            self._node.store.put(block)
            own = sign_bundle(bundle, self._domain, self._node.signer, self._node.signed)
            signatures = {self._node.signer.address: own}
            digest = bundle_digest(self._domain, bundle)
            for given in self._peers.ask(bundle, own):
                signer = recover(digest, given)
                if signer in valid:
                    signatures[signer] = given
                    self._noticed(signer, bundle, given)
                if len(signatures) >= quorum:
                    break
            if len(signatures) < quorum:
                return "no_quorum"
            ascending = sorted(signatures, key=lambda signer: int(signer, 16))
            self._unsettled = True
            post_bundle(bundle, [signatures[one] for one in ascending], self._node.chain, self._sender)
        except ChainError as error:
            return ON_ITS_WAY if self._unsettled else error.kind
        except MedtwinError as error:
            self._unsettled = False
            return error.kind
        self._unsettled = False
        return ""

    def is_left(self, place: Place) -> bool:
        """Whether a round is left to who proposed a bundle with it."""
        left = self._left.get(place)
        return left is not None and self._clock_s() < left.free_s

    def endorse(self, bundle: Bundle, signature: bytes) -> bytes:
        """Sign what a peer proposes, if this node signed every report of it by itself and none is on the chain.

        Raises
        ------
        VerificationError
            ``bad_signature``: no node proposed it. ``malformed_manifest``: the list does not give its root.
            ``other_report``: this node signed another report of a round.
        Denied
            It cannot be signed now: ``other_config``, ``not_signed``, ``on_chain``, ``left_to_another``.
        StorageError
            Its list is not in the store.
        """
        chain, store = self._node.chain, self._node.store
        proposer = recover(bundle_digest(self._domain, bundle), signature) or NOBODY
        config, is_node = chain.read_many(
            [("PredictionOracle", "configDigest"), ("PredictionOracle", "isSigner", proposer)]
        )
        if not is_node:
            raise VerificationError("the bundle is not signed by one of the oracle's nodes", kind="bad_signature")
        self._noticed(proposer, bundle, signature)
        if bundle.config != config:
            raise Denied("the bundle is of another configuration", kind="other_config")
        root, listed = read_manifest(chain, store, bundle.manifest)
        if not listed or (root, listed[0].report.config) != (bundle.root, config):
            raise VerificationError("the bundle's list does not give its root", kind="malformed_manifest")
        self._check_signed(listed)
        self._check_open(bundle, listed)
        store.put(store.get(bundle.manifest))  # from now on it is here as well
        return sign_bundle(bundle, self._domain, self._node.signer, self._node.signed)

    def _check_signed(self, listed: Sequence[Bundled]) -> None:
        for one in listed:
            alike = signed_alike(self._node.signed, one)
            if alike is None:
                raise Denied(f"this node did not sign round {one.report.round} of a report in it", kind="not_signed")
            if not alike:
                raise VerificationError(
                    f"this node signed another report of round {one.report.round}", kind="other_report"
                )

    def _check_open(self, bundle: Bundle, listed: Sequence[Bundled]) -> None:
        reports, now_s = [one.report for one in listed], self._clock_s()
        asked = [("PredictionOracle", "latest", one.twin_id, one.model) for one in reports]
        latest = self._node.chain.read_many(asked)
        self._standing.look()
        if any(
            one.round <= last.round or self._standing.holds(one) or self._standing.may_hold(one)
            for one, last in zip(reports, latest, strict=True)
        ):
            raise Denied("a round of it is, or may be, on the chain", kind="on_chain")
        kept = {place: left for place, left in self._left.items() if now_s < left.until_s + FORGOTTEN_AFTER_S}
        places, until_s = list(map(place_of, reports)), now_s + self._patience_s
        before = [kept[place] for place in places if place in kept]
        if any(left.root != bundle.root and now_s < left.until_s for left in before):
            raise Denied("a round of it is in another bundle that this node signed just now", kind="left_to_another")
        # Left once: whoever proposes and never posts holds a round up no longer, however often it proposes.
        free_s = {place: kept[place].free_s if place in kept else until_s for place in places}
        self._left = kept | {place: _Left(bundle.root, until_s, free_s[place]) for place in places}
