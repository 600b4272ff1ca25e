"""One battery for the stores that need no node: what every content store must do."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from oracle.adapters.memory import MemoryStore
from oracle.adapters.store import MAX_BLOCK_BYTES, EmbeddedStore
from oracle.errors import InputError, StorageError, VerificationError

Tested = EmbeddedStore | MemoryStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The embedded store's file."""
    return tmp_path / "deep" / "store.sqlite"


@pytest.fixture(params=["embedded", "memory"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[Tested]:
    """An empty store."""
    if request.param == "memory":
        yield MemoryStore()
    else:
        with closing(EmbeddedStore(path)) as opened:
            yield opened


def replace(store: Tested, path: Path, digest: bytes, block: bytes) -> None:
    """Put other bytes where a block lies, behind the store's back."""
    if isinstance(store, MemoryStore):
        store.blocks[digest] = block
        return
    with closing(sqlite3.connect(path)) as database, database:
        changed = database.execute("UPDATE block SET bytes = ? WHERE digest = ?", (block, digest))
        assert changed.rowcount == 1


@pytest.mark.parametrize("block", [b"", b"\x00", b"readings", bytes(MAX_BLOCK_BYTES)])
def test_put_returns_sha256_and_get_the_block(store: Tested, block: bytes) -> None:
    """Blocks of every allowed size come back, addressed by their SHA-256."""
    digest = store.put(block)

    assert digest == hashlib.sha256(block).digest()
    assert store.has(digest)
    assert store.get(digest) == block


def test_put_twice_changes_nothing(store: Tested) -> None:
    """The same block has the same digest, and one removal removes it."""
    assert store.put(b"readings") == store.put(b"readings")

    store.remove(hashlib.sha256(b"readings").digest())

    assert not store.has(hashlib.sha256(b"readings").digest())


def test_put_too_large_is_refused(store: Tested) -> None:
    """One byte above 1 MiB is refused and nothing is stored."""
    block = bytes(MAX_BLOCK_BYTES + 1)

    with pytest.raises(InputError) as caught:
        store.put(block)

    assert caught.value.kind == "too_large"
    assert not store.has(hashlib.sha256(block).digest())


@pytest.mark.parametrize("position", [0, 7, 63])
def test_get_flipped_bit_is_refused(store: Tested, path: Path, position: int) -> None:
    """Any flipped bit is found, and putting the true block again repairs it."""
    block = bytearray(b"readings")
    digest = store.put(bytes(block))
    block[position // 8] ^= 1 << position % 8
    replace(store, path, digest, bytes(block))

    with pytest.raises(VerificationError) as caught:
        store.get(digest)

    assert caught.value.kind == "corrupted_block"
    store.put(b"readings")
    assert store.get(digest) == b"readings"


@pytest.mark.parametrize("other", [b"", b"reading", b"readings\x00", b"another block"])
def test_get_exchanged_block_is_refused(store: Tested, path: Path, other: bytes) -> None:
    """Truncated, extended or exchanged bytes are found."""
    digest = store.put(b"readings")
    replace(store, path, digest, other)

    with pytest.raises(VerificationError):
        store.get(digest)


def test_get_missing_block_is_refused(store: Tested) -> None:
    """A block that was never there is a storage error with a next step."""
    with pytest.raises(StorageError) as caught:
        store.get(bytes(32))

    assert caught.value.kind == "missing_block"
    assert caught.value.hint


def test_remove_erases_one_block_and_may_be_repeated(store: Tested) -> None:
    """Only the named block goes; removing what is not there is no error."""
    gone, kept = store.put(b"gone"), store.put(b"kept")

    store.remove(gone)
    store.remove(gone)

    assert not store.has(gone)
    assert store.get(kept) == b"kept"


def test_embedded_store_keeps_blocks_between_openings(path: Path) -> None:
    """A block outlives the object that stored it."""
    with closing(EmbeddedStore(path)) as first:
        digest = first.put(b"readings")

    with closing(EmbeddedStore(path)) as second:
        assert second.get(digest) == b"readings"


def test_embedded_store_remove_leaves_no_bytes_on_disk(path: Path) -> None:
    """After a removal no file of the store holds the block's bytes."""
    secret = b"a block to be forgotten" * 500
    with closing(EmbeddedStore(path)) as store:
        digest = store.put(secret)
        assert any(secret[:23] in file.read_bytes() for file in path.parent.iterdir())

        store.remove(digest)

        assert not any(secret[:23] in file.read_bytes() for file in path.parent.iterdir())


def test_embedded_store_serves_many_threads(path: Path) -> None:
    """Eight threads writing and reading through one store lose nothing."""
    blocks = [bytes([number]) * 100 for number in range(64)]
    with closing(EmbeddedStore(path)) as store, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda block: store.get(store.put(block)), blocks))

    assert found == blocks


def test_embedded_store_full_disk_is_a_storage_error(path: Path) -> None:
    """A full disk is reported with a hint; what was stored before stays."""
    with closing(EmbeddedStore(path)) as store:
        digest = store.put(b"before")
        store._database.execute("PRAGMA max_page_count = 1")  # SQLite keeps to the pages in use: the next is refused

        with pytest.raises(StorageError) as caught:
            store.put(bytes(MAX_BLOCK_BYTES))

        assert caught.value.kind == "store_failed"
        assert "disk space" in caught.value.hint
        assert store.get(digest) == b"before"


def test_embedded_store_on_a_foreign_file_is_a_storage_error(tmp_path: Path) -> None:
    """A file that is no database is named as such, and left alone."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"these are notes, not a database" * 100)

    with pytest.raises(StorageError) as caught:
        EmbeddedStore(path)

    assert "not a Medtwin store" in caught.value.hint
    assert path.read_bytes().startswith(b"these are notes")


def test_embedded_store_below_a_file_is_a_storage_error(tmp_path: Path) -> None:
    """A folder that cannot be made is a storage error, not a traceback."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError):
        EmbeddedStore(tmp_path / "file" / "store.sqlite")
