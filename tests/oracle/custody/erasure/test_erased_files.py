"""Who has every file and key of the custodians, or a copy of before, opens nothing of an erased twin."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.keys import LocalSigner
from oracle.adapters.wrapping import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Cipher, Wrappings
from oracle.custody.release import LocalCustodian
from oracle.errors import Denied, StorageError, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import open_block, open_share, parse_header
from oracle.ports import Signer
from oracle.records import TwinClass
from oracle.rights.mint import mint, new_twin_id

if TYPE_CHECKING:
    from .conftest import Case


def _unwrapped(files: Sequence[Path], signer: Signer, twin_id: int) -> list[bytes]:
    """All a thief with the files and the signing key finds: each wrapping, and keys under it, tried at every offset."""
    base = Wrappings(":memory:", signer).open(0)
    data = [path.read_bytes() for path in files]
    ciphers = [base]
    for generation in (1, 2):
        ciphers += [
            Cipher(key) for key in _found(data, base, f"wrapping {generation}", NONCE_BYTES + KEY_BYTES + TAG_BYTES)
        ]
    size = NONCE_BYTES + hpke.PRIVATE_BYTES + TAG_BYTES
    return [key for cipher in ciphers for key in _found(data, cipher, hex(twin_id), size)]


def _found(data: Sequence[bytes], cipher: Cipher, name: str, size: int) -> list[bytes]:
    found = []
    for content in data:
        for at in range(len(content) - size + 1):
            try:
                found.append(cipher.unwrap(name, content[at : at + size]))
            except VerificationError:
                continue
    return found


def test_a_thief_of_all_files_and_keys_opens_nothing_after_erasure(case: Case, states: list[Path]) -> None:
    """Every file with its log, every signing key and a kept block: before, it opens; after, no key is anywhere."""

    def files(path: Path) -> list[Path]:
        return sorted(path.parent.glob(path.name + "*"))

    everything = [file for path in states for file in files(path)]
    assert any(file.name.endswith("-wal") for file in everything)
    header = parse_header(case.kept[0])
    sealed = {one.custodian: one for one in header.shares}
    shares = {}
    for custodian, path in zip(case.custodians, states, strict=True):
        private = _unwrapped(files(path), custodian._signer, case.twin.twin_id)[0]
        shares[custodian.address] = open_share(private, header.context, sealed[custodian.address])
    assert len(open_block(case.kept[0], shares).readings) == 8  # the thief's way works

    case.erase()

    for custodian, path in zip(case.custodians, states, strict=True):
        assert _unwrapped(files(path), custodian._signer, case.twin.twin_id) == []
        with closing(SqliteCustodianState(path, custodian._signer)._database):
            assert SqliteCustodianState(path, custodian._signer).key(case.twin.twin_id, lambda: b"") is None
    left = b"".join(file.read_bytes() for file in files(states[0].parent / "blocks.sqlite"))
    for block in case.kept:
        assert not any(block[at : at + 48] in left for at in range(0, len(block) - 48, 48))


def test_a_file_that_is_being_read_is_not_stated_to_be_free_of_the_key(case: Case, states: list[Path]) -> None:
    """A backup program that holds the file keeps the old page alive: no statement until it is overwritten."""
    custodian = case.custodians[0]
    custodian._state._database.execute("PRAGMA busy_timeout = 0")  # type: ignore[attr-defined]
    custodian._state._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[attr-defined]
    with closing(sqlite3.connect(states[0])) as database:
        wrapped = bytes(database.execute("SELECT wrapped FROM keys").fetchone()[0])
        database.isolation_level = None
        database.execute("BEGIN")
        database.execute("SELECT COUNT(*) FROM receipts").fetchone()
        for _ in range(2):
            with pytest.raises(StorageError) as caught:
                custodian.erase(case.order(case.twin.patient))
            assert caught.value.kind == "file_in_use" and caught.value.hint
        database.execute("COMMIT")

    assert not custodian._state.has_key(case.twin.twin_id)  # it is not used any more all the same
    custodian.erase(case.order(case.twin.patient))
    assert not any(wrapped in path.read_bytes() for path in states[0].parent.glob(states[0].name + "*"))


def _backed_up(states: list[Path], folder: Path, *endings: str) -> list[Path]:
    """Copies of the custodians' files."""
    backups = [folder / f"backup-{at}.sqlite" for at in range(3)]
    for path, backup in zip(states, backups, strict=True):
        for ending in endings:
            shutil.copy(f"{path}{ending}", f"{backup}{ending}")
    return backups


def test_a_restored_backup_from_before_an_erasure_is_refused(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], tmp_path: Path
) -> None:
    """The erasure destroyed what the backup is wrapped under: with the signing key it opens for nobody."""
    backups = _backed_up(states, tmp_path, "", "-wal")
    case.erase()

    for backup, old in zip(backups, case.custodians, strict=True):
        with pytest.raises(VerificationError) as caught:
            custodian_on(backup, old._signer)
        assert caught.value.kind == "wrapping_destroyed" and caught.value.hint
    thief = case.custodians[0]._signer
    files = [*tmp_path.glob("backup-0*"), *tmp_path.glob("custodian-0*")]
    assert _unwrapped(files, thief, case.twin.twin_id) == []


def test_a_backup_with_its_wrapping_brings_a_key_back_and_the_chain_still_refuses(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], researcher: LocalSigner, tmp_path: Path
) -> None:
    """A known limit: who copied the wrapping key too has the key. What is left is the chain's no; a new order erases anew."""
    backups = _backed_up(states, tmp_path, "", "-wal", ".wrap-1")
    certificate = case.erase()
    restored = [custodian_on(path, old._signer) for path, old in zip(backups, case.custodians, strict=True)]

    assert all(one._state.has_key(case.twin.twin_id) for one in restored)
    assert {case.ask(one, researcher) for one in restored} == {"all_consents_withdrawn"}
    assert {case.ask(one, case.twin.patient) for one in restored} == {"no_consent"}
    for one in restored:
        with pytest.raises(Denied) as denied:
            one.public_key(case.twin.twin_id)
        assert denied.value.kind == "erased"
    again = case.erase(custodians=restored)
    assert not any(one._state.has_key(case.twin.twin_id) for one in restored)
    assert {one.key for one in again.statements} == {one.key for one in certificate.statements}
    assert case.holds(again) and case.holds(certificate)


def test_an_erasure_leaves_the_keys_of_other_twins(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], patient: LocalSigner
) -> None:
    """The wrapping changes for all; what it wraps stays, also after a restart, and only one wrapping key is kept."""
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(case.stage.chain, patient, other)
    before = [one.public_key(other) for one in case.custodians]
    case.erase()

    assert [one.public_key(other) for one in case.custodians] == before
    reopened = [custodian_on(path, old._signer) for path, old in zip(states, case.custodians, strict=True)]
    assert [one.public_key(other) for one in reopened] == before
    assert [path.name for path in sorted(states[0].parent.glob("*-0.sqlite.wrap-*"))] == ["custodian-0.sqlite.wrap-2"]
