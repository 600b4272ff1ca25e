"""Arithmetic that is not on trial in a simulation, done without: the nodes', custodians' and devices' code does not change.

Boxes are sealed by AES-GCM under a key made of the public one, so that they open with the same private key and the same
context as real ones, and with nothing else. Signatures are real; whose they are is remembered where they were made, and
what shares of a key give is computed once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from types import SimpleNamespace
from unittest.mock import patch

from coincurve import PublicKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from oracle.adapters.keys import LocalSigner
from oracle.errors import VerificationError
from oracle.formats import envelope, hpke, typed_data

NONCE = bytes(12)
"""A box has a context of its own."""
ENCAPSULATED = bytes(1_120)
"""In place of a real box's ciphertext of ML-KEM-768 and key of X25519, so that blocks are as long as real ones."""


@contextmanager
def quick() -> Iterator[None]:
    """Inside, boxes and signatures cost little."""
    signed: dict[tuple[bytes, bytes], PublicKey] = {}
    sign, combine = LocalSigner.sign_digest, lru_cache(envelope.Shamir.combine)

    def sign_digest(signer: LocalSigner, digest: bytes) -> bytes:
        signature = sign(signer, digest)
        signed[signature[:64] + bytes([signature[64] - 27]), digest] = signer._key.public_key
        return signature

    def recover(signature: bytes, digest: bytes, **hasher: None) -> PublicKey:
        return signed.get((signature, digest)) or PublicKey.from_signature_and_message(signature, digest, **hasher)

    with ExitStack() as stack:
        for place, name, instead in (
            (hpke, "public_key", _public_key), (hpke, "seal", _seal), (hpke, "open_sealed", _open_sealed),
            (LocalSigner, "sign_digest", sign_digest),
            (envelope, "Shamir", SimpleNamespace(
                split=envelope.Shamir.split, combine=lambda shares: combine(tuple(shares)),
            )),
            (typed_data, "PublicKey", SimpleNamespace(from_signature_and_message=recover)),
        ):  # fmt: skip
            stack.enter_context(patch.object(place, name, instead))
        yield


def _public_key(private: bytes) -> bytes:
    return hashlib.shake_256(private).digest(hpke.PUBLIC_BYTES)


def _seal(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    return ENCAPSULATED + _cipher(public).encrypt(NONCE, plaintext, info)


def _open_sealed(private: bytes, sealed: bytes, info: bytes) -> bytes:
    try:
        return _cipher(_public_key(private)).decrypt(NONCE, sealed.removeprefix(ENCAPSULATED), info)
    except InvalidTag:
        raise VerificationError("the sealed bytes do not open", kind="does_not_open") from None


def _cipher(public: bytes) -> AESGCM:
    return AESGCM(hashlib.sha256(public).digest())
