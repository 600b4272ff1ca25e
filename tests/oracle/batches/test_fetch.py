"""Fetching: the whole path, and every party on it that fails or lies."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from oracle.adapters.fetched import SqliteFetched
from oracle.adapters.keys import LocalSigner
from oracle.batches.fetch import OpenedBatch, anchored_batches, fetch
from oracle.batches.publish import anchor
from oracle.errors import CustodyDenied, NotFound, StorageError, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import parse_header, released_info, seal
from oracle.formats.merkle import proof, reading_leaves
from oracle.formats.receipts import request_digest
from oracle.formats.typed_data import Domain, batch_digest
from oracle.records import AnchoredBatch, Batch, KeyRequest, Outgoing, Readings, Release

if TYPE_CHECKING:
    from ..conftest import Twin


class Lying:
    """A custodian that answers as the true one, then changes the shares."""

    def __init__(self, true: Any, share: Callable[[bytes], bytes], count: int = 1) -> None:
        self._true, self._share, self._count = true, share, count
        self.address = true.address

    def release(self, request: KeyRequest, items: Any) -> Release:
        """Shares of its own making, properly sealed to the recipient."""
        release = self._true.release(request, items)
        made = [
            hpke.seal(request.recipient_key, self._share(bytes(33)), released_info(context, self.address, self._digest(request)))
            for context, _ in items
        ]  # fmt: skip
        return replace(release, shares=tuple(made * self._count))

    def _digest(self, request: KeyRequest) -> bytes:
        chain = self._true._endpoints.chains[0]
        return request_digest(Domain(chain.chain_id, chain.address("ConsentRegistry")), request)


class Down:
    """A custodian nobody reaches."""

    def __init__(self, address: str) -> None:
        self.address = address

    def release(self, *_: Any) -> Release:
        """What an adapter raises for a service that is away."""
        raise StorageError("nobody answers", kind="custodian_unreachable")


def get(twin: Twin, signer: LocalSigner, custodians: Any, **change: Any) -> list[OpenedBatch]:
    """Fetch the twin's vitals for care."""
    asked = {"twin_id": twin.twin_id, "purpose": 1, "category": 1, "random_bytes": os.urandom, **change}
    return fetch(twin.stage.chain, twin.edge.store, custodians, signer, **asked)


@pytest.fixture
def allowed(twin: Twin, anchored: AnchoredBatch, researcher: LocalSigner) -> LocalSigner:
    """A researcher with consent to the anchored batch."""
    twin.allow(researcher.address)
    return researcher


def test_fetch_gives_what_was_published(
    twin: Twin, allowed: LocalSigner, custodians: Any, recorded: Callable[..., Readings]
) -> None:
    """Two batches come back as recorded, oldest first, with salts that prove each reading on the chain."""
    twin.stage.travel(60)
    second = recorded(pairs=9, heart=101)
    twin.publish(second)
    opened = get(twin, allowed, custodians)

    assert [one.anchored.index for one in opened] == [1, 2]
    for column in ("time_ms", "channel", "value_e6"):
        assert np.array_equal(getattr(opened[1].readings, column), getattr(second, column))
    leaves = reading_leaves(second, opened[1].opened.salts)
    path = proof(leaves, leaves[3])
    assert twin.stage.chain.read("DataAnchor", "isReadingIn", opened[1].batch.root, path, leaves[3])


def test_fetch_asks_no_more_custodians_than_needed(twin: Twin, allowed: LocalSigner, custodians: Any) -> None:
    """Two permits for a threshold of two; the third custodian hears nothing."""
    get(twin, allowed, custodians)

    assert [len(list(one.receipts())) for one in custodians] == [1, 1, 0]


class Meeting:
    """Stands before a custodian or a store: whoever asks waits until two do."""

    def __init__(self, true: Any, met: Barrier) -> None:
        self._true, self._met = true, met

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)

    def release(self, *asked: Any) -> Release:
        """Waits for the other custodian."""
        self._met.wait()
        return self._true.release(*asked)  # type: ignore[no-any-return]

    def get(self, digest: bytes) -> bytes:
        """Waits for the other block."""
        self._met.wait()
        return self._true.get(digest)  # type: ignore[no-any-return]


def test_fetch_asks_custodians_and_gets_blocks_at_the_same_time(
    twin: Twin, allowed: LocalSigner, custodians: Any, recorded: Callable[..., Readings]
) -> None:
    """Each waits until another is asked too, which one after another would never be."""
    twin.stage.travel(60)
    twin.publish(recorded())
    asking, getting = Barrier(2, timeout=30), Barrier(2, timeout=30)
    store, meeting = Meeting(twin.edge.store, getting), [Meeting(one, asking) for one in custodians]

    opened = fetch(
        twin.stage.chain, store, meeting, allowed, twin_id=twin.twin_id, purpose=1, category=1, random_bytes=os.urandom  # type: ignore[arg-type]
    )  # fmt: skip

    assert len(opened) == 2


