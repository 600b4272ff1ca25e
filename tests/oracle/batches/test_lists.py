"""What epochs list is in the index: found by twin, the same as without it, and gone with the blocks that a chain drops."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oracle.adapters.index import EventIndex, IndexedChain
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches import anchored
from oracle.batches.anchored import anchored_batches
from oracle.batches.edge import take, turn
from oracle.batches.publish import prepare
from oracle.errors import StorageError
from oracle.formats import merkle
from oracle.formats.epochs import epoch_leaf, pack_manifest
from oracle.formats.typed_data import Domain, batch_digest
from oracle.records import Batch, Deployment, Readings
from oracle.reports.lists import read_lists
from tests.simulation.endpoint import Endpoint
from tests.simulation.ledger import ADDRESSES, CHAIN_ID, START_S, Ledger

from .ward import Ward, recorded_later, second_device

GATEWAY, DEVICE, OWNERS = new_signer(), new_signer(), {twin: new_signer().address for twin in (1, 2)}


class Fair:
    """A network on which nothing happens."""

    def call(self) -> None:
        """Nothing."""

    def lag(self) -> int:
        """None."""
        return 0


class Read(MemoryStore):
    """A store that counts what is asked for."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.blocks, self.asked = store.blocks, list[bytes]()

    def get(self, digest: bytes) -> bytes:
        """As the other."""
        self.asked.append(digest)
        return super().get(digest)


def test_a_twins_batches_are_found_by_the_lists_that_name_it(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """Three epochs, one of them another patient's: who looks for the first reads two lists, and finds the same."""
    other, other_twin = second_device(ward, tmp_path)
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    for outgoing in (first, prepare(other, recorded()), second):
        take(ward.gateway, outgoing)
        turn(ward.gateway)
    index = EventIndex(f"sqlite:///{tmp_path}/index.sqlite", ward.chain.deployment)
    index.follow(ward.chain)
    assert isinstance(ward.gateway.store, MemoryStore)
    assert read_lists(ward.chain, ward.gateway.store, index) == 3
    assert read_lists(ward.chain, ward.gateway.store, index) == 0, "each is read once"

    store, chain, twin_id = Read(ward.gateway.store), IndexedChain(ward.chain, index), ward.twin.twin_id
    anchored._read.cache.clear()
    found: Any = anchored_batches(chain, twin_id, store)  # type: ignore[arg-type]
    assert found == ward.batches() and len(found) == 2
    assert len(store.asked) == 2
    assert [one.args["batch"]["sequence"] for one in index.entries("EpochAnchored", twin_id=twin_id)] == [1, 2]
    assert [one.args["twinId"] for one in index.entries("EpochAnchored", newest=2)] == [other_twin, twin_id]
    index.close()


def test_lists_go_with_the_blocks_that_a_chain_drops(tmp_path: Path) -> None:
    """And a list that has not arrived is read when it has."""
    anchored._awaited.clear()
    store = MemoryStore()
    ledger = Ledger([], OWNERS, set(), lambda manifest: (), [GATEWAY.address])
    for device in (GATEWAY, DEVICE):
        ledger.submit(OWNERS[1], "pair", device.address, 1, START_S + 10**6)
    ledger.submit(GATEWAY.address, "admit", GATEWAY.address)
    ledger.mine(START_S + 10)
    domain = Domain(CHAIN_ID, ADDRESSES["DataAnchor"])
    batch = Batch(1, 1, bytes(32), b"d" * 32, b"r" * 32, 3, START_S, START_S)
    signed = [(batch, DEVICE.sign_digest(batch_digest(domain, batch)))]
    manifest, root = pack_manifest(signed), merkle.root([epoch_leaf(domain, *one) for one in signed])
    chain = Endpoint(ledger, Fair())
    index = EventIndex(f"sqlite:///{tmp_path}/index.sqlite", Deployment(CHAIN_ID, b"\1" * 32, 0, dict(ADDRESSES)))
    ledger.submit(GATEWAY.address, "anchorEpoch", (root, 1, hashlib.sha256(manifest).digest()))
    ledger.mine(START_S + 20)
    index.follow(chain)

    assert read_lists(chain, store, index) == 0
    anchored._awaited.clear()
    store.put(manifest)
    assert read_lists(chain, store, index) == 1
    (event,) = index.entries("EpochAnchored", twin_id=1)
    assert (event.args["device"], event.args["epoch"]) == (DEVICE.address, 1)
    assert index.entries("EpochAnchored", twin_id=2) == []
    (old,) = index.events("EpochAnchor", "EpochAnchored", since=0, until=99, match={})
    del ledger.blocks[-1]
    for later in (30, 40):
        ledger.mine(START_S + later)
    index.follow(chain)
    index.put_list(old, [(1, {})])

    assert index.entries("EpochAnchored") == []
    index.close()


def test_a_store_that_does_not_answer_is_told(tmp_path: Path, ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Nothing is noted, and the next look finds it."""

    class Silent(MemoryStore):
        def get(self, digest: bytes) -> bytes:
            raise StorageError("the store does not answer")

    (first,) = ward.seal(recorded())
    take(ward.gateway, first)
    turn(ward.gateway)
    index = EventIndex(f"sqlite:///{tmp_path}/index.sqlite", ward.chain.deployment)
    index.follow(ward.chain)
    anchored._read.cache.clear()
    with pytest.raises(StorageError):
        read_lists(ward.chain, Silent(), index)
    assert read_lists(ward.chain, ward.gateway.store, index) == 1
    index.close()
