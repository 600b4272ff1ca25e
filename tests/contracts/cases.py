"""Cases between departments, and what both sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.clock import now_s
from tests.contracts.consents import LABS, VITALS
from tests.contracts.signing import signed

WEEK_S = 7 * 86_400


class Case(NamedTuple):
    """As in contracts/interfaces/ICaseToken.sol."""

    twin: int
    giver: str
    taker: str
    categories: int
    expiry: int


class Standing(NamedTuple):
    """As in contracts/interfaces/ICaseToken.sol."""

    twinId: int
    to: Any
    expiry: int
    closed: bool
    giver: Any
    categories: int


@dataclass(frozen=True, slots=True)
class Handoff:
    """The contract and two departments' keys."""

    contract: Any
    twin: int
    giver: LocalAccount
    taker: LocalAccount

    def case(self, **changes: Any) -> Case:
        """A good case: vitals and labs for an hour."""
        good = Case(self.twin, self.giver.address, self.taker.address, VITALS | LABS, now_s() + 3_600)
        return good._replace(**changes)

    def sign(self, key: LocalAccount, case: Case, nonce: int, deadline: int, **domain: Any) -> bytes:
        """A department's signature."""
        facts = dict(zip(("twinId", "from", "to", "categories", "expiry"), case, strict=True))
        return signed(key, self.contract, "Case", {**facts, "nonce": nonce, "deadline": deadline}, **domain)

    def arguments(self, case: Case, nonce: int = 1, deadline: int | None = None) -> tuple[Any, ...]:
        """A good call of `open`."""
        end = deadline or now_s() + 600
        return case, nonce, end, *(self.sign(key, case, nonce, end) for key in (self.giver, self.taker))

    def open(self, sender: Any, case: Case | None = None, nonce: int = 1) -> Any:
        """Open, and give the transaction."""
        return self.contract.open(*self.arguments(case or self.case(), nonce), {"from": sender})

    def standing(self, case_id: Any) -> Standing:
        """The stored record."""
        return Standing(*self.contract.caseOf(case_id))
