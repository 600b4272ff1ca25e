"""StudyRegistry.

approve
  given a registered board's signature
    it records the approval, whoever brings it
    it accepts a board that is a wallet
  when a signed fact differs
    it refuses each
  when it is for another chain, contract or version
    it refuses
  given a board that is not registered
    it refuses
  when it is brought twice
    it refuses
  at the signature's deadline
    it accepts a second before, refuses at it and after it
  given no study, no researcher, no purpose or an end that is past
    it refuses
  given the same board approved before
    it amends the approval
  given another board approved before
    it refuses
  given the approval was withdrawn
    it refuses, also what the board had signed before
withdraw
  when the board withdraws
    it ends the approval
  when another board or the administrator withdraws
    it refuses
  given it was withdrawn
    it refuses
isApproved
  given an approval
    it holds for that researcher, those purposes and up to the end
  given the board is registered no more
    it does not hold
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, next_at, now_s, view_at
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of
from tests.contracts.studies import STUDY, ZERO, Approval, Study

BOARD, OTHER_BOARD = key_of(3), key_of(4)
PURPOSES = 0b1010
STRUCT = "0x" + STUDY.hex()


@pytest.fixture
def studies(suite: Any, approver: Any) -> Any:
    """StudyRegistry with two boards."""
    contract = suite.by_name["StudyRegistry"]
    for board in (BOARD, OTHER_BOARD):
        contract.grantRole(contract.BOARD_ROLE(), board.address, {"from": approver})
    return contract


@pytest.fixture
def study(studies: Any, researcher: Any) -> Study:
    """An approval for 30 days, not brought yet."""
    return Study(STUDY, researcher.address, BOARD.address, PURPOSES, now_s() + 30 * DAY_S, 0, now_s() + 600)


@pytest.fixture
def approved(studies: Any, study: Study, researcher: Any) -> Study:
    """The approval, brought."""
    studies.approve(*study, study.signed(BOARD, studies), {"from": researcher})
    return study


def approval_of(studies: Any, study: Study) -> Approval:
    """The stored record."""
    return Approval(*studies.approvalOf(study.study, study.researcher))


def test_approve_records_the_approval(studies: Any, study: Study, stranger: Any) -> None:
    """The signature says everything."""
    tx = studies.approve(*study, study.signed(BOARD, studies), {"from": stranger})

    assert logged(tx) == [
        expected(
            "StudyApproved", study=STUDY, researcher=study.researcher, board=BOARD.address, purposes=PURPOSES,
            expiry=study.expiry,
        )
    ]  # fmt: skip
    assert approval_of(studies, study) == Approval(BOARD.address, PURPOSES, study.expiry)


def test_approve_by_wallet_is_accepted(
    studies: Any, study: Study, wallet: Any, wallet_key: LocalAccount, approver: Any, stranger: Any
) -> None:
    """A board may be several people behind a contract (ERC-1271)."""
    studies.grantRole(studies.BOARD_ROLE(), wallet, {"from": approver})
    theirs = study._replace(board=wallet.address)

    studies.approve(*theirs, theirs.signed(wallet_key, studies), {"from": stranger})

    assert approval_of(studies, theirs).board == wallet.address


def test_approve_of_changed_fact_is_refused(studies: Any, study: Study, stranger: Any) -> None:
    """Nobody is approved for more than a board signed."""
    signature = study.signed(BOARD, studies)
    changes: list[dict[str, Any]] = [
        {"study": b"\x58" * 32}, {"researcher": stranger.address}, {"purposes": PURPOSES | 1},
        {"expiry": study.expiry + 1}, {"nonce": 1 << 64}, {"deadline": study.deadline + 1},
    ]  # fmt: skip

    for change in changes:
        with reverts_with("InvalidSignature", BOARD.address):
            studies.approve(*study._replace(**change), signature, {"from": stranger})
    with reverts_with("InvalidSignature", OTHER_BOARD.address):
        studies.approve(*study._replace(board=OTHER_BOARD.address), signature, {"from": stranger})


@pytest.mark.parametrize("domain", OTHER_DOMAINS)
def test_approve_of_other_domain_is_refused(studies: Any, study: Study, stranger: Any, domain: dict[str, Any]) -> None:
    """A signature is for this contract on this chain."""
    with reverts_with("InvalidSignature", BOARD.address):
        studies.approve(*study, study.signed(BOARD, studies, **domain), {"from": stranger})


def test_approve_by_unregistered_board_is_refused(studies: Any, study: Study, stranger: Any) -> None:
    """Anybody can sign; only a registered board approves."""
    theirs = study._replace(board=key_of(8).address)

    with reverts_with("NotBoard", stranger):
        studies.approve(*theirs, theirs.signed(key_of(8), studies), {"from": stranger})


def test_approve_twice_is_refused(studies: Any, approved: Study, researcher: Any) -> None:
    """A signature counts once."""
    with reverts_with("InvalidAccountNonce", BOARD.address, 1):
        studies.approve(*approved, approved.signed(BOARD, studies), {"from": researcher})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_approve_around_the_deadline(studies: Any, study: Study, stranger: Any, offset: int) -> None:
    """time < deadline."""
    signature = study.signed(BOARD, studies)
    next_at(study.deadline + offset)

    if offset < 0:
        studies.approve(*study, signature, {"from": stranger})
        assert approval_of(studies, study).board == BOARD.address
    else:
        with reverts_with("SignatureExpired", study.deadline):
            studies.approve(*study, signature, {"from": stranger})


def test_approve_of_nothing_is_refused(studies: Any, study: Study, stranger: Any) -> None:
    """A study, somebody, a purpose and a time to come."""
    changes: list[dict[str, Any]] = [{"study": bytes(32)}, {"researcher": ZERO}, {"purposes": 0}, {"expiry": now_s()}]

    for change in changes:
        empty = study._replace(**change)
        with reverts_with("InvalidStudy", empty.study, empty.researcher, empty.purposes, empty.expiry):
            studies.approve(*empty, empty.signed(BOARD, studies), {"from": stranger})


def test_approve_again_amends(studies: Any, approved: Study, stranger: Any) -> None:
    """A board may narrow, widen, shorten or extend what it approved."""
    amended = approved._replace(purposes=0b0010, expiry=approved.expiry - DAY_S, nonce=1)

    studies.approve(*amended, amended.signed(BOARD, studies), {"from": stranger})

    assert approval_of(studies, approved) == Approval(BOARD.address, 0b0010, approved.expiry - DAY_S)


def test_approve_of_anothers_study_is_refused(studies: Any, approved: Study, stranger: Any) -> None:
    """Who is refused by one board does not shop for another."""
    theirs = approved._replace(board=OTHER_BOARD.address, purposes=2**32 - 1)

    with reverts_with("OtherBoard", STUDY, approved.researcher, BOARD.address):
        studies.approve(*theirs, theirs.signed(OTHER_BOARD, studies), {"from": stranger})


def test_approve_after_withdrawal_is_refused(studies: Any, approved: Study, accounts: Any, researcher: Any) -> None:
    """A second signature kept in a drawer does not undo the withdrawal."""
    kept = approved._replace(nonce=1 << 64)
    studies.withdraw(STUDY, researcher, {"from": accounts.at(BOARD.address)})

    with reverts_with("StudyIsWithdrawn", STUDY, researcher):
        studies.approve(*kept, kept.signed(BOARD, studies), {"from": researcher})


def test_withdraw_ends_the_approval(studies: Any, approved: Study, accounts: Any, researcher: Any) -> None:
    """For good; the record stays."""
    tx = studies.withdraw(STUDY, researcher, {"from": accounts.at(BOARD.address)})

    assert logged(tx) == [expected("StudyWithdrawn", study=STUDY, researcher=researcher, board=BOARD.address)]
    assert approval_of(studies, approved) == Approval(BOARD.address, PURPOSES, approved.expiry, withdrawn=True)
    assert not studies.isApproved(STUDY, researcher, PURPOSES, now_s() + 1)


def test_withdraw_by_others_is_refused(
    studies: Any, approved: Study, accounts: Any, approver: Any, researcher: Any
) -> None:
    """What a board approved is its own."""
    for sender in (accounts.at(OTHER_BOARD.address), approver, researcher):
        with reverts_with("OtherBoard", STUDY, researcher, BOARD.address):
            studies.withdraw(STUDY, researcher, {"from": sender})


def test_withdraw_twice_is_refused(studies: Any, approved: Study, accounts: Any, researcher: Any) -> None:
    """There is nothing left to withdraw."""
    board = accounts.at(BOARD.address)
    studies.withdraw(STUDY, researcher, {"from": board})

    with reverts_with("StudyIsWithdrawn", STUDY, researcher):
        studies.withdraw(STUDY, researcher, {"from": board})


def test_is_approved_for_exactly_what_was_signed(studies: Any, approved: Study, researcher: Any, stranger: Any) -> None:
    """Every purpose asked for, until the end and not a second longer."""
    end = approved.expiry

    assert studies.isApproved(STUDY, researcher, PURPOSES, end)
    assert studies.isApproved(STUDY, researcher, 0b0010, now_s() + 1)
    assert not studies.isApproved(STUDY, researcher, PURPOSES, end + 1)
    assert not studies.isApproved(STUDY, researcher, PURPOSES | 1, end)
    assert not studies.isApproved(STUDY, researcher, 0, end)
    assert not studies.isApproved(STUDY, stranger, PURPOSES, end)
    assert not studies.isApproved(b"\x58" * 32, researcher, PURPOSES, end)
    assert not studies.isApproved(bytes(32), researcher, PURPOSES, 0)
    view_at(end - 1)
    assert studies.isApproved(STUDY, researcher, PURPOSES, end)
    view_at(end)
    assert not studies.isApproved(STUDY, researcher, PURPOSES, end)


def test_is_approved_by_a_board_that_was_struck_off(
    studies: Any, approved: Study, approver: Any, researcher: Any
) -> None:
    """A board's word is worth something only while it is a board."""
    studies.revokeRole(studies.BOARD_ROLE(), BOARD.address, {"from": approver})

    assert not studies.isApproved(STUDY, researcher, PURPOSES, approved.expiry)
