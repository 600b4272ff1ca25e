"""AccessMarket: offers and purchases. Earnings, ends and hostile tokens have files of their own.

list
  when the owner lists
    it keeps the offer's hash
  given an offer
    it replaces it
  when a stranger lists
    it refuses
  when the offer is impossible
    it refuses each way
  given the twin is retired
    it refuses
delist
  when the owner delists
    it forgets the offer
  when a stranger delists
    it refuses
  given no offer
    it refuses
purchase
  given the offer is listed
    it opens exactly the listed grant and escrows the price
  when the offer shown is not the one listed
    it refuses each changed field
  when the days are none or too many
    it refuses
  when the price is above the buyer's maximum
    it refuses
  given the owner withdrew the market's approval
    it refuses
  given the owner denied the buyer
    it refuses
  given the buyer holds a grant
    it refuses
  given a purchase runs
    it refuses
  when the owner buys
    it refuses
  given too little allowance
    it refuses
  given the price is beyond what a record holds
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import DAY_S, next_at
from tests.contracts.consents import LABS, RESEARCH, VITALS, Grant, Scope, grant_of
from tests.contracts.events import expected, logged
from tests.contracts.offers import NO_PURCHASE, PLENTY, Offer, Purchase, Stall
from tests.contracts.reverts import reverts_with

TERMS = b"\x55" * 32
PRICE = 10**18 + 7  # not a multiple of the seconds of a day
ZERO = "0x" + "0" * 40


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


def test_list_keeps_the_hash(market: Any, offer: Offer, twin: int, patient: Any) -> None:
    """The whole offer is logged, its hash kept."""
    tx = market.list(offer, {"from": patient})

    assert logged(tx) == [expected("OfferListed", twinId=twin, offerHash=offer.hash, offer=offer)]
    assert market.isListed(offer)


def test_list_again_replaces(market: Any, offer: Offer, twin: int, patient: Any) -> None:
    """There is one offer a twin."""
    market.list(offer, {"from": patient})
    dearer = offer._replace(price_per_day=2 * PRICE)

    market.list(dearer, {"from": patient})

    assert market.isListed(dearer)
    assert not market.isListed(offer)


def test_list_by_stranger_is_refused(market: Any, offer: Offer, twin: int, stranger: Any) -> None:
    """Nobody sells what is not theirs."""
    with reverts_with("NotTwinOwner", twin, stranger):
        market.list(offer, {"from": stranger})


@pytest.mark.parametrize("field", ["price_per_day", "categories", "purposes", "max_days"])
def test_list_of_impossible_offer_is_refused(market: Any, offer: Offer, twin: int, patient: Any, field: str) -> None:
    """A price, data, a purpose and a length."""
    with reverts_with("InvalidOffer", twin):
        market.list(offer._replace(**{field: 0}), {"from": patient})


def test_list_of_retired_twin_is_refused(market: Any, twins: Any, offer: Offer, twin: int, patient: Any) -> None:
    """A retired twin is not offered."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        market.list(offer, {"from": patient})


def test_delist_forgets_the_offer(stall: Stall, market: Any, twin: int, patient: Any, researcher: Any) -> None:
    """What is not offered is not sold."""
    tx = market.delist(twin, {"from": patient})

    assert logged(tx) == [expected("OfferDelisted", twinId=twin)]
    assert not market.isListed(stall.offer)
    with reverts_with("OfferNotListed", twin, bytes.fromhex(stall.offer.hash[2:])):
        stall.buy(researcher, 1)


def test_delist_by_stranger_is_refused(stall: Stall, market: Any, twin: int, stranger: Any) -> None:
    """Only the owner delists."""
    with reverts_with("NotTwinOwner", twin, stranger):
        market.delist(twin, {"from": stranger})


def test_delist_without_offer_is_refused(market: Any, twin: int, patient: Any) -> None:
    """There must be something to take back."""
    with reverts_with("OfferNotListed", twin, bytes(32)):
        market.delist(twin, {"from": patient})


def test_purchase_opens_exactly_the_listed_grant(
    stall: Stall, market: Any, consents: Any, twin: int, patient: Any, researcher: Any
) -> None:
    """Record, grant, escrow; nothing goes to the owner yet."""
    tx = stall.buy(researcher, 3)

    start, end, price = tx.timestamp, tx.timestamp + 3 * DAY_S, 3 * PRICE
    scope = Scope(VITALS | LABS, RESEARCH, start, end)
    assert tx.return_value == 1
    assert logged(tx) == [
        expected("ConsentGranted", twinId=twin, grantee=researcher, serial=1, scope=scope, by=market),
        expected("TransferSingle", operator=market, **{"from": ZERO}, to=researcher, id=twin, value=1),
        expected(
            "AccessPurchased",
            twinId=twin,
            buyer=researcher,
            serial=1,
            paid=price,
            end=end,
            terms=TERMS,
            study="0x" + "0" * 64,
        ),
        expected("Transfer", **{"from": researcher}, to=market, value=price),
    ]
    assert grant_of(consents, twin, researcher) == Grant(*scope, epoch=0, serial=1, purchased=True)
    assert stall.purchase_of(researcher) == Purchase(patient.address, start, end, price, 0, 1, 0)
    assert stall.escrow() == price
    assert stall.token.balanceOf(patient) == 0
    assert market.balanceOf(twin, researcher) == (0, 0)


