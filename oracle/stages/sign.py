"""Sign a report, at most one per round, remembered before it is signed."""

from __future__ import annotations

from ..errors import Denied
from ..ports import SignedRounds, Signer
from ..records import Observation, Report


def sign(report: Report, digest: bytes, signer: Signer, signed: SignedRounds) -> Observation:
    """Sign `report`, whose EIP-712 digest is `digest`.

    Raises
    ------
    Denied
        This node signed another report of the same (twin, model, round) before.
    """
    earlier = signed.remember(report.twin_id, report.model, report.round, digest)
    if earlier != digest:
        raise Denied(
            f"this node signed another report of round {report.round}: 0x{earlier.hex()[:16]}…",
            hint="a node signs once a round; look for a second node with the same key",
            kind="already_signed",
        )
    return Observation(report, signer.address, signer.sign_digest(digest))
