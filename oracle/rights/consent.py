"""Grant, revoke and list consents."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, MedtwinError
from ..ports import Chain, Mined, Signer
from ..records import Category, Purpose

DAY_S = 86_400
MOST_DAYS = 731  # ConsentRegistry refuses more


@dataclass(frozen=True, slots=True)
class Consent:
    """A grant as the chain has it now; `active` is the chain's answer, not this program's."""

    twin_id: int
    grantee: str
    categories: Category
    purposes: Purpose
    not_before_s: int
    expiry_s: int
    active: bool
    purchased: bool


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation: in which block access ended and, for a purchased grant, what went back (smallest token unit)."""

    mined: Mined
    refund: int
    refund_failed: str = ""


def grant(
    chain: Chain, owner: Signer, twin_id: int, grantee: str, *, categories: Category, purposes: Purpose, days: float
) -> Mined:
    """Grant from now for `days`; replaces the owner's earlier grant to the same grantee."""
    if not 0 < days <= MOST_DAYS:  # also what is not a number
        raise InputError(f"{days:g} days are no time for a grant", hint=f"more than 0, at most {MOST_DAYS}: --days 7")
    now = chain.head().time_s
    scope = (int(categories), int(purposes), now, now + int(days * DAY_S))
    return chain.write(owner, "ConsentRegistry", "grant", twin_id, grantee, scope)


def revoke(chain: Chain, owner: Signer, twin_id: int, grantee: str) -> Revoked:
    """End a grant now. Access is locked by the first transaction; a refund, where one is due, follows.

    The revocation never waits for the refund: anybody may settle it later with the same amount.
    """
    purchased = chain.read("ConsentRegistry", "grantOf", twin_id, grantee).purchased
    mined = chain.write(owner, "ConsentRegistry", "revoke", twin_id, grantee)
    if not purchased or chain.read("AccessMarket", "balanceOf", twin_id, grantee)[1] == 0:
        return Revoked(mined, 0)
    try:
        settled = chain.write(owner, "AccessMarket", "settle", twin_id, grantee)
    except MedtwinError as error:
        return Revoked(mined, 0, error.sentence)
    refunds = [event.args["refunded"] for event in settled.events if event.name == "PurchaseSettled"]
    return Revoked(mined, refunds[0])


def consents(chain: Chain, twin_id: int) -> list[Consent]:
    """Everyone who ever held a grant, with what the chain says today."""
    grantees = dict.fromkeys(
        event.args["grantee"] for event in chain.events("ConsentRegistry", "ConsentGranted", twinId=twin_id)
    )
    return [_consent(chain, twin_id, grantee) for grantee in grantees]


def _consent(chain: Chain, twin_id: int, grantee: str) -> Consent:
    stored = chain.read("ConsentRegistry", "grantOf", twin_id, grantee)
    return Consent(
        twin_id=twin_id,
        grantee=grantee,
        categories=Category(stored.categories),
        purposes=Purpose(stored.purposes),
        not_before_s=stored.notBefore,
        expiry_s=stored.expiry,
        active=chain.read("ConsentRegistry", "balanceOf", grantee, twin_id) == 1,
        purchased=stored.purchased,
    )
