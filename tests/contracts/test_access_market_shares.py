"""AccessMarket: what is earned is shared between payee, custodian and protocol.

deploy
  given a part of everything or of nobody
    it refuses
appointCustodian
  when the owner appoints
    it records custodian and part for the epoch
  given one was appointed in the epoch
    it refuses, and accepts in the next
  when a stranger appoints
    it refuses
  given nobody, nothing or more than is left
    it refuses
withdraw
  given both parts
    it pays the payee and credits the others, together what was earned
  given many withdrawals
    it pays everybody the same as one would have
  given the token refuses the custodian
    it pays the payee all the same, and the custodian later
  given the epoch ended
    it shares with the custodian of the purchase's epoch
claim
  when anyone claims for an account
    it pays that account once
purchase
  given the token refuses the earlier payee
    it sells all the same, and the payee claims later
"""

from __future__ import annotations

from typing import Any

import brownie
import pytest

from tests.contracts.clock import DAY_S, next_at
from tests.contracts.consents import RESEARCH, VITALS
from tests.contracts.events import expected, logged
from tests.contracts.offers import PLENTY, Offer, Stall, earned
from tests.contracts.reverts import reverts_with

PRICE = 10**6 + 7
CUSTODIAN_SHARE, PROTOCOL_SHARE = 2_999, 333
WHOLE = 10_000
ZERO = "0x" + "0" * 40


@pytest.fixture
def hostile(suite: Any, stranger: Any) -> Any:
    """A token that misbehaves when told to."""
    return brownie.project.get_loaded_projects()[0]["HostileToken"].deploy({"from": stranger})


@pytest.fixture
def stall(suite: Any, hostile: Any, twin: int, patient: Any, researcher: Any, approver: Any, hospital: Any) -> Stall:
    """A market that takes a part, and a patient who gives the hospital one."""
    deploy = brownie.project.get_loaded_projects()[0]["AccessMarket"].deploy
    market = deploy(
        suite.twins, suite.consents, hostile, suite.by_name["StudyRegistry"], approver, PROTOCOL_SHARE,
        {"from": approver},
    )  # fmt: skip
    made = Stall(market, suite.consents, hostile, Offer(twin, PRICE, VITALS, RESEARCH, 30, bytes(32)), patient)
    made.open()
    made.fund(researcher)
    market.appointCustodian(twin, hospital, CUSTODIAN_SHARE, {"from": patient})
    return made


def parts(total: int) -> tuple[int, int, int]:
    """Of what was earned in all: the payee's, the custodian's, the protocol's."""
    protocol = total * PROTOCOL_SHARE // WHOLE
    custodian = (total - protocol) * CUSTODIAN_SHARE // (WHOLE - PROTOCOL_SHARE)
    return total - custodian - protocol, custodian, protocol


def test_deploy_with_impossible_part_is_refused(suite: Any, token: Any, approver: Any) -> None:
    """Something is left for the payee, and a part belongs to somebody."""
    deploy = brownie.project.get_loaded_projects()[0]["AccessMarket"].deploy
    wired = (suite.twins, suite.consents, token, suite.by_name["StudyRegistry"])

    for account, share in ((approver, WHOLE), (ZERO, 1)):
        with reverts_with("InvalidShare", account, share, WHOLE - 1):
            deploy(*wired, account, share, {"from": approver})


def test_appoint_records_the_custodian(stall: Stall, twin: int, twins: Any, patient: Any, stranger: Any) -> None:
    """For this epoch and no other."""
    twins.voidGrants(twin, {"from": patient})

    tx = stall.market.appointCustodian(twin, stranger, WHOLE - PROTOCOL_SHARE, {"from": patient})

    most = WHOLE - PROTOCOL_SHARE
    assert logged(tx) == [expected("CustodianAppointed", twinId=twin, epoch=1, custodian=stranger, share=most)]
    assert stall.market.custodianOf(twin, 1) == (stranger, most)
    assert stall.market.custodianOf(twin, 2) == (ZERO, 0)


def test_appoint_twice_in_an_epoch_is_refused(stall: Stall, twin: int, patient: Any, hospital: Any) -> None:
    """What a custodian was promised is not taken back while it keeps the data."""
    with reverts_with("CustodianFixed", twin, 0):
        stall.market.appointCustodian(twin, patient, 1, {"from": patient})

    assert stall.market.custodianOf(twin, 0) == (hospital, CUSTODIAN_SHARE)


def test_appoint_by_stranger_is_refused(stall: Stall, twin: int, stranger: Any) -> None:
    """Only the owner gives a part away."""
    with reverts_with("NotTwinOwner", twin, stranger):
        stall.market.appointCustodian(twin, stranger, 1, {"from": stranger})


