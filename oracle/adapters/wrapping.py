"""The key that wraps a custodian's twin keys: in a file of its own beside the state, and made anew at each erasure.

A copy of the state is worth nothing without the wrapping key of its generation. Each erasure goes on with a new one and
destroys the one before, so a backup made earlier opens no more, unless the wrapping key was copied with it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import VerificationError
from ..ports import Signer

SEED = hashlib.sha256(b"medtwin/custodian/wrap/1").digest()  # no EIP-712 digest, so nobody can ask for its signature
NONCE_BYTES, KEY_BYTES, TAG_BYTES = 12, 32, 16


class Cipher:
    """AES-256-GCM under one key, the nonce in front."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)

    def wrap(self, name: str, secret: bytes) -> bytes:
        """Encrypt `secret` for the place `name`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, secret, name.encode())

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """Decrypt; VerificationError for another key or place."""
        try:
            return self._key.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise VerificationError(
                "the custodian's key file does not open with this custodian's key",
                hint="start it with the key it was made with",
                kind="wrong_custodian_key",
            ) from None


class Wrappings:
    """The wrapping keys of one state by generation: one that is in use, for a moment also the next.

    Each lies in ``<state>.wrap-<generation>``, itself wrapped under the custodian's signing key; for a state in memory
    they are in memory. Generation 0 is the signing key's alone, as states of earlier versions have it.
    """

    def __init__(self, state: Path | str, signer: Signer) -> None:
        self._base = Cipher(hashlib.sha256(signer.sign_digest(SEED)).digest())  # deterministic, RFC 6979
        self._state = None if state == ":memory:" else Path(state)
        self._memory: dict[int, bytes] = {}

    def open(self, generation: int) -> Cipher:
        """The cipher of a generation.

        Raises
        ------
        VerificationError
            ``wrapping_destroyed``: the state is older than an erasure, so it was restored from a backup.
        """
        if generation == 0:
            return self._base
        wrapped = self._read(generation)
        if wrapped is None:
            raise VerificationError(
                "the custodian's state is from before an erasure: the key it was wrapped with was destroyed",
                hint="restore a later backup, or start anew and have owners rotate to it: medtwin custodian rotate",
                kind="wrapping_destroyed",
            )
        return Cipher(self._base.unwrap(_place(generation), wrapped))

    def make(self, generation: int) -> Cipher:
        """A new wrapping key, on disk when this returns."""
        key = os.urandom(KEY_BYTES)
        self._write(generation, self._base.wrap(_place(generation), key))
        return Cipher(key)

    def keep_only(self, generation: int) -> None:
        """Destroy all other wrapping keys."""
        self._memory = {one: wrapped for one, wrapped in self._memory.items() if one == generation}
        if self._state is None:
            return
        for path in self._state.parent.glob(f"{self._state.name}.wrap-*"):
            if path != self._path(generation):
                _overwrite(path, os.urandom(path.stat().st_size))
                path.unlink()
        _sync(self._state.parent)

    def _path(self, generation: int) -> Path:
        assert self._state is not None
        return self._state.with_name(f"{self._state.name}.wrap-{generation}")

    def _read(self, generation: int) -> bytes | None:
        if self._state is None:
            return self._memory.get(generation)
        path = self._path(generation)
        return path.read_bytes() if path.is_file() else None

    def _write(self, generation: int, wrapped: bytes) -> None:
        if self._state is None:
            self._memory[generation] = wrapped
            return
        path = self._path(generation)
        path.touch(mode=0o600)
        _overwrite(path, wrapped)
        _sync(path.parent)


def _place(generation: int) -> str:
    return f"wrapping {generation}"


def _overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the folder's list of files durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
