"""Ask through a contract that is the grantee: an open emergency or case vouches for the person who signs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from eth_abi import encode

from ..records import KeyRequest

REQUEST = "(uint256,address,bytes32,bytes32[],uint32,uint32,uint256,uint40)"


@dataclass(frozen=True, slots=True)
class Voucher:
    """EmergencyAccess or CaseToken, by its address."""

    address: str

    def wrap(self, request: KeyRequest, signer: str, signature: bytes) -> bytes:
        """The signature as RequestVoucher reads it: what is asked for, who signed, and the signature itself."""
        fields = (
            request.twin_id,
            request.grantee,
            hashlib.sha256(request.recipient_key).digest(),
            list(request.batches),
            request.category,
            request.purpose,
            request.nonce,
            request.deadline_s,
        )
        return encode([REQUEST, "address", "bytes"], [fields, signer, signature])