def test_fetch_does_not_wait_for_a_custodian_that_hangs(
    twin: Twin, allowed: LocalSigner, custodians: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while another is asked; the slow one is told of neither as a refusal nor as a release."""
    monkeypatch.setattr("oracle.batches.ask.PATIENCE_S", 0.05)
    awake, told = Event(), list[tuple[str, str]]()

    class Hanging(Down):
        def release(self, *_: Any) -> Release:
            awake.wait(60)
            raise StorageError("too late", kind="custodian_unreachable")

    try:
        opened = get(
            twin, allowed, [Hanging(custodians[0].address), *custodians[1:]], told=lambda *one: told.append(one)
        )
    finally:
        awake.set()

    assert len(opened) == 1 and told == []


def test_fetch_tells_who_refused_though_enough_released(twin: Twin, allowed: LocalSigner, custodians: Any) -> None:
    """What went wrong with one is told also where the others did."""
    told: dict[str, str] = {}
    get(twin, allowed, [Down(custodians[0].address), *custodians[1:]], told=told.__setitem__)

    assert told == {custodians[0].address: "custodian_unreachable"}


def test_fetch_goes_on_from_what_was_kept_and_verifies_it_again(
    twin: Twin, allowed: LocalSigner, custodians: Any, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """Kept, it needs neither store nor custodians; a damaged copy of a block is fetched anew, another key opens nothing."""
    file, digest = tmp_path / "fetched", anchored_batches(twin.stage.chain, twin.twin_id)[0].batch.digest
    first = get(twin, allowed, custodians, fetched=SqliteFetched(file))
    block = twin.edge.store.get(digest)
    twin.edge.store.remove(digest)

    again = get(twin, allowed, [], fetched=SqliteFetched(file))
    assert np.array_equal(again[0].readings.value_e6, first[0].readings.value_e6)

    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("UPDATE fetched SET block = ?", (block[:-1] + bytes([block[-1] ^ 1]),))
        with pytest.raises(StorageError):
            get(twin, allowed, [], fetched=SqliteFetched(file))
        twin.edge.store.put(block)
        assert len(get(twin, allowed, custodians, fetched=SqliteFetched(file))) == 1
        database.execute("UPDATE fetched SET key = ?", (bytes(32),))
    with pytest.raises(VerificationError) as caught:
        get(twin, allowed, custodians, fetched=SqliteFetched(file))
    assert caught.value.kind == "does_not_open"


@pytest.mark.parametrize("which", [0, 1, 2])
def test_fetch_goes_on_without_a_custodian_that_is_down(
    twin: Twin, allowed: LocalSigner, custodians: Any, which: int
) -> None:
    """One of three may be away, whichever."""
    some = [Down(one.address) if at == which else one for at, one in enumerate(custodians)]

    assert len(get(twin, allowed, some)) == 1


LIES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "another share": (lambda _: b"\x01" + os.urandom(32), 1), "zeros": (lambda share: share, 1),
    "nothing": (lambda _: b"", 1), "too many": (lambda share: share, 2), "too few": (lambda share: share, 0),
}  # fmt: skip


@pytest.mark.parametrize(("share", "count"), LIES.values(), ids=LIES.keys())
def test_fetch_uses_another_custodian_for_a_wrong_share_and_names_the_liar(
    twin: Twin, allowed: LocalSigner, custodians: Any, share: Callable[[bytes], bytes], count: int
) -> None:
    """A wrong share spoils nothing while two honest ones are left; with fewer the liar is named."""
    liar = Lying(custodians[0], share, count)

    assert len(get(twin, allowed, [liar, *custodians[1:]])) == 1
    with pytest.raises(CustodyDenied) as caught:
        get(twin, allowed, [liar, Down(custodians[1].address), custodians[2]])
    assert caught.value.refusals == {liar.address: "bad_share", custodians[1].address: "custodian_unreachable"}


def test_fetch_with_an_answer_for_another_request_uses_another_custodian(
    twin: Twin, allowed: LocalSigner, custodians: Any
) -> None:
    """An old answer replayed by a gateway is sealed to another key and request: it does not open."""
    kept: list[Release] = []

    class Replaying(Down):
        def release(self, request: Any, items: Any) -> Release:
            kept.append(custodians[0].release(request, items))
            return kept[0]

    replaying = Replaying(custodians[0].address)
    get(twin, allowed, [replaying, *custodians[1:]])
    get(twin, allowed, [replaying, *custodians[1:]])

    assert [len(list(one.receipts())) for one in custodians] == [2, 2, 1]


def test_fetch_without_consent_says_why(twin: Twin, anchored: AnchoredBatch, custodians: Any, stranger: Any) -> None:
    """Each custodian's reason is told, and how many were needed."""
    with pytest.raises(CustodyDenied, match="0 of the 2 key shares") as caught:
        get(twin, stranger, custodians)

    assert caught.value.refusals == {one.address: "no_consent" for one in custodians}
    assert "no_consent" in caught.value.sentence


def test_fetch_for_another_purpose_says_why(twin: Twin, allowed: LocalSigner, custodians: Any) -> None:
    """Consent for care is not consent for research."""
    with pytest.raises(CustodyDenied) as caught:
        get(twin, allowed, custodians, purpose=16)

    assert set(caught.value.refusals.values()) == {"purpose_not_covered"}


def test_fetch_with_no_custodian_at_all_is_denied(twin: Twin, allowed: LocalSigner) -> None:
    """Nobody to ask is a no with a sentence."""
    with pytest.raises(CustodyDenied, match="no custodian answered"):
        get(twin, allowed, [])


def test_fetch_refuses_a_tampered_block(twin: Twin, allowed: LocalSigner, custodians: Any, anchored: Any) -> None:
    """One flipped bit in the store is found before any custodian is asked; so is a store that does not check."""
    blocks, digest = twin.edge.store.blocks, anchored.batch.digest  # type: ignore[attr-defined]
    block = blocks[digest]
    for at in range(0, len(block), 97):
        blocks[digest] = block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
        with pytest.raises(VerificationError) as caught:
            get(twin, allowed, custodians)
        assert caught.value.kind == "corrupted_block"

    class Careless:
        def get(self, _: bytes) -> bytes:
            return bytes(blocks[digest])

    with pytest.raises(VerificationError) as caught:
        fetch(
            twin.stage.chain, Careless(), custodians, allowed, twin_id=twin.twin_id, purpose=1, category=1,  # type: ignore[arg-type]
            random_bytes=os.urandom,
        )  # fmt: skip
    assert caught.value.kind == "tampered"
    assert not any(list(one.receipts()) for one in custodians)


def test_fetch_of_a_missing_block_says_so(twin: Twin, allowed: LocalSigner, custodians: Any, anchored: Any) -> None:
    """A block that no store has is a storage error, not an empty answer."""
    twin.edge.store.remove(anchored.batch.digest)

    with pytest.raises(StorageError):
        get(twin, allowed, custodians)


def test_fetch_of_nothing_is_not_found(twin: Twin, patient: LocalSigner, custodians: Any, anchored: Any) -> None:
    """A twin without batches, and a category it has none of."""
    with pytest.raises(NotFound):
        get(twin, patient, custodians, twin_id=0x201)
    with pytest.raises(NotFound):
        get(twin, patient, custodians, category=2)


def forged(twin: Twin, content: Readings, context_change: dict[str, Any], **batch_change: Any) -> None:
    """Anchor what a dishonest device signs: a block or a statement that do not belong together."""
    chain, edge = twin.stage.chain, twin.edge
    context = parse_header(edge.store.get(anchored_batches(chain, twin.twin_id)[0].batch.digest)).context
    last = anchored_batches(chain, twin.twin_id)[-1].batch
    context = replace(context, sequence=last.sequence + 1, **context_change)
    sealed = seal(content, context, edge.custodians, edge.threshold, os.urandom)
    span = (int(content.time_ms[0]) // 1000, int(content.time_ms[-1]) // 1000)
    batch = Batch(twin.twin_id, last.sequence + 1, last.digest, sealed.block.digest, sealed.root, len(content), *span)
    batch = replace(batch, **batch_change)
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))
    signature = edge.device.sign_digest(batch_digest(domain, batch))
    edge.store.put(sealed.block.block)
    anchor(chain, edge.sender, Outgoing(batch, sealed.block.block, signature))


