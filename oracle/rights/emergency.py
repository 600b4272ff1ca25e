"""Break the glass: two clinicians open a patient's data for a few hours, and somebody else reviews it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..formats.typed_data import Domain, digest
from ..formats.vouch import Voucher
from ..ports import Chain, Mined, Signer
from ..records import Category

SIGNATURE_LIFE_S = 10 * 60


class Reason(enum.IntEnum):
    """Why the glass is broken; the code on the chain."""

    CARDIAC_ARREST = 1
    UNCONSCIOUS = 2
    MAJOR_TRAUMA = 3
    SEPSIS = 4
    OTHER_LIFE_THREAT = 9


@dataclass(frozen=True, slots=True)
class Opened:
    """An opening: its number, and when it ends by itself and must be reviewed by (s)."""

    use_id: int
    expiry_s: int
    review_by_s: int
    mined: Mined


def voucher(chain: Chain) -> Voucher:
    """What a clinician's request for data goes through while an emergency is open."""
    return Voucher(chain.address("EmergencyAccess"))


def open_emergency(
    chain: Chain, clinician: Signer, second: Signer, twin_id: int, *, categories: Category, reason: Reason
) -> Opened:
    """Open; both sign, the clinician sends.

    Raises
    ------
    RevertedError
        One of them is no clinician, is suspended or has an overdue review, or the two are one person.
    """
    deadline = chain.head().time_s + SIGNATURE_LIFE_S
    facts = {
        "twinId": twin_id,
        "clinician": clinician.address,
        "categories": int(categories),
        "reason": int(reason),
        "nonce": chain.read("EmergencyAccess", "nonces", second.address),
        "deadline": deadline,
    }
    agreed = second.sign_digest(digest(Domain(chain.chain_id, voucher(chain).address), "Emergency", facts))
    mined = chain.write(
        clinician, "EmergencyAccess", "open", twin_id, int(categories), int(reason), second.address, deadline, agreed
    )
    opened = next(event.args for event in mined.events if event.name == "EmergencyOpened")
    return Opened(opened["useId"], opened["expiry"], opened["reviewBy"], mined)


def close(chain: Chain, party: Signer, use_id: int) -> Mined:
    """End it early; by either clinician or the patient."""
    return chain.write(party, "EmergencyAccess", "close", use_id)


def review(chain: Chain, reviewer: Signer, use_id: int, *, justified: bool) -> Mined:
    """Judge it, once; an unjustified one suspends both clinicians."""
    return chain.write(reviewer, "EmergencyAccess", "review", use_id, justified)
