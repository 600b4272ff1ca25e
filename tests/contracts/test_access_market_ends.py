"""AccessMarket: how a purchase ends, to the smallest unit.

settle
  given the period runs
    it refuses
  given the owner revoked
    it refunds exactly what was not earned, however late it is called
    it refunds everything in the second of the purchase
  given the owner denied the buyer
    it refunds as a revocation does
  given the epoch ended
    it refunds from that second, be it voidGrants or retirement
  given the period ended
    it refuses, as nothing is left to refund
  given the buyer gave up
    it refuses until the end, and then as nothing is left to refund
  given the owner was paid before
    it refunds the same and forgets the purchase
  given it was settled
    it refuses
  when anyone calls
    it pays the buyer
  given hardly more than one unit a second
    it loses no unit
purchase
  given the last one was revoked
    it settles it, pays both out and begins anew
  given the buyer gave up
    it refuses until the end of what was paid
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import DAY_S, next_at, view_at
from tests.contracts.consents import LABS, RESEARCH, VITALS
from tests.contracts.events import expected, logged
from tests.contracts.offers import NO_PURCHASE, PLENTY, Offer, Stall, earned
from tests.contracts.reverts import reverts_with

PRICE = 10**18 + 7
DAYS = 3
PAID = DAYS * PRICE


@pytest.fixture
def stall(market: Any, consents: Any, token: Any, twin: int, patient: Any, researcher: Any) -> Stall:
    """An offer, listed, and a researcher with tokens."""
    offer = Offer(twin, PRICE, VITALS | LABS, RESEARCH, 30, b"\x55" * 32)
    made = Stall(market, consents, token, offer, patient)
    made.open()
    made.fund(researcher)
    return made


@pytest.fixture
def start(stall: Stall, researcher: Any) -> int:
    """When the researcher bought three days (s)."""
    return int(stall.buy(researcher, DAYS).timestamp)


def test_settle_while_running_is_refused(stall: Stall, market: Any, start: int, twin: int, researcher: Any) -> None:
    """Until the last second."""
    end = start + DAYS * DAY_S
    next_at(end - 1)

    with reverts_with("PurchaseRunning", twin, researcher, end):
        market.settle(twin, researcher, {"from": researcher})


@pytest.mark.parametrize("delay", [1, 86_400, 40 * DAY_S])
def test_settle_after_revoke_refunds_the_unearned(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any, delay: int
) -> None:
    """The block of the revocation fixes the amounts."""
    next_at(start + 100_003)
    revoked = consents.revoke(twin, researcher, {"from": patient}).timestamp
    due = earned(PAID, start, start + DAYS * DAY_S, revoked)
    view_at(revoked + delay)
    assert market.balanceOf(twin, researcher) == (due, PAID - due)

    tx = market.settle(twin, researcher, {"from": researcher})

    assert tx.return_value == (due, PAID - due)
    assert logged(tx) == [
        expected("PurchaseSettled", twinId=twin, buyer=researcher, earned=due, refunded=PAID - due),
        expected("Transfer", **{"from": market}, to=researcher, value=PAID - due),
    ]
    assert stall.token.balanceOf(researcher) == PLENTY - due
    assert stall.escrow() == due
    assert market.withdraw(twin, researcher, {"from": patient}).return_value == due
    assert stall.escrow() == 0
    assert stall.purchase_of(researcher) == NO_PURCHASE


def test_settle_after_immediate_revoke_refunds_nearly_all(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any
) -> None:
    """An owner that sells and revokes in the next second keeps one second's worth."""
    consents.revoke(twin, researcher, {"from": patient})

    market.settle(twin, researcher, {"from": researcher})

    assert stall.escrow() == PAID // (DAYS * DAY_S)


def test_settle_after_deny_refunds_as_a_revocation(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any
) -> None:
    """Whatever word the owner uses."""
    next_at(start + 777)
    denied = consents.deny(twin, researcher, {"from": patient}).timestamp

    _, refunded = market.settle(twin, researcher, {"from": researcher}).return_value

    assert refunded == PAID - earned(PAID, start, start + DAYS * DAY_S, denied)


@pytest.mark.parametrize("end", ["voidGrants", "retire"])
def test_settle_after_epoch_refunds_from_its_end(
    stall: Stall, market: Any, twins: Any, start: int, twin: int, patient: Any, researcher: Any, end: str
) -> None:
    """Ending all grants ends paid ones, with the money back; a later revocation changes nothing."""
    next_at(start + 50_000)
    over = getattr(twins, end)(twin, {"from": patient}).timestamp
    next_at(start + 90_000)
    stall.consents.revoke(twin, researcher, {"from": patient})

    settled = market.settle(twin, researcher, {"from": researcher}).return_value

    due = earned(PAID, start, start + DAYS * DAY_S, over)
    assert settled == (due, PAID - due)
    assert stall.token.balanceOf(researcher) == PLENTY - due


def test_settle_after_natural_end_is_refused(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any
) -> None:
    """All was earned; a revocation that comes too late takes nothing back."""
    next_at(start + DAYS * DAY_S + 10)
    consents.revoke(twin, researcher, {"from": patient})

    with reverts_with("NothingToRefund", twin, researcher):
        market.settle(twin, researcher, {"from": researcher})

    assert market.balanceOf(twin, researcher) == (PAID, 0)
    assert stall.purchase_of(researcher).end == start + DAYS * DAY_S
    assert stall.escrow() == PAID
    market.withdraw(twin, researcher, {"from": patient})
    assert stall.token.balanceOf(patient) == PAID


