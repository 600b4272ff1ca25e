"""What counts of what gateways posted, and what is not known yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cachetools import TTLCache

from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches import anchored
from oracle.batches.anchored import (
    ASKED_AGAIN_S,
    AWAITED_AGAIN_S,
    HIDDEN_AFTER_S,
    anchored_batches,
    awaited_since,
    batch_count,
    batch_counts,
    batched_twins,
    certain_batches,
    gap_in,
)
from oracle.batches.edge import take, turn
from oracle.batches.publish import prepare
from oracle.errors import StorageError
from oracle.formats import merkle
from oracle.formats.epochs import epoch_leaf, pack_manifest
from oracle.formats.typed_data import Domain
from oracle.records import Outgoing, Readings, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair, unpair

from .ward import DAY_S, Ward, recorded_later, second_device

if TYPE_CHECKING:
    from oracle.adapters.keys import LocalSigner

    from ..conftest import Stage


def test_what_does_not_fit_does_not_count(ward: Ward, recorded: Callable[..., Readings], stage: Stage) -> None:
    """An epoch of a gateway nobody follows, one whose manifest is another's, a batch out of its order or twice."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    store, signer, chain = ward.gateway.store, ward.gateway.signer, ward.chain
    for one in (first, second, third):
        store.put(one.block)
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))

    def post(sender: LocalSigner, *listed: Outgoing, root: bytes | None = None) -> None:
        signed = [(one.batch, one.signature) for one in listed]
        manifest = store.put(pack_manifest(signed))
        found = root or merkle.root([epoch_leaf(domain, *one) for one in signed])
        chain.write(sender, "EpochAnchor", "anchorEpoch", (found, len(listed), manifest))

    stranger, owner = stage.person(), stage.person()
    twin = new_twin_id(TwinClass.WARD, os.urandom)
    mint(chain, owner, twin)
    pair(chain, owner, stranger, twin, stage.now_s() + DAY_S)
    for one in (stranger, signer):
        chain.write(one, "EpochAnchor", "admit", one.address)
    post(stranger, first)
    assert ward.batches() == []
    post(signer, first, root=bytes(31) + b"\1")
    post(signer, second)
    assert ward.batches() == []
    post(signer, third, first)
    post(signer, first, second)
    assert [one.batch.sequence for one in ward.batches()] == [1, 2]
    assert batch_count(chain, ward.twin.twin_id, store) == 2
    assert batch_counts(chain, [ward.twin.twin_id], store) == {ward.twin.twin_id: 2}  # others stand before and behind
    post(signer, third)
    assert [one.index for one in ward.batches()] == [1, 2, 3]


