"""Studies that an ethics board approves: what it signs, and what is brought to the chain."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats.typed_data import Domain, digest
from ..ports import Chain, Mined, Signer
from ..records import Purpose


@dataclass(frozen=True, slots=True)
class Study:
    """What a board approves: a study (SHA-256 of its protocol), for whom, for which purposes, until when (s)."""

    digest: bytes
    researcher: str
    board: str
    purposes: Purpose
    expiry_s: int


def sign(chain: Chain, board: Signer, study: Study, nonce: int, deadline_s: int) -> bytes:
    """A board's signature under an approval; anyone may bring it before the deadline, once."""
    facts = {
        "study": study.digest,
        "researcher": study.researcher,
        "board": study.board,
        "purposes": int(study.purposes),
        "expiry": study.expiry_s,
        "nonce": nonce,
        "deadline": deadline_s,
    }
    return board.sign_digest(digest(Domain(chain.chain_id, chain.address("StudyRegistry")), "StudyApproval", facts))


def bring(chain: Chain, sender: Signer, study: Study, nonce: int, deadline_s: int, signature: bytes) -> Mined:
    """Put a signed approval on the chain.

    Raises
    ------
    RevertedError
        The board is not registered, the signature is not its own, is used or late, or the study was withdrawn.
    """
    return chain.write(
        sender, "StudyRegistry", "approve", study.digest, study.researcher, study.board, int(study.purposes),
        study.expiry_s, nonce, deadline_s, signature,
    )  # fmt: skip


def withdraw(chain: Chain, board: Signer, study: bytes, researcher: str) -> Mined:
    """Take an approval back for good: nothing more can be bought for the study."""
    return chain.write(board, "StudyRegistry", "withdraw", study, researcher)
