"""What a node's drift monitors know, in SQLite, so that a restart does not forget."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .journal import open_database

KEPT_SCORES = 5_000  # ADWIN's window after a restart is no longer


class SqliteDriftMemory:
    """Implements :class:`oracle.reports.drift.Memory`, with `make` building a state from its parts. One file for one node.

    Rows are known by salted digests, so that nobody can try out whose row it was.
    """

    def __init__(self, path: Path | str, make: Any) -> None:
        self._make = make
        self._database = open_database(
            path,
            "CREATE TABLE IF NOT EXISTS drift (model BLOB PRIMARY KEY, state TEXT NOT NULL)",
            """CREATE TABLE IF NOT EXISTS answered (
                model BLOB NOT NULL, row BLOB NOT NULL, suspended INTEGER NOT NULL, PRIMARY KEY (model, row))""",
            "CREATE TABLE IF NOT EXISTS salt (salt BLOB NOT NULL)",
        )
        found = self._database.execute("SELECT salt FROM salt").fetchone()
        self._salt: bytes = found[0] if found else os.urandom(32)
        if not found:
            self._database.execute("INSERT INTO salt VALUES (?)", (self._salt,))

    def load(self, model: bytes) -> Any:
        """The state of a model; a new one if it was never seen."""
        found = self._database.execute("SELECT state FROM drift WHERE model = ?", (model,)).fetchone()
        return self._make(**json.loads(found[0])) if found else self._make()

    def answered(self, model: bytes, row: bytes) -> bool | None:
        """Whether this row met a suspended model; None if it is new."""
        key = (model, self._known(row))
        found = self._database.execute("SELECT suspended FROM answered WHERE model = ? AND row = ?", key).fetchone()
        return bool(found[0]) if found else None

    def save(self, model: bytes, state: Any, row: bytes, suspended: bool) -> None:
        """State and row in one transaction."""
        kept = asdict(state)
        kept["scores"] = kept["scores"][-KEPT_SCORES:]
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT OR REPLACE INTO drift VALUES (?, ?)", (model, json.dumps(kept)))
        self._database.execute("INSERT OR IGNORE INTO answered VALUES (?, ?, ?)", (model, self._known(row), suspended))
        self._database.execute("COMMIT")

    def resume(self, model: bytes) -> None:
        """A person decided: begin anew, with a new reference; rows that met a suspended model count as new."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("DELETE FROM drift WHERE model = ?", (model,))
        self._database.execute("DELETE FROM answered WHERE model = ? AND suspended", (model,))
        self._database.execute("COMMIT")

    def _known(self, row: bytes) -> bytes:
        return hashlib.sha256(self._salt + row).digest()
