"""TwinToken.

mint
  given a kind that exists
    it gives the caller the twin in epoch 0
    it gives a contract that can receive it the twin
  given a kind that does not exist
    it refuses kind 0 and kind 4
  given the twin exists
    it refuses
transfer
  given a patient twin
    it refuses the owner
    it refuses an approved account
  given equipment
    it moves it and starts an epoch
    it refuses a stranger
  given retired equipment
    it refuses
voidGrants
  when the owner calls
    it starts an epoch and dates the end of the last
  when a stranger calls
    it refuses
  given the twin is retired
    it refuses
retire
  when the owner calls
    it closes the twin for good
  when a stranger calls
    it refuses
  given the twin is retired
    it refuses
reads
  given no such twin
    it answers epoch 0, and reverts for the owner
  it says nothing but the kind in the metadata
  it names its interfaces
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with

ZERO = "0x" + "0" * 40


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_mint_of_a_known_kind_gives_the_twin(twins: Any, patient: Any, kind: int) -> None:
    """The caller owns the new twin, live, in epoch 0."""
    twin = 0xFEED << 8 | kind

    tx = twins.mint(twin, {"from": patient})

    assert logged(tx) == [expected("Transfer", **{"from": ZERO}, to=patient, tokenId=twin)]
    assert twins.ownerOf(twin) == patient
    assert twins.balanceOf(patient) == 1
    assert twins.ownerAndEpochOf(twin) == (patient, 0)
    assert not twins.isRetired(twin)


def test_mint_by_wallet_gives_the_twin(twins: Any, wallet: Any, wallet_twin: int) -> None:
    """An account that is a contract can be a patient."""
    assert twins.ownerOf(wallet_twin) == wallet


@pytest.mark.parametrize("kind", [0, 4, 255])
def test_mint_of_unknown_kind_is_refused(twins: Any, patient: Any, kind: int) -> None:
    """Only kinds 1 to 3 exist."""
    twin = 0xFEED << 8 | kind

    with reverts_with("UnknownTwinKind", twin, kind):
        twins.mint(twin, {"from": patient})


def test_mint_twice_is_refused(twins: Any, twin: int, equipment: int, stranger: Any) -> None:
    """A twin that exists cannot be taken by minting it again."""
    with reverts_with("PatientTwinBound", twin):
        twins.mint(twin, {"from": stranger})
    with reverts_with("ERC721InvalidSender", ZERO):
        twins.mint(equipment, {"from": stranger})


def test_transfer_of_patient_twin_by_owner_is_refused(twins: Any, twin: int, patient: Any, stranger: Any) -> None:
    """A patient twin does not move, by either way to move a token."""
    with reverts_with("PatientTwinBound", twin):
        twins.transferFrom(patient, stranger, twin, {"from": patient})
    with reverts_with("PatientTwinBound", twin):
        twins.safeTransferFrom(patient, stranger, twin, {"from": patient})


def test_transfer_of_patient_twin_by_approved_is_refused(twins: Any, twin: int, patient: Any, stranger: Any) -> None:
    """An approval does not move a patient twin either."""
    twins.approve(stranger, twin, {"from": patient})

    with reverts_with("PatientTwinBound", twin):
        twins.transferFrom(patient, stranger, twin, {"from": stranger})


def test_transfer_of_equipment_starts_an_epoch(twins: Any, equipment: int, hospital: Any, researcher: Any) -> None:
    """Equipment moves, and what was granted on it ends."""
    tx = twins.transferFrom(hospital, researcher, equipment, {"from": hospital})

    assert logged(tx) == [
        expected("EpochStarted", twinId=equipment, epoch=1),
        expected("Transfer", **{"from": hospital}, to=researcher, tokenId=equipment),
    ]
    assert twins.ownerAndEpochOf(equipment) == (researcher, 1)
    assert twins.epochEnd(equipment, 0) == tx.timestamp
    assert twins.epochEnd(equipment, 1) == 0


def test_transfer_by_stranger_is_refused(twins: Any, equipment: int, hospital: Any, stranger: Any) -> None:
    """Nobody takes what is not theirs."""
    with reverts_with("ERC721InsufficientApproval", stranger, equipment):
        twins.transferFrom(hospital, stranger, equipment, {"from": stranger})


def test_transfer_of_retired_equipment_is_refused(twins: Any, equipment: int, hospital: Any, researcher: Any) -> None:
    """A retired twin stays where it is."""
    twins.retire(equipment, {"from": hospital})

    with reverts_with("TwinIsRetired", equipment):
        twins.transferFrom(hospital, researcher, equipment, {"from": hospital})


def test_void_grants_by_owner_starts_an_epoch(twins: Any, twin: int, patient: Any) -> None:
    """Each call ends one epoch at its second and starts the next; the owner stays."""
    first = twins.voidGrants(twin, {"from": patient})
    second = twins.voidGrants(twin, {"from": patient})

    assert logged(first) == [expected("EpochStarted", twinId=twin, epoch=1)]
    assert logged(second) == [expected("EpochStarted", twinId=twin, epoch=2)]
    assert twins.ownerAndEpochOf(twin) == (patient, 2)
    assert [twins.epochEnd(twin, epoch) for epoch in range(3)] == [first.timestamp, second.timestamp, 0]


def test_void_grants_by_stranger_is_refused(twins: Any, twin: int, stranger: Any) -> None:
    """Only the owner voids."""
    with reverts_with("NotTwinOwner", twin, stranger):
        twins.voidGrants(twin, {"from": stranger})


def test_void_grants_of_retired_twin_is_refused(twins: Any, twin: int, patient: Any) -> None:
    """There is nothing left to void."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        twins.voidGrants(twin, {"from": patient})


