"""Two real IPFS nodes hold the same blocks: one may be lost or damaged, an erasure reaches both, the chain says what belongs there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from bench.keepers import published_twin
from oracle.adapters.cid import cid_of
from oracle.adapters.failover import FailoverStore
from oracle.adapters.ipfs import IpfsStore
from oracle.adapters.ipfs_node import ipfs_node
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches.fetch import fetch
from oracle.batches.publish import Edge, publish
from oracle.batches.reconcile import reconcile, tally
from oracle.custody.erase import erase, verify_certificate
from oracle.errors import MedtwinError, StorageError
from oracle.formats.envelope import parse_header, seal_beside
from oracle.records import Category, Channel, Readings, TwinClass
from oracle.rights.consent import DAY_S
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.serve.demo.world import world

TOOLS = Path(__file__).parents[2] / ".tools"
CHANNEL = Channel("heart_rate", "/min", 0, 350)


@pytest.fixture(scope="module")
def repos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The nodes' folders."""
    return [tmp_path_factory.mktemp("ipfs") / f"repo-{number}" for number in range(2)]


@pytest.fixture(scope="module")
def nodes(repos: list[Path]) -> Iterator[list[str]]:
    """Two nodes."""
    with ipfs_node(TOOLS, repo=repos[0]) as one, ipfs_node(TOOLS, repo=repos[1]) as two:
        yield [one, two]


@pytest.fixture
def store(nodes: list[str]) -> Iterator[FailoverStore]:
    """Both as one store."""
    with closing(IpfsStore(nodes[0])) as one, closing(IpfsStore(nodes[1])) as two:
        yield FailoverStore([one, two])


def windows(block: bytes) -> list[bytes]:
    """Pieces of a block of which not one may be left; the start is the same in all blocks."""
    return [block[at : at + 48] for at in range(len(block) // 2, len(block) - 48, 48)]


def test_two_nodes_hold_a_twin_until_it_is_erased(store: FailoverStore, repos: list[Path], tmp_path: Path) -> None:
    """Published to both; read with either gone or damaged; reconciled with the chain; after the erasure no byte is in either."""
    with world("embedded", "embedded", tmp_path) as made:
        owner, device = made.person("owner"), new_signer()
        twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
        mint(made.chain, owner, twin_id)
        pair(made.chain, owner, device, twin_id, made.chain.head().time_s + DAY_S)
        keys = {one.address: one.public_key(twin_id) for one in made.custodians}
        edge = Edge(
            made.chain, store, SqliteOutbox(":memory:", device.address, "test"), device, made.hospital, twin_id, (CHANNEL,),
            int(Category.VITALS), keys, 2, os.urandom,
        )  # fmt: skip
        end = made.chain.head().time_s * 1000
        times = np.arange(end - 60_000, end, 1000, dtype=np.int64)
        values = np.full(len(times), 70_000_000, np.int64)
        list(publish(edge, [Readings("test/1", (CHANNEL.name,), times, np.zeros(len(times), np.uint8), values)]))
        digest = made.chain.events("DataAnchor", "BatchAnchored", twinId=twin_id)[0].args["batch"]["digest"]
        block = store.get(digest)
        assert all(one.has(digest) for one in store.stores)
        assert list(reconcile(made.chain, store.stores, mend=False)) == []

        def read() -> int:
            found = fetch(
                made.chain,
                store,
                made.custodians,
                owner,
                twin_id=twin_id,
                purpose=1,
                category=1,
                random_bytes=os.urandom,
            )
            return len(found[0].readings)

        file = next(one for one in repos[0].rglob("*") if one.is_file() and one.read_bytes() == block)
        file.write_bytes(block[:-1] + bytes([block[-1] ^ 1]))
        assert read() == len(times)  # the other node has it whole
        store.stores[1].remove(digest)
        with pytest.raises(MedtwinError):
            read()
        store.stores[1].put(block)
        (damaged,) = reconcile(made.chain, store.stores, mend=True)
        assert damaged.mended and damaged.digest == digest
        assert list(reconcile(made.chain, store.stores, mend=False)) == [] and read() == len(times)

        certificate = erase(made.chain, store, made.custodians, owner, twin_id, made.chain.deployment.genesis)

        verify_certificate(made.chain, store, certificate)
        left = b"".join(one.read_bytes() for repo in repos for one in repo.rglob("*") if one.is_file())
        assert not any(piece in left for piece in windows(block))
        store.stores[0].put(block)  # somebody brings it back
        (found,) = reconcile(made.chain, store.stores, mend=True)
        assert (found.what, found.mended) == ("erased, but there", True)
        assert not store.has(digest)


def test_pins_are_held_against_the_chain(store: FailoverStore, tmp_path: Path) -> None:
    """Unpinned, pinned directly, named by nothing, beside an erased batch: each is told, and mended as it should be."""
    first, second = store.stores
    with world("embedded", "embedded", tmp_path) as made:
        owner = made.person("owner")
        twin_id = published_twin(made.chain, store, made.custodians, owner, made.hospital)
        digests = [event.args["batch"]["digest"] for event in made.chain.events("DataAnchor", "BatchAnchored")]
        header = parse_header(store.get(digests[0]))
        keys = {one.address: one.public_key(twin_id) for one in made.custodians}
        why = seal_beside(b"why", header.context, keys, 2, os.urandom).block
        reasons = store.put(why)

        def told(mend: bool = False, clear: bool = False) -> set[tuple[str, bytes, str, str, bool]]:
            found = reconcile(made.chain, store.stores, mend=mend, clear=clear)
            return {(one.store, one.digest, one.what, one.pin, one.mended) for one in found}

        assert told() == set()  # the reasons lie beside a batch
        first._client.lines("pin/rm", cid_of(digests[0]))
        second._client.lines("pin/rm", cid_of(digests[1]))
        second._client.lines("pin/add", cid_of(digests[1]), recursive="false")
        stray = second.put(b"of a device that died before it anchored")
        unpinned = (first.describe(), digests[0], "not pinned", "")
        surplus = (second.describe(), stray, "named by nothing", "recursive")
        assert told() == {(*unpinned, False), (*surplus, False)}
        assert [astuple(one)[1:] for one in tally(made.chain, store.stores)] == [
            (2, 0, 0, 0, 0, 1, 0, 0), (3, 1, 0, 0, 0, 0, 0, 1),
        ]  # fmt: skip

        assert told(mend=True) == {(*unpinned, True), (*surplus, False)}
        assert told(clear=True) == {(*surplus, True)}
        assert told() == set() and second.pins()[digests[1]] == "direct"
        erase(made.chain, store, made.custodians, owner, twin_id, made.chain.deployment.genesis)
        assert told() == set() and not store.has(reasons)
        store.put(why)  # a node that did not know yet
        left = {(one.describe(), reasons, "erased, but there", "recursive") for one in store.stores}
        assert told(mend=True) == {(*one, True) for one in left}
        assert told() == set() and not store.has(reasons)


class Away(MemoryStore):
    """Nobody reaches it to remove."""

    def remove(self, _: bytes) -> None:
        """Fail."""
        raise StorageError("nobody answers", kind="store_unreachable")


def test_a_copy_that_cannot_be_removed_is_told_and_keeps_no_other() -> None:
    """An erasure is not done while one store is away; what can go is gone."""
    away, whole = Away(), MemoryStore()
    store = FailoverStore([away, whole])
    digest = store.put(b"block")
    with pytest.raises(StorageError):
        store.remove(digest)
    assert not whole.has(digest) and store.has(digest)
