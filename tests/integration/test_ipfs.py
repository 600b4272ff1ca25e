"""The content store on a real IPFS node, started here: offline, on loopback, in a folder thrown away."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle.adapters.cid import cid_of
from oracle.adapters.ipfs import IpfsStore
from oracle.adapters.ipfs_node import ipfs_node
from oracle.adapters.store import MAX_BLOCK_BYTES
from oracle.errors import Denied, InputError, StorageError, VerificationError
from oracle.settings import Settings, open_private_store

TOOLS = Path(__file__).parents[2] / ".tools"  # filled by scripts/ipfs_node.sh
ABSENT = hashlib.sha256(b"a block that nobody ever stored").digest()
TIMEOUT_S = 5.0


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the node keeps its blocks."""
    return tmp_path_factory.mktemp("ipfs") / "repo"


@pytest.fixture(scope="module")
def where(repo: Path) -> Iterator[str]:
    """The running node's address."""
    with ipfs_node(TOOLS, repo=repo) as address:
        yield address


@pytest.fixture
def store(where: str) -> Iterator[IpfsStore]:
    """A store on the running node."""
    opened = IpfsStore(where, timeout_s=TIMEOUT_S)
    yield opened
    opened.close()


def rpc(where: str, path: str, *, body: bytes | None = None) -> list[dict[str, object]]:
    """The node's own answer to a call, by another client than the store's."""
    headers, data = {}, b""
    if body is not None:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        head = b'--x\r\nContent-Disposition: form-data; name="data"; filename="b"\r\n'
        data = head + b"Content-Type: application/octet-stream\r\n\r\n" + body + b"\r\n--x--\r\n"
    url = f"{where.replace('ipfs', 'http', 1)}/api/v0/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
        return [json.loads(line) for line in answer.read().splitlines() if line]


def file_with(repo: Path, block: bytes) -> Path:
    """The file in which the node keeps a block."""
    return next(file for file in repo.rglob("*") if file.is_file() and file.read_bytes() == block)


@pytest.mark.parametrize("block", [b"", b"readings", b"\x00" * MAX_BLOCK_BYTES], ids=["empty", "small", "1 MiB"])
def test_put_returns_sha256_and_get_the_block(store: IpfsStore, block: bytes) -> None:
    """Blocks of every allowed size come back, addressed by their SHA-256; again is no change."""
    digest = store.put(block)

    assert digest == hashlib.sha256(block).digest() == store.put(block)
    assert store.has(digest)
    assert store.get(digest) == block


def test_cid_equals_the_nodes_own(store: IpfsStore, where: str) -> None:
    """block/put and block/stat, called by another client, name the same CID, and the block is pinned."""
    digest = store.put(b"whose name is it")
    options = "cid-codec=raw&format=raw&mhtype=sha2-256&cid-base=base32"

    assert rpc(where, f"block/put?{options}", body=b"whose name is it")[0]["Key"] == cid_of(digest)
    stat = rpc(where, f"block/stat?arg={cid_of(digest)}&cid-base=base32")[0]
    assert (stat["Key"], stat["Size"]) == (cid_of(digest), 16)
    pins = rpc(where, f"pin/ls?arg={cid_of(digest)}&cid-base=base32")[0]
    assert cid_of(digest) in json.dumps(pins)


def test_put_too_large_is_refused(store: IpfsStore) -> None:
    """One byte above 1 MiB never reaches the node."""
    with pytest.raises(InputError) as caught:
        store.put(bytes(MAX_BLOCK_BYTES + 1))

    assert caught.value.kind == "too_large"


def test_get_absent_block_is_refused_in_time(store: IpfsStore) -> None:
    """An absent CID does not hang."""
    start_s = time.monotonic()

    with pytest.raises(StorageError) as caught:
        store.get(ABSENT)

    assert caught.value.kind == "missing_block"
    assert time.monotonic() - start_s < TIMEOUT_S + 1
    assert not store.has(ABSENT)


@pytest.mark.parametrize("altered", [b"Readings of the ward", b"", b"readings of the ward, and more"])
def test_get_block_altered_on_disk_is_refused(store: IpfsStore, repo: Path, altered: bytes) -> None:
    """The node serves the altered file as a success; the store refuses it."""
    digest = store.put(b"readings of the ward")
    file_with(repo, b"readings of the ward").write_bytes(altered)

    with pytest.raises(VerificationError) as caught:
        store.get(digest)

    assert caught.value.kind == "corrupted_block"
    store.remove(digest)


def test_remove_leaves_neither_answer_nor_file(store: IpfsStore, repo: Path, where: str) -> None:
    """A removed block is gone for every client and from the disk; again is no error; others stay."""
    gone, kept = store.put(b"to be forgotten"), store.put(b"to be kept")
    path = file_with(repo, b"to be forgotten")

    store.remove(gone)
    store.remove(gone)

    assert not store.has(gone)
    assert not path.exists()
    with pytest.raises(urllib.error.HTTPError):
        rpc(where, f"block/stat?arg={cid_of(gone)}&timeout=2s&offline=true")
    assert store.get(kept) == b"to be kept"


def test_remove_that_the_node_refuses_is_an_error(store: IpfsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that is pinned again in the meantime is reported, although the node answers 200."""
    digest = store.put(b"held by another pin")
    lines = store._client.lines
    monkeypatch.setattr(
        store._client, "lines", lambda path, *args, **opts: [] if path == "pin/rm" else lines(path, *args, **opts)
    )

    with pytest.raises(StorageError) as caught:
        store.remove(digest)

    assert caught.value.kind == "not_removed"
    assert store.get(digest) == b"held by another pin"


def test_private_node_has_no_problems(store: IpfsStore) -> None:
    """The node started here knows no peers and listens on loopback only."""
    assert store.problems() == []


def test_node_that_was_opened_is_refused(where: str, repo: Path, tmp_path: Path) -> None:
    """One setting of the real node changed, as an administrator might: whoever would store there is refused."""
    settings = Settings.read({"MEDTWIN_HOME": str(tmp_path), "MEDTWIN_STORE": where})
    open_private_store(settings)
    rpc(where, "config?arg=Routing.Type&arg=auto")
    try:
        with pytest.raises(Denied, match=r"Routing\.Type none"):
            open_private_store(settings)
    finally:
        rpc(where, "config?arg=Routing.Type&arg=none")
    open_private_store(settings)


def test_stopped_node_is_unreachable() -> None:
    """Leaving the context stops the node; calls then say so at once."""
    with ipfs_node(TOOLS) as where:
        store = IpfsStore(where)
        digest = store.put(b"readings")

    with pytest.raises(StorageError) as caught:
        store.get(digest)

    assert caught.value.kind == "store_unreachable"
    assert caught.value.hint
    store.close()


def test_node_not_installed_is_refused(tmp_path: Path) -> None:
    """An empty folder names the script that fills it."""
    with pytest.raises(StorageError) as caught, ipfs_node(tmp_path):
        pass

    assert caught.value.kind == "ipfs_missing"
