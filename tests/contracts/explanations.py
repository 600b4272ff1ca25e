"""Why a report says what it says, told well or badly: rows, a model's terms, and reports under both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_abi import encode
from eth_utils import keccak

from oracle.formats import merkle
from tests.contracts.reports import ALONE, Quorum, Report
from tests.contracts.signing import signed, typed
from tests.contracts.vouchers import digest_of

ROWS, SUM, SCORE, TERM = 1, 2, 3, 4
IDENTITY, LOGISTIC = 1, 2
LEAST, MOST = -(2**63), 2**63 - 1
MANIFEST = b"\x77" * 32


class Row(NamedTuple):
    """As in contracts/interfaces/IReportChallenge.sol."""

    index: int
    name: str
    known: bool
    value: int
    contribution: int


class Term(NamedTuple):
    """As in contracts/interfaces/IReportChallenge.sol."""

    index: int
    name: str
    known: bool
    low: int
    below: int
    step: int
    slope: int = 0
    centre: int = 0


BASE = Row(0, "base", True, 180_000, 150_000)
RATE = Row(1, "heart_rate", True, 72_500_000, 45_000)
AGE = Row(2, "age", False, 0, -15_000)
HONEST = (BASE, RATE, AGE)
TERMS = (
    Term(0, "base", True, LEAST, MOST, 150_000),
    Term(1, "heart_rate", True, LEAST, 40_000_000, LEAST),
    Term(1, "heart_rate", True, 40_000_000, MOST, 20_000, 2_000, 60_000_000),
    Term(2, "age", True, LEAST, MOST, 0, 500, 50_000_000),
    Term(2, "age", False, 0, 1, -15_000),
)
"""The age was not measured; 20,000 + 0.002 (72.5 - 60) = 45,000 for a rate of 72.5."""


def row_leaf(row: Row) -> bytes:
    """By the interface's manual."""
    return keccak(keccak(encode(["uint16", "string", "bool", "int64", "int64"], row)))


def term_leaf(term: Term) -> bytes:
    """By the interface's manual."""
    return keccak(keccak(encode(["uint16", "string", "bool", *["int64"] * 5], term)))


def in_order(rows: tuple[Row, ...]) -> list[Row]:
    """As a tree has them."""
    return sorted(rows, key=row_leaf)


def root_of(rows: tuple[Row, ...]) -> bytes:
    """A report's explanationRoot."""
    return merkle.root([row_leaf(row) for row in rows])


TERMS_ROOT = merkle.root([term_leaf(term) for term in TERMS])


def opened(rows: tuple[Row, ...], row: Row, term: Term) -> tuple[Any, ...]:
    """As the contract's Opened."""
    path = merkle.proof([row_leaf(one) for one in rows], row_leaf(row))
    return row, path, term, merkle.proof([term_leaf(one) for one in TERMS], term_leaf(term))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Reports under one root."""

    quorum: Quorum
    reports: tuple[Report, ...]

    def leaves(self) -> list[bytes]:
        """By the interface's manual."""
        return [keccak(keccak(digest_of(typed(self.quorum.oracle, "Report", one._asdict())))) for one in self.reports]

    def fields(self, **changes: Any) -> dict[str, Any]:
        """The contract's Bundle, with fields replaced."""
        config = bytes(self.quorum.oracle.configDigest())
        return {"root": merkle.root(self.leaves()), "manifest": MANIFEST, "config": config, **changes}

    def sign(self, *by: Any, **domain: Any) -> bytes:
        """Signatures of nodes, by number or key."""
        keys = [self.quorum.nodes[one] if isinstance(one, int) else one for one in by]
        return b"".join(signed(key, self.quorum.oracle, "Bundle", self.fields(), **domain) for key in keys)

    def post(self, sender: Any, *by: Any) -> Any:
        """Post it, signed by these nodes or by three."""
        signatures = self.sign(*(by or (0, 1, 2)))
        return self.quorum.oracle.postBundle(tuple(self.fields().values()), signatures, {"from": sender})

    def path(self, at: int) -> list[bytes]:
        """From the report in that place to the root."""
        leaves = self.leaves()
        return merkle.proof(leaves, leaves[at])

    def place(self, at: int) -> tuple[bytes, list[bytes]]:
        """As the contract's Place."""
        return MANIFEST, self.path(at)

    def settle(self, at: int, sender: Any) -> Any:
        """Settle the report in that place."""
        return self.quorum.oracle.settle(self.reports[at], self.path(at), {"from": sender})


def refutation(
    quorum: Quorum, report: Report, rows: tuple[Row, ...], by: tuple[int, ...] = (0, 1, 2)
) -> tuple[Any, ...]:
    """Arguments of `refuteSum` for a report that stands by itself."""
    return report, ALONE, quorum.signatures(report, by), in_order(rows)
