"""AccessMarket: many twins at once, and studies.

purchaseCohort
  given offers that stand
    it opens each listed grant and collects the price once
  when one of them does not stand
    it buys none
  when the price of all is above the buyer's maximum
    it buys none
  when a twin is named twice
    it buys none
  when there are none or too many
    it refuses
  given an earlier purchase ended early
    it settles it and buys anew
purchase
  given the offer asks for a study
    it accepts one approved for the buyer, the purposes and the period
    it refuses none, and one that lacks any of these
    it refuses one that was withdrawn
  given the offer asks for none
    it refuses one that is named and not approved
  given the twin's epoch ended
    it refuses the offer listed before, also when the market is let in again
list
  when a day costs less than one unit a second
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import DAY_S, next_at, now_s
from tests.contracts.consents import LABS, RESEARCH, VITALS, Grant, Scope, grant_of
from tests.contracts.events import expected, logged
from tests.contracts.offers import NO_PURCHASE, PLENTY, Offer, Purchase, Stall
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import key_of
from tests.contracts.studies import STUDY, Study

PRICE = 10**18 + 7
TERMS = b"\x55" * 32
NONE = bytes(32)
BOARD = key_of(3)
COHORT = 3


@pytest.fixture
def stall(market: Any, consents: Any, token: Any, twin: int, patient: Any, researcher: Any) -> Stall:
    """One offer, listed, and a researcher with tokens."""
    made = Stall(market, consents, token, Offer(twin, PRICE, VITALS | LABS, RESEARCH, 30, TERMS), patient)
    made.open()
    made.fund(researcher)
    return made


@pytest.fixture
def offers(stall: Stall, twins: Any, patient: Any) -> list[Offer]:
    """Offers of several twins, each at a price and under terms of its own."""
    made = [stall.offer]
    for index in range(1, COHORT):
        twin = 0xC0 + index << 8 | 1
        twins.mint(twin, {"from": patient})
        made.append(stall.offer._replace(twin=twin, price_per_day=PRICE + index, terms=bytes([index]) * 32))
        Stall(stall.market, stall.consents, stall.token, made[-1], patient).open()
    return made


@pytest.fixture
def study(suite: Any, approver: Any, researcher: Any) -> Study:
    """Research by the researcher, approved for ten days."""
    studies = suite.by_name["StudyRegistry"]
    studies.grantRole(studies.BOARD_ROLE(), BOARD.address, {"from": approver})
    signed = Study(STUDY, researcher.address, BOARD.address, RESEARCH, now_s() + 10 * DAY_S, 0, now_s() + 600)
    studies.approve(*signed, signed.signed(BOARD, studies), {"from": researcher})
    return signed


@pytest.fixture
def strict(stall: Stall) -> Offer:
    """The same offer, for approved studies only."""
    offer = stall.offer._replace(needs_study=True)
    stall.market.list(offer, {"from": stall.owner})
    return offer


def bought_nothing(stall: Stall, offers: list[Offer], buyer: Any) -> bool:
    """No grant, no record, no payment."""
    twins = [offer.twin for offer in offers]
    return (
        all(grant_of(stall.consents, twin, buyer).serial == 0 for twin in twins)
        and all(Purchase(*stall.market.purchaseOf(twin, buyer)) == NO_PURCHASE for twin in twins)
        and stall.token.balanceOf(buyer) == PLENTY
    )


def test_cohort_is_bought_at_once(stall: Stall, offers: list[Offer], market: Any, researcher: Any) -> None:
    """One payment, one grant for each."""
    price = 2 * sum(offer.price_per_day for offer in offers)

    tx = market.purchaseCohort(offers, 2, price, NONE, {"from": researcher})

    end = tx.timestamp + 2 * DAY_S
    sold = [event for event in logged(tx) if event[0] == "AccessPurchased"]
    paid = [event for event in logged(tx) if event[0] == "Transfer"]
    assert tx.return_value == price
    assert sold == [
        expected(
            "AccessPurchased", twinId=offer.twin, buyer=researcher, serial=1, paid=2 * offer.price_per_day, end=end,
            terms=offer.terms, study=NONE,
        )
        for offer in offers
    ]  # fmt: skip
    assert paid == [expected("Transfer", **{"from": researcher}, to=market, value=price)]
    for offer in offers:
        scope = Scope(VITALS | LABS, RESEARCH, tx.timestamp, end)
        assert grant_of(stall.consents, offer.twin, researcher) == Grant(*scope, epoch=0, serial=1, purchased=True)
    assert stall.escrow() == price


@pytest.mark.parametrize("place", range(COHORT))
def test_cohort_with_an_offer_that_fell_is_not_bought(
    stall: Stall, offers: list[Offer], market: Any, patient: Any, researcher: Any, place: int
) -> None:
    """All of them or none, wherever it stands."""
    market.delist(offers[place].twin, {"from": patient})

    with reverts_with("OfferNotListed", offers[place].twin, bytes.fromhex(offers[place].hash[2:])):
        market.purchaseCohort(offers, 2, PLENTY, NONE, {"from": researcher})

    assert bought_nothing(stall, offers, researcher)


def test_cohort_above_maximum_is_not_bought(stall: Stall, offers: list[Offer], market: Any, researcher: Any) -> None:
    """The bound is on the whole, to the smallest unit."""
    price = sum(offer.price_per_day for offer in offers)

    with reverts_with("PriceAboveMaximum", price, price - 1):
        market.purchaseCohort(offers, 1, price - 1, NONE, {"from": researcher})

    assert bought_nothing(stall, offers, researcher)


def test_cohort_with_a_twin_twice_is_not_bought(
    stall: Stall, offers: list[Offer], market: Any, researcher: Any
) -> None:
    """Nobody pays twice for one grant."""
    start = now_s() + 2
    next_at(start)

    with reverts_with("PurchaseRunning", offers[0].twin, researcher, start + DAY_S):
        market.purchaseCohort([offers[0], offers[0]], 1, PLENTY, NONE, {"from": researcher})

    assert bought_nothing(stall, offers, researcher)


def test_cohort_of_none_or_too_many_is_refused(stall: Stall, market: Any, researcher: Any) -> None:
    """A hundred at most, so that a purchase always fits a block."""
    most = market.MOST_TWINS()
    for count in (0, most + 1):
        with reverts_with("InvalidCohort", count, most):
            market.purchaseCohort([stall.offer] * count, 1, PLENTY, NONE, {"from": researcher})

    assert most == 100


def test_cohort_over_an_ended_purchase(
    stall: Stall, offers: list[Offer], market: Any, consents: Any, patient: Any, researcher: Any
) -> None:
    """What was owed from before is settled to the unit in the same transaction."""
    market.purchaseCohort(offers, 2, PLENTY, NONE, {"from": researcher})
    consents.revoke(offers[0].twin, researcher, {"from": patient})
    next_at(now_s() + 5 * DAY_S)

    market.purchaseCohort(offers, 1, PLENTY, NONE, {"from": researcher})

    price = sum(offer.price_per_day for offer in offers)
    assert stall.escrow() == price + market.creditOf(patient)
    assert stall.token.balanceOf(researcher) == PLENTY - price - market.creditOf(patient)
    assert [grant_of(consents, offer.twin, researcher).serial for offer in offers] == [2] * COHORT


def test_purchase_for_an_approved_study(
    stall: Stall, strict: Offer, study: Study, market: Any, researcher: Any
) -> None:
    """The study is named in the record of the sale."""
    tx = market.purchase(strict, 9, PLENTY, STUDY, {"from": researcher})

    assert tx.events["AccessPurchased"]["study"] == "0x" + STUDY.hex()
    assert grant_of(stall.consents, strict.twin, researcher).serial == 1


def test_purchase_without_fitting_study_is_refused(
    stall: Stall, strict: Offer, study: Study, market: Any, patient: Any, researcher: Any, hospital: Any
) -> None:
    """Another's study, none, an unknown one, a period beyond it, a purpose beyond it."""
    stall.fund(hospital)
    wide = strict._replace(purposes=RESEARCH | 1)
    attempts = [(strict, 1, STUDY, hospital), (strict, 1, NONE, researcher), (strict, 1, TERMS, researcher),
                (strict, 10, STUDY, researcher), (wide, 1, STUDY, researcher)]  # fmt: skip

    for offer, days, named, buyer in attempts:
        market.list(offer, {"from": patient})
        with reverts_with("StudyNotApproved", named, buyer):
            market.purchase(offer, days, PLENTY, named, {"from": buyer})
        with reverts_with("StudyNotApproved", named, buyer):
            market.purchaseCohort([offer], days, PLENTY, named, {"from": buyer})


