"""Reports posted by their root: what a manifest is, how bundles are read, and that nobody sees a difference."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from oracle.adapters.memory import MemoryStore
from oracle.batches import anchored
from oracle.batches.anchored import HIDDEN_AFTER_S
from oracle.batches.reconcile import reconcile
from oracle.custody.audit import timeline
from oracle.errors import Denied, InputError, NotFound, StorageError, VerificationError
from oracle.formats import merkle
from oracle.formats.bundles import (
    MOST_BYTES,
    MOST_REPORTS,
    Bundle,
    bundle_digest,
    bundled,
    leaf_of,
    pack_bundle,
    unpack_bundle,
)
from oracle.formats.typed_data import Domain, report_digest
from oracle.formats.wire import pack_proposal, unpack_proposal
from oracle.records import Readings, Report
from oracle.reports import bundles
from oracle.reports.bundles import LOOK_BACK, Standing, newest_bundled
from oracle.reports.due import behind
from oracle.reports.posted import bundled_events, latest_report, posted_report, postings
from oracle.stages.post import ALONE, post, post_bundle, report_fields
from tests.simulation.parties import Mean

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

DOMAIN = Domain(1, "0x" + "11" * 20)


def report(round_: int = 1, **change: Any) -> Report:
    """Some report."""
    made = Report(3, bytes(31) + b"m", round_, 1_700_000_000, 1, 5, -6, 7, bytes(32), bytes(32), bytes(31) + b"c")
    return replace(made, **change)


# -- bytes ---------------------------------------------------------------------------


def test_a_manifest_reads_as_it_was_written() -> None:
    """Ordered by round whatever the order given; the root is that of the reports' leaves."""
    reports = [report(2), report(1), report(1, twin_id=2**255)]
    bundle, block = bundled(DOMAIN, reports)

    assert unpack_bundle(block) == (report(1), report(2), report(1, twin_id=2**255))
    assert bundle.root == merkle.root([merkle.digest_leaf(report_digest(DOMAIN, one)) for one in reports])
    assert bundle == bundled(DOMAIN, reports[::-1])[0]
    assert bundle.config == reports[0].config
    assert unpack_proposal(pack_proposal(bundle, bytes(65))) == (bundle, bytes(65))


def test_as_many_reports_as_a_bundle_may_hold_fit_into_a_block() -> None:
    """And one more is refused, by who writes and by who reads."""
    most = [report(2**47 + at, score_e6=2**47 - 1, low_e6=-(2**47), high_e6=2**47 - 1) for at in range(MOST_REPORTS)]
    block = pack_bundle(most)

    assert len(block) <= MOST_BYTES // 3
    assert len(unpack_bundle(block)) == MOST_REPORTS
    with pytest.raises(InputError):
        bundled(DOMAIN, [*most, report(1)])
    name, config, listed = cbor2.loads(block)
    with pytest.raises(VerificationError):
        unpack_bundle(cbor2.dumps([name, config, [*listed, listed[0]]], canonical=True))


@pytest.mark.parametrize("reports", [[], [report(1), report(1)], [report(1), report(2, config=bytes(32))]])
def test_what_makes_no_bundle_is_refused(reports: list[Report]) -> None:
    """None, a round twice, two configurations."""
    with pytest.raises(InputError) as caught:
        bundled(DOMAIN, reports)

    assert caught.value.kind == "bad_bundle"


def _spoiled() -> dict[str, bytes]:
    name, config, (one, two) = cbor2.loads(pack_bundle([report(1), report(2)]))
    lists = {
        "another format": ["medtwin/bundle/2", config, [one]], "nothing": [name, config, []],
        "a short configuration": [name, config[1:], [one]], "not in order": [name, config, [two, one]],
        "twice": [name, config, [one, one]], "a text": [name, config, ["one"]],
        "a round too large": [name, config, [[*one[:2], 2**48, *one[3:]]]],
        "a score too low": [name, config, [[*one[:5], -(2**47) - 1, *one[6:]]]], "more": [name, config, [one], 1],
        "a boolean": [name, config, [[*one[:2], True, *one[3:]]]],
    }  # fmt: skip
    packed = {what: cbor2.dumps(fields, canonical=True) for what, fields in lists.items()}
    whole = pack_bundle([report(1)])
    longer = whole.replace(cbor2.dumps(1_700_000_000), b"\x1b" + (1_700_000_000).to_bytes(8, "big"))
    return {**packed, "not CBOR": b"\xff", "empty": b"", "longer": longer, "behind": whole + b"\0", "huge": bytes(MOST_BYTES + 1)}  # fmt: skip


@pytest.mark.parametrize("what", _spoiled())
def test_what_is_no_manifest_is_refused(what: str) -> None:
    """In one form only, so that a list has one digest."""
    with pytest.raises(VerificationError) as caught:
        unpack_bundle(_spoiled()[what])

    assert caught.value.kind == "malformed_manifest"


# -- on the chain --------------------------------------------------------------------


class Rate(Mean):
    """The simulation's small model, for the recordings of these tests."""

    model_digest = bytes(31) + b"r"


