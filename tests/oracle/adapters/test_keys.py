"""Keys: signatures that others verify, keystores that others open, and no secret in sight."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_defunct
from eth_keys.datatypes import Signature
from hypothesis import given
from hypothesis import strategies as st

from oracle.adapters.keys import Keystore, LocalSigner
from oracle.adapters.memory import new_signer
from oracle.errors import Denied, InputError, NotFound

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# The first account of the public development mnemonic "test test … junk", as anvil and Hardhat print it.
SECRET = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Keystore, LocalSigner]:
    """A keystore with one key, ``owner``, and that key."""
    keystore = Keystore(tmp_path_factory.mktemp("home") / "keys")
    return keystore, keystore.create("owner", PASSWORD)


def test_known_key_has_its_known_address() -> None:
    """The address that other clients print for this key, with or without 0x."""
    assert LocalSigner.from_hex(SECRET).address == ADDRESS
    assert LocalSigner.from_hex("0x" + SECRET + "\n").address == ADDRESS


@given(st.binary(min_size=32, max_size=32))
def test_signature_recovers_to_the_address(digest: bytes) -> None:
    """eth_keys, which signs by other code, recovers the signer; s is low and v is 27 or 28."""
    signature = LocalSigner.from_hex(SECRET).sign_digest(digest)

    assert len(signature) == 65
    assert signature[64] in (27, 28)
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2
    recovered = Signature(signature[:64] + bytes([signature[64] - 27])).recover_public_key_from_msg_hash(digest)
    assert recovered.to_checksum_address() == ADDRESS


def test_signature_is_the_one_eth_account_makes() -> None:
    """RFC 6979 leaves one signature per key and digest: eth_account's over the same message."""
    message = encode_defunct(text="readings")
    digest = bytes(_hash_eip191_message(message))

    signature = LocalSigner.from_hex(SECRET).sign_digest(digest)

    assert signature == bytes(Account.sign_message(message, "0x" + SECRET).signature)
    assert Account.recover_message(message, signature=signature) == ADDRESS


@pytest.mark.parametrize("size", [0, 31, 33])
def test_sign_digest_of_wrong_length_is_refused(size: int) -> None:
    """Only digests are signed, never longer messages."""
    with pytest.raises(InputError):
        LocalSigner.from_hex(SECRET).sign_digest(bytes(size))


def test_signed_transaction_comes_from_the_address() -> None:
    """The raw transaction recovers to the signer."""
    transaction = {"to": ADDRESS, "value": 1, "gas": 21_000, "gasPrice": 2 * 10**9, "nonce": 0, "chainId": 1337}
    signer = new_signer()

    raw = signer.sign_transaction(transaction)

    assert Account.recover_transaction(raw) == signer.address


def test_new_signers_differ() -> None:
    """Every call makes another key."""
    assert len({new_signer().address for _ in range(50)}) == 50


BAD_KEYS = {
    "empty": "",
    "short": SECRET[:-2],
    "long": SECRET + "ab",
    "odd": SECRET[:-1],
    "not hexadecimal": "zz" + SECRET[2:],
    "zero": "00" * 32,
    "the group's order": f"{ORDER:064x}",
}


@pytest.mark.parametrize("text", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_bad_key_is_refused_without_being_repeated(text: str) -> None:
    """Neither the error nor its traceback shows what was given."""
    with pytest.raises(InputError) as caught:
        LocalSigner.from_hex(text)

    assert caught.value.kind == "bad_key"
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert not text or text[2:40] not in shown


def test_signer_shows_only_its_address() -> None:
    """No text of a signer holds its key, and it cannot be pickled or copied."""
    signer = LocalSigner.from_hex(SECRET)

    assert ADDRESS in repr(signer)
    for shown in (repr(signer), str(signer), f"{[signer]}"):
        assert SECRET not in shown.lower()
        assert repr(bytes.fromhex(SECRET)) not in shown
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(signer)


def test_created_key_opens_again(made: tuple[Keystore, LocalSigner]) -> None:
    """The same key under its name, listed with its address."""
    keystore, signer = made

    assert keystore.load("owner", PASSWORD).address == signer.address
    assert keystore.address("owner") == signer.address
    assert keystore.names() == ["owner"]


def test_keystore_file_is_private_scrypt_and_opens_elsewhere(made: tuple[Keystore, LocalSigner]) -> None:
    """Mode 600 in a folder of mode 700; version 3 with scrypt; eth_account opens it to the same address."""
    keystore, signer = made
    path = keystore._folder / "owner.json"
    content = json.loads(path.read_text())

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert (content["version"], content["crypto"]["kdf"]) == (3, "scrypt")
    assert Account.from_key(Account.decrypt(content, PASSWORD)).address == signer.address
    assert signer._secret_32_bytes.hex() not in path.read_text()


@pytest.mark.parametrize("password", ["", "correct horsf", PASSWORD + " "])
def test_wrong_password_is_denied(made: tuple[Keystore, LocalSigner], password: str) -> None:
    """Another password is denied, and not repeated."""
    with pytest.raises(Denied) as caught:
        made[0].load("owner", password)

    assert caught.value.kind == "wrong_password"
    assert not password or password not in str(caught.value)


def test_missing_key_is_not_found(made: tuple[Keystore, LocalSigner]) -> None:
    """The error names the keys there are."""
    for ask in (lambda: made[0].load("stranger", PASSWORD), lambda: made[0].address("stranger")):
        with pytest.raises(NotFound) as caught:
            ask()

        assert "owner" in caught.value.hint


def test_taken_name_is_refused_and_the_key_kept(made: tuple[Keystore, LocalSigner]) -> None:
    """A key is never overwritten."""
    before = (made[0]._folder / "owner.json").read_bytes()

    with pytest.raises(InputError) as caught:
        made[0].create("owner", "another")

    assert caught.value.kind == "name_taken"
    assert (made[0]._folder / "owner.json").read_bytes() == before


@pytest.mark.parametrize("name", ["", ".", "..", "../owner", "a/b", "Owner", "a b", "é", "x" * 65, "a\n", "-x"])
def test_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    """A name is a file name and nothing else."""
    with pytest.raises(InputError) as caught:
        Keystore(tmp_path).create(name, PASSWORD)

    assert caught.value.kind == "bad_name"
    assert list(tmp_path.iterdir()) == []


def test_empty_password_is_refused(tmp_path: Path) -> None:
    """No key is written without a password."""
    with pytest.raises(InputError) as caught:
        Keystore(tmp_path).create("owner", "")

    assert caught.value.kind == "empty_password"
    assert Keystore(tmp_path / "nowhere").names() == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"address": "xyz"}', '{"address": 7}'])
def test_damaged_keystore_is_refused(tmp_path: Path, content: str) -> None:
    """A file that is no keystore is an input error, not a traceback."""
    (tmp_path / "owner.json").write_text(content)

    with pytest.raises(InputError) as caught:
        Keystore(tmp_path).address("owner")

    assert caught.value.kind == "bad_keystore"


def test_exchanged_address_is_refused(made: tuple[Keystore, LocalSigner], tmp_path: Path) -> None:
    """A keystore that names another address than its key has does not open."""
    content = json.loads((made[0]._folder / "owner.json").read_text())
    (tmp_path / "owner.json").write_text(json.dumps({**content, "address": ADDRESS}))

    with pytest.raises(InputError) as caught:
        Keystore(tmp_path).load("owner", PASSWORD)

    assert caught.value.kind == "bad_keystore"