def test_a_manifest_that_is_missing_is_told(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Nothing is guessed about what an epoch holds."""
    (one,) = ward.seal(recorded())
    take(ward.gateway, one)
    turn(ward.gateway)
    (event,) = ward.epochs()
    ward.gateway.store.remove(event.args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not read it before

    with pytest.raises(StorageError) as caught:
        anchored_batches(ward.chain, ward.twin.twin_id, MemoryStore())
    assert caught.value.kind == "missing_block"


def test_a_hidden_manifest_is_waited_for_no_longer_than_it_may_take(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """Only the twin in it waits; then its next batch counts, with a gap told, until the manifest arrives."""
    other, other_twin = second_device(ward, tmp_path)
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    theirs = [prepare(other, recorded())]
    store, chain, mine = ward.gateway.store, ward.chain, ward.twin.twin_id
    manifests = []
    for taken in ([first, theirs[0]], [second], [third], []):
        if not taken:
            ward.stage.travel(10)
            theirs.append(prepare(other, recorded(end_ms=ward.stage.now_s() * 1000)))
        for one in taken or theirs[1:]:
            take(ward.gateway, one)
        turn(ward.gateway)
        manifests.append(ward.epochs()[-1].args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not post them
    seen = MemoryStore()
    for digest in (manifests[0], *manifests[2:]):
        seen.put(store.get(digest))

    with pytest.raises(StorageError):
        anchored_batches(chain, mine, seen)
    assert batched_twins(chain, seen).keys() == {mine, other_twin}
    assert awaited_since(chain, seen) == ward.epochs()[1].block
    waiting = {twin: [one.batch.digest for one in certain_batches(chain, twin, seen)] for twin in (mine, other_twin)}
    assert waiting == {mine: [first.batch.digest], other_twin: [one.batch.digest for one in theirs]}
    assert batch_counts(chain, [mine, other_twin], seen) == {mine: 1, other_twin: 2}
    ward.stage.travel(HIDDEN_AFTER_S)
    found = anchored_batches(chain, mine, seen)
    assert [one.batch.digest for one in found] == [first.batch.digest, third.batch.digest]
    assert gap_in(found) and not gap_in(found[:1]) and not gap_in(found[1:])
    assert not gap_in(anchored_batches(chain, other_twin, seen))
    assert batch_counts(chain, [mine, other_twin], seen) == {mine: 2, other_twin: 2}
    assert awaited_since(chain, seen) is None
    whole = MemoryStore()
    for digest in manifests:
        whole.put(store.get(digest))
    found = anchored_batches(chain, mine, whole)
    assert [one.batch.sequence for one in found] == [1, 2, 3] and not gap_in(found)


def test_what_somebody_may_have_posted_in_a_missing_list_is_not_certain(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """A device goes on where it left off, with a batch from before the missing epoch: another gateway may have overheard it."""
    other, _ = second_device(ward, tmp_path)
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    for taken in (first, prepare(other, recorded()), second):
        take(ward.gateway, taken)
        turn(ward.gateway)
    ward.gateway.store.remove(ward.epochs()[1].args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not post it

    assert [one.batch for one in certain_batches(ward.chain, ward.twin.twin_id, ward.gateway.store)] == [first.batch]


def test_a_twin_with_a_silent_device_waits_for_a_manifest_that_may_name_it(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """One device goes on where it left off; another, which says nothing since, may be in what has not arrived."""
    silent = new_signer()
    mine, chain, store = ward.twin.twin_id, ward.chain, ward.gateway.store
    other, _ = second_device(ward, tmp_path)
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    pair(chain, ward.twin.patient, silent, mine, ward.stage.now_s() + DAY_S)
    for taken in (first, prepare(other, recorded()), second):
        take(ward.gateway, taken)
        turn(ward.gateway)
    store.remove(ward.epochs()[1].args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not post it

    assert [one.batch for one in certain_batches(chain, mine, store)] == [first.batch]
    unpair(chain, ward.twin.patient, silent.address)
    assert [one.batch for one in certain_batches(chain, mine, store)] == [first.batch]  # it spoke when that was posted
    ward.stage.travel(HIDDEN_AFTER_S)
    assert [one.batch for one in certain_batches(chain, mine, store)] == [first.batch, second.batch]


@pytest.mark.parametrize(("waited_s", "again_s"), [(1, AWAITED_AGAIN_S), (HIDDEN_AFTER_S, ASKED_AGAIN_S)])
def test_a_manifest_that_arrives_late_is_noticed(
    ward: Ward, recorded: Callable[..., Readings], monkeypatch: pytest.MonkeyPatch, waited_s: int, again_s: int
) -> None:
    """However often nodes look, the store is asked again soon: in seconds, and each minute once it is taken for hidden."""
    now_s = [0.0]
    for memory, ttl in (("_awaited", AWAITED_AGAIN_S), ("_hidden", ASKED_AGAIN_S)):
        monkeypatch.setattr(anchored, memory, TTLCache(10, ttl, lambda: now_s[0]))
    (first,) = ward.seal(recorded())
    take(ward.gateway, first)
    turn(ward.gateway)
    anchored._read.cache.clear()  # as in a process that did not post it
    store, mine = MemoryStore(), ward.twin.twin_id
    ward.stage.travel(waited_s)

    assert batch_count(ward.chain, mine, store) == 0
    store.put(ward.gateway.store.get(ward.epochs()[0].args["epoch"]["manifest"]))
    now_s[0] = again_s - 0.5
    assert batch_count(ward.chain, mine, store) == 0
    now_s[0] = again_s + 0.5
    assert batch_count(ward.chain, mine, store) == 1


def test_a_gap_that_no_hidden_epoch_explains_does_not_count(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """A gateway that leaves a batch out cannot have the next one counted."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    chain, signer, store = ward.chain, ward.gateway.signer, ward.gateway.store
    chain.write(signer, "EpochAnchor", "admit", signer.address)
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))
    for listed in ([first], [third]):
        signed = [(one.batch, one.signature) for one in listed]
        block = pack_manifest(signed)
        root = merkle.root([epoch_leaf(domain, *one) for one in signed])
        chain.write(signer, "EpochAnchor", "anchorEpoch", (root, len(signed), store.put(block)))
    ward.stage.travel(HIDDEN_AFTER_S)

    assert [one.batch.digest for one in ward.batches()] == [first.batch.digest] != [second.batch.digest]


def test_one_published_directly_goes_on_through_a_gateway(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """The order is the device's own, whichever way each batch took."""
    early, *later = recorded_later(recorded, ward, 3)
    ward.twin.publish(early)
    for one in ward.seal(*later):
        take(ward.gateway, one)
    turn(ward.gateway)

    found = ward.batches()
    assert [one.batch.sequence for one in found] == [1, 2, 3]
    assert [one.included is None for one in found] == [True, False, False]
