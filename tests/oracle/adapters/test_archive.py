"""Backups: whole while services write, changed or doubled never, and a restored memory knows that it is a copy."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from oracle.adapters.archive import LIST, restore, save
from oracle.adapters.journal import SqliteSignedRounds
from oracle.errors import Denied, InputError, MedtwinError, VerificationError

MODEL = b"\x01" * 32


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What services of one user have: a memory in use, a keystore, and what no copy may hold."""
    found = tmp_path / "home"
    (found / "keys").mkdir(parents=True)
    (found / "keys" / "node-1.json").write_text('{"address": "0x"}')
    (found / "custodians").mkdir()
    (found / "custodians" / "custodian.sqlite.wrap-3").write_bytes(b"wrapping key")
    (found / "store.sqlite").write_bytes(b"blocks")
    (found / "data").mkdir()
    (found / "data" / "big.json").write_text("{}")
    return found


def test_a_backup_of_a_memory_in_use_comes_back_and_knows_it(home: Path, tmp_path: Path) -> None:
    """Lose the disk, restore: what was signed is known, and the block before which more may have been signed."""
    memory = SqliteSignedRounds(home / "nodes" / "one" / "signed.sqlite")
    memory.remember(7, MODEL, 1, b"\x0a" * 32)  # in the write-ahead log, the file open
    names = save(home, tmp_path / "today.tar.gz")
    memory.remember(7, MODEL, 2, b"\x0b" * 32)  # lost with the disk

    back = tmp_path / "back"
    assert restore(tmp_path / "today.tar.gz", back, 41) == names == ["keys/node-1.json", "nodes/one/signed.sqlite"]
    copy = SqliteSignedRounds(back / "nodes" / "one" / "signed.sqlite")
    assert copy.knows(7, MODEL, 1) and not copy.knows(7, MODEL, 2)
    assert (copy.floor(), memory.floor()) == (41, 0)
    assert (back / "keys" / "node-1.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "today.tar.gz").stat().st_mode & 0o077 == 0


def test_restore_writes_over_nothing(home: Path, tmp_path: Path) -> None:
    """What is there may know more than the copy."""
    save(home, tmp_path / "today.tar.gz")
    (home / "keys" / "node-1.json").write_text("newer")
    with pytest.raises(Denied) as caught:
        restore(tmp_path / "today.tar.gz", home, 1)

    assert caught.value.kind == "not_empty"
    assert (home / "keys" / "node-1.json").read_text() == "newer"


def _changed(archive: Path, name: str, content: bytes) -> Path:
    """The archive with one more or another file."""
    made = archive.with_name("changed.tar.gz")
    with tarfile.open(archive) as old, tarfile.open(made, "w:gz") as new:
        for entry in old:
            if entry.name != name:
                new.addfile(entry, old.extractfile(entry))
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        import io

        new.addfile(entry, io.BytesIO(content))
    return made


@pytest.mark.parametrize("name", ["keys/node-1.json", "../outside.json", "/outside.json", LIST])
def test_restore_refuses_what_was_changed(home: Path, tmp_path: Path, name: str) -> None:
    """Another file, one outside, another list: nothing is written."""
    save(home, tmp_path / "today.tar.gz")
    with pytest.raises(VerificationError):
        restore(_changed(tmp_path / "today.tar.gz", name, b"{}"), tmp_path / "back", 1)

    assert not (tmp_path / "back").exists() and not (tmp_path / "outside.json").exists()


def test_restore_refuses_what_is_no_backup(tmp_path: Path) -> None:
    """A file that is missing, empty, cut off or something else."""
    (tmp_path / "empty").touch()
    (tmp_path / "other").write_bytes(b"\x1f\x8b\x08\x00cut off")
    for name, kind in (("missing", InputError), ("empty", VerificationError), ("other", VerificationError)):
        with pytest.raises(MedtwinError) as caught:
            restore(tmp_path / name, tmp_path / "back", 1)
        assert isinstance(caught.value, kind)
