"""EmergencyAccess: how a use ends, is reviewed, and what follows.

close
  when a clinician, the second signer or the owner calls
    it ends the use now
  given the twin was retired
    it lets its owner end the use all the same
  when anybody else calls
    it refuses
  given it was closed
    it refuses
  at the end
    it accepts a second before, refuses at it and after it
  given no such use
    it refuses
review
  given a justified use
    it is put on record and the use goes on
  given an unjustified use
    it ends the use and suspends both
  when somebody who took part reviews
    it refuses
  when somebody without the role reviews
    it refuses
  given it was reviewed
    it refuses
  given no such use
    it refuses
  given the time for it is over
    it is accepted
reinstate
  when the administrator calls
    it lifts the suspension of that one, and the unjustified use stays closed
  when anybody else calls
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import next_at
from tests.contracts.consents import VITALS
from tests.contracts.emergencies import JUSTIFIED, OPEN_S, REVIEW_S, UNJUSTIFIED, Emergencies, Terms
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import key_of


@pytest.fixture
def reviewer(accounts: Any) -> Any:
    """Took no part."""
    return accounts[3]


@pytest.fixture
def glass(suite: Any, twin: int, approver: Any, researcher: Any, hospital: Any, reviewer: Any) -> Emergencies:
    """The researcher opened a use with the hospital; both may review too."""
    contract, admin = suite.by_name["EmergencyAccess"], {"from": approver}
    for account in (researcher, hospital):
        contract.grantRole(contract.CLINICIAN_ROLE(), account, admin)
    for account in (researcher, hospital, reviewer):
        contract.grantRole(contract.REVIEWER_ROLE(), account, admin)
    made = Emergencies(contract, Terms(twin), researcher, key_of(7))
    made.open()
    return made


@pytest.mark.parametrize("index", [5, 6, 7], ids=["owner", "clinician", "second"])
def test_close_by_party_ends_the_use(glass: Emergencies, accounts: Any, twin: int, researcher: Any, index: int) -> None:
    """Each of the three ends it at once."""
    tx = glass.contract.close(1, {"from": accounts[index]})

    assert logged(tx) == [expected("EmergencyClosed", twinId=twin, useId=1, by=accounts[index])]
    assert glass.use(1).closed
    assert not glass.contract.isOpen(twin, researcher, VITALS)


def test_close_on_retired_twin_ends_the_use(glass: Emergencies, twins: Any, twin: int, patient: Any) -> None:
    """Retirement takes no right to say no."""
    twins.retire(twin, {"from": patient})

    glass.contract.close(1, {"from": patient})

    assert glass.use(1).closed


def test_close_by_others_is_refused(glass: Emergencies, stranger: Any, reviewer: Any, approver: Any) -> None:
    """A reviewer judges, and an administrator names people; neither closes."""
    for account in (stranger, reviewer, approver):
        with reverts_with("NotUseParty", 1, account):
            glass.contract.close(1, {"from": account})


def test_close_twice_is_refused(glass: Emergencies, patient: Any) -> None:
    """Closed is final."""
    glass.contract.close(1, {"from": patient})

    with reverts_with("UseClosed", 1):
        glass.contract.close(1, {"from": patient})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_close_at_the_end(glass: Emergencies, patient: Any, offset: int) -> None:
    """What is over cannot be closed."""
    next_at(glass.use(1).expiry + offset)

    if offset < 0:
        glass.contract.close(1, {"from": patient})
    else:
        with reverts_with("UseClosed", 1):
            glass.contract.close(1, {"from": patient})


def test_close_of_unknown_use_is_refused(glass: Emergencies, patient: Any) -> None:
    """Neither 0 nor the next number is a use."""
    for number in (0, 2):
        with reverts_with("UnknownUse", number):
            glass.contract.close(number, {"from": patient})


def test_review_as_justified_is_recorded(glass: Emergencies, twin: int, researcher: Any, reviewer: Any) -> None:
    """Nobody is suspended, and the patient's care is not cut short."""
    tx = glass.contract.review(1, True, {"from": reviewer})

    assert logged(tx) == [expected("EmergencyReviewed", twinId=twin, useId=1, reviewer=reviewer, justified=True)]
    assert (glass.use(1).review, glass.use(1).closed) == (JUSTIFIED, False)
    assert glass.contract.isOpen(twin, researcher, VITALS)
    assert not glass.contract.isSuspended(researcher)