@pytest.mark.parametrize("field", ["price_per_day", "categories", "purposes", "max_days", "terms"])
def test_purchase_of_changed_offer_is_refused(
    stall: Stall, market: Any, twin: int, researcher: Any, field: str
) -> None:
    """A buyer pays for what it saw or not at all, and cannot rewrite the terms."""
    other = {"price_per_day": 1, "categories": 2**32 - 1, "purposes": 2**32 - 1, "max_days": 60, "terms": bytes(32)}
    changed = stall.offer._replace(**{field: other[field]})

    with reverts_with("OfferNotListed", twin, bytes.fromhex(changed.hash[2:])):
        market.purchase(changed, 1, PLENTY, bytes(32), {"from": researcher})


@pytest.mark.parametrize("days", [0, 31, 65_535])
def test_purchase_of_wrong_days_is_refused(stall: Stall, researcher: Any, days: int) -> None:
    """From one day to the offer's most."""
    with reverts_with("InvalidDays", days, 30):
        stall.buy(researcher, days)


def test_purchase_above_maximum_is_refused(stall: Stall, market: Any, researcher: Any) -> None:
    """To the smallest unit."""
    with reverts_with("PriceAboveMaximum", 3 * PRICE, 3 * PRICE - 1):
        market.purchase(stall.offer, 3, 3 * PRICE - 1, bytes(32), {"from": researcher})


def test_purchase_without_approval_is_refused(
    stall: Stall, consents: Any, market: Any, twin: int, patient: Any, researcher: Any
) -> None:
    """The market sells only while the owner lets it."""
    consents.setOperator(twin, market, (0, 0, 0, 0), 0, {"from": patient})

    with reverts_with("OperatorScopeExceeded", twin, market):
        stall.buy(researcher, 1)

    assert stall.escrow() == 0


def test_purchase_by_denied_buyer_is_refused(
    stall: Stall, consents: Any, twin: int, patient: Any, researcher: Any
) -> None:
    """Money does not overcome a denial."""
    consents.deny(twin, researcher, {"from": patient})

    with reverts_with("GranteeDenied", twin, researcher):
        stall.buy(researcher, 1)


def test_purchase_over_own_grant_is_refused(
    stall: Stall, consents: Any, twin: int, patient: Any, researcher: Any, year: Scope
) -> None:
    """Nobody pays for what it was given."""
    consents.grant(twin, researcher, year, {"from": patient})

    with reverts_with("GrantActive", twin, researcher, year.expiry):
        stall.buy(researcher, 1)


@pytest.mark.parametrize("offset", [-1, 0])
def test_purchase_over_running_one(stall: Stall, twin: int, researcher: Any, offset: int) -> None:
    """Two purchases of one buyer never overlap; from the very second of its end the next may begin."""
    end = stall.buy(researcher, 1).timestamp + DAY_S
    next_at(end + offset)

    if offset < 0:
        with reverts_with("PurchaseRunning", twin, researcher, end):
            stall.buy(researcher, 1)
    else:
        assert stall.buy(researcher, 1).return_value == 2


def test_purchase_by_owner_is_refused(stall: Stall, twin: int, patient: Any) -> None:
    """An owner needs no access."""
    stall.fund(patient)

    with reverts_with("InvalidGrantee", twin, patient):
        stall.buy(patient, 1)


def test_purchase_without_allowance_is_refused(
    stall: Stall, market: Any, consents: Any, token: Any, twin: int, researcher: Any
) -> None:
    """No payment, no grant."""
    token.approve(market, PRICE - 1, {"from": researcher})

    with reverts_with("ERC20InsufficientAllowance", market, PRICE - 1, PRICE):
        stall.buy(researcher, 1)

    assert grant_of(consents, twin, researcher).serial == 0
    assert stall.purchase_of(researcher) == NO_PURCHASE


def test_purchase_beyond_96_bits_is_refused(
    market: Any, consents: Any, token: Any, offer: Offer, patient: Any, researcher: Any
) -> None:
    """A price is refused, never cut."""
    dear = Stall(market, consents, token, offer._replace(price_per_day=2**96 - 1), patient)
    dear.open()

    with reverts_with("SafeCastOverflowedUintDowncast", 96, 2 * (2**96 - 1)):
        dear.buy(researcher, 2)
