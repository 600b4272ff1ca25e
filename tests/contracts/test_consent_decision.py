"""ConsentRegistry: the decision, and the token that shows it. Every small case of the decision is in test_is_allowed.py.

the decision
  at notBefore or at expiry
    it says yes from notBefore to the second before expiry, and no around that
  when more is asked than granted
    it says no
  when nothing is asked
    it says no, even to the owner
  given the owner of a live twin
    it says yes, and no once retired
  given voidGrants, a transfer or a retirement
    it says no to every grantee
    it says yes to a grant of the new epoch
the token
  when anyone tries to move or approve it
    it refuses
  it answers for many at once
  it names its interfaces
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import now_s, view_at
from tests.contracts.consents import CARE, LABS, RESEARCH, VITALS, Grant, Scope, grant_of
from tests.contracts.reverts import reverts_with


@pytest.mark.parametrize(("edge", "offset", "allowed"), [
    ("not_before", -1, False), ("not_before", 0, True), ("not_before", 1, True),
    ("expiry", -1, True), ("expiry", 0, False), ("expiry", 1, False),
])  # fmt: skip
def test_decision_at_boundary_second(
    consents: Any, twin: int, patient: Any, researcher: Any, edge: str, offset: int, allowed: bool
) -> None:
    """notBefore <= time < expiry, in the decision and in the token alike."""
    scope = Scope(VITALS, CARE, now_s() + 100, now_s() + 200)
    consents.grant(twin, researcher, scope, {"from": patient})

    view_at(getattr(scope, edge) + offset)

    assert consents.isAllowed(twin, researcher, VITALS, CARE) is allowed
    assert consents.balanceOf(researcher, twin) == int(allowed)


def test_decision_beyond_scope_is_no(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """Every bit asked for must have been granted."""
    both = VITALS | LABS
    consents.grant(twin, researcher, year._replace(categories=both, purposes=RESEARCH), {"from": patient})

    assert consents.isAllowed(twin, researcher, both, RESEARCH)
    assert not consents.isAllowed(twin, researcher, both | 4, RESEARCH)
    assert not consents.isAllowed(twin, researcher, both, RESEARCH | CARE)
    assert not consents.isAllowed(twin, researcher, both, CARE)


def test_decision_on_nothing_is_no(consents: Any, twin: int, patient: Any, researcher: Any, year: Scope) -> None:
    """Asking for nothing gives no yes that could be taken for one."""
    consents.grant(twin, researcher, year, {"from": patient})

    for account in (patient, researcher):
        assert not consents.isAllowed(twin, account, 0, CARE)
        assert not consents.isAllowed(twin, account, VITALS, 0)


def test_decision_for_owner_is_yes_until_retired(consents: Any, twins: Any, twin: int, patient: Any) -> None:
    """The owner needs no token; a retired twin is read by nobody through the registry."""
    assert consents.isAllowed(twin, patient, 2**32 - 1, 2**32 - 1)
    assert consents.balanceOf(patient, twin) == 0
    assert not consents.isAllowed(twin + 256, patient, VITALS, CARE)

    twins.retire(twin, {"from": patient})

    assert not consents.isAllowed(twin, patient, VITALS, CARE)


@pytest.mark.parametrize("end", ["voidGrants", "transferFrom", "retire"])
def test_decision_after_epoch_is_no(
    consents: Any, twins: Any, equipment: int, hospital: Any, patient: Any, researcher: Any, stranger: Any,
    year: Scope, end: str,
) -> None:  # fmt: skip
    """No grant survives the epoch it was given in; the records stay."""
    for grantee in (researcher, patient):
        consents.grant(equipment, grantee, year, {"from": hospital})
    arguments = (hospital, stranger, equipment) if end == "transferFrom" else (equipment,)

    getattr(twins, end)(*arguments, {"from": hospital})

    for grantee in (researcher, patient):
        assert not consents.isAllowed(equipment, grantee, VITALS, CARE)
        assert consents.balanceOf(grantee, equipment) == 0
        assert grant_of(consents, equipment, grantee) == Grant(*year, epoch=0, serial=1)
    assert consents.isAllowed(equipment, stranger, VITALS, CARE) is (end == "transferFrom")
    assert consents.isAllowed(equipment, hospital, VITALS, CARE) is (end == "voidGrants")


def test_grant_in_new_epoch_allows(
    consents: Any, twins: Any, twin: int, patient: Any, researcher: Any, hospital: Any, year: Scope
) -> None:
    """Only who is granted again is allowed again."""
    for grantee in (researcher, hospital):
        consents.grant(twin, grantee, year, {"from": patient})
    twins.voidGrants(twin, {"from": patient})

    consents.grant(twin, researcher, year, {"from": patient})

    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=1, serial=2)
    assert consents.isAllowed(twin, researcher, VITALS, CARE)
    assert not consents.isAllowed(twin, hospital, VITALS, CARE)


def test_token_does_not_move(
    consents: Any, twin: int, patient: Any, researcher: Any, stranger: Any, year: Scope
) -> None:
    """Consent is given to one party; that party cannot pass it on."""
    consents.grant(twin, researcher, year, {"from": patient})

    with reverts_with("NonTransferable"):
        consents.safeTransferFrom(researcher, stranger, twin, 1, b"", {"from": researcher})
    with reverts_with("NonTransferable"):
        consents.safeBatchTransferFrom(researcher, stranger, [twin], [1], b"", {"from": researcher})
    with reverts_with("NonTransferable"):
        consents.setApprovalForAll(stranger, True, {"from": researcher})

    assert not consents.isApprovedForAll(researcher, stranger)


def test_token_answers_for_many(
    consents: Any, twin: int, patient: Any, researcher: Any, stranger: Any, year: Scope
) -> None:
    """The batch agrees with the single answers and refuses lists that do not match."""
    consents.grant(twin, researcher, year, {"from": patient})

    assert consents.balanceOfBatch([researcher, stranger], [twin, twin]) == (1, 0)
    with reverts_with("ERC1155InvalidArrayLength", 1, 2):
        consents.balanceOfBatch([researcher, stranger], [twin])


def test_supports_interface_names_its_standards(consents: Any) -> None:
    """ERC-165, ERC-1155 with metadata, and nothing made up (ids from the standards)."""
    assert [consents.supportsInterface(id_) for id_ in ("0x01ffc9a7", "0xd9b67a26", "0x0e89341c")] == [True] * 3
    assert not consents.supportsInterface("0xffffffff")
    assert consents.uri(1) == consents.uri(2)
