"""What must survive a crash: a device's outbox and a node's signed rounds, in SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..records import Batch, Outgoing


def open_database(path: Path | str, *schema: str) -> sqlite3.Connection:
    """A database whose every commit is on disk before it returns; readable by its owner alone."""
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    for statement in schema:
        database.execute(statement)
    if path != ":memory:":
        Path(path).chmod(0o600)
    return database


class SqliteOutbox:
    """Implements :class:`oracle.ports.Outbox`. One file for one device on one deployment.

    `deployment` (any text that names chain, genesis and contracts) keeps batches
    of a chain that was thrown away from being sent to the next.
    """

    def __init__(self, path: Path | str, device: str, deployment: str) -> None:
        self._key = (device, deployment)
        self._database = open_database(
            path,
            """CREATE TABLE IF NOT EXISTS outgoing (
                device TEXT NOT NULL, deployment TEXT NOT NULL, sequence INTEGER NOT NULL,
                twin_id TEXT NOT NULL, previous BLOB NOT NULL, digest BLOB NOT NULL, root BLOB NOT NULL,
                readings INTEGER NOT NULL, start_s INTEGER NOT NULL, end_s INTEGER NOT NULL,
                block BLOB, signature BLOB NOT NULL, done INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (device, deployment, sequence))""",
        )

    def last(self) -> Outgoing | None:
        rows = self._rows("ORDER BY sequence DESC LIMIT 1")
        return rows[0] if rows else None

    def add(self, outgoing: Outgoing) -> None:
        batch = outgoing.batch
        self._database.execute(
            "INSERT INTO outgoing VALUES (?,?,?,?,?,?,?,?,?,?,?,?,0)",
            (
                *self._key,
                batch.sequence,
                hex(batch.twin_id),
                batch.previous,
                batch.digest,
                batch.root,
                batch.readings,
                batch.start_s,
                batch.end_s,
                outgoing.block,
                outgoing.signature,
            ),
        )

    def pending(self) -> list[Outgoing]:
        return self._rows("AND done = 0 ORDER BY sequence")

    def done(self, sequence: int) -> None:
        self._database.execute(
            "UPDATE outgoing SET done = 1, block = NULL WHERE device = ? AND deployment = ? AND sequence = ?",
            (*self._key, sequence),
        )

    def _rows(self, rest: str) -> list[Outgoing]:
        found = self._database.execute(
            "SELECT twin_id, sequence, previous, digest, root, readings, start_s, end_s, block, signature"
            f" FROM outgoing WHERE device = ? AND deployment = ? {rest}",
            self._key,
        )
        return [Outgoing(Batch(int(row[0], 16), *row[1:8]), row[8] or b"", row[9]) for row in found]


class SqliteSignedRounds:
    """Implements :class:`oracle.ports.SignedRounds`. One file for one node's key."""

    def __init__(self, path: Path | str) -> None:
        self._database = open_database(
            path,
            """CREATE TABLE IF NOT EXISTS signed (
                twin_id TEXT NOT NULL, model BLOB NOT NULL, round INTEGER NOT NULL, digest BLOB NOT NULL,
                PRIMARY KEY (twin_id, model, round))""",
            "CREATE TABLE IF NOT EXISTS restored (block INTEGER NOT NULL)",
        )

    def knows(self, twin_id: int, model: bytes, round_: int) -> bool:
        key = (hex(twin_id), model, round_)
        found = self._database.execute("SELECT 1 FROM signed WHERE twin_id = ? AND model = ? AND round = ?", key)
        return found.fetchone() is not None

    def floor(self) -> int:
        return int(self._database.execute("SELECT coalesce(max(block), 0) FROM restored").fetchone()[0])

    def restored(self, block: int) -> None:
        """Say that this is a copy: up to a block more may have been signed than is here."""
        self._database.execute("INSERT INTO restored VALUES (?)", (block,))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def remember(self, twin_id: int, model: bytes, round_: int, digest: bytes) -> bytes:
        key = (hex(twin_id), model, round_)
        self._database.execute("INSERT OR IGNORE INTO signed VALUES (?,?,?,?)", (*key, digest))
        row = self._database.execute(
            "SELECT digest FROM signed WHERE twin_id = ? AND model = ? AND round = ?", key
        ).fetchone()
        return bytes(row[0])


class SqliteExplanations:
    """Implements :class:`oracle.ports.Explanations`. One file for the nodes and the portal of one machine."""

    def __init__(self, path: Path | str) -> None:
        self._database = open_database(
            path, "CREATE TABLE IF NOT EXISTS explanation (root BLOB PRIMARY KEY, block BLOB NOT NULL) STRICT"
        )

    def keep(self, root: bytes, block: bytes) -> None:
        self._database.execute("INSERT OR IGNORE INTO explanation VALUES (?,?)", (root, block))

    def find(self, root: bytes) -> bytes | None:
        row = self._database.execute("SELECT block FROM explanation WHERE root = ?", (root,)).fetchone()
        return bytes(row[0]) if row else None
