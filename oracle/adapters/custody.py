"""A custodian's state in SQLite: twin keys (wrapped), receipts, spent nonces."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import Denied, StorageError, VerificationError
from ..ports import Signer
from ..receipts import encode
from ..records import ErasureStatement, Receipt
from ..wire import pack_statement, unpack_statement
from .journal import open_database

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS keys (twin_id TEXT PRIMARY KEY, wrapped BLOB)",
    "CREATE TABLE IF NOT EXISTS receipts (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL, signature BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS erasures (twin_id TEXT PRIMARY KEY, statement BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS nonces (grantee TEXT NOT NULL, nonce TEXT NOT NULL, PRIMARY KEY (grantee, nonce))",
)
WRAP = hashlib.sha256(b"medtwin/custodian/wrap/1").digest()  # no EIP-712 digest, so nobody can ask for its signature
NONCE_BYTES = 12


class SqliteCustodianState:
    """Implements :class:`oracle.ports.CustodianState`. A file of one custodian, useless without its signing key."""

    def __init__(self, path: Path | str, signer: Signer) -> None:
        self._lock = threading.Lock()
        self._wrap = AESGCM(hashlib.sha256(signer.sign_digest(WRAP)).digest())  # deterministic, RFC 6979
        self._database = open_database(path, *SCHEMA)
        self._database.execute("PRAGMA secure_delete = ON")

    def key(self, twin_id: int, make: Callable[[], bytes]) -> bytes | None:
        name = hex(twin_id)
        with self._lock:
            row = self._database.execute("SELECT wrapped FROM keys WHERE twin_id = ?", (name,)).fetchone()
            if row is not None:
                return self._unwrapped(name, row[0])
            made = make()
            if made:
                self._database.execute("INSERT INTO keys VALUES (?, ?)", (name, self._wrapped(name, made)))
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
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                held = self._database.execute("SELECT wrapped FROM keys WHERE twin_id = ?", (name,)).fetchone()
                statement = make(self._unwrapped(name, held[0]) if held else None)
                self._database.execute(
                    "INSERT INTO keys VALUES (?, NULL) ON CONFLICT (twin_id) DO UPDATE SET wrapped = NULL", (name,)
                )
                self._database.execute("INSERT INTO erasures VALUES (?, ?)", (name, pack_statement(statement)))
            self._overwrite()
        return statement

    def _overwrite(self) -> None:
        """Bring the log into the file and empty it: else the erased page lives on in one of them."""
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

    def append(self, make: Callable[[int], Receipt], spent: tuple[str, int] | None) -> Receipt:
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            number = self._database.execute("SELECT COUNT(*) FROM receipts").fetchone()[0]
            receipt = make(number)
            self._database.execute(
                "INSERT INTO receipts VALUES (?, ?, ?)", (number, encode(receipt), receipt.signature)
            )
            if spent is not None:
                new = self._database.execute(
                    "INSERT OR IGNORE INTO nonces VALUES (?, ?)", (spent[0], hex(spent[1]))
                ).rowcount
                if receipt.permitted and not new:
                    raise Denied("this request was answered before", hint="sign a new one", kind="request_replayed")
        return receipt

    def receipts(self, since: int) -> Iterator[tuple[bytes, bytes]]:
        with self._lock:
            rows = self._database.execute(
                "SELECT leaf, signature FROM receipts WHERE number >= ? ORDER BY number", (since,)
            ).fetchall()
        yield from ((bytes(leaf), bytes(signature)) for leaf, signature in rows)

    def _wrapped(self, name: str, private: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrap.encrypt(nonce, private, name.encode())

    def _unwrapped(self, name: str, wrapped: bytes | None) -> bytes | None:
        if wrapped is None:
            return None
        try:
            return self._wrap.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise VerificationError(
                "the custodian's key file does not open with this custodian's key",
                hint="start it with the key it was made with",
                kind="wrong_custodian_key",
            ) from None