def test_retire_by_owner_closes_the_twin(twins: Any, twin: int, patient: Any) -> None:
    """The epoch ends, reads of a live twin revert, the owner stays on record."""
    tx = twins.retire(twin, {"from": patient})

    assert logged(tx) == [expected("EpochStarted", twinId=twin, epoch=1), expected("TwinRetired", twinId=twin)]
    assert twins.isRetired(twin)
    assert twins.ownerOf(twin) == patient
    assert twins.epochEnd(twin, 0) == tx.timestamp
    with reverts_with("TwinIsRetired", twin):
        twins.epochOf(twin)
    with reverts_with("TwinIsRetired", twin):
        twins.ownerAndEpochOf(twin)


def test_retire_by_stranger_is_refused(twins: Any, twin: int, stranger: Any) -> None:
    """Only the owner retires."""
    with reverts_with("NotTwinOwner", twin, stranger):
        twins.retire(twin, {"from": stranger})


def test_retire_twice_is_refused(twins: Any, twin: int, patient: Any) -> None:
    """Retired is final."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        twins.retire(twin, {"from": patient})


def test_reads_of_unknown_twin_give_no_owner(twins: Any, patient: Any) -> None:
    """An id never minted has epoch 0, no owner, no metadata and no rights."""
    unknown = 0xDEAD << 8 | 1

    assert twins.epochOf(unknown) == 0
    assert not twins.isRetired(unknown)
    for call in (twins.ownerOf, twins.ownerAndEpochOf, twins.tokenURI):
        with reverts_with("ERC721NonexistentToken", unknown):
            call(unknown)
    with reverts_with("ERC721NonexistentToken", unknown):
        twins.voidGrants(unknown, {"from": patient})


def test_token_uri_says_only_the_kind(twins: Any, twin: int, equipment: int) -> None:
    """Metadata is the same for every twin of a kind."""
    assert twins.tokenURI(twin) == 'data:application/json;utf8,{"name":"Patient twin"}'
    assert twins.tokenURI(equipment) == 'data:application/json;utf8,{"name":"Equipment twin"}'


def test_supports_interface_names_its_standards(twins: Any) -> None:
    """ERC-165, ERC-721 with metadata, and nothing made up (ids from the standards)."""
    assert [twins.supportsInterface(id_) for id_ in ("0x01ffc9a7", "0x80ac58cd", "0x5b5e139f")] == [True] * 3
    assert not twins.supportsInterface("0xffffffff")