@pytest.mark.parametrize(("context", "batch", "kind"), [
    ({}, {"root": b"\x07" * 32}, "wrong_root"), ({}, {"readings": 9}, "wrong_root"), ({}, {"start_s": 1}, "wrong_root"),
    ({"sequence": 9}, {}, "wrong_context"), ({"twin_id": 5}, {}, "wrong_context"), ({"chain_id": 5}, {}, "wrong_context"),
    ({"device": "0x" + "1" * 40}, {}, "wrong_context"), ({"anchor": "0x" + "1" * 40}, {}, "wrong_context"),
])  # fmt: skip
def test_fetch_refuses_content_that_is_not_what_the_device_signed(
    twin: Twin, allowed: LocalSigner, custodians: Any, recorded: Any, context: Any, batch: Any, kind: str
) -> None:
    """Root, count, times and context of the opened block must be those on the chain."""
    twin.stage.travel(60)
    if "sequence" in context:
        forged_context = {"schema": "unit/1"}
        _forge_sequence(twin, recorded(), forged_context)
    else:
        forged(twin, recorded(), context, **batch)

    with pytest.raises(VerificationError) as caught:
        get(twin, allowed, custodians)
    assert caught.value.kind == kind


def _forge_sequence(twin: Twin, readings: Readings, change: dict[str, Any]) -> None:
    """A block sealed for number 3 under the statement of number 2."""
    forged(twin, readings, change)
    chain, edge = twin.stage.chain, twin.edge
    last = anchored_batches(chain, twin.twin_id)[-1].batch
    again = replace(last, sequence=last.sequence + 1, previous=last.digest)
    signed = edge.device.sign_digest(batch_digest(Domain(chain.chain_id, chain.address("DataAnchor")), again))
    anchor(chain, edge.sender, Outgoing(again, b"", signed))
