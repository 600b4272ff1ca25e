"""AccessMarket: what the owner earns, and what escrow holds.

withdraw
  given a running purchase
    it pays what is earned by the second
  given the period is over
    it pays the rest and forgets the purchase
  when anyone calls
    it pays the payee
  given the twin was sold
    it pays who was owner at the purchase
  given no purchase
    it refuses
the escrow
  when anything happens in any order
    it holds exactly what is owed
"""

from __future__ import annotations

from typing import Any

import pytest
from brownie.test import given, strategy

from tests.contracts.clock import DAY_S, next_at, now_s, view_at
from tests.contracts.consents import LABS, RESEARCH, VITALS
from tests.contracts.events import expected, logged
from tests.contracts.offers import NO_PURCHASE, Offer, Purchase, Stall, earned
from tests.contracts.reverts import reverts_with

TERMS = b"\x55" * 32
PRICE = 10**18 + 7  # not a multiple of the seconds of a day


@pytest.fixture
def offer(twin: int) -> Offer:
    """Vitals and labs for research, up to 30 days."""
    return Offer(twin, PRICE, VITALS | LABS, RESEARCH, 30, TERMS)


@pytest.fixture
def stall(market: Any, consents: Any, token: Any, offer: Offer, patient: Any, researcher: Any) -> Stall:
    """The offer, listed, and a researcher with tokens."""
    made = Stall(market, consents, token, offer, patient)
    made.open()
    made.fund(researcher)
    return made


def test_withdraw_pays_by_the_second(stall: Stall, market: Any, twin: int, patient: Any, researcher: Any) -> None:
    """Two withdrawals pay together what one would have paid."""
    start = stall.buy(researcher, 3).timestamp
    end, paid = start + 3 * DAY_S, 3 * PRICE
    next_at(start + 12_345)
    first = market.withdraw(twin, researcher, {"from": patient})
    view_at(start + 100_000)
    due = earned(paid, start, end, start + 100_000) - earned(paid, start, end, start + 12_345)
    assert market.balanceOf(twin, researcher) == (due, 0)
    next_at(start + 100_001)
    market.withdraw(twin, researcher, {"from": patient})

    amount = earned(paid, start, end, start + 12_345)
    total = earned(paid, start, end, start + 100_001)
    assert first.return_value == amount
    assert logged(first) == [
        expected(
            "EarningsWithdrawn",
            twinId=twin,
            buyer=researcher,
            payee=patient,
            amount=amount,
            forCustodian=0,
            forProtocol=0,
        ),
        expected("Transfer", **{"from": market}, to=patient, value=amount),
    ]
    assert stall.token.balanceOf(patient) == total
    assert stall.escrow() == paid - total
    assert stall.purchase_of(researcher) == Purchase(patient.address, start, end, paid, total, 1, 0)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_withdraw_at_end_pays_all(
    stall: Stall, market: Any, twin: int, patient: Any, researcher: Any, offset: int
) -> None:
    """At the end everything is earned, and nothing is left behind."""
    end = stall.buy(researcher, 3).timestamp + 3 * DAY_S
    next_at(end + offset)

    market.withdraw(twin, researcher, {"from": patient})

    if offset < 0:
        assert stall.escrow() == 3 * PRICE - earned(3 * PRICE, end - 3 * DAY_S, end, end - 1)
        assert stall.purchase_of(researcher) != NO_PURCHASE
    else:
        assert stall.token.balanceOf(patient) == 3 * PRICE
        assert stall.escrow() == 0
        assert stall.purchase_of(researcher) == NO_PURCHASE
        with reverts_with("NoPurchase", twin, researcher):
            market.withdraw(twin, researcher, {"from": patient})


def test_withdraw_by_anyone_pays_the_payee(
    stall: Stall, market: Any, twin: int, patient: Any, researcher: Any, stranger: Any
) -> None:
    """Who calls makes no difference."""
    start = stall.buy(researcher, 1).timestamp
    next_at(start + 1_000)

    market.withdraw(twin, researcher, {"from": stranger})

    assert stall.token.balanceOf(patient) == earned(PRICE, start, start + DAY_S, start + 1_000)
    assert stall.token.balanceOf(stranger) == 0


def test_withdraw_after_sale_pays_the_seller(
    market: Any,
    consents: Any,
    token: Any,
    twins: Any,
    offer: Offer,
    equipment: int,
    hospital: Any,
    researcher: Any,
    stranger: Any,
) -> None:
    """Earned is what was earned until the twin changed hands, by who owned it then."""
    stall = Stall(market, consents, token, offer._replace(twin=equipment), hospital)
    stall.open()
    stall.fund(researcher)
    start = stall.buy(researcher, 2).timestamp
    next_at(start + 5_000)
    sold = twins.transferFrom(hospital, stranger, equipment, {"from": hospital}).timestamp
    next_at(start + 50_000)

    market.withdraw(equipment, researcher, {"from": stranger})

    assert token.balanceOf(hospital) == earned(2 * PRICE, start, start + 2 * DAY_S, sold)
    assert token.balanceOf(stranger) == 0


def test_withdraw_and_settle_without_purchase_are_refused(
    market: Any, twin: int, patient: Any, researcher: Any
) -> None:
    """Nothing was bought."""
    for call in (market.withdraw, market.settle):
        with reverts_with("NoPurchase", twin, researcher):
            call(twin, researcher, {"from": patient})

    assert market.balanceOf(twin, researcher) == (0, 0)


@given(
    price=strategy("uint96", min_value=DAY_S, max_value=10**20),
    days=strategy("uint16", min_value=1, max_value=30),
    waits=strategy("uint32[4]", max_value=3 * DAY_S),
    order=strategy("uint8", max_value=5),
)
def test_escrow_holds_exactly_what_is_owed(
    market: Any, consents: Any, token: Any, twins: Any, twin: int, patient: Any, researcher: Any,
    price: int, days: int, waits: list[int], order: int,
) -> None:  # fmt: skip
    """Whatever was paid is with the payee, with the buyer or in escrow; and in the end nothing is left in escrow."""
    held = Stall(market, consents, token, Offer(twin, price, VITALS, RESEARCH, 30, bytes(32)), patient)
    held.open()
    held.token.mint(researcher, price * days, {"from": researcher})
    held.token.approve(market, price * days, {"from": researcher})
    had = token.balanceOf(researcher), token.balanceOf(patient)
    start = held.buy(researcher, days).timestamp
    end = start + days * DAY_S
    next_at(now_s() + 1 + waits[0])
    if order % 2:
        market.withdraw(twin, researcher, {"from": researcher})
    next_at(now_s() + 1 + waits[1])
    ends = (consents.revoke, consents.deny)[order // 2] if order < 4 else None
    over = (ends(twin, researcher, {"from": patient}) if ends else twins.voidGrants(twin, {"from": patient})).timestamp
    next_at(now_s() + 1 + waits[2])
    due = earned(price * days, start, end, over)
    if due < price * days:
        settled = market.settle(twin, researcher, {"from": patient})
        assert settled.return_value[1] == price * days - due
    elif held.purchase_of(researcher) != NO_PURCHASE:  # ended after its last day, and not yet withdrawn
        with reverts_with("NothingToRefund", twin, researcher):
            market.settle(twin, researcher, {"from": patient})
    assert token.balanceOf(researcher) == had[0] - due
    if held.purchase_of(researcher) != NO_PURCHASE:
        market.withdraw(twin, researcher, {"from": patient})

    assert token.balanceOf(patient) == had[1] + due
    assert held.escrow() == 0
    assert held.purchase_of(researcher) == NO_PURCHASE
