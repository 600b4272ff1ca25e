"""What a gateway holds, in SQLite: batches and messages it took, epochs it wrote down."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..ports import OpenEpoch
from ..records import Batch, Outgoing
from .journal import open_database

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS batch (
        device TEXT NOT NULL, sequence INTEGER NOT NULL, twin_id TEXT NOT NULL, previous BLOB NOT NULL,
        digest BLOB NOT NULL, root BLOB NOT NULL, readings INTEGER NOT NULL, start_s INTEGER NOT NULL,
        end_s INTEGER NOT NULL, block BLOB, signature BLOB NOT NULL, taken_s INTEGER NOT NULL,
        epoch INTEGER, PRIMARY KEY (device, sequence))""",
    "CREATE INDEX IF NOT EXISTS waiting ON batch (epoch)",
    "CREATE INDEX IF NOT EXISTS by_digest ON batch (digest)",
    """CREATE TABLE IF NOT EXISTS epoch (
        id INTEGER PRIMARY KEY AUTOINCREMENT, root BLOB NOT NULL, batches INTEGER NOT NULL, manifest BLOB NOT NULL,
        after INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS message (
        sensor TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, taken_s INTEGER NOT NULL,
        PRIMARY KEY (sensor, number))""",
    "CREATE TABLE IF NOT EXISTS sensor (sensor TEXT PRIMARY KEY, passed INTEGER NOT NULL)",
)
ASIDE = -1
"""Instead of an epoch: set aside."""
COLUMNS = "device, twin_id, sequence, previous, digest, root, readings, start_s, end_s, block, signature"


