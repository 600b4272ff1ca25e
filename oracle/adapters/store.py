"""The embedded content store: one SQLite file, every read verified."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, StorageError, VerificationError
from .cid import cid_of

MAX_BLOCK_BYTES = 1 << 20
"""1 MiB: what every IPFS node takes as one block."""


def checked_block(block: bytes) -> bytes:
    """The SHA-256 digest of a block that a store may take.

    Raises
    ------
    InputError
        ``too_large``: above :data:`MAX_BLOCK_BYTES`.
    """
    if len(block) > MAX_BLOCK_BYTES:
        raise InputError(
            f"a block has at most {MAX_BLOCK_BYTES} bytes, this one has {len(block)}",
            hint="send shorter batches",
            kind="too_large",
        )
    return hashlib.sha256(block).digest()


def verified_block(block: bytes, digest: bytes, where: str) -> bytes:
    """`block`, if it hashes to `digest`.

    Raises
    ------
    VerificationError
        ``corrupted_block``: other bytes than were stored.
    """
    if hashlib.sha256(block).digest() != digest:
        raise VerificationError(
            f"{where} returned wrong bytes for block {cid_of(digest)}",
            hint="do not use them; restore the block from another copy and check the store's disk",
            kind="corrupted_block",
        )
    return block


def missing_block(digest: bytes, where: str) -> StorageError:
    """The error for a block that a store does not have."""
    return StorageError(
        f"{where} has no block {cid_of(digest)}",
        hint="it was erased, or MEDTWIN_STORE names another store than the one it was written to",
        kind="missing_block",
    )


class EmbeddedStore:
    """Implements :class:`oracle.ports.Store` in one SQLite file, for one machine.

    A put is on disk when it returns (write-ahead log, ``synchronous = FULL``);
    a removed block is overwritten (``secure_delete``) and leaves the log too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._reporting():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            try:
                for statement in (
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = FULL",
                    "PRAGMA secure_delete = ON",
                    "CREATE TABLE IF NOT EXISTS block (digest BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
                ):
                    self._database.execute(statement)
            except sqlite3.Error:
                self._database.close()
                raise

    def put(self, block: bytes) -> bytes:
        """Store durably; a block that is there but damaged is replaced."""
        digest = checked_block(block)
        with self._reporting(), self._lock:
            self._database.execute(
                "INSERT INTO block VALUES (?1, ?2)"
                " ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes WHERE bytes IS NOT excluded.bytes",
                (digest, block),
            )
        return digest

    def get(self, digest: bytes) -> bytes:
        """The block, verified."""
        with self._reporting(), self._lock:
            row = self._database.execute("SELECT bytes FROM block WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise missing_block(digest, self.describe())
        return verified_block(bytes(row[0]), digest, self.describe())

    def has(self, digest: bytes) -> bool:
        """Whether the block is here, verified or not."""
        with self._reporting(), self._lock:
            found = self._database.execute("SELECT 1 FROM block WHERE digest = ?", (digest,)).fetchone()
        return found is not None

    def remove(self, digest: bytes) -> None:
        """Erase the block from the file and from the write-ahead log."""
        with self._reporting(), self._lock:
            self._database.execute("DELETE FROM block WHERE digest = ?", (digest,))
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def pins(self) -> dict[bytes, str]:
        """Whatever is here: nothing collects it."""
        with self._reporting(), self._lock:
            found = self._database.execute("SELECT digest FROM block").fetchall()
        return {bytes(digest): "kept" for (digest,) in found}

    def describe(self) -> str:
        """The file's place."""
        return f"embedded store {self._path}"

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            raise StorageError(
                f"{self.describe()} failed: {problem}",
                hint=_hint(str(problem)),
                kind="store_failed",
            ) from problem


def _hint(problem: str) -> str:
    for part, hint in (
        ("full", "free some disk space, then try again: what was stored before is safe"),
        ("not a database", "MEDTWIN_STORE names a file that is not a Medtwin store"),
        ("malformed", "the file is damaged: restore it from a copy"),
        ("readonly", "make the file and its folder writable, or name another with MEDTWIN_STORE"),
        ("locked", "another program holds the file: close it, or use an IPFS node for many writers"),
        ("closed", "open the store again"),
    ):
        if part in problem:
            return hint
    return "check that MEDTWIN_STORE names a file in a folder that exists and is writable"
