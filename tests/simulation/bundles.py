"""Bundles in a simulated hospital: what nodes must not do with them, and a node of bad faith that proposes bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oracle.errors import MedtwinError
from oracle.formats.bundles import Bundle, bundle_digest, bundled, place_of, unpack_bundle
from oracle.formats.typed_data import Domain, recover, report_digest
from oracle.formats.wire import pack_proposal, unpack_proposal
from oracle.ports import Event
from oracle.records import Report
from oracle.reports.due import Place

from .ledger import ADDRESSES, CHAIN_ID, Block
from .luck import Crash
from .parties import SIGNERS

if TYPE_CHECKING:
    from .world import World

DOMAIN = Domain(CHAIN_ID, ADDRESSES["PredictionOracle"])


def blind(*_: object) -> bool:
    """A canary: a node that signs what its peers propose without comparing it with what it signed."""
    return True


def patient(bundler: Any, place: Place) -> bool:
    """A canary: a node that leaves a round to whoever proposes it, each time anew."""
    left = bundler._left.get(place)
    return left is not None and bundler._clock_s() < left.until_s


def asked(world: World, name: str, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
    """Every other node that can be reached and runs, one after the other; an answer may be lost as well."""
    notice(world, name, bundle)
    for other in SIGNERS:
        if other == name or other not in world.members or not world.network.reaches(name, other):
            continue
        if other == world.liar and world.rng.random() < 0.5:
            yield world.rng.choice((b"", signature, world.rng.randbytes(65)))
            continue
        try:
            given = world.members[other].endorse(*unpack_proposal(pack_proposal(bundle, signature)))
        except Crash:
            world.members.pop(other, None)
            continue
        except MedtwinError as error:
            world.weather.faults["not endorsed"] += 1
            world.found.trace.update(f"{other} {error.kind}\n".encode())
            continue
        notice(world, other, bundle)
        if world.network.reaches(other, name):
            yield given


def notice(world: World, name: str, bundle: Bundle) -> None:
    """Look at what a node of good faith signed: the reports that it signed by themselves, and no other of their rounds."""
    if name == world.liar:
        return
    for one in unpack_bundle(world.store.blocks[bundle.manifest]):
        place, digest = (name, *place_of(one)), report_digest(DOMAIN, one)
        if world.signed.setdefault(place, digest) != digest:
            world.violation("a node signed two reports of one round")
        world.observed.setdefault(place, one)


def reports_in(world: World, event: Event) -> tuple[Report, ...]:
    """What a posted bundle holds."""
    return unpack_bundle(world.store.blocks[event.args["manifest"]])


def standing(world: World, blocks: list[Block]) -> list[Report]:
    """All reports in bundles of these blocks."""
    events = [event for block in blocks for event in block.events if event.name == "BundlePosted"]
    return [one for event in events for one in reports_in(world, event)]


def watch(world: World, sender: str, function: str, given: tuple[object, ...]) -> None:
    """Nobody posts again what stood in a bundle when its turn began."""
    begun = world.began.get(sender)
    blocks = world.ledger.blocks
    if begun is None or function not in ("post", "postBundle") or blocks[begun.head.number :][:1] != [begun]:
        return
    stood = {place_of(one) for one in standing(world, blocks[: begun.head.number + 1])}
    sent = [Report(*given)] if function == "post" else unpack_bundle(world.store.blocks[Bundle(*given).manifest])  # type: ignore[arg-type]
    if stood & {place_of(one) for one in sent}:
        world.violation("a round was posted again that stood in a bundle")


class Proposer:
    """A node of bad faith: what it proposes is wrong, another's, without a list, or proposed before; or right, for the
    others to wait for, and never posted.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: tuple[Bundle, bytes] | None = None

    def propose(self) -> None:
        """Ask for signatures, and post it if there are enough."""
        world, rng = self._world, self._world.rng
        known = list({place_of(one): one for one in world.observed.values()}.values())
        if not known:
            return
        world.weather.faults["bad bundle"] += 1
        kind = rng.choice(("wrong", "another's", "not kept", "other root", "twice", "never posted"))
        if kind == "never posted":
            self.stall()
            return
        one = rng.choice(known)
        wrong = replace(one, score_e6=one.score_e6 + 1, high_e6=one.high_e6 + 1)
        bundle, block = bundled(DOMAIN, [wrong if kind == "wrong" else one])
        if kind == "other root":
            bundle = replace(bundle, root=rng.randbytes(32))
        if kind == "twice" and self._last:
            bundle, block = self._last
        self._last = bundle, block
        if kind != "not kept":
            world.store.blocks[bundle.manifest] = block
        elif bundle.manifest in world.store.blocks:
            return
        signers = self._signed(bundle)
        enough = sorted(set(signers) & set(world.ledger.state.signers), key=lambda who: int(who, 16))
        if len(enough) >= world.ledger.state.quorum:
            fields = (bundle.root, bundle.manifest, bundle.config)
            for _ in range(rng.choice((1, 2))):
                world.ledger.submit("", "postBundle", fields, b"".join(signers[one] for one in enough))

    def stall(self) -> None:
        """Have the others sign the newest rounds, and do nothing with it."""
        world = self._world
        known = [one for one in world.observed.values() if one.config == world.ledger.state.config]
        newest = {one.twin_id: one for one in sorted(known, key=lambda one: one.round)}
        if newest:
            bundle, block = bundled(DOMAIN, list(newest.values()))
            world.store.blocks[bundle.manifest] = block
            self._signed(bundle)

    def _signed(self, bundle: Bundle) -> dict[str, bytes]:
        """Whoever signs it, and the signatures."""
        world, digest = self._world, bundle_digest(DOMAIN, bundle)
        own = SIGNERS[world.liar].sign_digest(digest)
        given = (own, *asked(world, world.liar, bundle, own))
        return {str(recover(digest, one)): one for one in given}
