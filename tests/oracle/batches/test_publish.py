"""Publishing: interrupted anywhere it goes on, each batch anchored exactly once, and nothing unfit leaves the device."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches.fetch import anchored_batches
from oracle.batches.publish import Edge, prepare, publish, resume, send
from oracle.errors import ChainError, InputError, MedtwinError, RevertedError, StorageError, VerificationError
from oracle.formats.typed_data import Domain, batch_digest, recovers_to
from oracle.records import Readings
from oracle.rights.pair import unpair

if TYPE_CHECKING:
    from ..conftest import Twin


class Killed(Exception):
    """The process died here."""


class Breaking:
    """Stands before a real thing and dies once, before or after a named method."""

    def __init__(self, real: Any, method: str, *, after: bool) -> None:
        self._real, self._method, self._after = real, method, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._method:
            return found

        def once(*args: Any, **options: Any) -> Any:
            self._method = ""
            if self._after:
                found(*args, **options)
            raise Killed

        return once


def outbox(twin: Twin, path: Path) -> SqliteOutbox:
    """The device's outbox in a file of its own."""
    return SqliteOutbox(path, twin.device.address, twin.stage.chain.address("DataAnchor"))


def settled(twin: Twin, edge: Edge, count: int) -> None:
    """`count` batches stand on the chain, in one sequence, each in the store; nothing is pending."""
    found = anchored_batches(twin.stage.chain, twin.twin_id)
    assert [one.batch.sequence for one in found] == list(range(1, count + 1))
    assert [one.batch.previous for one in found] == [bytes(32), *(one.batch.digest for one in found[:-1])]
    assert all(edge.store.has(one.batch.digest) for one in found)
    assert edge.outbox.pending() == []


