"""EmergencyAccess: opening. How a use ends and is reviewed has a file of its own.

open
  given two clinicians
    it opens for four hours and tells the patient
    it accepts a second signer that is a wallet
  given one person twice
    it refuses
  given no reason or no categories
    it refuses
  given a twin that is retired or was never minted
    it refuses
  given somebody who is no clinician
    it refuses, be it the first or the second
  given a suspended clinician
    it refuses, be it the first or the second
  when an agreed fact differs
    it refuses each
  when it is for another chain, contract or version
    it refuses
  when somebody else agreed, or nobody
    it refuses
  given the agreement was used
    it refuses
  at the agreement's deadline
    it accepts a second before, refuses at it and after it
  at the end of the time for a review
    it blocks who opened and who agreed, from that second on, until it is reviewed
  given as many uses as may wait for a review
    it refuses one more to who opened and who agreed, until one is reviewed
isOpen
  at the end
    it is open a second before, closed at it and after it
  given the categories of the use
    it answers for each part of them and nothing else
  given another twin or clinician
    it is closed
  given a later use
    it knows that one only
  given the role was taken
    it is closed
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import next_at, now_s, view_at
from tests.contracts.consents import LABS, VITALS
from tests.contracts.emergencies import OPEN_S, PENDING, REASON, REVIEW_S, Emergencies, Terms, Use
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of

MOST = 5


@pytest.fixture
def glass(suite: Any, twin: int, approver: Any, researcher: Any, hospital: Any, accounts: Any) -> Emergencies:
    """The researcher and the hospital are clinicians, and so are accounts 1 and 2; account 3 reviews."""
    contract, admin = suite.by_name["EmergencyAccess"], {"from": approver}
    for account in (researcher, hospital, accounts[1], accounts[2]):
        contract.grantRole(contract.CLINICIAN_ROLE(), account, admin)
    contract.grantRole(contract.REVIEWER_ROLE(), accounts[3], admin)
    return Emergencies(contract, Terms(twin), researcher, key_of(7))


def test_open_by_two_clinicians_opens(glass: Emergencies, twin: int, researcher: Any, hospital: Any) -> None:
    """Record and event state who, why, what and until when."""
    tx = glass.open()

    end, review_by = tx.timestamp + OPEN_S, tx.timestamp + REVIEW_S
    assert tx.return_value == 1
    assert logged(tx) == [
        expected(
            "EmergencyOpened", twinId=twin, clinician=researcher, useId=1, second=hospital, categories=VITALS | LABS,
            reason=REASON, expiry=end, reviewBy=review_by,
        )
    ]  # fmt: skip
    assert glass.use(1) == Use(twin, researcher, end, review_by, PENDING, False, hospital, VITALS | LABS, REASON)
    assert glass.contract.isOpen(twin, researcher, VITALS | LABS)
    assert glass.contract.nonces(hospital) == 1


def test_open_with_wallet_as_second_opens(
    glass: Emergencies, wallet: Any, wallet_key: LocalAccount, twin: int, researcher: Any, approver: Any
) -> None:
    """The wallet vouches for its key (ERC-1271)."""
    glass.contract.grantRole(glass.contract.CLINICIAN_ROLE(), wallet, {"from": approver})
    deadline = now_s() + 600
    agreed = glass.agreement(glass.terms, wallet_key, researcher, deadline, 0)

    glass.contract.open(*glass.terms, wallet, deadline, agreed, {"from": researcher})

    assert glass.use(1).second == wallet
    assert glass.contract.isOpen(twin, researcher, VITALS)


def test_open_by_one_person_is_refused(glass: Emergencies, researcher: Any) -> None:
    """Two signatures of one person are one signature."""
    with reverts_with("SecondSignerIsFirst", researcher):
        glass.open(second=key_of(6))


def test_open_without_reason_or_categories_is_refused(glass: Emergencies) -> None:
    """A use states why and what."""
    with reverts_with("EmptyReason"):
        glass.open(reason=0)
    with reverts_with("EmptyCategories"):
        glass.open(categories=0)


def test_open_of_no_live_twin_is_refused(glass: Emergencies, twins: Any, twin: int, patient: Any) -> None:
    """There is nothing to open."""
    with reverts_with("ERC721NonexistentToken", twin + 256):
        glass.open(twin=twin + 256)
    twins.retire(twin, {"from": patient})
    with reverts_with("TwinIsRetired", twin):
        glass.open()


def test_open_by_no_clinician_is_refused(glass: Emergencies, stranger: Any) -> None:
    """Both need the role."""
    with reverts_with("NotClinician", stranger):
        glass.open(clinician=stranger)
    with reverts_with("NotClinician", stranger):
        glass.open(second=key_of(8))


def test_open_by_suspended_is_refused(glass: Emergencies, researcher: Any, hospital: Any, accounts: Any) -> None:
    """After an unjustified use neither of the two opens, nor agrees to another's use."""
    glass.open()
    glass.contract.review(1, False, {"from": accounts[3]})

    for account, key in ((researcher, key_of(6)), (hospital, key_of(7))):
        with reverts_with("ClinicianIsSuspended", account):
            glass.open(clinician=account, second=key_of(1))
        with reverts_with("ClinicianIsSuspended", account):
            glass.open(clinician=accounts[1], second=key)


