"""Signing keys: in memory, and encrypted in a folder of keystore files (Web3 Secret Storage v3, scrypt)."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NoReturn

from coincurve import PrivateKey
from eth_account import Account
from eth_utils import keccak, to_checksum_address

from ..errors import Denied, InputError, NotFound

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of secp256k1 (SEC 2, 2.4.1); a key is in [1, order - 1]."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class LocalSigner:
    """Implements :class:`oracle.ports.Signer` with a key in this process; never shown, never pickled."""

    __slots__ = ("_address", "_key", "_secret_32_bytes")

    def __init__(self, secret: bytes) -> None:
        if not self.is_valid(secret):
            raise InputError(
                "this is not a secp256k1 private key",
                hint="a private key is 32 bytes, 64 hexadecimal digits",
                kind="bad_key",
            )
        self._secret_32_bytes = bytes(secret)
        self._key = PrivateKey(self._secret_32_bytes)
        self._address = to_checksum_address(keccak(self._key.public_key.format(compressed=False)[1:])[12:])

    @staticmethod
    def is_valid(secret: bytes) -> bool:
        """Whether these bytes are a private key."""
        return len(secret) == 32 and 0 < int.from_bytes(secret, "big") < _ORDER

    @classmethod
    def from_hex(cls, text: str) -> LocalSigner:
        """A key from 64 hexadecimal digits, with or without ``0x``; an error never repeats them."""
        try:
            secret = bytes.fromhex(text.strip().removeprefix("0x"))
        except ValueError:
            secret = b""
        return cls(secret)

    @classmethod
    def from_mnemonic(cls, mnemonic: str, index: int) -> LocalSigner:
        """Account `index` of a mnemonic (BIP-44 path m/44'/60'/0'/0/index), as wallets and Ganache count them."""
        Account.enable_unaudited_hdwallet_features()
        return cls(bytes(Account.from_mnemonic(mnemonic, account_path=f"m/44'/60'/0'/0/{index}").key))

    @property
    def address(self) -> str:
        """Checksummed (EIP-55)."""
        return self._address

    def sign_digest(self, digest: bytes) -> bytes:
        """r‖s‖v over a 32-byte digest; deterministic (RFC 6979), s in the lower half, v 27 or 28."""
        if len(digest) != 32:
            raise InputError(f"a digest has 32 bytes, this one has {len(digest)}", kind="bad_digest")
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((27 + signature[64],))

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes:
        """The signed transaction, ready for ``eth_sendRawTransaction``."""
        return bytes(Account.sign_transaction(transaction, self._secret_32_bytes).raw_transaction)

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled or copied")


class Keystore:
    """Named keys, one encrypted file each (mode 600 in a folder of mode 700)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str, password: str) -> LocalSigner:
        """Make a random key and write it encrypted; see :meth:`keep`."""
        return self.keep(name, LocalSigner(bytes(Account.create().key)), password)

    def keep(self, name: str, signer: LocalSigner, password: str) -> LocalSigner:
        """Write a key encrypted; never overwrites.

        Raises
        ------
        InputError
            ``bad_name``, ``name_taken`` or ``empty_password``.
        """
        path = self._path(name)
        if not password:
            raise InputError("a key needs a password", hint="set MEDTWIN_PASSWORD", kind="empty_password")
        if path.exists():
            raise _taken(name)
        content = json.dumps(Account.encrypt(signer._secret_32_bytes, password, kdf="scrypt"))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_once(path, name, content)
        return signer

    def load(self, name: str, password: str) -> LocalSigner:
        """Open a key.

        Raises
        ------
        NotFound
            No key of that name.
        Denied
            ``wrong_password``: another password, or the file was altered.
        """
        content = self._read(name)
        try:
            secret = bytes(Account.decrypt(content, password))
        except (ValueError, TypeError, KeyError):
            raise Denied(
                f"the password does not open the key {name!r}",
                hint="check MEDTWIN_PASSWORD; a lost password cannot be recovered",
                kind="wrong_password",
            ) from None
        signer = LocalSigner(secret)
        if signer.address != _address_in(name, content):
            raise InputError(
                f"the keystore file of {name!r} names another address than its key has",
                hint="the file was altered: restore it from a copy",
                kind="bad_keystore",
            )
        return signer

    def names(self) -> list[str]:
        """Names of the keys, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.json") if _NAME.fullmatch(path.stem))

    def address(self, name: str) -> str:
        """The address of a key, without opening it."""
        return _address_in(name, self._read(name))

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InputError(
                f"not a name for a key: {name[:80]!r}",
                hint="use up to 64 lower-case letters, digits, dots, hyphens, underscores",
                kind="bad_name",
            )
        return self._folder / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        path = self._path(name)
        try:
            content = json.loads(path.read_text())
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none yet"
            raise NotFound(
                f"there is no key {name!r}", hint=f"medtwin keys new {name}; keys here: {known}", kind="no_such_key"
            ) from None
        except (OSError, ValueError):
            raise _bad_keystore(name) from None
        if not isinstance(content, dict):
            raise _bad_keystore(name)
        return content

    def _write_once(self, path: Path, name: str, content: str) -> None:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise _taken(name) from None
        with os.fdopen(handle, "w") as file:
            file.write(content + "\n")
            file.flush()
            os.fsync(file.fileno())


def _address_in(name: str, content: dict[str, Any]) -> str:
    try:
        return to_checksum_address(bytes.fromhex(content["address"].removeprefix("0x")))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise _bad_keystore(name) from None


def _taken(name: str) -> InputError:
    return InputError(
        f"there is a key {name!r} already", hint="choose another name; keys are never overwritten", kind="name_taken"
    )


def _bad_keystore(name: str) -> InputError:
    return InputError(
        f"the keystore file of {name!r} cannot be read",
        hint="it must be a Web3 Secret Storage (version 3) file with its address: restore it from a copy",
        kind="bad_keystore",
    )
