"""Keys and blocks that live in memory only: for tests and the demonstration."""

from __future__ import annotations

import os

from .keys import LocalSigner
from .store import checked_block, missing_block, verified_block


def new_signer() -> LocalSigner:
    """A new random key, gone when the program ends."""
    while True:
        secret = os.urandom(32)
        if LocalSigner.is_valid(secret):  # all but one in 2**128
            return LocalSigner(secret)


class MemoryStore:
    """Implements :class:`oracle.ports.Store` in a dictionary; verifies like the others.

    ``blocks`` is open on purpose: tests damage it.
    """

    def __init__(self) -> None:
        self.blocks: dict[bytes, bytes] = {}

    def put(self, block: bytes) -> bytes:
        """Keep the block."""
        digest = checked_block(block)
        self.blocks[digest] = bytes(block)
        return digest

    def get(self, digest: bytes) -> bytes:
        """The block, verified."""
        if digest not in self.blocks:
            raise missing_block(digest, self.describe())
        return verified_block(self.blocks[digest], digest, self.describe())

    def has(self, digest: bytes) -> bool:
        """Whether the block is here."""
        return digest in self.blocks

    def remove(self, digest: bytes) -> None:
        """Forget the block."""
        self.blocks.pop(digest, None)

    def pins(self) -> dict[bytes, str]:
        """Whatever is here."""
        return dict.fromkeys(self.blocks, "kept")

    def describe(self) -> str:
        """What this is."""
        return "memory store"
