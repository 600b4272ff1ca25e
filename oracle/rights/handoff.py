"""Hand a case from one department to another: both sign, and it closes itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats.typed_data import Domain, digest
from ..formats.vouch import Voucher
from ..ports import Chain, Mined, Signer
from ..records import Category

SIGNATURE_LIFE_S = 10 * 60


@dataclass(frozen=True, slots=True)
class Handoff:
    """A case: from which department to which, for which data, until when (s)."""

    twin_id: int
    origin: str
    receiver: str
    categories: Category
    expiry_s: int

    def fields(self) -> tuple[int, str, str, int, int]:
        """In the order of the Solidity struct."""
        return self.twin_id, self.origin, self.receiver, int(self.categories), self.expiry_s


def voucher(chain: Chain) -> Voucher:
    """What the receiving department's request for data goes through while the case is open."""
    return Voucher(chain.address("CaseToken"))


def agree(chain: Chain, department: Signer, case: Handoff, nonce: int, deadline_s: int) -> bytes:
    """One department's signature under a case."""
    facts = {
        "twinId": case.twin_id,
        "from": case.origin,
        "to": case.receiver,
        "categories": int(case.categories),
        "expiry": case.expiry_s,
        "nonce": nonce,
        "deadline": deadline_s,
    }
    return department.sign_digest(digest(Domain(chain.chain_id, voucher(chain).address), "Case", facts))


def open_case(chain: Chain, origin: Signer, receiver: Signer, case: Handoff, nonce: int) -> bytes:
    """Open a case; the originating department sends it. Returns its id.

    Raises
    ------
    RevertedError
        One side is no department, the case is too long, or it was opened before.
    """
    deadline = chain.head().time_s + SIGNATURE_LIFE_S
    signatures = [agree(chain, one, case, nonce, deadline) for one in (origin, receiver)]
    mined = chain.write(origin, "CaseToken", "open", case.fields(), nonce, deadline, *signatures)
    return bytes(next(event.args["caseId"] for event in mined.events if event.name == "CaseOpened"))


def close_case(chain: Chain, party: Signer, case_id: bytes, *, procedure_ended: bool) -> Mined:
    """Close it now; by either department or the patient."""
    return chain.write(party, "CaseToken", "close", case_id, procedure_ended)
