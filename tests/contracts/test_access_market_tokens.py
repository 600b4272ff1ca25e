"""AccessMarket with tokens that misbehave.

given a token that takes a fee
  it refuses the purchase
given a token that answers false
  it refuses to collect
  it refuses to pay, and pays later
given a token that refuses the buyer's account
  it pays the payee all the same, and the buyer later
given a token that refuses the payee's account
  it pays the buyer all the same, and the payee later
given a token that calls back
  it refuses to be re-entered in every function that pays
given a token that calls back as itself
  it lets it list nothing
"""

from __future__ import annotations

from typing import Any

import brownie
import pytest

from tests.contracts.clock import DAY_S, next_at
from tests.contracts.consents import RESEARCH, VITALS, grant_of
from tests.contracts.offers import PLENTY, Offer, Stall, earned
from tests.contracts.reverts import reverts_with

PRICE = 10**6
ZERO = "0x" + "0" * 40


@pytest.fixture
def hostile(suite: Any, stranger: Any) -> Any:
    """A token that misbehaves when told to."""
    return brownie.project.get_loaded_projects()[0]["HostileToken"].deploy({"from": stranger})


@pytest.fixture
def stall(hostile: Any, suite: Any, twin: int, patient: Any, researcher: Any, stranger: Any) -> Stall:
    """A market that is paid in it."""
    deploy = brownie.project.get_loaded_projects()[0]["AccessMarket"].deploy
    market = deploy(suite.twins, suite.consents, hostile, suite.by_name["StudyRegistry"], ZERO, 0, {"from": stranger})
    made = Stall(market, suite.consents, hostile, Offer(twin, PRICE, VITALS, RESEARCH, 30, bytes(32)), patient)
    made.open()
    made.fund(researcher)
    return made


@pytest.fixture
def revoked(stall: Stall, consents: Any, twin: int, patient: Any, researcher: Any) -> int:
    """What was earned of a day's purchase that was revoked half-way."""
    start = stall.buy(researcher, 1).timestamp
    next_at(start + DAY_S // 2)
    consents.revoke(twin, researcher, {"from": patient})
    return earned(PRICE, start, start + DAY_S, start + DAY_S // 2)


def test_purchase_with_fee_is_refused(stall: Stall, hostile: Any, consents: Any, twin: int, researcher: Any) -> None:
    """What was not received cannot be owed."""
    hostile.setFee(1, {"from": researcher})

    with reverts_with("WrongAmountReceived", PRICE, PRICE - 1):
        stall.buy(researcher, 1)

    assert grant_of(consents, twin, researcher).serial == 0
    assert hostile.balanceOf(researcher) == PLENTY


def test_purchase_answered_false_is_refused(stall: Stall, hostile: Any, researcher: Any) -> None:
    """False is a failure, whatever the standard lets tokens do."""
    hostile.setAnswersFalse(True, {"from": researcher})

    with reverts_with("SafeERC20FailedOperation", hostile):
        stall.buy(researcher, 1)


def test_payment_answered_false_is_tried_again(
    stall: Stall, hostile: Any, revoked: int, twin: int, patient: Any, researcher: Any
) -> None:
    """A payment that failed is still owed."""
    hostile.setAnswersFalse(True, {"from": researcher})
    for call in (stall.market.settle, stall.market.withdraw):
        with reverts_with("SafeERC20FailedOperation", hostile):
            call(twin, researcher, {"from": patient})

    hostile.setAnswersFalse(False, {"from": researcher})
    stall.market.settle(twin, researcher, {"from": patient})
    stall.market.withdraw(twin, researcher, {"from": patient})

    assert hostile.balanceOf(patient) == revoked
    assert hostile.balanceOf(researcher) == PLENTY - revoked


def test_refused_buyer_holds_up_nobody(
    stall: Stall, hostile: Any, revoked: int, twin: int, patient: Any, researcher: Any
) -> None:
    """The payee is paid; the refund waits."""
    hostile.setRefused(researcher, {"from": patient})

    with reverts_with("AccountRefused", researcher):
        stall.market.settle(twin, researcher, {"from": patient})
    stall.market.withdraw(twin, researcher, {"from": patient})
    assert hostile.balanceOf(patient) == revoked

    hostile.setRefused(ZERO, {"from": patient})
    stall.market.settle(twin, researcher, {"from": patient})
    assert hostile.balanceOf(researcher) == PLENTY - revoked
    assert stall.escrow() == 0


def test_refused_payee_holds_up_nobody(
    stall: Stall, hostile: Any, revoked: int, twin: int, patient: Any, researcher: Any
) -> None:
    """The buyer is refunded; the earnings wait."""
    hostile.setRefused(patient, {"from": researcher})

    with reverts_with("AccountRefused", patient):
        stall.market.withdraw(twin, researcher, {"from": patient})
    stall.market.settle(twin, researcher, {"from": researcher})
    assert hostile.balanceOf(researcher) == PLENTY - revoked

    hostile.setRefused(ZERO, {"from": researcher})
    stall.market.withdraw(twin, researcher, {"from": patient})
    assert hostile.balanceOf(patient) == revoked
    assert stall.escrow() == 0


def test_reentry_is_refused(stall: Stall, hostile: Any, revoked: int, twin: int, patient: Any, researcher: Any) -> None:
    """While a token moves, the market pays nobody and sells nothing."""
    market = stall.market
    calls = (
        market.withdraw.encode_input(twin, researcher),
        market.settle.encode_input(twin, researcher),
        market.purchase.encode_input(stall.offer, 1, PRICE, bytes(32)),
    )

    for call in calls:
        hostile.setCall(market, call, {"from": researcher})
        with reverts_with("ReentrancyGuardReentrantCall"):
            market.settle(twin, researcher, {"from": patient})
        with reverts_with("ReentrancyGuardReentrantCall"):
            market.withdraw(twin, researcher, {"from": patient})
        with reverts_with("ReentrancyGuardReentrantCall"):
            stall.buy(researcher, 1)

    assert stall.escrow() == PRICE


def test_token_as_caller_lists_nothing(
    stall: Stall, hostile: Any, revoked: int, twin: int, patient: Any, researcher: Any
) -> None:
    """The token is a stranger like any other."""
    hostile.setCall(stall.market, stall.market.delist.encode_input(twin), {"from": researcher})

    with reverts_with("NotTwinOwner", twin, hostile):
        stall.market.settle(twin, researcher, {"from": patient})
