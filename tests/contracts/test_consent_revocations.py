"""ConsentRegistry by signature: revocations.

revokeBySignature
  given the owner's signature
    it revokes as the owner did, whoever sends it
    it accepts a wallet's (ERC-1271)
  when it is used again
    it refuses
  when a signed fact differs or the domain does
    it refuses each
  when the grantee signs
    it refuses
  at the deadline
    it accepts a second before, refuses at it and after it
  given the twin is retired
    it still works
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, next_at, now_s
from tests.contracts.consents import CARE, VITALS, Scope, grant_of, revocation_signature
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of


@pytest.fixture
def deadline() -> int:
    """An hour from now."""
    return now_s() + 3_600


def test_revoke_by_signature_of_owner_revokes(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, stranger: Any,
    year: Scope, deadline: int,
) -> None:  # fmt: skip
    """Anyone may carry a revocation."""
    consents.grant(twin, researcher, year, {"from": patient})
    signature = revocation_signature(patient_key, consents, twin, researcher, 0, deadline)

    tx = consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": stranger})

    facts = {"operator": patient, "from": researcher, "to": "0x" + "0" * 40, "id": twin, "value": 1}
    assert logged(tx) == [expected("TransferSingle", **facts)]
    assert not consents.isAllowed(twin, researcher, VITALS, CARE)
    assert consents.nonces["address"](patient) == 1


def test_revoke_by_signature_of_wallet_revokes(
    consents: Any, wallet: Any, wallet_twin: int, wallet_owner: Any, wallet_key: LocalAccount, researcher: Any,
    stranger: Any, year: Scope, deadline: int,
) -> None:  # fmt: skip
    """The wallet vouches for its key (ERC-1271)."""
    wallet.execute(consents, consents.grant.encode_input(wallet_twin, researcher, year), {"from": wallet_owner})
    signature = revocation_signature(wallet_key, consents, wallet_twin, researcher, 0, deadline)

    tx = consents.revokeBySignature(wallet_twin, researcher, 0, deadline, signature, {"from": stranger})

    assert tx.events["TransferSingle"]["operator"] == wallet
    assert not consents.isAllowed(wallet_twin, researcher, VITALS, CARE)


def test_revoke_by_used_signature_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, stranger: Any,
    year: Scope, deadline: int,
) -> None:  # fmt: skip
    """A later grant is not ended by an earlier revocation's signature."""
    consents.grant(twin, researcher, year, {"from": patient})
    signature = revocation_signature(patient_key, consents, twin, researcher, 0, deadline)
    consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": stranger})
    consents.grant(twin, researcher, year, {"from": patient})

    with reverts_with("InvalidAccountNonce", patient, 1):
        consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": stranger})

    assert consents.isAllowed(twin, researcher, VITALS, CARE)


@pytest.mark.parametrize("change", ["twin", "grantee", "nonce", "deadline", 0, 1, 2, 3])
def test_revoke_by_signature_of_other_facts_is_refused(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, hospital: Any,
    stranger: Any, year: Scope, deadline: int, change: str | int,
) -> None:  # fmt: skip
    """Every field and every part of the domain counts."""
    consents.grant(twin, researcher, year, {"from": patient})
    other = {"twin": twin + 256, "grantee": hospital, "nonce": 1, "deadline": deadline + 1}
    facts = {"twin": twin, "grantee": researcher, "nonce": 0, "deadline": deadline}
    facts |= {change: other[change]} if isinstance(change, str) else {}
    domain = OTHER_DOMAINS[change] if isinstance(change, int) else {}
    signature = revocation_signature(patient_key, consents, **facts, **domain)

    with reverts_with("InvalidSignature", patient):
        consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": stranger})

    assert consents.isAllowed(twin, researcher, VITALS, CARE)


def test_revoke_by_signature_of_grantee_is_refused(
    consents: Any, twin: int, patient: Any, researcher: Any, stranger: Any, year: Scope, deadline: int
) -> None:
    """Giving up by signature does not exist; the grantee sends it."""
    consents.grant(twin, researcher, year, {"from": patient})
    signature = revocation_signature(key_of(6), consents, twin, researcher, 0, deadline)

    with reverts_with("InvalidSignature", patient):
        consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": stranger})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_revoke_by_signature_at_deadline(
    consents: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope,
    deadline: int, offset: int,
) -> None:  # fmt: skip
    """A signature holds while time < deadline."""
    consents.grant(twin, researcher, year, {"from": patient})
    signature = revocation_signature(patient_key, consents, twin, researcher, 0, deadline)
    next_at(deadline + offset)

    if offset < 0:
        consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": researcher})
    else:
        with reverts_with("SignatureExpired", deadline):
            consents.revokeBySignature(twin, researcher, 0, deadline, signature, {"from": researcher})


def test_revoke_by_signature_on_retired_twin_revokes(
    consents: Any, twins: Any, twin: int, patient: Any, patient_key: LocalAccount, researcher: Any, year: Scope
) -> None:
    """Signed in advance for a year, sent when it is needed."""
    consents.grant(twin, researcher, year, {"from": patient})
    later = now_s() + 365 * DAY_S
    signature = revocation_signature(patient_key, consents, twin, researcher, 9 << 64, later)
    twins.retire(twin, {"from": patient})

    consents.revokeBySignature(twin, researcher, 9 << 64, later, signature, {"from": researcher})

    assert grant_of(consents, twin, researcher).revoked
