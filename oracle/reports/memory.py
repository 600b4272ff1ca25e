"""What a node signed, held against the chain: one report a round, by itself or in a bundle, and one list for a root."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Denied
from ..formats.bundles import Bundle, bundle_digest
from ..formats.typed_data import Domain, recovers_to
from ..ports import Chain, Event, SignedRounds, Signer
from ..stages.post import split
from .bundles import Bundled
from .predict import Node

REMEMBERED = 10_000
"""Blocks in which a node looks for its own signatures when it starts."""


def check_memory(node: Node) -> None:
    """A node's memory of what it signed is not older than the chain.

    Raises
    ------
    Denied
        ``old_memory``: the chain has a report, or a bundle, with this node's signature that its memory lacks.
    """
    chain, signed, me = node.chain, node.signed, node.signer.address
    since = max(signed.floor(), chain.head().number - REMEMBERED)
    for event, place, digest, what in _posted(chain, since):
        if signed.knows(*place):
            continue
        given = split(chain.arguments("PredictionOracle", event.transaction).get("signatures", b""))
        if any(recovers_to(digest, one, me) for one in given):
            raise Denied(
                f"this node signed {what}, and does not remember it: its memory is an old copy",
                hint="restore it so that it knows: medtwin restore FILE",
                kind="old_memory",
            )


def signed_alike(signed: SignedRounds, one: Bundled) -> bool | None:
    """Whether a node signed this report and no other of its round; None if it signed none."""
    place = (one.report.twin_id, one.report.model, one.report.round)
    return signed.remember(*place, one.digest) == one.digest if signed.knows(*place) else None


def sign_bundle(bundle: Bundle, domain: Domain, signer: Signer, signed: SignedRounds) -> bytes:
    """Sign a bundle, whose every report the node signed, remembered before it is signed; `domain` is PredictionOracle's.

    Raises
    ------
    Denied
        ``already_signed``: this node signed another list for the same root.
    """
    digest = bundle_digest(domain, bundle)
    if signed.remember(*_place(bundle), digest) != digest:
        raise Denied("this node signed another list for the same root", kind="already_signed")
    return signer.sign_digest(digest)


def _posted(chain: Chain, since: int) -> Iterator[tuple[Event, tuple[int, bytes, int], bytes, str]]:
    """What quorums signed: the event, where a memory has it, its digest, and what it is."""
    for event in chain.events("PredictionOracle", "PredictionPosted", since=since):
        place = (event.args["twinId"], event.args["model"], event.args["round"])
        yield event, place, event.args["reportDigest"], f"round {place[2]}"
    domain = Domain(chain.chain_id, chain.address("PredictionOracle"))
    for event in chain.events("PredictionOracle", "BundlePosted", since=since):
        bundle = Bundle(event.args["root"], event.args["manifest"], event.args["config"])
        yield event, _place(bundle), bundle_digest(domain, bundle), f"the bundle 0x{bundle.root.hex()[:16]}…"


def _place(bundle: Bundle) -> tuple[int, bytes, int]:
    """Where a memory of rounds keeps a bundle: no round of a twin is 0."""
    return int.from_bytes(bundle.root, "big"), bundle.config, 0
