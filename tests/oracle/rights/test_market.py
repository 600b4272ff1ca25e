"""Many twins at once, studies, and who is paid."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.errors import Denied, InputError, NotFound, RevertedError
from oracle.records import Category, Purpose, TwinClass
from oracle.rights import market, study
from oracle.rights.consent import DAY_S, revoke
from oracle.rights.market import Offer
from oracle.rights.mint import mint, new_twin_id

if TYPE_CHECKING:
    from ..conftest import Stage

PRICE = 10**18
VITALS, RESEARCH = Category.VITALS, Purpose.RESEARCH_HEALTH
TERMS = hashlib.sha256(b"terms").digest()
PROTOCOL = hashlib.sha256(b"protocol").digest()


@pytest.fixture
def offers(stage: Stage, patient: LocalSigner) -> list[Offer]:
    """Three twins, the first the dearest."""
    made = []
    for number in range(3):
        twin = new_twin_id(TwinClass.PATIENT, lambda size, n=number: bytes([n + 1] * size))
        mint(stage.chain, patient, twin)
        made.append(Offer(twin, PRICE * (3 - number), VITALS | Category.WAVEFORM, RESEARCH, 30, TERMS))
        market.offer(stage.chain, patient, made[-1])
    return made


@pytest.fixture
def rich(stage: Stage, researcher: LocalSigner) -> LocalSigner:
    """A researcher with tokens for ten days of all three."""
    stage.chain.write(researcher, "TestToken", "mint", researcher.address, 60 * PRICE)
    return researcher


def balance(stage: Stage, account: str) -> int:
    """Tokens an account holds."""
    return int(stage.chain.read("TestToken", "balanceOf", account))


def test_the_cheapest_that_fit_are_bought_at_once(stage: Stage, offers: list[Offer], rich: LocalSigner) -> None:
    """Two of three, in one transaction, at their own prices."""
    chosen = market.cheapest(stage.chain, VITALS, RESEARCH, 10, 2, for_study=False)
    assert chosen == [offers[2], offers[1]]

    market.buy_cohort(stage.chain, rich, chosen, 10, 30 * PRICE)

    assert balance(stage, rich.address) == 30 * PRICE
    held = [stage.chain.read("ConsentRegistry", "balanceOf", rich.address, one.twin_id) for one in offers]
    assert held == [0, 1, 1]


def test_a_cohort_that_is_not_there_or_too_dear_is_not_bought(
    stage: Stage, offers: list[Offer], rich: LocalSigner
) -> None:
    """Nothing is paid, and the refusal says what to do."""
    with pytest.raises(NotFound, match="3 of 4"):
        market.cheapest(stage.chain, VITALS, RESEARCH, 10, 4, for_study=False)
    for categories, purposes, days in (
        (Category.IMAGING, RESEARCH, 1), (VITALS, Purpose.METHODS, 1), (VITALS, RESEARCH, 31),
    ):  # fmt: skip
        with pytest.raises(NotFound, match="0 of 1"):
            market.cheapest(stage.chain, categories, purposes, days, 1, for_study=False)
    with pytest.raises(Denied, match="more than"):
        market.buy_cohort(stage.chain, rich, offers, 10, 60 * PRICE - 1)
    with pytest.raises(InputError, match="31 days"):
        market.buy_cohort(stage.chain, rich, offers, 31, 200 * PRICE)

    assert balance(stage, rich.address) == 60 * PRICE


def test_an_offer_falls_when_all_grants_are_voided(stage: Stage, offers: list[Offer], patient: LocalSigner) -> None:
    """It is listed no more and cannot be bought, until the owner offers it again."""
    stage.chain.write(patient, "TwinToken", "voidGrants", offers[0].twin_id)
    assert market.offers(stage.chain) == offers[1:]
    with pytest.raises(NotFound):
        market.offer_of(stage.chain, offers[0].twin_id)

    market.offer(stage.chain, patient, offers[0])

    assert {one.twin_id for one in market.offers(stage.chain)} == {one.twin_id for one in offers}


def test_a_study_is_approved_and_named(
    stage: Stage, offers: list[Offer], patient: LocalSigner, rich: LocalSigner, stranger: LocalSigner
) -> None:
    """An offer for studies is sold to one that a registered board approved, and to nobody after it was withdrawn."""
    chain, board = stage.chain, stranger
    strict = replace(offers[0], needs_study=True)
    market.offer(chain, patient, strict)
    assert strict not in market.cheapest(chain, VITALS, RESEARCH, 1, 2, for_study=False)
    approval = study.Study(PROTOCOL, rich.address, board.address, RESEARCH, stage.now_s() + 20 * DAY_S)
    deadline = stage.now_s() + 600
    signature = study.sign(chain, board, approval, 0, deadline)
    with pytest.raises(RevertedError, match="NotBoard"):
        study.bring(chain, rich, approval, 0, deadline, signature)
    role = chain.read("StudyRegistry", "BOARD_ROLE")
    chain.write(stage.hospital, "StudyRegistry", "grantRole", role, board.address)
    with pytest.raises(RevertedError, match="StudyNotApproved"):
        market.buy(chain, rich, strict, 1, PROTOCOL)

    study.bring(chain, rich, approval, 0, deadline, signature)
    market.buy(chain, rich, strict, 1, PROTOCOL)

    assert chain.read("ConsentRegistry", "balanceOf", rich.address, strict.twin_id) == 1
    study.withdraw(chain, board, PROTOCOL, rich.address)
    with pytest.raises(RevertedError, match="StudyNotApproved"):
        market.buy(chain, rich, offers[1], 1, PROTOCOL)


def test_a_custodian_is_paid_its_part(
    stage: Stage, offers: list[Offer], patient: LocalSigner, rich: LocalSigner, stranger: LocalSigner
) -> None:
    """A quarter to who keeps the data, the rest to the owner, to the unit; what was not earned goes back."""
    chain, twin = stage.chain, offers[0].twin_id
    market.appoint_custodian(chain, patient, twin, stranger.address, 2_500)
    market.buy(chain, rich, offers[0], 2)
    stage.travel(DAY_S)
    refund = revoke(chain, patient, twin, rich.address).refund

    earned = market.withdraw(chain, patient, twin, rich.address)
    part = market.claim(chain, rich, stranger.address)

    assert earned + refund == 6 * PRICE
    assert (balance(stage, stranger.address), part) == (earned // 4, earned // 4)
    assert balance(stage, patient.address) == earned - earned // 4
    with pytest.raises(NotFound, match="nothing is kept"):
        market.claim(chain, rich, stranger.address)
