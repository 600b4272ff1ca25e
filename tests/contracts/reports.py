"""What oracle nodes sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.clock import now_s
from tests.contracts.signing import signed

ANSWER, NO_ANSWER = 1, 2
MODEL = b"\x11" * 32
CARD = b"\x22" * 32
ALONE = bytes(32), []
"""Where a report stands that is in no bundle."""


class Report(NamedTuple):
    """As in contracts/interfaces/IPredictionOracle.sol."""

    twinId: int
    model: bytes
    round: int
    asOf: int
    status: int
    score: int
    low: int
    high: int
    inputsRoot: bytes
    explanationRoot: bytes
    config: bytes


@dataclass(frozen=True, slots=True)
class Quorum:
    """The oracle's nodes and what they agree on."""

    oracle: Any
    nodes: list[LocalAccount]
    twin: int
    model: bytes

    def report(self, round_: int, /, **changes: Any) -> Report:
        """A good report of a round, with fields replaced."""
        good = Report(
            twinId=self.twin,
            model=self.model,
            round=round_,
            asOf=now_s(),
            status=ANSWER,
            score=180_000,
            low=110_000,
            high=290_000,
            inputsRoot=b"\x33" * 32,
            explanationRoot=b"\x44" * 32,
            config=bytes(self.oracle.configDigest()),
        )
        return good._replace(**changes)

    def sign(self, node: int | LocalAccount, report: Report, **domain: Any) -> bytes:
        """One node's signature."""
        key = self.nodes[node] if isinstance(node, int) else node
        return signed(key, self.oracle, "Report", report._asdict(), **domain)

    def signed(self, node: int | LocalAccount, report: Report) -> tuple[Any, ...]:
        """As the contract's Signed: a report with one node's own signature."""
        return report, ALONE, self.sign(node, report)

    def signatures(self, report: Report, by: Iterable[int] = (0, 1, 2), **domain: Any) -> bytes:
        """Several nodes' signatures, one after the other; nodes are numbered by ascending address."""
        return b"".join(self.sign(node, report, **domain) for node in by)

    def post(self, report: Report, sender: Any, by: Iterable[int] = (0, 1, 2)) -> Any:
        """Post a report signed by these nodes."""
        return self.oracle.post(report, self.signatures(report, by), {"from": sender})
