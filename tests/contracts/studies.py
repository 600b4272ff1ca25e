"""Studies, and what an ethics board signs about them."""

from __future__ import annotations

from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.signing import signed

STUDY = b"\x57" * 32
ZERO = "0x" + "0" * 40


class Approval(NamedTuple):
    """As in contracts/interfaces/IStudyRegistry.sol."""

    board: str
    purposes: int
    expiry: int
    withdrawn: bool = False


class Study(NamedTuple):
    """What a board signs, in the order the contract takes it."""

    study: bytes
    researcher: str
    board: str
    purposes: int
    expiry: int
    nonce: int
    deadline: int

    def signed(self, key: LocalAccount, studies: Any, **domain: Any) -> bytes:
        """A board's signature."""
        message = {
            "study": self.study, "researcher": self.researcher, "board": self.board, "purposes": self.purposes,
            "expiry": self.expiry, "nonce": self.nonce, "deadline": self.deadline,
        }  # fmt: skip
        return signed(key, studies, "StudyApproval", message, **domain)
