"""Keccak-256 as Ethereum uses it, called directly: the usual wrapper costs six times the hash itself."""

from __future__ import annotations

from sha3 import keccak_256


def keccak(data: bytes) -> bytes:
    """The 32-byte hash of `data`."""
    digest: bytes = keccak_256(data).digest()
    return digest
