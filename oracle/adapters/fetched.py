"""What a fetch that was interrupted has already: blocks, and keys of those it opened. In one file, for its owner alone."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from pathlib import Path

from ..errors import StorageError


class SqliteFetched:
    """Implements :class:`oracle.ports.Fetched`. Nothing of it is trusted: whoever reads it verifies again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS fetched (digest BLOB PRIMARY KEY, block BLOB NOT NULL, key BLOB) STRICT"
            )
        except (OSError, sqlite3.Error) as problem:
            raise StorageError(
                f"{path} does not hold what an earlier run fetched: {problem}",
                hint="delete it, and it is fetched anew",
                kind="store_failed",
            ) from problem

    def block(self, digest: bytes) -> bytes | None:
        block = self._found("block", digest)
        return block if block is not None and hashlib.sha256(block).digest() == digest else None

    def keep_block(self, digest: bytes, block: bytes) -> None:
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO fetched VALUES (?, ?, NULL)", (digest, block))

    def key(self, digest: bytes) -> bytes | None:
        return self._found("key", digest)

    def keep_key(self, digest: bytes, key: bytes) -> None:
        with self._lock:
            self._database.execute("UPDATE fetched SET key = ? WHERE digest = ?", (key, digest))

    def forget(self) -> None:
        """Delete the file: what was fetched is where it was wanted."""
        with self._lock:
            self._database.close()
        self._path.unlink(missing_ok=True)

    def _found(self, column: str, digest: bytes) -> bytes | None:
        with self._lock:
            row = self._database.execute(f"SELECT {column} FROM fetched WHERE digest = ?", (digest,)).fetchone()
        return row[0] if row else None
