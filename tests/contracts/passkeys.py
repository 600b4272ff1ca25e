"""Passkeys as authenticators make them: P-256 from the ``cryptography`` package, WebAuthn's bytes by its text.

References
----------
W3C Web Authentication, sections 5.8.1.1 (clientDataJSON) and 6.1 (authenticator data).
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_abi import encode
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from tests.contracts.consents import Scope
from tests.contracts.signing import typed as typed_of

SITE = "hospital.example"
RP_ID_HASH = hashlib.sha256(SITE.encode()).digest()
PRESENT_AND_VERIFIED = b"\x05"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TYPES = {
    "AccountMessage": [{"name": "hash", "type": "bytes32"}],
    "Call": [
        {"name": "target", "type": "address"}, {"name": "data", "type": "bytes"}, {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint40"},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Passkey:
    """One key pair in an authenticator."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def of(cls, number: int) -> Passkey:
        """The same for the same number."""
        return cls(ec.derive_private_key(number, ec.SECP256R1()))

    @property
    def point(self) -> tuple[bytes, bytes]:
        numbers = self.private.public_key().public_numbers()
        return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")

    def assertion(self, challenge: bytes) -> bytes:
        """What an account takes for a signature."""
        client = json.dumps(
            {
                "type": "webauthn.get",
                "challenge": urlsafe_b64encode(challenge).decode().rstrip("="),
                "origin": f"https://{SITE}",
                "crossOrigin": False,
            },
            separators=(",", ":"),
        ).encode()
        data = RP_ID_HASH + PRESENT_AND_VERIFIED + (1).to_bytes(4, "big")
        signed = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        r, s = decode_dss_signature(signed)
        low = min(s, ORDER - s)
        return encode(
            ["bytes32", "bytes", "bytes", "bytes32", "bytes32"],
            [keccak(b"".join(self.point)), data, client, r.to_bytes(32, "big"), low.to_bytes(32, "big")],
        )


def typed(account: Any, chain_id: int, name: str, message: dict[str, Any]) -> bytes:
    """The digest of a struct of the account's, by eth_account."""
    domain = {"name": "Medtwin", "version": "1", "chainId": chain_id, "verifyingContract": str(account)}
    signable = encode_typed_data(domain, {name: TYPES[name]}, message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def grant_digest(consents: Any, twin: int, grantee: Any, scope: Scope, nonce: int, deadline: int) -> bytes:
    """What an owner's wallet is asked about a consent of the first epoch."""
    message = {
        "twinId": twin, "grantee": str(grantee), "categories": scope.categories, "purposes": scope.purposes,
        "notBefore": scope.not_before, "expiry": scope.expiry, "epoch": 0, "nonce": nonce, "deadline": deadline,
    }  # fmt: skip
    return asked(consents, "ConsentGrant", message)


def asked(contract: Any, name: str, message: dict[str, Any]) -> bytes:
    """The digest of a struct of the suite's."""
    signable = typed_of(contract, name, message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def call(
    passkey: Passkey, account: Any, chain_id: int, target: Any, data: str | bytes, nonce: int, deadline: int
) -> tuple[Any, ...]:
    """The arguments of ``execute``."""
    raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else data
    message = {"target": str(target), "data": raw, "nonce": nonce, "deadline": deadline}
    return str(target), raw, nonce, deadline, passkey.assertion(typed(account, chain_id, "Call", message))
