"""ConsentRegistry through operators: setOperator and open.

setOperator
  when the owner approves
    it records the limits, in this epoch only
  when the owner withdraws an approval
    it ends the operator's right
  when a stranger approves
    it refuses
  when the limits are none
    it refuses
open
  given limits that contain the scope
    it opens a purchased grant
  when the scope is wider
    it refuses each way of being wider
  at the limits' own expiry
    it accepts a second before, refuses at it and after it
  given no approval, or another twin's
    it refuses
  given the approval is of an earlier epoch
    it refuses
  given the grantee is denied
    it refuses, after the denial's epoch too
  given a grant is open
    it refuses, begun or not
  given the grant ended
    it opens the next
  given the grantee is nobody or the owner
    it refuses
  given the twin is retired
    it refuses
a purchased grant
  when the owner grants over it
    it refuses until it was revoked
  when the owner revokes it
    it remembers when
  when the buyer gives it up
    it does not
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import DAY_S, next_at, now_s, view_at
from tests.contracts.consents import CARE, LABS, RESEARCH, VITALS, Grant, Scope, grant_of
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with

ZERO = "0x" + "0" * 40
LONGEST_S = 10 * DAY_S


@pytest.fixture
def limits(consents: Any, twin: int, patient: Any, hospital: Any) -> Scope:
    """The hospital may open grants on the patient's vitals and labs for research, ten days each, within 100 days."""
    start = now_s()
    scope = Scope(VITALS | LABS, RESEARCH, start, start + 100 * DAY_S)
    consents.setOperator(twin, hospital, scope, LONGEST_S, {"from": patient})
    return scope


@pytest.fixture
def inside(limits: Scope) -> Scope:
    """A scope that uses the limits up."""
    return Scope(VITALS | LABS, RESEARCH, limits.not_before + 50, limits.not_before + 50 + LONGEST_S)


def test_set_operator_records_limits(consents: Any, twins: Any, twin: int, patient: Any, hospital: Any) -> None:
    """Approvals belong to the epoch they were given in."""
    twins.voidGrants(twin, {"from": patient})
    scope = Scope(VITALS, CARE, now_s(), now_s() + DAY_S)

    tx = consents.setOperator(twin, hospital, scope, 3_600, {"from": patient})

    assert logged(tx) == [expected("OperatorSet", twinId=twin, operator=hospital, limits=scope, maxDuration=3_600)]
    assert consents.operatorOf(twin, hospital) == (scope, 3_600, 1)


def test_set_operator_to_nothing_ends_the_right(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope
) -> None:
    """An expiry of zero withdraws; what was opened before stays until revoked."""
    tx = consents.setOperator(twin, hospital, (0, 0, 0, 0), 0, {"from": patient})

    assert logged(tx) == [expected("OperatorSet", twinId=twin, operator=hospital, limits=(0, 0, 0, 0), maxDuration=0)]
    with reverts_with("OperatorScopeExceeded", twin, hospital):
        consents.open(twin, researcher, inside, {"from": hospital})


def test_set_operator_by_stranger_is_refused(
    consents: Any, twin: int, hospital: Any, stranger: Any, limits: Scope
) -> None:
    """Operators do not approve operators."""
    for account in (stranger, hospital):
        with reverts_with("NotTwinOwner", twin, account):
            consents.setOperator(twin, stranger, limits, LONGEST_S, {"from": account})


def test_set_operator_to_impossible_limits_is_refused(consents: Any, twin: int, patient: Any, hospital: Any) -> None:
    """Limits are a scope like any other: not empty, not over, not for ever."""
    block = now_s() + 1
    latest = block + 731 * DAY_S

    with reverts_with("EmptyScope", twin, 0, RESEARCH):
        consents.setOperator(twin, hospital, (0, RESEARCH, 0, block + 10), 1, {"from": patient})
    with reverts_with("InvalidPeriod", 0, latest + 2, latest + 1):
        consents.setOperator(twin, hospital, (VITALS, RESEARCH, 0, latest + 2), 1, {"from": patient})


def test_open_inside_limits_opens(consents: Any, twin: int, hospital: Any, researcher: Any, inside: Scope) -> None:
    """The grant is marked as purchased; the events name the operator."""
    tx = consents.open(twin, researcher, inside, {"from": hospital})

    assert tx.return_value == 1
    assert logged(tx) == [
        expected("ConsentGranted", twinId=twin, grantee=researcher, serial=1, scope=inside, by=hospital),
        expected("TransferSingle", operator=hospital, **{"from": ZERO}, to=researcher, id=twin, value=1),
    ]
    assert grant_of(consents, twin, researcher) == Grant(*inside, epoch=0, serial=1, purchased=True)
    view_at(inside.not_before)
    assert consents.isAllowed(twin, researcher, VITALS | LABS, RESEARCH)


@pytest.mark.parametrize("way", ["categories", "purposes", "not_before", "expiry", "longer"])
def test_open_wider_is_refused(
    consents: Any, twin: int, hospital: Any, researcher: Any, limits: Scope, inside: Scope, way: str
) -> None:
    """By one bit of data or purpose, by one second at either end, or by one second of length."""
    wider = {
        "categories": inside._replace(categories=VITALS | LABS | 4),
        "purposes": inside._replace(purposes=RESEARCH | CARE),
        "not_before": Scope(VITALS, RESEARCH, limits.not_before - 1, limits.not_before + 100),
        "expiry": Scope(VITALS, RESEARCH, limits.expiry - 100, limits.expiry + 1),
        "longer": inside._replace(expiry=inside.expiry + 1),
    }[way]

    with reverts_with("OperatorScopeExceeded", twin, hospital):
        consents.open(twin, researcher, wider, {"from": hospital})

    assert grant_of(consents, twin, researcher).serial == 0


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_open_at_end_of_approval(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, offset: int
) -> None:
    """An approval holds while time < expiry."""
    end = now_s() + 1_000
    consents.setOperator(twin, hospital, (VITALS, CARE, 0, end), 2_000, {"from": patient})
    next_at(end + offset)

    if offset < 0:
        consents.open(twin, researcher, (VITALS, CARE, end - 100, end), {"from": hospital})
    else:
        with reverts_with("OperatorScopeExceeded", twin, hospital):
            consents.open(twin, researcher, (VITALS, CARE, end - 100, end), {"from": hospital})


