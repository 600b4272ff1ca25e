"""ConsentRegistry by signature: grants. Revocations have a file of their own.

grantBySignature
  given the owner's signature
    it grants as the owner did, whoever sends it
    it accepts a wallet's (ERC-1271)
  when it is used again
    it refuses
  when nonces have different keys
    it takes them in any order
  when a signed fact differs
    it refuses each
  when it is for another chain, contract or version
    it refuses
  when somebody else signed, or nobody
    it refuses
  when a wallet's key signs for its own account, or an account's for the wallet
    it refuses
  when the signature is malleable
    it refuses
  at the deadline
    it accepts a second before, refuses at it and after it
  given the twin was retired or sold since
    it refuses
  given all grants were voided since it was signed
    it refuses, and accepts one of the new epoch
  given a denied grantee
    it refuses until the owner itself grants again
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import next_at, now_s
from tests.contracts.consents import CARE, VITALS, Grant, Scope, grant_of, grant_signature
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def deadline() -> int:
    """An hour from now."""
    return now_s() + 3_600


def test_grant_by_signature_of_owner_grants(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, stranger: Any,
    year: Scope, deadline: int,
) -> None:  # fmt: skip
    """Record and events name the owner, not the sender."""
    signature = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline)

    tx = consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": stranger})

    assert tx.events["ConsentGranted"]["by"] == patient
    assert tx.events["TransferSingle"]["operator"] == patient
    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=1)
    assert consents.isAllowed(twin, researcher, VITALS, CARE)
    assert not consents.isAllowed(twin, stranger, VITALS, CARE)


def test_grant_by_signature_of_wallet_grants(
    consents: Any, wallet: Any, wallet_twin: int, wallet_key: LocalAccount, researcher: Any, stranger: Any,
    year: Scope, deadline: int,
) -> None:  # fmt: skip
    """The wallet vouches for its key (ERC-1271)."""
    signature = grant_signature(wallet_key, consents, wallet_twin, researcher, year, 0, deadline)

    tx = consents.grantBySignature(wallet_twin, researcher, year, 0, deadline, signature, {"from": stranger})

    assert tx.events["ConsentGranted"]["by"] == wallet
    assert consents.isAllowed(wallet_twin, researcher, VITALS, CARE)


def test_grant_by_used_signature_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope, deadline: int
) -> None:
    """What was revoked is not brought back by the signature that granted it."""
    signature = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline)
    consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})
    consents.revoke(twin, researcher, {"from": patient})

    with reverts_with("InvalidAccountNonce", patient, 1):
        consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})

    assert not consents.isAllowed(twin, researcher, VITALS, CARE)


def test_grant_by_signature_takes_keyed_nonces_in_any_order(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, hospital: Any,
    year: Scope, deadline: int,
) -> None:  # fmt: skip
    """Two forms signed at once do not wait for each other; within a key the order holds."""
    nonces = [7 << 64, 0]

    for nonce, grantee in zip(nonces, (researcher, hospital), strict=True):
        signature = grant_signature(patient_key, consents, twin, grantee, year, nonce, deadline)
        consents.grantBySignature(twin, grantee, year, nonce, deadline, signature, {"from": grantee})

    assert consents.nonces["address,uint192"](patient, 7) == (7 << 64) + 1
    assert consents.nonces["address"](patient) == 1
    skipped = (7 << 64) + 2
    signature = grant_signature(patient_key, consents, twin, hospital, year, skipped, deadline)
    with reverts_with("InvalidAccountNonce", patient, (7 << 64) + 1):
        consents.grantBySignature(twin, hospital, year, skipped, deadline, signature, {"from": hospital})


@pytest.mark.parametrize(
    "field", ["twin", "grantee", "categories", "purposes", "not_before", "expiry", "epoch", "nonce", "deadline"]
)
def test_grant_by_signature_of_other_facts_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, hospital: Any,
    year: Scope, deadline: int, field: str,
) -> None:  # fmt: skip
    """Every field of the typed data counts."""
    facts = {"twin": twin, "grantee": researcher, "epoch": 0, "nonce": 0, "deadline": deadline, **year._asdict()}
    other = {"grantee": hospital, "twin": twin + 256, "categories": 1, "purposes": 1}
    facts[field] = other.get(field) or facts[field] + 1
    scope = Scope(facts["categories"], facts["purposes"], facts["not_before"], facts["expiry"])
    signature = grant_signature(
        patient_key, consents, facts["twin"], facts["grantee"], scope, facts["nonce"], facts["deadline"], facts["epoch"]
    )

    with reverts_with("InvalidSignature", patient):
        consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})

    assert consents.nonces["address"](patient) == 0


def test_grant_by_signature_of_other_domain_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope, deadline: int
) -> None:
    """A signature holds on one chain, for one contract and version."""
    for domain in OTHER_DOMAINS:
        signature = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline, **domain)
        with reverts_with("InvalidSignature", patient):
            consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})


def test_grant_by_signature_of_others_is_refused(
    consents: Any, twin: int, patient: Any, researcher: Any, year: Scope, deadline: int
) -> None:
    """The grantee's own signature, none, and zeros."""
    own = grant_signature(key_of(6), consents, twin, researcher, year, 0, deadline)

    for signature in (own, b"", bytes(65), own[:64]):
        with reverts_with("InvalidSignature", patient):
            consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})


