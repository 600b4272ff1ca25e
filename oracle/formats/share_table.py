"""Shares of blocks' data keys that an owner dealt anew: what takes the place of a header's when custodians change.

A block never changes, so its header goes on naming whom it was sealed to first. A table beside it, signed by the twin's
owner and kept by the new custodians, names who holds its key now. Bytes in ``docs/formats.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cbor2

from ..errors import InputError
from ..records import SealedShare
from . import cbor
from .envelope import Header
from .typed_data import Domain, digest, is_checksummed

FORMAT = "medtwin/shares/1"
MOST_ROWS = 64  # so that a table for ten custodians stays under a mebibyte
MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class ShareTable:
    """Who holds the keys of some blocks of a twin from now on.

    Parameters
    ----------
    twin_id : int
    generation : int
        Counts how often the twin's keys were dealt; of two tables for a block the higher one holds.
    block : int
        Block of the chain at which whoever signed owned the twin.
    threshold : int
    rows : mapping of bytes to tuple of SealedShare
        A block's SHA-256 -> its new shares, ascending by custodian.
    signature : bytes
    """

    twin_id: int
    generation: int
    block: int
    threshold: int
    rows: Mapping[bytes, tuple[SealedShare, ...]] = field(repr=False)
    signature: bytes = field(default=b"", repr=False)

    @property
    def holders(self) -> frozenset[str]:
        """The custodians that hold all of these keys."""
        each = [frozenset(share.custodian for share in shares) for shares in self.rows.values()]
        return frozenset.intersection(*each)

    def header(self, digest: bytes, sealed: Header) -> Header:
        """A block's header with these shares in place of its own."""
        return replace(sealed, threshold=self.threshold, shares=self.rows[digest])


def table_digest(domain: Domain, table: ShareTable) -> bytes:
    """What the owner signs; `domain` is ConsentRegistry's, as for key requests."""
    values = {
        "twinId": table.twin_id,
        "generation": table.generation,
        "block": table.block,
        "threshold": table.threshold,
        "rows": hashlib.sha256(cbor2.dumps(_rows(table), canonical=True)).digest(),
    }
    return digest(domain, "ShareTable", values)


def pack(table: ShareTable) -> bytes:
    """The table as it travels and is kept."""
    head = [FORMAT, table.twin_id.to_bytes(32, "big"), table.generation, table.block, table.threshold]
    return cbor2.dumps([*head, _rows(table), table.signature], canonical=True)


def unpack(body: bytes) -> ShareTable:
    """Read a table; InputError for anything that is not one. Who signed it the reader asks the chain."""
    try:
        if len(body) > MOST_BYTES:
            raise ValueError("size")
        name, twin, generation, block, threshold, rows, signature = cbor.items(
            cbor.read(body), str, bytes, int, int, int, list, bytes
        )
        cbor.digests([twin])
        cbor.numbers((generation - 1, 32), (block, 63), (threshold, 8))
        read = {row[0]: _shares(row[1]) for row in (cbor.items(one, bytes, list) for one in rows)}
        cbor.digests(list(read))
        if name != FORMAT or len(read) != len(rows) or not 0 < len(read) <= MOST_ROWS:
            raise ValueError("rows")
        if not all(1 < threshold <= len(shares) for shares in read.values()):
            raise ValueError("threshold")
        return ShareTable(int.from_bytes(twin, "big"), generation, block, threshold, read, signature)
    except (ValueError, IndexError) as error:
        raise InputError(
            "this is not a table of key shares", hint="see docs/formats.md", kind="malformed_table"
        ) from error


def _rows(table: ShareTable) -> list[list[object]]:
    return [
        [one, [[share.custodian, share.commitment, share.sealed] for share in shares]]
        for one, shares in table.rows.items()
    ]


def _shares(fields: Sequence[object]) -> tuple[SealedShare, ...]:
    shares = tuple(SealedShare(*cbor.items(one, str, bytes, bytes)) for one in fields)
    cbor.digests([share.commitment for share in shares])
    named = [share.custodian for share in shares]
    if named != sorted(set(named)) or not all(map(is_checksummed, named)):
        raise ValueError("custodians")
    return shares
