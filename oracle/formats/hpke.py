"""Seal bytes to a key: HPKE with the hybrid of ML-KEM-768 and X25519.

Nothing is sealed in another way. What was sealed by X25519 alone, before the hybrid, still opens with the keys of that time, and
with no others: a private key is of one suite and opens only that.

A private key is 96 bytes (64 of ML-KEM seed, 32 of X25519), a public key 1,216.
The library's single-shot HPKE has no associated data, so all context goes into ``info``.

References
----------
RFC 9180; X-Wing hybrid KEM (draft-connolly-cfrg-xwing-kem).
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ..errors import VerificationError

SUITE_NAME = "HPKE-MLKEM768-X25519-HKDF-SHA256-AES-256-GCM"
EARLIER_NAME = "HPKE-X25519-HKDF-SHA256-AES-256-GCM"
EARLIER_BYTES = 32  # of its private keys, and of its public ones
SEED_BYTES = 64
PRIVATE_BYTES = SEED_BYTES + 32
MLKEM_PUBLIC_BYTES = 1184
PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + 32

_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_EARLIER = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def new_key(random_bytes: Callable[[int], bytes]) -> bytes:
    """A private key."""
    return random_bytes(PRIVATE_BYTES)


def public_key(private: bytes) -> bytes:
    """The public key of a private one."""
    if len(private) == EARLIER_BYTES:
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    mlkem, x25519 = _halves(private)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def seal(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Encrypt to `public`; only the same `info` opens it.

    Raises
    ------
    VerificationError
        `public` is not a key.
    """
    try:
        key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_BYTES:]),
        )
        return bytes(_SUITE.encrypt(plaintext, key, info=info))
    except ValueError:
        raise VerificationError("these bytes are not a public key", kind="bad_public_key") from None


def open_sealed(private: bytes, sealed: bytes, info: bytes) -> bytes:
    """Decrypt; one error for every cause, so that it tells an attacker nothing."""
    try:
        if len(private) == EARLIER_BYTES:
            return bytes(_EARLIER.decrypt(sealed, X25519PrivateKey.from_private_bytes(private), info=info))
        return bytes(_SUITE.decrypt(sealed, hpke.MLKEM768X25519PrivateKey(*_halves(private)), info=info))
    except (InvalidTag, ValueError):
        raise VerificationError("the sealed bytes do not open", kind="does_not_open") from None


def _halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    return (
        MLKEM768PrivateKey.from_seed_bytes(private[:SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(private[SEED_BYTES:]),
    )
