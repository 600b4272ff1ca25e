"""Emergencies: who opens them, and what the second signer agrees to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.clock import now_s
from tests.contracts.consents import LABS, VITALS
from tests.contracts.signing import signed

REASON = 3
OPEN_S = 4 * 3_600
REVIEW_S = 72 * 3_600
PENDING, JUSTIFIED, UNJUSTIFIED = range(3)


class Use(NamedTuple):
    """As in contracts/interfaces/IEmergencyAccess.sol."""

    twinId: int
    clinician: Any
    expiry: int
    reviewBy: int
    review: int
    closed: bool
    second: Any
    categories: int
    reason: int


class Terms(NamedTuple):
    """What both clinicians agree to."""

    twin: int
    categories: int = VITALS | LABS
    reason: int = REASON


@dataclass(frozen=True, slots=True)
class Emergencies:
    """The contract, with two clinicians and a reviewer."""

    contract: Any
    terms: Terms
    clinician: Any
    second: LocalAccount

    def agreement(
        self, terms: Terms, key: LocalAccount, clinician: Any, deadline: int, nonce: int, **domain: Any
    ) -> bytes:
        """A second signer's signature."""
        message = {
            "twinId": terms.twin, "clinician": str(clinician), "categories": terms.categories,
            "reason": terms.reason, "nonce": nonce, "deadline": deadline,
        }  # fmt: skip
        return signed(key, self.contract, "Emergency", message, **domain)

    def arguments(
        self, *, clinician: Any = None, second: LocalAccount | None = None, **changes: Any
    ) -> tuple[Any, ...]:
        """A good call of `open`, with the second signer's next nonce; the last argument names the sender."""
        terms, key, by = self.terms._replace(**changes), second or self.second, clinician or self.clinician
        deadline, nonce = now_s() + 3_600, self.contract.nonces(key.address)
        agreed = self.agreement(terms, key, by, deadline, nonce)
        return *terms, key.address, deadline, agreed, {"from": by}

    def open(self, *, clinician: Any = None, second: LocalAccount | None = None, **changes: Any) -> Any:
        """Open, and give the transaction."""
        return self.contract.open(*self.arguments(clinician=clinician, second=second, **changes))

    def use(self, number: int) -> Use:
        """The stored record."""
        return Use(*self.contract.useOf(number))