@dataclass
class Desk:
    """A twin with a batch, and a quorum that signs what it is told."""

    stage: Stage
    twin: Twin
    store: MemoryStore
    rounds: count[int]

    @property
    def domain(self) -> Domain:
        return Domain(self.stage.chain.chain_id, self.stage.chain.address("PredictionOracle"))

    def report(self, round_: int, **change: Any) -> Report:
        """Of this twin, now."""
        config, now_s = self.stage.chain.read("PredictionOracle", "configDigest"), self.stage.now_s()
        told = {"twin_id": self.twin.twin_id, "model": Rate.model_digest, "config": config, "as_of_s": now_s}
        return report(round_, **{**told, "explanation_root": os.urandom(32), **change})

    def signed(self, digest: bytes) -> list[bytes]:
        """By three nodes, ascending."""
        signers = sorted(self.stage.node_signers[:3], key=lambda one: int(one.address, 16))
        return [one.sign_digest(digest) for one in signers]

    def alone(self, one: Report) -> Report:
        """Posted by itself."""
        post(one, self.signed(report_digest(self.domain, one)), self.stage.chain, self.stage.hospital)
        return one

    def bundle(self, *reports: Report, keep: bool = True, **change: Any) -> tuple[Bundle, bytes]:
        """Posted by its root; its list perhaps not kept, or another root signed."""
        made, block = bundled(self.domain, reports)
        made = replace(made, **change)
        if keep:
            self.store.put(block)
        post_bundle(made, self.signed(bundle_digest(self.domain, made)), self.stage.chain, self.stage.hospital)
        return made, block

    def latest(self) -> Report:
        return latest_report(self.stage.chain, self.store, self.twin.twin_id, Rate.model_digest)

    def listed(self, **match: Any) -> list[Any]:
        return postings(self.stage.chain, self.store, self.twin.twin_id, **match)

    def due(self) -> list[Any]:
        kinds: Any = {Rate.model_digest: Rate()}
        newest = newest_bundled(self.stage.chain, self.store)
        return behind(self.stage.chain, self.store, kinds, [self.twin.twin_id], newest)


@pytest.fixture
def desk(stage: Stage, twin: Twin, recorded: Callable[..., Readings]) -> Desk:
    """The model is approved, and nothing is remembered of other tests."""
    anchored._awaited.clear()
    anchored._hidden.clear()
    bundles._read.cache.clear()
    chain = stage.chain
    if not chain.read("ModelRegistry", "isApproved", Rate.model_digest):
        chain.write(stage.hospital, "ModelRegistry", "register", Rate.model_digest, bytes([7] * 32), bytes(32), False)
        chain.write(stage.hospital, "ModelRegistry", "approve", Rate.model_digest)
    twin.publish(recorded())
    assert isinstance(twin.edge.store, MemoryStore)
    return Desk(stage, twin, twin.edge.store, count(1))


def test_a_bundled_report_is_read_as_one_posted_alone(desk: Desk) -> None:
    """Newest, by round, listed with place, signatures and time, and not due."""
    assert desk.due() == [(desk.twin.twin_id, Rate.model_digest, 1)]
    with pytest.raises(NotFound):
        desk.latest()
    ours, other = desk.report(1), desk.report(1, twin_id=desk.twin.twin_id ^ 256)
    made, _ = desk.bundle(ours, other)
    (posting,) = desk.listed()
    event = desk.stage.chain.events("PredictionOracle", "BundlePosted")[-1]

    assert desk.latest() == ours
    assert posted_report(desk.stage.chain, desk.store, ours.twin_id, ours.model, 1) == ours
    assert posting.report == ours and posting.digest == report_digest(desk.domain, ours)
    assert posting.place == (made.manifest, (leaf_of(desk.domain, other),))
    assert posting.signatures == b"".join(desk.signed(bundle_digest(desk.domain, made)))
    assert (posting.posted_s, posting.final_s) == (event.time_s, event.time_s + 86_400)
    assert not posting.refuted
    assert desk.due() == []
    proven = desk.stage.chain.read(
        "PredictionOracle", "consumeProven", report_fields(ours), posting.place[1], 3_600, 10**6
    )
    assert proven.round == 1


def test_reports_alone_and_in_bundles_are_listed_in_their_order_each_once(desk: Desk) -> None:
    """A report that is settled, or was posted by two at the same time, is one report; a filter applies to all."""
    first, second, third = (desk.report(at) for at in (1, 2, 3))
    desk.bundle(first)
    desk.alone(second)
    desk.bundle(second, third)
    path = next(one.place[1] for one in desk.listed() if one.report == third)
    desk.stage.chain.write(desk.stage.hospital, "PredictionOracle", "settle", report_fields(third), path)

    assert [one.report for one in desk.listed()] == [first, second, third]
    assert [one.place == ALONE for one in desk.listed()] == [False, True, False]
    assert [one.report for one in desk.listed(round=2)] == [second]
    assert desk.listed(model=bytes(32)) == []
    assert desk.latest() == third
    with pytest.raises(Denied):
        posted_report(desk.stage.chain, desk.store, first.twin_id, first.model, 9)