def test_appoint_of_impossible_part_is_refused(stall: Stall, twin: int, patient: Any) -> None:
    """Somebody, something, and together at most the whole."""
    most = WHOLE - PROTOCOL_SHARE
    for account, share in ((ZERO, 1), (patient, 0), (patient, most + 1)):
        with reverts_with("InvalidShare", account, share, most):
            stall.market.appointCustodian(twin, account, share, {"from": patient})


def test_withdraw_shares_what_is_earned(
    stall: Stall, hostile: Any, twin: int, patient: Any, researcher: Any, hospital: Any, approver: Any
) -> None:
    """The payee by transfer, the others by credit."""
    start = stall.buy(researcher, 3).timestamp
    next_at(start + 12_345)

    tx = stall.market.withdraw(twin, researcher, {"from": researcher})

    payee, custodian, protocol = parts(earned(3 * PRICE, start, start + 3 * DAY_S, start + 12_345))
    assert tx.return_value == payee
    assert logged(tx) == [
        expected(
            "EarningsWithdrawn", twinId=twin, buyer=researcher, payee=patient, amount=payee, forCustodian=custodian,
            forProtocol=protocol,
        ),
        expected("Transfer", **{"from": stall.market}, to=patient, value=payee),
    ]  # fmt: skip
    assert (stall.market.creditOf(hospital), stall.market.creditOf(approver)) == (custodian, protocol)
    assert stall.escrow() == 3 * PRICE - payee


def test_withdraw_often_rounds_nothing_away(
    stall: Stall, hostile: Any, twin: int, patient: Any, researcher: Any, hospital: Any, approver: Any
) -> None:
    """Whoever withdraws every few seconds takes nothing from the others."""
    end = stall.buy(researcher, 1).timestamp + DAY_S
    for _ in range(12):
        stall.market.withdraw(twin, researcher, {"from": patient})
    next_at(end)
    stall.market.withdraw(twin, researcher, {"from": patient})

    held = hostile.balanceOf(patient), stall.market.creditOf(hospital), stall.market.creditOf(approver)
    assert held == parts(PRICE)
    assert stall.escrow() == held[1] + held[2]


def test_refused_custodian_holds_up_nobody(
    stall: Stall, hostile: Any, twin: int, patient: Any, researcher: Any, hospital: Any
) -> None:
    """Its credit waits."""
    end = stall.buy(researcher, 1).timestamp + DAY_S
    next_at(end)
    hostile.setRefused(hospital, {"from": researcher})
    stall.market.withdraw(twin, researcher, {"from": patient})
    assert hostile.balanceOf(patient) == parts(PRICE)[0]
    with reverts_with("AccountRefused", hospital):
        stall.market.claim(hospital, {"from": patient})

    hostile.setRefused(ZERO, {"from": researcher})
    stall.market.claim(hospital, {"from": patient})

    assert hostile.balanceOf(hospital) == parts(PRICE)[1]


def test_withdraw_in_a_later_epoch_shares_as_before(
    stall: Stall, twins: Any, twin: int, patient: Any, researcher: Any, hospital: Any, stranger: Any
) -> None:
    """Voiding all grants does not rewrite who is paid for what was earned."""
    start = stall.buy(researcher, 1).timestamp
    next_at(start + 1_000)
    twins.voidGrants(twin, {"from": patient})
    stall.market.appointCustodian(twin, stranger, WHOLE - PROTOCOL_SHARE, {"from": patient})

    stall.market.withdraw(twin, researcher, {"from": patient})

    assert stall.market.creditOf(hospital) == parts(earned(PRICE, start, start + DAY_S, start + 1_000))[1]
    assert stall.market.creditOf(stranger) == 0


def test_claim_pays_once(
    stall: Stall, hostile: Any, twin: int, researcher: Any, hospital: Any, stranger: Any, approver: Any
) -> None:
    """Whoever calls, the account is paid, and nothing is left to claim."""
    next_at(stall.buy(researcher, 1).timestamp + DAY_S)
    stall.market.withdraw(twin, researcher, {"from": stranger})
    due = parts(PRICE)[1]

    tx = stall.market.claim(hospital, {"from": stranger})
    stall.market.claim(hospital, {"from": stranger})

    assert logged(tx) == [
        expected("CreditClaimed", account=hospital, amount=due),
        expected("Transfer", **{"from": stall.market}, to=hospital, value=due),
    ]
    assert hostile.balanceOf(hospital) == due
    stall.market.claim(approver, {"from": stranger})
    assert stall.escrow() == 0


def test_purchase_over_a_payee_the_token_refuses(
    stall: Stall, hostile: Any, twin: int, patient: Any, researcher: Any
) -> None:
    """An account on a black list stops nobody from buying again."""
    next_at(stall.buy(researcher, 1).timestamp + DAY_S)
    hostile.setRefused(patient, {"from": researcher})

    stall.buy(researcher, 1)

    assert stall.market.creditOf(patient) == parts(PRICE)[0]
    assert stall.escrow() == 2 * PRICE
    assert hostile.balanceOf(researcher) == PLENTY - 2 * PRICE