class SqliteBox:
    """Implements :class:`oracle.ports.Box`. One file for one gateway on one deployment."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._database = open_database(path, *SCHEMA)
        self._held = sum(
            int(self._one(f"SELECT coalesce(sum(length({column})), 0) FROM {table}")[0])
            for table, column in (("batch", "block"), ("message", "body"))
        )

    def held_bytes(self) -> int:
        return self._held

    def last(self, device: str) -> Batch | None:
        rows = self._batches("device = ? ORDER BY sequence DESC LIMIT 1", device)
        return rows[0][1].batch if rows else None

    def digest_of(self, device: str, sequence: int) -> bytes | None:
        rows = self._batches("device = ? AND sequence = ?", device, sequence)
        return rows[0][1].batch.digest if rows else None

    def take(self, device: str, outgoing: Outgoing, now_s: int, *, sensor: str = "", passed: int = 0) -> None:
        batch = outgoing.batch
        with self._lock, self._transaction():
            self._run("UPDATE batch SET epoch = NULL WHERE device = ? AND epoch = ?", device, ASIDE)
            self._run(
                "INSERT INTO batch VALUES (?,?,?,?,?,?,?,?,?,?,?,?,NULL)",
                device, batch.sequence, hex(batch.twin_id), batch.previous, batch.digest, batch.root, batch.readings,
                batch.start_s, batch.end_s, outgoing.block, outgoing.signature, now_s,
            )  # fmt: skip
            self._held += len(outgoing.block)
            if sensor:
                self._pass(sensor, passed)

    def waiting(self, most: int) -> list[tuple[str, Outgoing]]:
        return self._batches("epoch IS NULL ORDER BY rowid LIMIT ?", most)

    def set_aside(self, device: str, twin_id: int, newest: int) -> None:
        with self._lock:
            self._run(
                "UPDATE batch SET epoch = ? WHERE device = ? AND twin_id = ? AND epoch IS NULL"
                " AND (SELECT max(sequence) FROM batch WHERE device = ?) = ?",
                ASIDE, device, hex(twin_id), device, newest,
            )  # fmt: skip

    def close(self, root: bytes, manifest: bytes, after: int, places: Sequence[tuple[str, int]]) -> int:
        with self._lock, self._transaction():
            made = self._run(
                "INSERT INTO epoch (root, batches, manifest, after) VALUES (?,?,?,?)",
                root,
                len(places),
                manifest,
                after,
            ).lastrowid
            self._database.executemany(
                "UPDATE batch SET epoch = ? WHERE device = ? AND sequence = ?", [(made, *place) for place in places]
            )
        return int(made or 0)

    def epochs(self) -> list[OpenEpoch]:
        with self._lock:
            rows = self._run(
                "SELECT id, root, batches, manifest, after FROM epoch WHERE done = 0 ORDER BY id"
            ).fetchall()
        return [OpenEpoch(*row) for row in rows]

    def finish(self, epoch: int, again: Sequence[tuple[str, int]] = ()) -> None:
        with self._lock, self._transaction():
            self._database.executemany("UPDATE batch SET epoch = NULL WHERE device = ? AND sequence >= ?", again)
            self._release("epoch = ?", epoch)
            self._run("UPDATE epoch SET done = 1 WHERE id = ?", epoch)

    def find(self, digest: bytes) -> OpenEpoch | None:
        with self._lock:
            row = self._run(
                "SELECT id, root, batches, manifest, after FROM epoch"
                " WHERE id = (SELECT epoch FROM batch WHERE digest = ?)", digest,
            ).fetchone()  # fmt: skip
        return OpenEpoch(*row) if row else None

    # -- messages of sensors -----------------------------------------------------------

    def passed(self, sensor: str) -> int:
        row = self._one("SELECT passed FROM sensor WHERE sensor = ?", sensor)
        return int(row[0]) if row else 0

    def keep(self, sensor: str, number: int, body: bytes, now_s: int) -> bool:
        with self._lock:
            done = self._run("INSERT OR IGNORE INTO message VALUES (?,?,?,?)", sensor, number, body, now_s)
            self._held += len(body) * done.rowcount
            return bool(done.rowcount)

    def messages(self, sensor: str) -> list[tuple[int, bytes, int]]:
        with self._lock:
            found = self._run("SELECT number, body, taken_s FROM message WHERE sensor = ? ORDER BY number", sensor)
            return [(int(row[0]), bytes(row[1]), int(row[2])) for row in found]

    def skip(self, sensor: str, number: int) -> None:
        with self._lock, self._transaction():
            self._pass(sensor, number)

    # -- inside ------------------------------------------------------------------------

    def _pass(self, sensor: str, number: int) -> None:
        """Everything of a sensor up to a number is sealed, or given up."""
        freed = self._one(
            "SELECT coalesce(sum(length(body)), 0) FROM message WHERE sensor = ? AND number <= ?", sensor, number
        )
        self._run("DELETE FROM message WHERE sensor = ? AND number <= ?", sensor, number)
        self._run(
            "INSERT INTO sensor VALUES (?,?) ON CONFLICT (sensor) DO UPDATE SET passed = max(passed, excluded.passed)",
            sensor, number,
        )  # fmt: skip
        self._held -= int(freed[0])

    def _release(self, where: str, *args: Any) -> None:
        """Let go of blocks; what they were stays known."""
        freed = self._one(f"SELECT coalesce(sum(length(block)), 0) FROM batch WHERE {where}", *args)
        self._run(f"UPDATE batch SET block = NULL WHERE {where}", *args)
        self._held -= int(freed[0])

    def _batches(self, where: str, *args: Any) -> list[tuple[str, Outgoing]]:
        with self._lock:
            rows = self._run(f"SELECT {COLUMNS} FROM batch WHERE {where}", *args).fetchall()
        return [(row[0], Outgoing(Batch(int(row[1], 16), *row[2:9]), row[9] or b"", row[10])) for row in rows]

    def _one(self, statement: str, *args: Any) -> Any:
        with self._lock:
            return self._run(statement, *args).fetchone()

    def _run(self, statement: str, *args: Any) -> Any:
        return self._database.execute(statement, args)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing, on disk when it ends."""
        held = self._held
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            self._held = held
            raise