def test_the_newer_of_slot_and_bundle_is_the_newest(desk: Desk) -> None:
    """Whichever was posted last."""
    desk.bundle(desk.report(1))
    alone = desk.alone(desk.report(2))
    assert desk.latest() == alone
    desk.bundle(late := desk.report(3))
    assert desk.latest() == late


def test_the_audit_tells_of_bundled_reports(desk: Desk) -> None:
    """One line for each that does not stand by itself, beside the bundle's own."""
    one, two = desk.report(1), desk.report(2, status=2)
    desk.bundle(one)
    desk.alone(one)
    desk.bundle(one, two, config=one.config)
    told = timeline(desk.stage.chain, {}, bundled_events(desk.stage.chain, desk.store))

    lines = [(line.what, line.purpose) for line in told if "report" in line.what]
    assert lines == [
        ("bundled reports", ""),
        ("reported", "care"),
        ("bundled reports", ""),
        ("reported", "care (no answer)"),
    ]


@pytest.mark.parametrize("change", [{"root": bytes([1] * 32)}, {"manifest": None}])
def test_a_manifest_that_does_not_give_its_root_holds_nothing(desk: Desk, change: dict[str, Any]) -> None:
    """Another root was signed with it, or another list of reports, or no list at all."""
    junk = desk.store.put(b"junk")
    desk.bundle(desk.report(1), **{name: value or junk for name, value in change.items()})

    assert desk.listed() == []
    assert desk.due() == [(desk.twin.twin_id, Rate.model_digest, 1)]
    with pytest.raises(NotFound):
        desk.latest()


def test_a_manifest_that_is_missing_stops_only_what_it_may_concern(
    desk: Desk, recorded: Callable[..., Readings]
) -> None:
    """The newest report cannot be told for five minutes; what is listed is, and then it is left out."""
    desk.alone(known := desk.report(1))
    desk.twin.publish(recorded())
    _, block = desk.bundle(desk.report(2), keep=False)
    standing = Standing(desk.stage.chain, desk.store)
    standing.look()
    desk.stage.travel(10)

    assert [one.report for one in desk.listed()] == [known]
    with pytest.raises(StorageError) as caught:
        desk.latest()
    assert caught.value.kind == "missing_block"
    assert standing.may_hold(desk.report(2, as_of_s=known.as_of_s)) and not standing.holds(desk.report(2))
    assert not standing.may_hold(desk.report(3))  # on data of a later time
    desk.stage.travel(HIDDEN_AFTER_S)
    anchored._awaited.clear()  # two seconds later
    standing.look()
    assert desk.latest() == known and standing.awaited == []
    desk.store.put(block)
    anchored._hidden.clear()  # a minute later
    assert desk.latest().round == 2


def test_a_list_belongs_into_the_store(desk: Desk) -> None:
    """The chain names it: it is no surplus, and missed where it is not."""
    made, _ = desk.bundle(desk.report(1))
    before = [one for one in reconcile(desk.stage.chain, [desk.store], mend=False) if one.digest == made.manifest]
    desk.store.remove(made.manifest)
    after = [one.what for one in reconcile(desk.stage.chain, [desk.store], mend=False) if one.digest == made.manifest]

    assert (before, after) == ([], ["missing or damaged"])


def test_a_missing_manifest_hides_no_report_on_the_newest_data(desk: Desk) -> None:
    """No newer round can be in it: there are no batches for one."""
    desk.alone(known := desk.report(1))
    desk.bundle(desk.report(1, twin_id=5), keep=False)

    assert desk.latest() == known


def test_what_was_read_is_not_read_again(desk: Desk) -> None:
    """Manifests once each; events only from where a reorganisation may reach."""
    reads, asked = list[bytes](), list[int]()
    desk.bundle(desk.report(1))
    standing = Standing(Asked(desk.stage.chain, asked), Read(desk.store, reads))  # type: ignore[arg-type]
    for _ in range(LOOK_BACK + 3):
        desk.stage.travel(1)
    found = [standing.look(), standing.look()]
    desk.bundle(desk.report(4))
    found.append(standing.look())

    subject = (desk.twin.twin_id, Rate.model_digest)
    assert [one[subject] for one in found] == [1, 1, 4]
    assert len(reads) == 2
    assert asked[0] == 0 and min(asked[1:]) > 1


class Asked:
    """A chain that says from where it was asked for events."""

    def __init__(self, chain: Any, since: list[int]) -> None:
        self._chain, self._since = chain, since

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def events(self, *args: Any, since: int = 0, **more: Any) -> Sequence[Any]:
        """As the chain says."""
        self._since.append(since)
        found: Sequence[Any] = self._chain.events(*args, since=since, **more)
        return found


class Read:
    """A store that says what was read."""

    def __init__(self, store: MemoryStore, reads: list[bytes]) -> None:
        self._store, self._reads = store, reads

    def get(self, digest: bytes) -> bytes:
        """As stored."""
        self._reads.append(digest)
        return self._store.get(digest)