@pytest.mark.parametrize("field", ["twin", "clinician", "categories", "reason", "nonce", "deadline"])
def test_open_with_other_agreed_facts_is_refused(
    glass: Emergencies, researcher: Any, hospital: Any, accounts: Any, field: str
) -> None:
    """Every field of the typed data counts."""
    deadline = now_s() + 600
    facts: dict[str, Any] = {"clinician": researcher, "nonce": 0, "deadline": deadline, **glass.terms._asdict()}
    changed = {"clinician": accounts[1], "categories": VITALS, "twin": glass.terms.twin + 256}
    facts[field] = changed[field] if field in changed else facts[field] + 1
    terms = Terms(facts["twin"], facts["categories"], facts["reason"])
    agreed = glass.agreement(terms, glass.second, facts["clinician"], facts["deadline"], facts["nonce"])

    with reverts_with("InvalidSignature", hospital):
        glass.contract.open(*glass.terms, hospital, deadline, agreed, {"from": researcher})


def test_open_with_agreement_for_other_domain_is_refused(glass: Emergencies, researcher: Any, hospital: Any) -> None:
    """A signature holds on one chain, for one contract and version."""
    deadline = now_s() + 600
    for domain in OTHER_DOMAINS:
        agreed = glass.agreement(glass.terms, glass.second, researcher, deadline, 0, **domain)
        with reverts_with("InvalidSignature", hospital):
            glass.contract.open.call(*glass.terms, hospital, deadline, agreed, {"from": researcher})


def test_open_with_agreement_of_others_is_refused(glass: Emergencies, researcher: Any, hospital: Any) -> None:
    """The clinician's own signature, a third person's, none, and zeros."""
    deadline = now_s() + 600
    own, other = (glass.agreement(glass.terms, key_of(index), researcher, deadline, 0) for index in (6, 1))

    for agreed in (own, other, b"", bytes(65), own[:64]):
        with reverts_with("InvalidSignature", hospital):
            glass.contract.open.call(*glass.terms, hospital, deadline, agreed, {"from": researcher})


