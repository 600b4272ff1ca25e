"""Requests for keys that a contract vouches for (ERC-1271): what is signed, and how it is wrapped."""

from __future__ import annotations

from typing import Any, NamedTuple

from brownie.exceptions import VirtualMachineError
from eth_abi import encode
from eth_account.messages import SignableMessage
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.contracts.clock import now_s
from tests.contracts.signing import signed, typed

EMERGENCY = 2
BATCHES = (b"\x81" * 32, b"\x82" * 32)
BLOB = ["(uint256,address,bytes32,bytes32[],uint32,uint32,uint256,uint40)", "address", "bytes"]
YES = "0x1626ba7e"  # ERC-1271's only yes


class Request(NamedTuple):
    """As in contracts/types/KeyRequest.sol."""

    twinId: int
    grantee: str
    recipient: bytes
    batches: tuple[bytes, ...]
    category: int
    purpose: int
    nonce: int
    deadline: int

    @property
    def facts(self) -> dict[str, Any]:
        """As typed data; their arrays are lists."""
        return {**self._asdict(), "batches": list(self.batches)}


def request_of(grantee: Any, twin: int, category: int, purpose: int, **changes: Any) -> Request:
    """A good request for two batches."""
    deadline = now_s() + 3_600
    return Request(twin, str(grantee), b"\x80" * 32, BATCHES, category, purpose, 1, deadline)._replace(**changes)


def digest_of(message: SignableMessage) -> bytes:
    """The EIP-712 digest."""
    return keccak(b"\x19" + message.version + message.header + message.body)


def request_digest(consents: Any, request: Request, **domain: Any) -> bytes:
    """What custodians ask the grantee about."""
    return digest_of(typed(consents, "KeyRequest", request.facts, **domain))


def request_signature(key: LocalAccount, consents: Any, request: Request, **domain: Any) -> bytes:
    """A person's signature under a request."""
    return signed(key, consents, "KeyRequest", request.facts, **domain)


def blob_of(request: Request, signer: Any, signature: bytes) -> bytes:
    """The request, who signed, and the signature itself, as one signature."""
    return encode(BLOB, [tuple(request), str(signer), signature])


def says_yes(contract: Any, digest: bytes, blob: bytes) -> bool:
    """What a careful caller makes of the answer; a revert is a no."""
    try:
        return bool(str(contract.isValidSignature(digest, blob)) == YES)
    except VirtualMachineError:
        return False


def vouches(contract: Any, consents: Any, request: Request, key: LocalAccount) -> bool:
    """Whether the contract stands by a request that this person signed and wrapped honestly."""
    blob = blob_of(request, key.address, request_signature(key, consents, request))
    return says_yes(contract, request_digest(consents, request), blob)