def test_review_as_unjustified_suspends_both(
    glass: Emergencies, twin: int, researcher: Any, hospital: Any, reviewer: Any
) -> None:
    """Their other open uses answer no as well."""
    glass.open(clinician=hospital, second=key_of(6))

    tx = glass.contract.review(1, False, {"from": reviewer})

    assert logged(tx) == [
        expected("EmergencyReviewed", twinId=twin, useId=1, reviewer=reviewer, justified=False),
        expected("ClinicianSuspended", clinician=researcher, useId=1),
        expected("ClinicianSuspended", clinician=hospital, useId=1),
    ]
    assert (glass.use(1).review, glass.use(1).closed) == (UNJUSTIFIED, True)
    for account in (researcher, hospital):
        assert glass.contract.isSuspended(account)
        assert not glass.contract.isOpen(twin, account, VITALS)


def test_review_by_involved_is_refused(glass: Emergencies, researcher: Any, hospital: Any) -> None:
    """Nobody judges its own use, whatever its roles."""
    for account in (researcher, hospital):
        for justified in (True, False):
            with reverts_with("ReviewerInvolved", 1, account):
                glass.contract.review(1, justified, {"from": account})


def test_review_by_others_is_refused(glass: Emergencies, patient: Any, approver: Any) -> None:
    """The role is needed, by the administrator and the patient too."""
    for account in (patient, approver):
        with reverts_with("AccessControlUnauthorizedAccount", account, glass.contract.REVIEWER_ROLE()):
            glass.contract.review(1, True, {"from": account})


@pytest.mark.parametrize("first", [True, False])
def test_review_twice_is_refused(glass: Emergencies, reviewer: Any, first: bool) -> None:
    """A judgement is not taken back."""
    glass.contract.review(1, first, {"from": reviewer})

    with reverts_with("UseReviewed", 1):
        glass.contract.review(1, not first, {"from": reviewer})


def test_review_of_unknown_use_is_refused(glass: Emergencies, reviewer: Any) -> None:
    """Neither 0 nor the next number is a use."""
    for number in (0, 2):
        with reverts_with("UnknownUse", number):
            glass.contract.review(number, True, {"from": reviewer})


def test_review_too_late_is_accepted(glass: Emergencies, reviewer: Any, twin: int, researcher: Any) -> None:
    """Better late than never; it opens nothing that is over."""
    next_at(glass.use(1).expiry - OPEN_S + REVIEW_S + 1)

    glass.contract.review(1, True, {"from": reviewer})

    assert glass.use(1).review == JUSTIFIED
    assert not glass.contract.isOpen(twin, researcher, VITALS)


def test_reinstate_by_administrator_lifts_one_suspension(
    glass: Emergencies, twin: int, approver: Any, researcher: Any, hospital: Any, reviewer: Any
) -> None:
    """The other stays suspended, and what was closed stays closed."""
    glass.contract.review(1, False, {"from": reviewer})

    tx = glass.contract.reinstate(researcher, {"from": approver})

    assert logged(tx) == [expected("ClinicianReinstated", clinician=researcher, by=approver)]
    assert not glass.contract.isSuspended(researcher)
    assert glass.contract.isSuspended(hospital)
    assert not glass.contract.isOpen(twin, researcher, VITALS)


def test_reinstate_by_others_is_refused(glass: Emergencies, researcher: Any, reviewer: Any) -> None:
    """Neither the reviewer nor the clinician."""
    glass.contract.review(1, False, {"from": reviewer})

    for account in (reviewer, researcher):
        with reverts_with("AccessControlUnauthorizedAccount", account, bytes(32)):
            glass.contract.reinstate(researcher, {"from": account})