def test_settle_after_giving_up_is_refused(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, researcher: Any, patient: Any
) -> None:
    """Else everything could be fetched in the first second and the price taken back."""
    end = start + DAYS * DAY_S
    consents.revoke(twin, researcher, {"from": researcher})
    consents.deny(twin, researcher, {"from": patient})

    with reverts_with("PurchaseRunning", twin, researcher, end):
        market.settle(twin, researcher, {"from": researcher})
    next_at(end)
    with reverts_with("NothingToRefund", twin, researcher):
        market.settle(twin, researcher, {"from": researcher})
    assert market.balanceOf(twin, researcher) == (PAID, 0)


def test_settle_after_withdrawal_refunds_the_same(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any
) -> None:
    """Being paid early neither takes from the refund nor adds to it."""
    next_at(start + 30_000)
    market.withdraw(twin, researcher, {"from": patient})
    next_at(start + 60_000)
    revoked = consents.revoke(twin, researcher, {"from": patient}).timestamp
    market.withdraw(twin, researcher, {"from": patient})

    settled = market.settle(twin, researcher, {"from": researcher}).return_value

    due = earned(PAID, start, start + DAYS * DAY_S, revoked)
    assert settled == (due, PAID - due)
    assert stall.token.balanceOf(patient) == due
    assert stall.escrow() == 0
    assert stall.purchase_of(researcher) == NO_PURCHASE


def test_settle_twice_is_refused(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any
) -> None:
    """The second call is refused and leaves the earnings where they are."""
    next_at(start + 30_000)
    consents.revoke(twin, researcher, {"from": patient})
    due, _ = market.settle(twin, researcher, {"from": researcher}).return_value
    before = stall.token.balanceOf(researcher)

    with reverts_with("NothingToRefund", twin, researcher):
        market.settle(twin, researcher, {"from": researcher})

    assert stall.token.balanceOf(researcher) == before
    assert stall.escrow() == due
    assert market.balanceOf(twin, researcher) == (due, 0)


def test_settle_by_anyone_pays_the_buyer(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any, stranger: Any
) -> None:
    """Who calls makes no difference."""
    consents.revoke(twin, researcher, {"from": patient})

    _, refunded = market.settle(twin, researcher, {"from": stranger}).return_value

    assert stall.token.balanceOf(researcher) == PLENTY - PAID + refunded
    assert stall.token.balanceOf(stranger) == 0


@pytest.mark.parametrize("after", [1, 43_199, 43_200, 86_399])
def test_settle_of_dust_loses_no_unit(
    market: Any, consents: Any, token: Any, twin: int, patient: Any, researcher: Any, after: int
) -> None:
    """The least there is, and two units more: a fraction of a unit stays with the buyer, and no unit is lost."""
    least = market.LEAST_PRICE() + 1
    dust = Stall(market, consents, token, Offer(twin, least, VITALS, RESEARCH, 2, bytes(32)), patient)
    dust.open()
    dust.fund(researcher)
    start = dust.buy(researcher, 2).timestamp
    next_at(start + 2 * after)
    consents.revoke(twin, researcher, {"from": patient})

    settled = market.settle(twin, researcher, {"from": researcher}).return_value

    part = 2 * after + (0 if after < 43_200 else 1)
    assert settled == (part, 2 * least - part)
    assert dust.escrow() == settled[0]
    assert dust.purchase_of(researcher).paid == part


def test_purchase_after_revoke_pays_both_out(
    stall: Stall, market: Any, consents: Any, start: int, twin: int, patient: Any, researcher: Any
) -> None:
    """The earlier purchase is closed in full before the next begins."""
    next_at(start + 70_000)
    revoked = consents.revoke(twin, researcher, {"from": patient}).timestamp

    tx = stall.buy(researcher, 1)

    due = earned(PAID, start, start + DAYS * DAY_S, revoked)
    assert tx.return_value == 2
    assert [name for name, _ in logged(tx)] == [
        "PurchaseSettled", "Transfer", "EarningsWithdrawn", "ConsentGranted", "TransferSingle", "AccessPurchased",
        "Transfer",
    ]  # fmt: skip
    assert stall.market.creditOf(patient) == due
    assert stall.token.balanceOf(researcher) == PLENTY - due - PRICE
    assert stall.escrow() == PRICE + due
    assert stall.purchase_of(researcher)[1:] == (tx.timestamp, tx.timestamp + DAY_S, PRICE, 0, 2, 0)


def test_purchase_after_giving_up_waits_for_the_end(
    stall: Stall, consents: Any, start: int, twin: int, researcher: Any
) -> None:
    """What is paid runs out before more is bought."""
    end = start + DAYS * DAY_S
    consents.revoke(twin, researcher, {"from": researcher})
    with reverts_with("PurchaseRunning", twin, researcher, end):
        stall.buy(researcher, 1)
    next_at(end)

    stall.buy(researcher, 1)

    assert stall.escrow() == PRICE + stall.market.creditOf(stall.owner)
