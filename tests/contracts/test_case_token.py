"""CaseToken: opening. How a case ends has a file of its own.

open
  given both departments' signatures
    it opens the case, whoever sends it
    it accepts a department that is a wallet
  given one department twice
    it refuses
  given no categories
    it refuses
  given somebody who is no department
    it refuses, be it the giver or the taker
  given a twin that is retired or was never minted
    it refuses
  when a signed fact differs
    it refuses each
  when it is for another chain, contract or version
    it refuses
  when either signature is missing, or theirs are exchanged
    it refuses
  given it was opened before
    it refuses, closed or not
  at the signatures' deadline
    it accepts a second before, refuses at it and after it
  given an end that is past or too far
    it accepts the next second and a week, and refuses one less and one more
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.cases import WEEK_S, Handoff, Standing
from tests.contracts.clock import next_at, now_s
from tests.contracts.consents import LABS, VITALS
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS
from tests.contracts.vouchers import digest_of, typed


def test_open_with_both_signatures_opens(
    handoff: Handoff, twin: int, researcher: Any, hospital: Any, stranger: Any
) -> None:
    """The case's id is the digest both signed."""
    case, deadline = handoff.case(), now_s() + 600
    facts = dict(zip(("twinId", "from", "to", "categories", "expiry"), case, strict=True))
    signed_digest = digest_of(typed(handoff.contract, "Case", {**facts, "nonce": 1, "deadline": deadline}))

    tx = handoff.contract.open(*handoff.arguments(case, 1, deadline), {"from": stranger})

    case_id = "0x" + signed_digest.hex()
    assert str(tx.return_value) == case_id
    assert logged(tx) == [
        expected(
            "CaseOpened", twinId=twin, caseId=case_id, to=hospital, categories=VITALS | LABS, expiry=case.expiry,
            **{"from": researcher},
        )
    ]  # fmt: skip
    assert handoff.standing(case_id) == Standing(twin, hospital, case.expiry, False, researcher, VITALS | LABS)
    assert handoff.contract.isOpen(twin, hospital, VITALS)


def test_open_by_wallet_opens(
    handoff: Handoff, wallet: Any, wallet_key: LocalAccount, twin: int, hospital: Any, approver: Any
) -> None:
    """The wallet vouches for its key (ERC-1271)."""
    handoff.contract.grantRole(handoff.contract.DEPARTMENT_ROLE(), wallet, {"from": approver})
    case, deadline = handoff.case(giver=wallet.address), now_s() + 600
    signatures = [handoff.sign(key, case, 1, deadline) for key in (wallet_key, handoff.taker)]

    handoff.contract.open(case, 1, deadline, *signatures, {"from": hospital})

    assert handoff.contract.isOpen(twin, hospital, VITALS)


def test_open_by_one_department_is_refused(handoff: Handoff, researcher: Any) -> None:
    """Two signatures of one department are one signature."""
    with reverts_with("SameDepartment", researcher):
        handoff.open(researcher, handoff.case(taker=researcher.address))


def test_open_without_categories_is_refused(handoff: Handoff, researcher: Any) -> None:
    """A case is about something."""
    with reverts_with("EmptyCategories"):
        handoff.open(researcher, handoff.case(categories=0))


@pytest.mark.parametrize("side", ["giver", "taker"])
def test_open_by_no_department_is_refused(handoff: Handoff, stranger: Any, side: str) -> None:
    """Both need the role."""
    with reverts_with("NotDepartment", stranger):
        handoff.open(stranger, handoff.case(**{side: stranger.address}))


def test_open_of_no_live_twin_is_refused(
    handoff: Handoff, twins: Any, twin: int, patient: Any, researcher: Any
) -> None:
    """There is nothing to hand over."""
    with reverts_with("ERC721NonexistentToken", twin + 256):
        handoff.open(researcher, handoff.case(twin=twin + 256))
    twins.retire(twin, {"from": patient})
    with reverts_with("TwinIsRetired", twin):
        handoff.open(researcher)


