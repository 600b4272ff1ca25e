"""CaseToken: how a case ends, and what it opens meanwhile.

close
  when either department or the owner calls
    it closes the case now
  when anybody else calls
    it refuses
  given it is closed, over or unknown
    it refuses
  at the end
    it accepts a second before, refuses at it and after it
isOpen
  at the end
    it is open a second before, closed at it and after it
  given the categories of the case
    it answers for each part of them and nothing else
  given another twin or the giver
    it is closed
  given a later case
    it knows that one only
  given either department lost its role
    it is closed
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.cases import Handoff
from tests.contracts.clock import next_at, view_at
from tests.contracts.consents import LABS, VITALS
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with


@pytest.mark.parametrize("index", [5, 6, 7], ids=["owner", "giver", "taker"])
@pytest.mark.parametrize("ended", [True, False])
def test_close_by_party_closes(
    handoff: Handoff, accounts: Any, twin: int, hospital: Any, index: int, ended: bool
) -> None:
    """Each of the three closes it at once, and says whether the procedure is over."""
    case_id = handoff.open(hospital).return_value

    tx = handoff.contract.close(case_id, ended, {"from": accounts[index]})

    assert logged(tx) == [
        expected("CaseClosed", twinId=twin, caseId=str(case_id), by=accounts[index], procedureEnded=ended)
    ]
    assert handoff.standing(case_id).closed
    assert not handoff.contract.isOpen(twin, hospital, VITALS)


def test_close_by_others_is_refused(handoff: Handoff, hospital: Any, stranger: Any, approver: Any) -> None:
    """The administrator neither."""
    case_id = bytes(handoff.open(hospital).return_value)

    for account in (stranger, approver):
        with reverts_with("NotCaseParty", case_id, account):
            handoff.contract.close(case_id, True, {"from": account})


def test_close_of_no_open_case_is_refused(handoff: Handoff, hospital: Any, stranger: Any) -> None:
    """A stranger learns no more than a party."""
    case_id = bytes(handoff.open(hospital).return_value)
    handoff.contract.close(case_id, True, {"from": hospital})

    for wanted in (case_id, bytes(32), b"\x01" * 32):
        for account in (hospital, stranger):
            with reverts_with("CaseNotOpen", wanted):
                handoff.contract.close.call(wanted, True, {"from": account})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_close_at_the_end(handoff: Handoff, hospital: Any, offset: int) -> None:
    """What is over cannot be closed."""
    case = handoff.case()
    case_id = bytes(handoff.open(hospital, case).return_value)
    next_at(case.expiry + offset)

    if offset < 0:
        handoff.contract.close(case_id, False, {"from": hospital})
    else:
        with reverts_with("CaseNotOpen", case_id):
            handoff.contract.close(case_id, False, {"from": hospital})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_is_open_at_the_end(handoff: Handoff, twin: int, hospital: Any, offset: int) -> None:
    """Open while time < expiry."""
    case = handoff.case()
    handoff.open(hospital, case)
    view_at(case.expiry + offset)

    assert handoff.contract.isOpen(twin, hospital, VITALS) is (offset < 0)


def test_is_open_for_each_part_of_the_categories(handoff: Handoff, twin: int, hospital: Any) -> None:
    """Subsets, but not the empty one."""
    handoff.open(hospital)

    assert [handoff.contract.isOpen(twin, hospital, asked) for asked in range(8)] == [0, 1, 1, 1, 0, 0, 0, 0]


def test_is_open_for_nothing_else(handoff: Handoff, twin: int, equipment: int, researcher: Any, hospital: Any) -> None:
    """Who hands over receives nothing."""
    handoff.open(hospital)

    assert not handoff.contract.isOpen(equipment, hospital, VITALS)
    assert not handoff.contract.isOpen(twin, researcher, VITALS)


def test_is_open_under_the_last_case_only(handoff: Handoff, twin: int, hospital: Any) -> None:
    """A later and narrower case replaces a wider one, and its end brings nothing back."""
    handoff.open(hospital)
    last = handoff.open(hospital, handoff.case(categories=VITALS), nonce=2).return_value

    assert handoff.contract.isOpen(twin, hospital, VITALS)
    assert not handoff.contract.isOpen(twin, hospital, LABS)
    handoff.contract.close(last, True, {"from": hospital})
    assert not handoff.contract.isOpen(twin, hospital, VITALS)


@pytest.mark.parametrize("index", [6, 7], ids=["giver", "taker"])
def test_is_open_ends_with_the_role(
    handoff: Handoff, accounts: Any, twin: int, hospital: Any, approver: Any, index: int
) -> None:
    """A case is worth as much as both departments."""
    handoff.open(hospital)

    handoff.contract.revokeRole(handoff.contract.DEPARTMENT_ROLE(), accounts[index], {"from": approver})

    assert not handoff.contract.isOpen(twin, hospital, VITALS)