def test_grant_by_signature_for_wallet_needs_its_key(
    consents: Any, wallet: Any, wallet_twin: int, twin: int, patient: Any, patient_key: LocalAccount,
    wallet_key: LocalAccount, researcher: Any, year: Scope, deadline: int,
) -> None:  # fmt: skip
    """Keys do not speak for each other's twins."""
    for token, owner, key in ((wallet_twin, wallet, patient_key), (twin, patient, wallet_key)):
        signature = grant_signature(key, consents, token, researcher, year, 0, deadline)
        with reverts_with("InvalidSignature", owner):
            consents.grantBySignature(token, researcher, year, 0, deadline, signature, {"from": researcher})


def test_grant_by_malleable_signature_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope, deadline: int
) -> None:
    """The other s of the same signature is none (EIP-2)."""
    good = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline)
    twisted = good[:32] + (ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big") + bytes([55 - good[64]])

    with reverts_with("InvalidSignature", patient):
        consents.grantBySignature(twin, researcher, year, 0, deadline, twisted, {"from": researcher})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_grant_by_signature_at_deadline(
    consents: Any, twin: int, patient_key: LocalAccount, researcher: Any, year: Scope, deadline: int, offset: int
) -> None:
    """A signature holds while time < deadline."""
    signature = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline)
    next_at(deadline + offset)

    if offset < 0:
        consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})
    else:
        with reverts_with("SignatureExpired", deadline):
            consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})


def test_grant_by_signature_of_former_owner_is_refused(
    consents: Any, twins: Any, equipment: int, hospital: Any, researcher: Any, stranger: Any, year: Scope, deadline: int
) -> None:
    """A signature is the owner's at the time of use, on a live twin."""
    signature = grant_signature(key_of(7), consents, equipment, researcher, year, 0, deadline)
    twins.transferFrom(hospital, stranger, equipment, {"from": hospital})

    with reverts_with("InvalidSignature", stranger):
        consents.grantBySignature(equipment, researcher, year, 0, deadline, signature, {"from": researcher})
    twins.retire(equipment, {"from": stranger})
    with reverts_with("TwinIsRetired", equipment):
        consents.grantBySignature(equipment, researcher, year, 0, deadline, signature, {"from": researcher})


def test_grant_by_signature_of_voided_epoch_is_refused(
    consents: Any, twins: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope,
    deadline: int,
) -> None:  # fmt: skip
    """Voiding all grants voids those signed and not yet sent; no nonce is used up."""
    unsent = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline)
    twins.voidGrants(twin, {"from": patient})

    with reverts_with("InvalidSignature", patient):
        consents.grantBySignature(twin, researcher, year, 0, deadline, unsent, {"from": researcher})

    assert not consents.isAllowed(twin, researcher, VITALS, CARE)
    anew = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline, epoch=1)
    consents.grantBySignature(twin, researcher, year, 0, deadline, anew, {"from": researcher})
    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=1, serial=1)


def test_grant_by_signature_to_denied_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope, deadline: int
) -> None:
    """A signature of before or after the denial does not lift it; the owner's own grant does."""
    signature = grant_signature(patient_key, consents, twin, researcher, year, 0, deadline)
    consents.deny(twin, researcher, {"from": patient})

    with reverts_with("GranteeDenied", twin, researcher):
        consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})

    consents.grant(twin, researcher, year, {"from": patient})
    consents.grantBySignature(twin, researcher, year, 0, deadline, signature, {"from": researcher})
    assert grant_of(consents, twin, researcher) == Grant(*year, epoch=0, serial=2)