@pytest.mark.parametrize("field", ["twin", "giver", "taker", "categories", "expiry", "nonce", "deadline"])
@pytest.mark.parametrize("side", [0, 1])
def test_open_with_other_signed_facts_is_refused(
    handoff: Handoff, researcher: Any, hospital: Any, stranger: Any, field: str, side: int
) -> None:
    """Every field of the typed data counts, on either side."""
    good, deadline = handoff.case(), now_s() + 600
    facts: dict[str, Any] = {**good._asdict(), "nonce": 1, "deadline": deadline}
    changed = {"twin": good.twin + 256, "giver": stranger.address, "taker": stranger.address, "categories": VITALS}
    facts[field] = changed[field] if field in changed else facts[field] + 1
    nonce, end = facts.pop("nonce"), facts.pop("deadline")
    keys = (handoff.giver, handoff.taker)
    signatures = [handoff.sign(key, good, 1, deadline) for key in keys]
    signatures[side] = handoff.sign(keys[side], handoff.case(**facts), nonce, end)

    with reverts_with("InvalidSignature", (researcher, hospital)[side]):
        handoff.contract.open.call(good, 1, deadline, *signatures, {"from": researcher})


def test_open_with_signatures_for_other_domain_is_refused(handoff: Handoff, researcher: Any) -> None:
    """A signature holds on one chain, for one contract and version."""
    case, deadline = handoff.case(), now_s() + 600
    for domain in OTHER_DOMAINS:
        signatures = [handoff.sign(key, case, 1, deadline, **domain) for key in (handoff.giver, handoff.taker)]
        with reverts_with("InvalidSignature", researcher):
            handoff.contract.open.call(case, 1, deadline, *signatures, {"from": researcher})


def test_open_without_either_signature_is_refused(handoff: Handoff, researcher: Any, hospital: Any) -> None:
    """One department cannot make the other a party."""
    case, nonce, deadline, *signatures = handoff.arguments(handoff.case())
    giver, taker = signatures

    for given, blamed in (
        ((taker, giver), researcher), ((taker, taker), researcher), ((giver, giver), hospital),
        ((b"", taker), researcher), ((giver, b""), hospital), ((giver, bytes(65)), hospital),
    ):  # fmt: skip
        with reverts_with("InvalidSignature", blamed):
            handoff.contract.open.call(case, nonce, deadline, *given, {"from": researcher})


@pytest.mark.parametrize("closed", [False, True])
def test_open_twice_is_refused(handoff: Handoff, researcher: Any, closed: bool) -> None:
    """What was closed is not brought back by the signatures that opened it."""
    arguments = handoff.arguments(handoff.case())
    case_id = handoff.contract.open(*arguments, {"from": researcher}).return_value
    if closed:
        handoff.contract.close(case_id, True, {"from": researcher})

    with reverts_with("CaseExists", bytes(case_id)):
        handoff.contract.open(*arguments, {"from": researcher})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_open_at_deadline(handoff: Handoff, researcher: Any, offset: int) -> None:
    """Signatures hold while time < deadline."""
    deadline = now_s() + 600
    arguments = handoff.arguments(handoff.case(), 1, deadline)
    next_at(deadline + offset)

    if offset < 0:
        handoff.contract.open(*arguments, {"from": researcher})
    else:
        with reverts_with("SignatureExpired", deadline):
            handoff.contract.open(*arguments, {"from": researcher})


@pytest.mark.parametrize(
    ("span", "good"), [(-1, False), (0, False), (1, True), (WEEK_S - 1, True), (WEEK_S, True), (WEEK_S + 1, False)]
)
def test_open_until_then(handoff: Handoff, researcher: Any, span: int, good: bool) -> None:
    """A case ends after now, and within a week."""
    opening = now_s() + 100
    case = handoff.case(expiry=opening + span)
    arguments = handoff.arguments(case)
    next_at(opening)

    if good:
        handoff.contract.open(*arguments, {"from": researcher})
    else:
        with reverts_with("InvalidExpiry", case.expiry, opening + WEEK_S):
            handoff.contract.open(*arguments, {"from": researcher})
