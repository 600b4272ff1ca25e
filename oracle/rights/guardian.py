"""A guardian decides for the person a twin stands for, until a day: appoint, hand over, dismiss."""

from __future__ import annotations

from ..formats.typed_data import Domain, digest
from ..ports import Chain, Mined, Signer


def accept(
    chain: Chain, guardian: Signer, twin_id: int, by: str, until_s: int, *, nonce: int, deadline_s: int
) -> bytes:
    """A guardian's signature: it agrees to be appointed by this account until then."""
    facts = {
        "twinId": twin_id,
        "guardian": guardian.address,
        "by": by,
        "until": until_s,
        "nonce": nonce,
        "deadline": deadline_s,
    }
    return guardian.sign_digest(
        digest(Domain(chain.chain_id, chain.address("GuardianRegistry")), "Guardianship", facts)
    )


def appoint(
    chain: Chain, owner: Signer, guardian: Signer, twin_id: int, until_s: int, *, nonce: int, deadline_s: int
) -> Mined:
    """Make somebody guardian of a twin until then; both are here to sign."""
    signature = accept(chain, guardian, twin_id, owner.address, until_s, nonce=nonce, deadline_s=deadline_s)
    return chain.write(
        owner, "GuardianRegistry", "appoint", twin_id, guardian.address, until_s, nonce, deadline_s, signature
    )


def hand_over(chain: Chain, guardian: Signer, successor: Signer, twin_id: int, *, nonce: int, deadline_s: int) -> Mined:
    """Pass one's own guardianship on; its end stays."""
    _, until_s = guardian_of(chain, twin_id)
    signature = accept(chain, successor, twin_id, guardian.address, until_s, nonce=nonce, deadline_s=deadline_s)
    return chain.write(
        guardian, "GuardianRegistry", "handOver", twin_id, successor.address, nonce, deadline_s, signature
    )


def dismiss(chain: Chain, party: Signer, twin_id: int) -> Mined:
    """End it now; by the owner or the guardian."""
    return chain.write(party, "GuardianRegistry", "dismiss", twin_id)


def guardian_of(chain: Chain, twin_id: int) -> tuple[str, int]:
    """Who is guardian now and until when (s); the zero address when nobody is."""
    who, until_s = chain.read("GuardianRegistry", "guardianOf", twin_id)
    return who, int(until_s)
