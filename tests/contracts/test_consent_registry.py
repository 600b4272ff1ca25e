"""ConsentRegistry: grants by the owner and their end. The decision, signatures and operators have files of their own.

grant
  when the owner grants
    it stores the record, mints the token and allows what is in scope
  given an active grant
    it replaces it without a second token
  given a revoked grant
    it mints the token again
  when a stranger grants
    it refuses
  when the grantee is nobody or the owner
    it refuses
  when the scope is empty
    it refuses
  when the period is not one
    it refuses
  at the longest period
    it accepts the longest and refuses a second more
  given the twin is retired
    it refuses
  given the owner is a contract
    it works the same
revoke
  when the owner revokes
    it ends the grant at once
  when the grantee gives it up
    it ends the grant at once
  when a stranger revokes
    it refuses
  given no grant
    it refuses
  given the grant expired, is void, or the twin is retired
    it still works
deny
  given a grant
    it ends it
  given none
    it is remembered
  when a stranger denies
    it refuses
  when the owner grants again
    it no longer counts
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import DAY_S, next_at, now_s
from tests.contracts.consents import CARE, LABS, RESEARCH, VITALS, Grant, Scope, grant_of
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with

ZERO = "0x" + "0" * 40
MAX_DURATION_S = 731 * DAY_S


def token_moved(by: Any, giver: Any, taker: Any, twin: int) -> tuple[str, dict[str, Any]]:
    """The ERC-1155 event of one token."""
    return expected("TransferSingle", operator=by, **{"from": giver}, to=taker, id=twin, value=1)


def test_grant_by_owner_allows_what_is_in_scope(consents: Any, twin: int, patient: Any, researcher: Any) -> None:
    """One transaction: record, token, decision."""
    scope = Scope(VITALS, RESEARCH, now_s(), now_s() + DAY_S)

    tx = consents.grant(twin, researcher, scope, {"from": patient})

    assert logged(tx) == [
        expected("ConsentGranted", twinId=twin, grantee=researcher, serial=1, scope=scope, by=patient),
        token_moved(patient, ZERO, researcher, twin),
    ]
    assert grant_of(consents, twin, researcher) == Grant(*scope, epoch=0, serial=1)
    assert consents.isAllowed(twin, researcher, VITALS, RESEARCH)
    assert consents.balanceOf(researcher, twin) == 1


def test_grant_over_active_one_replaces_it(
    consents: Any, twin: int, patient: Any, researcher: Any, year: Scope
) -> None:
    """Narrower or wider, the last word counts; there is one token, so no second one is minted."""
    consents.grant(twin, researcher, year, {"from": patient})
    narrow = year._replace(categories=LABS)

    tx = consents.grant(twin, researcher, narrow, {"from": patient})

    assert logged(tx) == [
        expected("ConsentGranted", twinId=twin, grantee=researcher, serial=2, scope=narrow, by=patient)
    ]
    assert grant_of(consents, twin, researcher) == Grant(*narrow, epoch=0, serial=2)
    assert not consents.isAllowed(twin, researcher, VITALS, RESEARCH)


def test_grant_after_revoke_mints_again(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """Mints and burns alternate."""
    consents.grant(twin, researcher, year, {"from": patient})
    consents.revoke(twin, researcher, {"from": patient})

    tx = consents.grant(twin, researcher, year, {"from": patient})

    assert logged(tx)[1:] == [token_moved(patient, ZERO, researcher, twin)]
    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=2)


def test_grant_by_stranger_is_refused(
    consents: Any, twin: int, hospital: Any, researcher: Any, stranger: Any, patient: Any, year: Scope
) -> None:
    """Neither strangers nor grantees grant."""
    consents.grant(twin, researcher, year, {"from": patient})

    for account in (stranger, researcher):
        with reverts_with("NotTwinOwner", twin, account):
            consents.grant(twin, hospital, year, {"from": account})


def test_grant_to_nobody_or_owner_is_refused(consents: Any, twin: int, patient: Any, year: Scope) -> None:
    """The owner needs no grant, and nobody must not be allowed."""
    for grantee in (ZERO, patient):
        with reverts_with("InvalidGrantee", twin, grantee):
            consents.grant(twin, grantee, year, {"from": patient})


def test_grant_of_nothing_is_refused(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """Both categories and purposes must be named."""
    for scope in (year._replace(categories=0), year._replace(purposes=0)):
        with reverts_with("EmptyScope", twin, scope.categories, scope.purposes):
            consents.grant(twin, researcher, scope, {"from": patient})


@pytest.mark.parametrize(("start", "end"), [(10, 10), (11, 10), (-10, 0), (0, -1), (-10, -5)])
def test_grant_for_no_period_is_refused(
    consents: Any, twin: int, patient: Any, researcher: Any, start: int, end: int
) -> None:
    """An expiry is mandatory, after the beginning and after now (the block's own second included)."""
    block = now_s() + 1
    scope = Scope(VITALS, CARE, block + start, block + end)

    with reverts_with("InvalidPeriod", scope.not_before, scope.expiry, block + MAX_DURATION_S):
        consents.grant(twin, researcher, scope, {"from": patient})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_grant_for_longest_period(consents: Any, twin: int, patient: Any, researcher: Any, offset: int) -> None:
    """Consent for ever does not exist: at most 731 days."""
    block = now_s() + 1
    scope = Scope(VITALS, CARE, block, block + MAX_DURATION_S + offset)

    if offset <= 0:
        consents.grant(twin, researcher, scope, {"from": patient})
        assert grant_of(consents, twin, researcher).expiry == scope.expiry
    else:
        with reverts_with("InvalidPeriod", block, scope.expiry, block + MAX_DURATION_S):
            consents.grant(twin, researcher, scope, {"from": patient})


def test_grant_on_retired_twin_is_refused(
    consents: Any, twins: Any, twin: int, patient: Any, researcher: Any, year: Scope
) -> None:
    """A retired twin takes no more grants."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        consents.grant(twin, researcher, year, {"from": patient})


def test_grant_by_wallet_allows(
    consents: Any, wallet: Any, wallet_twin: int, wallet_owner: Any, researcher: Any, year: Scope
) -> None:
    """A patient whose account is a contract grants and revokes like any other."""
    wallet.execute(consents, consents.grant.encode_input(wallet_twin, researcher, year), {"from": wallet_owner})
    assert consents.isAllowed(wallet_twin, researcher, VITALS, CARE)

    wallet.execute(consents, consents.revoke.encode_input(wallet_twin, researcher), {"from": wallet_owner})

    assert not consents.isAllowed(wallet_twin, researcher, VITALS, CARE)


def test_revoke_by_owner_ends_the_grant(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """From this block on the answer is no."""
    consents.grant(twin, researcher, year, {"from": patient})

    tx = consents.revoke(twin, researcher, {"from": patient})

    assert logged(tx) == [token_moved(patient, researcher, ZERO, twin)]
    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=1, revoked=True)
    assert not consents.isAllowed(twin, researcher, VITALS, CARE)
    assert consents.balanceOf(researcher, twin) == 0
    assert consents.revokedAt(twin, researcher, 1) == 0  # kept for purchased grants only


def test_revoke_by_grantee_ends_the_grant(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """Nobody must hold a right they do not want."""
    consents.grant(twin, researcher, year, {"from": patient})

    tx = consents.revoke(twin, researcher, {"from": researcher})

    assert logged(tx) == [token_moved(researcher, researcher, ZERO, twin)]
    assert not consents.isAllowed(twin, researcher, VITALS, CARE)


def test_revoke_by_stranger_is_refused(
    consents: Any, twin: int, patient: Any, researcher: Any, stranger: Any, year: Scope
) -> None:
    """Only the two it concerns end a grant."""
    consents.grant(twin, researcher, year, {"from": patient})

    with reverts_with("NotTwinOwner", twin, stranger):
        consents.revoke(twin, researcher, {"from": stranger})

    assert consents.isAllowed(twin, researcher, VITALS, CARE)


def test_revoke_without_grant_is_refused(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """Nothing to end: never granted, or revoked before."""
    for account in (patient, researcher):
        with reverts_with("NoGrant", twin, researcher):
            consents.revoke(twin, researcher, {"from": account})
    consents.grant(twin, researcher, year, {"from": patient})
    consents.revoke(twin, researcher, {"from": patient})
    with reverts_with("NoGrant", twin, researcher):
        consents.revoke(twin, researcher, {"from": patient})


@pytest.mark.parametrize("state", ["expired", "void", "retired", "not yet begun"])
def test_revoke_works_in_every_state(
    consents: Any, twins: Any, twin: int, patient: Any, researcher: Any, state: str
) -> None:
    """Revoking never depends on anything but a grant that was not revoked."""
    start = now_s() + DAY_S if state == "not yet begun" else now_s()
    consents.grant(twin, researcher, Scope(VITALS, CARE, start, start + 100), {"from": patient})
    if state == "expired":
        next_at(start + 200)
    elif state == "void":
        twins.voidGrants(twin, {"from": patient})
    elif state == "retired":
        twins.retire(twin, {"from": patient})

    tx = consents.revoke(twin, researcher, {"from": patient})

    assert logged(tx) == [token_moved(patient, researcher, ZERO, twin)]
    assert grant_of(consents, twin, researcher).revoked


def test_deny_ends_the_grant(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """A denial revokes what there is."""
    consents.grant(twin, researcher, year, {"from": patient})

    tx = consents.deny(twin, researcher, {"from": patient})

    assert logged(tx) == [
        token_moved(patient, researcher, ZERO, twin),
        expected("ConsentDenied", twinId=twin, grantee=researcher, by=patient),
    ]
    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=1, revoked=True, denied=True)
    assert not consents.isAllowed(twin, researcher, VITALS, CARE)


def test_deny_without_grant_is_remembered(consents: Any, twin: int, patient: Any, researcher: Any) -> None:
    """A patient may say no before anybody asks, and twice."""
    for _ in range(2):
        tx = consents.deny(twin, researcher, {"from": patient})
        assert logged(tx) == [expected("ConsentDenied", twinId=twin, grantee=researcher, by=patient)]

    assert grant_of(consents, twin, researcher) == Grant(0, 0, 0, 0, epoch=0, serial=0, denied=True)


def test_deny_by_stranger_is_refused(consents: Any, twin: int, researcher: Any, stranger: Any) -> None:
    """Only the owner denies."""
    with reverts_with("NotTwinOwner", twin, stranger):
        consents.deny(twin, researcher, {"from": stranger})


def test_grant_after_deny_allows_again(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """The owner's own grant is the only way back."""
    consents.deny(twin, researcher, {"from": patient})

    consents.grant(twin, researcher, year, {"from": patient})

    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=1)
    assert consents.isAllowed(twin, researcher, VITALS, CARE)