def test_open_with_used_agreement_is_refused(glass: Emergencies, hospital: Any) -> None:
    """One agreement, one use."""
    arguments = glass.arguments()
    glass.contract.open(*arguments)

    with reverts_with("InvalidSignature", hospital):
        glass.contract.open(*arguments)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_open_at_deadline(glass: Emergencies, researcher: Any, hospital: Any, offset: int) -> None:
    """An agreement holds while time < deadline."""
    deadline = now_s() + 600
    agreed = glass.agreement(glass.terms, glass.second, researcher, deadline, 0)
    next_at(deadline + offset)

    if offset < 0:
        glass.contract.open(*glass.terms, hospital, deadline, agreed, {"from": researcher})
    else:
        with reverts_with("SignatureExpired", deadline):
            glass.contract.open(*glass.terms, hospital, deadline, agreed, {"from": researcher})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_open_at_end_of_review_time(
    glass: Emergencies, researcher: Any, hospital: Any, accounts: Any, offset: int
) -> None:
    """Whoever took part in a use that nobody judged in time takes part in no other."""
    due = glass.open().timestamp + REVIEW_S
    view_at(due + offset)
    parts = [(account, {"clinician": account, "second": key_of(1)}) for account in (researcher, hospital)]
    parts += [
        (account, {"clinician": accounts[1], "second": key_of(index)})
        for account, index in ((researcher, 6), (hospital, 7))
    ]

    for account, part in parts:
        if offset < 0:
            assert glass.contract.open.call(*glass.arguments(**part)) == 2
            continue
        with reverts_with("ReviewOverdue", account, 1, due):
            glass.contract.open.call(*glass.arguments(**part))
    assert glass.contract.open.call(*glass.arguments(clinician=accounts[1], second=key_of(2))) == 2
    glass.contract.review(1, True, {"from": accounts[3]})
    assert [glass.contract.open.call(*glass.arguments(**part)) for _, part in parts] == [2] * 4


def test_open_with_most_pending_is_refused(glass: Emergencies, researcher: Any, hospital: Any, accounts: Any) -> None:
    """Five wait; a review of any of them makes room for one."""
    assert glass.contract.MOST_PENDING() == MOST
    for _ in range(MOST):
        glass.open()

    for account, part in (
        (researcher, {"second": key_of(1)}), (hospital, {"clinician": accounts[1]}),
    ):  # fmt: skip
        with reverts_with("TooManyPending", account, MOST):
            glass.open(**part)
    glass.contract.review(3, True, {"from": accounts[3]})
    assert glass.open().return_value == MOST + 1
    with reverts_with("TooManyPending", researcher, MOST):
        glass.open()


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_is_open_at_the_end(glass: Emergencies, twin: int, researcher: Any, offset: int) -> None:
    """Open while time < expiry."""
    end = glass.open().timestamp + OPEN_S
    view_at(end + offset)

    assert glass.contract.isOpen(twin, researcher, VITALS) is (offset < 0)


def test_is_open_for_each_part_of_the_categories(glass: Emergencies, twin: int, researcher: Any) -> None:
    """Subsets, but not the empty one."""
    glass.open()

    assert [glass.contract.isOpen(twin, researcher, asked) for asked in range(8)] == [0, 1, 1, 1, 0, 0, 0, 0]


def test_is_open_for_nothing_else(
    glass: Emergencies, twin: int, equipment: int, researcher: Any, hospital: Any
) -> None:
    """The second signer opens nothing for itself."""
    glass.open()

    assert not glass.contract.isOpen(equipment, researcher, VITALS)
    assert not glass.contract.isOpen(twin, hospital, VITALS)


def test_is_open_under_the_last_use_only(glass: Emergencies, twin: int, researcher: Any) -> None:
    """A later and narrower use replaces a wider one, and its end brings nothing back."""
    glass.open()
    glass.open(categories=VITALS)

    assert glass.contract.isOpen(twin, researcher, VITALS)
    assert not glass.contract.isOpen(twin, researcher, LABS)
    next_at(now_s() + 10)
    glass.contract.close(2, {"from": researcher})
    assert not glass.contract.isOpen(twin, researcher, VITALS)


def test_is_open_ends_with_the_role(glass: Emergencies, twin: int, researcher: Any, approver: Any) -> None:
    """Who is no clinician any more asks for nothing."""
    glass.open()

    glass.contract.revokeRole(glass.contract.CLINICIAN_ROLE(), researcher, {"from": approver})

    assert not glass.contract.isOpen(twin, researcher, VITALS)
