"""A custodian's state in SQLite: twin keys (wrapped), receipts, spent nonces."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import StorageError
from ..formats.receipt_log import HASH_BYTES, Frontier, leaf_hash
from ..formats.receipts import encode
from ..formats.wire import pack_statement, unpack_statement
from ..ports import Entry, Signer
from ..records import ErasureStatement, Receipt
from .journal import open_database
from .wrapping import Wrappings

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS keys (twin_id TEXT PRIMARY KEY, wrapped BLOB)",
    "CREATE TABLE IF NOT EXISTS receipts (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL, signature BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS erasures (twin_id TEXT PRIMARY KEY, statement BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tables (number INTEGER PRIMARY KEY, twin_id TEXT NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log (size INTEGER NOT NULL, peaks BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS wrapping (generation INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS nonces (grantee TEXT NOT NULL, nonce TEXT NOT NULL, PRIMARY KEY (grantee, nonce))",
)
PAGE = 1_000  # receipts read at once


class SqliteCustodianState:
    """Implements :class:`oracle.ports.CustodianState`. A file of one custodian, useless without its signing key.

    The wrapping key of its twin keys is in a file beside it, which no backup should hold: see :mod:`.wrapping`.
    """

    def __init__(self, path: Path | str, signer: Signer) -> None:
        self._lock = threading.Lock()
        self._database = open_database(path, *SCHEMA)
        self._database.execute("PRAGMA secure_delete = ON")
        self._wrappings = Wrappings(path, signer)
        row = self._database.execute("SELECT generation FROM wrapping").fetchone()
        self._generation = row[0] if row else 0
        self._cipher = self._wrappings.open(self._generation)
        if row is None:
            self._database.execute("INSERT INTO wrapping VALUES (0)")
            self._renew(lambda: None)
        self._wrappings.keep_only(self._generation)  # an erasure may have been cut off before it did
        self._frontier = self._read_frontier()

    def key(self, twin_id: int, make: Callable[[], bytes]) -> bytes | None:
        name = hex(twin_id)
        with self._lock:
            row = self._database.execute("SELECT wrapped FROM keys WHERE twin_id = ?", (name,)).fetchone()
            if row is not None:
                return self._unwrapped(name, row[0])
            made = make()
            if made:
                self._database.execute("INSERT INTO keys VALUES (?, ?)", (name, self._cipher.wrap(name, made)))
            return made

    def has_key(self, twin_id: int) -> bool:
        with self._lock:
            found = self._database.execute(
                "SELECT 1 FROM keys WHERE twin_id = ? AND wrapped IS NOT NULL", (hex(twin_id),)
            ).fetchone()
        return found is not None

    def erase(self, twin_id: int, make: Callable[[bytes | None], ErasureStatement]) -> ErasureStatement:
        name = hex(twin_id)
        with self._lock:
            row = self._database.execute("SELECT statement FROM erasures WHERE twin_id = ?", (name,)).fetchone()
            if row is not None:
                self._overwrite()  # an earlier call may have ended before this
                return unpack_statement(row[0])
            statements: list[ErasureStatement] = []

            def forget() -> None:
                held = self._database.execute("SELECT wrapped FROM keys WHERE twin_id = ?", (name,)).fetchone()
                statements.append(make(self._unwrapped(name, held[0]) if held else None))
                self._database.execute(
                    "INSERT INTO keys VALUES (?, NULL) ON CONFLICT (twin_id) DO UPDATE SET wrapped = NULL", (name,)
                )
                self._database.execute("DELETE FROM tables WHERE twin_id = ?", (name,))
                self._database.execute("INSERT INTO erasures VALUES (?, ?)", (name, pack_statement(statements[0])))

            self._renew(forget)
            self._overwrite()
        return statements[0]

    def _renew(self, also: Callable[[], None]) -> None:
        """Go on with a new wrapping key, in one step with what `also` changes."""
        following = self._generation + 1
        cipher = self._wrappings.make(following)
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            also()
            for name, wrapped in self._database.execute("SELECT twin_id, wrapped FROM keys").fetchall():
                if wrapped is not None:
                    again = cipher.wrap(name, self._cipher.unwrap(name, wrapped))
                    self._database.execute("UPDATE keys SET wrapped = ? WHERE twin_id = ?", (again, name))
            self._database.execute("UPDATE wrapping SET generation = ?", (following,))
        self._generation, self._cipher = following, cipher

    def _overwrite(self) -> None:
        """Destroy the wrapping keys before, and empty the log into the file: else the erased page lives on in one of them."""
        self._wrappings.keep_only(self._generation)
        busy, _, _ = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StorageError(
                "the custodian's file is being read, so the erased key cannot be overwritten yet",
                hint="end whatever reads it (a backup?), then give the order again",
                kind="file_in_use",
            )

    def is_used(self, grantee: str, nonce: int) -> bool:
        with self._lock:
            found = self._database.execute(
                "SELECT 1 FROM nonces WHERE grantee = ? AND nonce = ?", (grantee, hex(nonce))
            ).fetchone()
        return found is not None

    def append(self, entries: Sequence[Entry]) -> list[Receipt]:
        with self._lock:
            grown = Frontier(self._frontier.size, self._frontier.peaks)
            with self._reporting(), self._database:
                self._database.execute("BEGIN IMMEDIATE")
                receipts = [self._add(grown, entry) for entry in entries]
                self._database.execute("UPDATE log SET size = ?, peaks = ?", (grown.size, b"".join(grown.peaks)))
            self._frontier = grown
        return receipts

    def _add(self, grown: Frontier, entry: Entry) -> Receipt:
        """One receipt more, in a step that is open."""
        fresh = True
        if entry.nonce is not None:
            grantee, nonce = entry.nonce
            spent = self._database.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", (grantee, hex(nonce)))
            fresh = spent.rowcount > 0
        receipt = entry.make(grown.size, fresh)
        leaf = encode(receipt)
        grown.add(leaf_hash(leaf))
        self._database.execute("INSERT INTO receipts VALUES (?, ?, ?)", (receipt.number, leaf, receipt.signature))
        return receipt

    def tables(self, twin_id: int) -> list[bytes]:
        with self._lock:
            found = self._database.execute(
                "SELECT body FROM tables WHERE twin_id = ? ORDER BY number", (hex(twin_id),)
            ).fetchall()
        return [bytes(body) for (body,) in found]

    def keep_table(self, twin_id: int, body: bytes, instead_of: Sequence[bytes]) -> None:
        name = hex(twin_id)
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for old in (*instead_of, body):
                self._database.execute("DELETE FROM tables WHERE twin_id = ? AND body = ?", (name, old))
            self._database.execute("INSERT INTO tables (twin_id, body) VALUES (?, ?)", (name, body))

    def head(self) -> tuple[int, bytes]:
        with self._lock:
            return self._frontier.size, self._frontier.root()

    def receipts(self, since: int) -> Iterator[tuple[bytes, bytes]]:
        while True:
            with self._lock:
                page = self._database.execute(
                    "SELECT leaf, signature FROM receipts WHERE number >= ? ORDER BY number LIMIT ?", (since, PAGE)
                ).fetchall()
            yield from ((bytes(leaf), bytes(signature)) for leaf, signature in page)
            if len(page) < PAGE:
                return
            since += PAGE

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """What the disk cannot take is the custodian's failure: nothing was kept, so nothing leaves."""
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(
                "the custodian's file cannot be written", hint="see its disk; then ask again", kind="state_failed"
            ) from error

    def _read_frontier(self) -> Frontier:
        """The log's frontier as it was kept; of a state that has none yet, from its receipts."""
        row = self._database.execute("SELECT size, peaks FROM log").fetchone()
        if row is not None:
            size, peaks = row
            return Frontier(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])
        frontier = Frontier()
        for leaf, _ in self.receipts(0):
            frontier.add(leaf_hash(leaf))
        self._database.execute("INSERT INTO log VALUES (?, ?)", (frontier.size, b"".join(frontier.peaks)))
        return frontier

    def _unwrapped(self, name: str, wrapped: bytes | None) -> bytes | None:
        return None if wrapped is None else self._cipher.unwrap(name, wrapped)
