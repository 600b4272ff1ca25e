"""Files larger than a block over a real IPFS node, by the command: memory that does not grow, SIGKILL in the middle, erasure."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from oracle.adapters.ipfs import IpfsStore
from oracle.adapters.ipfs_node import ipfs_node
from oracle.batches.objects import objects_of
from oracle.formats.objects import CHUNK_BYTES

from .clinic import COMMAND, ROOT, TOOLS, Cli, Clinic

DRIVER = (sys.executable, "-m", "tests.integration.driver")
MIB = 2**20
LARGE, SMALL = 24 * MIB, MIB


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the node keeps its blocks."""
    return tmp_path_factory.mktemp("objects") / "repo"


@pytest.fixture(scope="module")
def where(repo: Path) -> Iterator[str]:
    """The running node's address."""
    with ipfs_node(TOOLS, repo=repo) as address:
        yield address


@pytest.fixture
def ward(clinic: Clinic, where: str) -> Clinic:
    """The clinic, its sealed data on the IPFS node."""
    return replace(clinic, cli=Cli({**clinic.cli.environment, "MEDTWIN_STORE": where}))


def peak_mib(ward: Clinic, *arguments: str) -> float:
    """Run a command; the most memory it held at once."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, env=dict(ward.cli.environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss / (1024 if sys.platform == "linux" else MIB)


def written(path: Path, length: int) -> Path:
    """A file of so many random bytes."""
    path.write_bytes(os.urandom(length))
    return path


def test_a_large_file_is_put_got_and_erased(ward: Clinic, where: str, repo: Path, tmp_path: Path) -> None:
    """24 MiB take hardly more memory than 1 MiB; killed in the middle it goes on; of the erased one no chunk is in the node's files."""
    twin, _, _ = ward.twin("pictured")
    sent, got = written(tmp_path / "scan.bin", LARGE), tmp_path / "got.bin"
    small = written(tmp_path / "small.bin", SMALL)
    putting = ["--device", "pictured-device", "--category", "imaging"]
    getting = ["--purpose", "care", "--as", "pictured", "--out", str(got)]
    least = peak_mib(ward, "object", "put", hex(twin), str(small), *putting)
    assert peak_mib(ward, "object", "put", hex(twin), str(sent), *putting) - least < 2 * LARGE / MIB / 3
    listed = ward.cli.facts("object", "list", hex(twin))
    assert [(one["number"], one["category"], one["chunks"]) for one in listed] == [
        (1, "imaging", 2),
        (2, "imaging", 25),
    ]

    killed = subprocess.run(
        [*DRIVER, "object", "get", hex(twin), "2", *getting], cwd=ROOT,
        env={**ward.cli.environment, "DRIVER_KILL": "after_get:16"}, capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout.decode()
    assert not got.exists()
    had = (tmp_path / ".got.bin.partial").stat().st_size // CHUNK_BYTES
    store = IpfsStore(where)
    chunks = objects_of(ward.chain, store, twin)[1].header.chunks
    assert had > 6
    blocks = [store.get(one) for one in chunks]
    for one in chunks[:had]:  # what it has it does not fetch again
        store.remove(one)
    ward.cli.ok("object", "get", hex(twin), "2", *getting)

    assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(sent.read_bytes()).digest()
    assert [one.name for one in tmp_path.iterdir() if "got" in one.name] == ["got.bin"]
    for block in blocks[:had]:
        store.put(block)
    least = peak_mib(ward, "object", "get", hex(twin), "1", *getting)
    assert peak_mib(ward, "object", "get", hex(twin), "2", *getting) - least < 2 * LARGE / MIB / 3

    in_files = b"".join(file.read_bytes() for file in repo.rglob("*") if file.is_file())
    assert all(block[:64] in in_files for block in blocks)
    ward.cli.ok("erase", hex(twin), "--as", "pictured", "--yes", "--out", str(tmp_path / "gone.json"))
    in_files = b"".join(file.read_bytes() for file in repo.rglob("*") if file.is_file())
    assert not any(block[at : at + 64] in in_files for block in blocks for at in range(0, len(block) - 64, MIB // 4))
    assert not any(store.has(one) for one in chunks)
    store.close()
