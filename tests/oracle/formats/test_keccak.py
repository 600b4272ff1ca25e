"""Keccak-256, on published vectors."""

from __future__ import annotations

import pytest

from oracle.formats.keccak import keccak

VECTORS = (  # Ethereum Yellow Paper (hash of nothing); the Keccak team's ShortMsgKAT_256, lengths 8 and 16 bits
    (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
    (bytes.fromhex("cc"), "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"),
    (bytes.fromhex("41fb"), "a8eaceda4d47b3281a795ad9e1ea2122b407baf9aabcb9e18b5717b7873537d2"),
)


@pytest.mark.parametrize(("message", "expected"), VECTORS)
def test_hashing_matches_the_published_vectors(message: bytes, expected: str) -> None:
    """Keccak's original padding, not SHA-3's: the two differ on every message."""
    assert keccak(message).hex() == expected