def test_purchase_for_a_withdrawn_study_is_refused(
    suite: Any, stall: Stall, strict: Offer, study: Study, market: Any, accounts: Any, researcher: Any
) -> None:
    """From the block of the withdrawal on."""
    suite.by_name["StudyRegistry"].withdraw(STUDY, researcher, {"from": accounts.at(BOARD.address)})

    with reverts_with("StudyNotApproved", STUDY, researcher):
        market.purchase(strict, 1, PLENTY, STUDY, {"from": researcher})


def test_purchase_naming_a_false_study_is_refused(stall: Stall, market: Any, researcher: Any) -> None:
    """What is written into the record of a sale is true."""
    with reverts_with("StudyNotApproved", STUDY, researcher):
        market.purchase(stall.offer, 1, PLENTY, STUDY, {"from": researcher})


def test_offer_falls_with_the_epoch(
    market: Any, consents: Any, token: Any, twins: Any, equipment: int, hospital: Any, stranger: Any, researcher: Any
) -> None:
    """Who buys a machine's twin and lets the market in sells nothing at the last owner's price."""
    offer = Offer(equipment, PRICE, VITALS, RESEARCH, 30, TERMS)
    first = Stall(market, consents, token, offer, hospital)
    first.open()
    first.fund(researcher)
    twins.transferFrom(hospital, stranger, equipment, {"from": hospital})
    limits = (VITALS, RESEARCH, now_s(), now_s() + 700 * DAY_S)
    consents.setOperator(equipment, market, limits, 30 * DAY_S, {"from": stranger})
    assert not market.isListed(offer)
    with reverts_with("OfferNotListed", equipment, bytes.fromhex(offer.hash_in(1)[2:])):
        market.purchase(offer, 1, PLENTY, NONE, {"from": researcher})

    market.list(offer, {"from": stranger})

    assert market.isListed(offer)
    assert first.buy(researcher, 1).return_value == 1
    twins.retire(equipment, {"from": stranger})
    assert not market.isListed(offer)


def test_list_below_one_unit_a_second_is_refused(stall: Stall, market: Any, twin: int, patient: Any) -> None:
    """Dust would cost the owner more to withdraw than it earns."""
    with reverts_with("InvalidOffer", twin):
        market.list(stall.offer._replace(price_per_day=DAY_S - 1), {"from": patient})

    market.list(stall.offer._replace(price_per_day=DAY_S), {"from": patient})
