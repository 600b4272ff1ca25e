"""Contracts that vouch for a person: an emergency and a case, each open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.cases import Handoff
from tests.contracts.consents import CARE, VITALS
from tests.contracts.emergencies import Emergencies, Terms
from tests.contracts.signing import key_of
from tests.contracts.vouchers import EMERGENCY, Request, request_of, vouches


@dataclass(frozen=True, slots=True)
class Rule:
    """A voucher that stands by one person for vitals and labs."""

    contract: Any
    consents: Any
    twin: int
    purpose: int
    end: int
    close: Callable[[], Any]
    role: bytes

    def request(self, **changes: Any) -> Request:
        """A request it stands by, with fields replaced."""
        return request_of(self.contract, self.twin, VITALS, self.purpose)._replace(**changes)

    def vouches(self, key: LocalAccount, **changes: Any) -> bool:
        """Whether it stands by this person's request."""
        return vouches(self.contract, self.consents, self.request(**changes), key)


def broken_glass(suite: Any, twin: int, admin: Any, person: Any, second: Any) -> Rule:
    """EmergencyAccess with an open use."""
    contract = suite.by_name["EmergencyAccess"]
    for account in (person, second):
        contract.grantRole(contract.CLINICIAN_ROLE(), account, {"from": admin})
    use = Emergencies(contract, Terms(twin), person, key_of(6)).open().return_value
    end, role = contract.useOf(use)[2], bytes(contract.CLINICIAN_ROLE())
    return Rule(contract, suite.consents, twin, EMERGENCY, end, lambda: contract.close(use, {"from": second}), role)


def handed_over(suite: Any, twin: int, admin: Any, person: Any, giver: Any) -> Rule:
    """CaseToken with an open case."""
    contract = suite.by_name["CaseToken"]
    for account in (person, giver):
        contract.grantRole(contract.DEPARTMENT_ROLE(), account, {"from": admin})
    handoff = Handoff(contract, twin, key_of(6), key_of(7))
    case = handoff.case()
    opened = handoff.open(giver, case).return_value
    role = bytes(contract.DEPARTMENT_ROLE())
    return Rule(
        contract, suite.consents, twin, CARE, case.expiry, lambda: contract.close(opened, True, {"from": giver}), role
    )