def test_open_without_approval_is_refused(
    consents: Any,
    twin: int,
    wallet_twin: int,
    patient: Any,
    hospital: Any,
    stranger: Any,
    researcher: Any,
    inside: Scope,
) -> None:
    """Not a stranger, not the owner in an operator's place, not on another twin."""
    for account in (stranger, patient):
        with reverts_with("OperatorScopeExceeded", twin, account):
            consents.open(twin, researcher, inside, {"from": account})
    with reverts_with("OperatorScopeExceeded", wallet_twin, hospital):
        consents.open(wallet_twin, researcher, inside, {"from": hospital})


def test_open_in_later_epoch_is_refused(
    consents: Any, twins: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope
) -> None:
    """Voiding every grant voids every approval, so nothing is opened behind the owner's back."""
    twins.voidGrants(twin, {"from": patient})

    with reverts_with("OperatorScopeExceeded", twin, hospital):
        consents.open(twin, researcher, inside, {"from": hospital})


def test_open_for_denied_grantee_is_refused(
    consents: Any, twins: Any, twin: int, patient: Any, hospital: Any, researcher: Any, limits: Scope, inside: Scope
) -> None:
    """Deny wins over every operator, in this epoch and the next."""
    consents.deny(twin, researcher, {"from": patient})
    with reverts_with("GranteeDenied", twin, researcher):
        consents.open(twin, researcher, inside, {"from": hospital})

    twins.voidGrants(twin, {"from": patient})
    consents.setOperator(twin, hospital, limits, LONGEST_S, {"from": patient})

    with reverts_with("GranteeDenied", twin, researcher):
        consents.open(twin, researcher, inside, {"from": hospital})


@pytest.mark.parametrize("begin", [0, 1_000])
def test_open_over_open_grant_is_refused(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope, begin: int
) -> None:
    """What the owner gave is not replaced by a narrower or a paid one, even if it has yet to begin."""
    own = Scope(VITALS, CARE, now_s() + begin, now_s() + 2_000)
    consents.grant(twin, researcher, own, {"from": patient})

    with reverts_with("GrantActive", twin, researcher, own.expiry):
        consents.open(twin, researcher, inside, {"from": hospital})

    assert grant_of(consents, twin, researcher) == Grant(*own, epoch=0, serial=1)


@pytest.mark.parametrize("end", ["revoked", "given up", "expired"])
def test_open_after_end_opens_the_next(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope, end: str
) -> None:
    """However a grant ended, the next has the next number; the token is minted only if it was burnt."""
    consents.grant(twin, researcher, Scope(VITALS, CARE, now_s(), now_s() + 100), {"from": patient})
    if end == "expired":
        next_at(now_s() + 100)
    else:
        consents.revoke(twin, researcher, {"from": patient if end == "revoked" else researcher})

    tx = consents.open(twin, researcher, inside, {"from": hospital})

    assert tx.return_value == 2
    assert ("TransferSingle" in tx.events) is (end != "expired")
    assert grant_of(consents, twin, researcher) == Grant(*inside, epoch=0, serial=2, purchased=True)


def test_open_for_nobody_or_owner_is_refused(
    consents: Any, twin: int, patient: Any, hospital: Any, inside: Scope
) -> None:
    """As for any grant."""
    for grantee in (ZERO, patient):
        with reverts_with("InvalidGrantee", twin, grantee):
            consents.open(twin, grantee, inside, {"from": hospital})


def test_open_on_retired_twin_is_refused(
    consents: Any, twins: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope
) -> None:
    """A retired twin takes no more grants."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        consents.open(twin, researcher, inside, {"from": hospital})


def test_grant_over_purchased_is_refused_until_revoked(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, year: Scope, inside: Scope
) -> None:
    """What was paid for is ended in the open, not narrowed in silence."""
    consents.open(twin, researcher, inside, {"from": hospital})
    with reverts_with("GrantActive", twin, researcher, inside.expiry):
        consents.grant(twin, researcher, year, {"from": patient})

    consents.revoke(twin, researcher, {"from": patient})
    consents.grant(twin, researcher, year, {"from": patient})

    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=2)


def test_revoke_of_purchased_remembers_when(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope
) -> None:
    """What was not earned is counted from this second; later grants do not touch it."""
    consents.open(twin, researcher, inside, {"from": hospital})

    tx = consents.revoke(twin, researcher, {"from": patient})
    consents.open(twin, researcher, inside, {"from": hospital})

    assert consents.revokedAt(twin, researcher, 1) == tx.timestamp
    assert consents.revokedAt(twin, researcher, 2) == 0


def test_giving_up_of_purchased_remembers_nothing(
    consents: Any, twin: int, patient: Any, hospital: Any, researcher: Any, inside: Scope
) -> None:
    """A buyer that gives up has no claim, and a denial afterwards gives it none."""
    consents.open(twin, researcher, inside, {"from": hospital})

    consents.revoke(twin, researcher, {"from": researcher})
    consents.deny(twin, researcher, {"from": patient})

    assert consents.revokedAt(twin, researcher, 1) == 0
