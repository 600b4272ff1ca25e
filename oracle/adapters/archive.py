"""A copy of what this user's services must not lose, and how it comes back.

Databases are copied whole while they are in use. What a copy must not hold stays out: the wrapping keys of custodians,
so that no copy opens an erased twin, and the content store, which has copies of its own.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import Denied, InputError, VerificationError
from .journal import SqliteSignedRounds

LIST = "medtwin-backup.json"
SIGNED = "signed.sqlite"
KINDS = (".sqlite", ".json")
LEFT_OUT = ("store.sqlite",)
FOLDERS_LEFT_OUT = ("data", "deployments")


def save(home: Path, out: Path) -> list[str]:
    """Write the archive, readable by its owner alone; the names in it."""
    digests: dict[str, str] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        out.open("xb") as raw,
        tarfile.open(fileobj=raw, mode="w:gz") as archive,
    ):
        out.chmod(0o600)
        for path in _kept(home):
            name = path.relative_to(home).as_posix()
            content = _database(path, Path(folder)) if path.suffix == ".sqlite" else path.read_bytes()
            digests[name] = hashlib.sha256(content).hexdigest()
            _add(archive, name, content)
        _add(archive, LIST, json.dumps(digests, indent=1).encode())
    return sorted(digests)


def restore(archive: Path, home: Path, block: int) -> list[str]:
    """Bring an archive back; nodes' memories learn that they are copies, complete up to nothing later than `block`.

    Raises
    ------
    VerificationError
        The archive is damaged; nothing was written.
    Denied
        Something of it is there already; nothing was written.
    """
    contents = _read(archive)
    there = [name for name in contents if (home / name).exists()]
    if there:
        raise Denied(
            f"{home / there[0]} is there already",
            hint="restore into an empty MEDTWIN_HOME: what is there may know more than the copy",
            kind="not_empty",
        )
    for name, content in contents.items():
        path = home / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
        if path.name == SIGNED:
            memory = SqliteSignedRounds(path)
            memory.restored(block)
            memory.close()
    return sorted(contents)


def _kept(home: Path) -> Iterator[Path]:
    for path in sorted(home.rglob("*")):
        folder = path.relative_to(home).parts[0]
        if path.is_file() and path.suffix in KINDS and path.name not in LEFT_OUT and folder not in FOLDERS_LEFT_OUT:
            yield path


def _database(path: Path, folder: Path) -> bytes:
    """A consistent copy of a database that others write to."""
    copy = folder / "copy.sqlite"
    copy.unlink(missing_ok=True)
    source, target = sqlite3.connect(f"file:{path}?mode=ro", uri=True), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
    return copy.read_bytes()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))


def _read(archive: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(archive, mode="r:gz") as found:
            contents = {
                entry.name: stream.read()
                for entry in found
                if entry.isfile() and (stream := found.extractfile(entry)) is not None
            }
        listed: dict[str, str] = json.loads(contents.pop(LIST))
    except FileNotFoundError:
        raise InputError(f"there is no file {archive}", hint="check the path", kind="missing_file") from None
    except (OSError, EOFError, KeyError, ValueError, tarfile.TarError) as error:
        raise VerificationError(f"{archive} is not a whole backup: {error}", kind="bad_backup") from error
    sound = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()} == listed
    inside = all(not Path(name).is_absolute() and ".." not in Path(name).parts for name in contents)
    if not sound or not inside:
        raise VerificationError(f"{archive} was changed since it was made", kind="bad_backup")
    return contents
