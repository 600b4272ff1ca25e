"""Scopes, and what an owner signs about them."""

from __future__ import annotations

from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.signing import signed

ALL_BITS = 2**32 - 1
VITALS, LABS = 1, 2
CARE, RESEARCH = 1, 2


class Scope(NamedTuple):
    """As in contracts/types/Consent.sol."""

    categories: int
    purposes: int
    not_before: int
    expiry: int


class Grant(NamedTuple):
    """As in contracts/types/Consent.sol."""

    categories: int
    purposes: int
    not_before: int
    expiry: int
    epoch: int
    serial: int
    revoked: bool = False
    denied: bool = False
    purchased: bool = False


def grant_of(consents: Any, twin: int, grantee: Any) -> Grant:
    """The stored record."""
    return Grant(*consents.grantOf(twin, grantee))


def grant_signature(
    key: LocalAccount, consents: Any, twin: int, grantee: Any, scope: Scope, nonce: int, deadline: int,
    epoch: int = 0, **domain: Any,
) -> bytes:  # fmt: skip
    """An owner's signature under a grant, in the twin's first epoch unless told otherwise."""
    message = {
        "twinId": twin, "grantee": str(grantee), "categories": scope.categories, "purposes": scope.purposes,
        "notBefore": scope.not_before, "expiry": scope.expiry, "epoch": epoch, "nonce": nonce, "deadline": deadline,
    }  # fmt: skip
    return signed(key, consents, "ConsentGrant", message, **domain)


def revocation_signature(
    key: LocalAccount, consents: Any, twin: int, grantee: Any, nonce: int, deadline: int, **domain: Any
) -> bytes:
    """An owner's signature under a revocation."""
    message = {"twinId": twin, "grantee": str(grantee), "nonce": nonce, "deadline": deadline}
    return signed(key, consents, "ConsentRevocation", message, **domain)