def test_publish_anchors_what_the_device_signed(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """Sequence 1, no predecessor, the times and the count of the readings, the device's signature."""
    readings = recorded()
    (published,) = publish(twin.edge, [readings])
    batch = published.outgoing.batch
    domain = Domain(twin.stage.chain.chain_id, twin.stage.chain.address("DataAnchor"))

    assert (batch.sequence, batch.previous, batch.readings) == (1, bytes(32), len(readings))
    assert (batch.start_s, batch.end_s) == (int(readings.time_ms[0]) // 1000, int(readings.time_ms[-1]) // 1000)
    assert recovers_to(batch_digest(domain, batch), published.outgoing.signature, twin.device.address)
    assert published.mined is not None
    settled(twin, twin.edge, 1)


STEPS = [
    ("outbox", "add", False), ("outbox", "add", True), ("store", "put", False), ("store", "put", True),
    ("chain", "write", False), ("chain", "write", True), ("outbox", "done", False), ("outbox", "done", True),
]  # fmt: skip


@pytest.mark.parametrize(("part", "method", "after"), STEPS)
def test_publish_killed_at_any_step_anchors_exactly_once(
    twin: Twin, recorded: Callable[..., Readings], part: str, method: str, after: bool
) -> None:
    """The next run sends what was sealed and no more, however often it is run; the batch after it follows."""
    readings = recorded()
    breaking = replace(twin.edge, **{part: Breaking(getattr(twin.edge, part), method, after=after)})
    with pytest.raises(Killed):
        list(publish(breaking, [readings]))
    sealed = twin.edge.outbox.last()

    resumed = list(resume(twin.edge)) + list(resume(twin.edge))
    if sealed is None:  # died before the outbox: nothing was sealed for good, so the readings are sent anew
        assert (method, after) == ("add", False)
        assert resumed == [] and anchored_batches(twin.stage.chain, twin.twin_id) == []
        list(publish(twin.edge, [readings]))
    settled(twin, twin.edge, 1)
    if sealed is not None:
        assert anchored_batches(twin.stage.chain, twin.twin_id)[0].batch == sealed.batch
    twin.stage.travel(10)
    list(publish(twin.edge, [recorded()]))
    settled(twin, twin.edge, 2)


def test_resume_of_an_anchored_batch_sends_no_transaction(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """Anchored but not marked done: told apart from a new one by the chain itself."""
    breaking = replace(twin.edge, outbox=Breaking(twin.edge.outbox, "done", after=False))
    with pytest.raises(Killed):
        list(publish(breaking, [recorded()]))

    (resumed,) = resume(twin.edge)

    assert resumed.mined is None


def test_resume_sends_several_pending_batches_in_order(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """A device that was offline sealed three batches; they go out as 1, 2, 3."""
    for _ in range(3):
        prepare(twin.edge, recorded())
        twin.stage.travel(10)

    assert [one.outgoing.batch.sequence for one in resume(twin.edge)] == [1, 2, 3]
    settled(twin, twin.edge, 3)


def test_publish_sends_what_is_pending_before_the_new(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """Order is kept over an interruption."""
    prepare(twin.edge, recorded())
    twin.stage.travel(10)

    assert [one.outgoing.batch.sequence for one in publish(twin.edge, [recorded()])] == [1, 2]


def test_a_new_outbox_goes_on_from_the_chain(twin: Twin, recorded: Callable[..., Readings], tmp_path: Path) -> None:
    """A device that lost its outbox continues the sequence and the chain of digests, and its order of time."""
    first = twin.publish(recorded())[0]
    bare = replace(twin.edge, outbox=outbox(twin, tmp_path / "new.sqlite"))
    with pytest.raises(InputError) as caught:
        prepare(bare, recorded(end_ms=first.batch.end_s * 1000 - 5_000))
    assert caught.value.kind == "clock_backwards"
    twin.stage.travel(10)
    list(publish(bare, [recorded()]))

    settled(twin, bare, 2)


def test_an_outbox_of_another_deployment_is_not_mixed_in(twin: Twin, recorded: Any, tmp_path: Path) -> None:
    """Batches of a chain that was thrown away stay where they are; the same file serves both."""
    path = tmp_path / "shared.sqlite"
    old = replace(twin.edge, outbox=SqliteOutbox(path, twin.device.address, "another deployment"))
    prepare(old, recorded())
    now = replace(twin.edge, outbox=outbox(twin, path))

    assert now.outbox.pending() == [] and now.outbox.last() is None
    assert len(old.outbox.pending()) == 1


def test_the_outbox_survives_reopening(twin: Twin, recorded: Callable[..., Readings], tmp_path: Path) -> None:
    """Block, signature and statement come back to the bit; a done block is no longer kept."""
    path = tmp_path / "mine.sqlite"
    edge = replace(twin.edge, outbox=outbox(twin, path))
    outgoing = prepare(edge, recorded())

    assert outbox(twin, path).pending() == [outgoing] == [outbox(twin, path).last()]
    send(edge, outgoing)
    assert outbox(twin, path).pending() == []
    assert outbox(twin, path).last() == replace(outgoing, block=b"")
    assert (path.stat().st_mode & 0o777) == 0o600


def test_a_device_key_used_elsewhere_is_detected(twin: Twin, recorded: Callable[..., Readings], tmp_path: Path) -> None:
    """Another batch at the same number of the same device: the key was copied, and that is said."""
    copy = replace(twin.edge, outbox=outbox(twin, tmp_path / "copy.sqlite"))
    mine = prepare(twin.edge, recorded())
    list(publish(copy, [recorded(heart=99)]))

    with pytest.raises(VerificationError) as caught:
        send(twin.edge, mine)
    assert caught.value.kind == "device_equivocated"
    twin.stage.travel(10)
    list(publish(copy, [recorded()]))
    with pytest.raises(VerificationError):
        list(resume(twin.edge))
    assert len(anchored_batches(twin.stage.chain, twin.twin_id)) == 2


def unfit(make: Callable[..., Readings], **columns: Any) -> Readings:
    """A recording with some of its columns replaced."""
    return replace(make(), **columns)


def test_unfit_readings_leave_nothing_behind(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """Each kind of bad recording is refused before sealing: outbox, store and chain stay empty."""
    good, now_ms = recorded(), twin.stage.now_s() * 1000
    big = np.iinfo(np.int64)
    cases: dict[str, list[Readings]] = {
        "empty": [unfit(recorded, time_ms=good.time_ms[:0], channel=good.channel[:0], value_e6=good.value_e6[:0])],
        "unknown_channel": [
            unfit(recorded, channels=("heart_rate", "mood")), unfit(recorded, channel=good.channel + np.uint8(2)),
        ],
        "clock_backwards": [
            unfit(recorded, time_ms=good.time_ms[::-1].copy()),
            unfit(recorded, time_ms=np.sort(np.full(8, -5_000, np.int64))),
            unfit(recorded, time_ms=np.array([big.max, big.min] * 4)),
        ],
        "in_future": [
            unfit(recorded, time_ms=np.full(8, now_ms + 1000)), unfit(recorded, time_ms=np.full(8, big.max)),
            unfit(recorded, time_ms=np.array([big.min] * 4 + [big.max] * 4)),
        ],
        "implausible": [
            unfit(recorded, value_e6=np.full(8, value)) for value in (-1, big.max, big.min, 14_999_999, 350_000_001)
        ],
    }  # fmt: skip
    for kind, readings in cases.items():
        for one in readings:
            with pytest.raises(InputError) as caught:
                list(publish(twin.edge, [one]))
            assert caught.value.kind == kind
            assert caught.value.hint
    assert twin.edge.outbox.last() is None
    assert isinstance(twin.edge.store, MemoryStore) and twin.edge.store.blocks == {}
    assert anchored_batches(twin.stage.chain, twin.twin_id) == []


def test_a_batch_before_the_last_one_is_refused(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """Time never runs backwards over batches either."""
    end = twin.publish(recorded())[0].batch.end_s

    with pytest.raises(InputError) as caught:
        prepare(twin.edge, recorded(end_ms=end * 1000 - 2_000))
    assert caught.value.kind == "clock_backwards"


def test_a_store_that_fails_keeps_the_batch(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """What could not be stored is not anchored: a digest on the chain without a block would be a loss for ever."""

    class Full(MemoryStore):
        def put(self, block: bytes) -> bytes:
            raise StorageError("no space left")

    with pytest.raises(StorageError):
        list(publish(replace(twin.edge, store=Full()), [recorded()]))

    assert anchored_batches(twin.stage.chain, twin.twin_id) == []
    assert len(twin.edge.outbox.pending()) == 1


def test_a_chain_that_is_away_keeps_the_batch(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """The batch waits, sealed once, until the chain is back."""

    class Away:
        def __getattr__(self, name: str) -> Any:
            if name == "write":
                raise ChainError("nobody answers")
            return getattr(twin.stage.chain, name)

    with pytest.raises(ChainError):
        list(publish(replace(twin.edge, chain=Away()), [recorded()]))  # type: ignore[arg-type]

    list(resume(twin.edge))
    settled(twin, twin.edge, 1)


def test_a_device_that_was_cut_off_anchors_nothing(twin: Twin, recorded: Callable[..., Readings]) -> None:
    """The chain says no by name; the batch stays in the outbox."""
    unpair(twin.stage.chain, twin.patient, twin.device.address)

    with pytest.raises(RevertedError) as caught:
        list(publish(twin.edge, [recorded()]))
    assert caught.value.error == "UnpairedDevice"
    assert len(twin.edge.outbox.pending()) == 1


def test_a_stranger_cannot_publish_for_the_twin(twin: Twin, recorded: Any, tmp_path: Path) -> None:
    """A device that is not paired speaks for no twin."""
    other = new_signer()
    box = SqliteOutbox(tmp_path / "other.sqlite", other.address, "x")

    with pytest.raises(MedtwinError) as caught:
        list(publish(replace(twin.edge, device=other, outbox=box, random_bytes=os.urandom), [recorded()]))
    assert caught.value.kind == "UnpairedDevice"
