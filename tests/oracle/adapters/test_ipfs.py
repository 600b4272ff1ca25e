"""The IPFS store against servers that are foreign, failing or hostile; an honest node is in tests/integration."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from oracle.adapters.cid import cid_of
from oracle.adapters.ipfs import IpfsStore
from oracle.adapters.store import MAX_BLOCK_BYTES
from oracle.errors import Denied, InputError, StorageError, VerificationError
from oracle.settings import Settings, open_private_store

ABSENT = hashlib.sha256(b"a block that nobody ever stored").digest()
TIMEOUT_S = 5.0


class Hostile(BaseHTTPRequestHandler):
    """Answers every call with the server's ``answer``: a status and a body, or an endless one."""

    def do_POST(self) -> None:
        status, body, endless = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        if not endless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
            while endless:
                self.wfile.write(body)
                self.server.sent += len(body)  # type: ignore[attr-defined]
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[HTTPServer]:
    """A server that is no honest node."""
    server = HTTPServer(("127.0.0.1", 0), Hostile)
    server.sent = 0  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_endless_answer_is_cut_off(hostile: HTTPServer) -> None:
    """A node that never stops sending is left after little more than one block."""
    hostile.answer = (200, bytes(1 << 16), True)  # type: ignore[attr-defined]
    store = IpfsStore(f"ipfs://127.0.0.1:{hostile.server_port}", timeout_s=TIMEOUT_S)

    with pytest.raises(VerificationError):
        store.get(ABSENT)

    store.close()
    assert hostile.sent < 64 * MAX_BLOCK_BYTES  # type: ignore[attr-defined]  # what the sockets buffer


def test_huge_announced_answer_is_cut_off(hostile: HTTPServer) -> None:
    """An answer of known length is not read whole either."""
    hostile.answer = (200, bytes(64 << 20), False)  # type: ignore[attr-defined]
    store = IpfsStore(f"ipfs://127.0.0.1:{hostile.server_port}", timeout_s=TIMEOUT_S)

    received = store._client.bounded("block/get", cid_of(ABSENT), limit=1000, deadline_s=time.monotonic() + 5)

    store.close()
    assert len(received) == 1001


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"<html>not here</html>", "not_an_ipfs_node"),
        (500, b'{"Message": "disk on fire", "Code": 0, "Type": "error"}', "store_failed"),
        (500, b'{"Message": "block was not found locally", "Code": 0, "Type": "error"}', "missing_block"),
    ],
)
def test_answer_of_another_server_is_told_apart(hostile: HTTPServer, status: int, body: bytes, kind: str) -> None:
    """A foreign server, a failing node and a missing block are three things."""
    hostile.answer = (status, body, False)  # type: ignore[attr-defined]
    store = IpfsStore(f"ipfs://127.0.0.1:{hostile.server_port}", timeout_s=TIMEOUT_S)

    with pytest.raises(StorageError) as caught:
        store.get(ABSENT)

    store.close()
    assert caught.value.kind == kind


def test_node_that_names_another_cid_is_refused(hostile: HTTPServer) -> None:
    """A put whose answer is not the block's CID is not taken for stored."""
    hostile.answer = (200, json.dumps({"Key": cid_of(ABSENT), "Size": 8}).encode(), False)  # type: ignore[attr-defined]
    store = IpfsStore(f"ipfs://127.0.0.1:{hostile.server_port}", timeout_s=TIMEOUT_S)

    with pytest.raises(VerificationError) as caught:
        store.put(b"readings")

    store.close()
    assert caught.value.kind == "wrong_cid"


def test_refusal_in_the_body_of_a_200_is_an_error(hostile: HTTPServer) -> None:
    """block/rm reports its failure in an answer that looks like success; the reason is passed on."""
    refusal = {"Hash": cid_of(ABSENT), "Error": "pinned: recursive"}
    hostile.answer = (200, json.dumps(refusal).encode(), False)  # type: ignore[attr-defined]
    store = IpfsStore(f"ipfs://127.0.0.1:{hostile.server_port}", timeout_s=TIMEOUT_S)

    with pytest.raises(StorageError) as caught:
        store.remove(ABSENT)

    store.close()
    assert caught.value.kind == "not_removed"
    assert "pinned: recursive" in str(caught.value)


def test_open_node_is_named_as_a_problem(hostile: HTTPServer) -> None:
    """Bootstrap peers and addresses beyond loopback are each named."""
    config = {
        "Bootstrap": ["auto"],
        "Addresses": {
            "API": ["/ip4/127.0.0.1/tcp/5001", "/unix/run/ipfs.sock"],
            "Gateway": "/ip4/0.0.0.0/tcp/8080",
            "Swarm": ["/ip4/127.0.0.1/tcp/4001", "/ip6/::/udp/4001/quic-v1"],
        },
        "Routing": {},
        "Discovery": {"MDNS": {"Enabled": True}},
    }
    hostile.answer = (200, json.dumps(config).encode(), False)  # type: ignore[attr-defined]
    store = IpfsStore(f"ipfs://127.0.0.1:{hostile.server_port}", timeout_s=TIMEOUT_S)

    problems = store.problems()

    store.close()
    assert len(problems) == 5
    for problem, word in zip(problems, ("bootstrap", "Routing.Type", "MDNS", "0.0.0.0", "::"), strict=True):
        assert word in problem


def test_open_node_holds_nothing_unless_somebody_says_it_may(hostile: HTTPServer, tmp_path: Path) -> None:
    """Whoever puts sealed data there is told what to change, before anything leaves."""
    config = {"Bootstrap": ["auto"], "Addresses": {"API": "/ip4/127.0.0.1/tcp/5001"}}
    hostile.answer = (200, json.dumps(config).encode(), False)  # type: ignore[attr-defined]
    environment = {"MEDTWIN_HOME": str(tmp_path), "MEDTWIN_STORE": f"ipfs://127.0.0.1:{hostile.server_port}"}

    with pytest.raises(Denied) as caught:
        open_private_store(Settings.read(environment))

    assert caught.value.kind == "store_not_private" and "ipfs bootstrap rm --all" in str(caught.value)
    open_private_store(Settings.read({**environment, "MEDTWIN_PUBLIC_IPFS": "1"}))
    open_private_store(Settings.read({"MEDTWIN_HOME": str(tmp_path)}))  # the embedded store is nobody else's


@pytest.mark.parametrize(
    "where",
    ["", "ipfs://", "ipfs://127.0.0.1", "ipfs://h:99999", "http://127.0.0.1:5001", "ipfs://a:1/x", "ipfs://u@a:1"],
)
def test_bad_address_is_refused(where: str) -> None:
    """Only ipfs://host:port is an address."""
    with pytest.raises(InputError) as caught:
        IpfsStore(where)

    assert caught.value.kind == "bad_store"
