"""What a custodian does not take: bodies too large, rubbish, too many requests, keys for nobody."""

from __future__ import annotations

import os
import random
import socket
from contextlib import closing
from dataclasses import replace

import cbor2
import pytest
from httpx import Response

from oracle.adapters.keys import LocalSigner
from oracle.errors import InputError
from oracle.formats.wire import MAX_REQUEST_BYTES, MOST_SIGNATURE_BYTES, unpack_release
from oracle.records import TwinClass
from oracle.rights.mint import mint, new_twin_id

from .serving import TIMEOUT_S, Case, face, remotely, served, through


@pytest.mark.parametrize("path", ["/v1/release", "/v1/erase"])
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    case: Case, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes while most of the announced hundred MiB were never sent; chunks are counted as well."""
    with served(case.custodians[0], monkeypatch) as url:
        port = int(url.rsplit(":", 1)[1])
        for how, filler in (
            (f"Content-Length: {100 * 2**20}", bytes(65_536)),
            ("Transfer-Encoding: chunked", b"10000\r\n" + bytes(65_536) + b"\r\n"),
        ):
            with closing(socket.create_connection(("127.0.0.1", port), TIMEOUT_S)) as client:
                client.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{how}\r\n\r\n".encode())
                client.sendall(filler * (MAX_REQUEST_BYTES // 65_536))
                client.sendall(filler)
                answer = client.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 400 ")
        with remotely(url) as remote:
            assert remote.address == case.custodians[0].address  # it lives on
    assert list(case.custodians[0].receipts()) == []


def test_a_body_at_the_limit_is_read_and_beyond_it_refused(case: Case) -> None:
    """2**20 bytes are read (and are no request), one more is too large; neither leaves a receipt."""
    client = face(case.custodians[0])
    at, beyond = (client.post("/v1/release", content=bytes(MAX_REQUEST_BYTES + more)) for more in (0, 1))

    assert (at.status_code, beyond.status_code) == (400, 400)
    assert "too large" in beyond.text and "too large" not in at.text
    assert list(case.custodians[0].receipts()) == []


def test_garbage_is_answered_with_a_sentence(case: Case, stranger: LocalSigner) -> None:
    """Whatever is sent: a status that says whose fault it is, one line of text, no stack, nothing logged as decided."""
    custodian = case.custodians[0]
    client, good = face(custodian), case.body(custodian)
    asked, items = cbor2.loads(good)
    bodies = [
        b"", b"\xff", b"{}", b"\x81" * 100_000, good[:-1], good + b"\x00", cbor2.dumps([]), cbor2.dumps([asked]),
        cbor2.dumps([items, asked]), cbor2.dumps([asked, [[]]]), cbor2.dumps([asked, [items[0][:9]]]),
        cbor2.dumps([[*asked[:1], asked[1].lower(), *asked[2:]], items]), cbor2.dumps([[*asked[:4], -1, *asked[5:]], items]),
        cbor2.dumps([[*asked[:6], 2**256, *asked[7:]], items]), cbor2.dumps([[*asked[:7], 2**40, *asked[8:]], items]),
        cbor2.dumps([[b"short", *asked[1:]], items]), cbor2.dumps(cbor2.CBORTag(4, [10**9, 1])), random.Random(1).randbytes(3000),
    ]  # fmt: skip
    for body in bodies:
        for path in ("/v1/release", "/v1/erase"):
            answer = client.post(path, content=body)
            assert answer.status_code == 400, body[:40]
            assert "Traceback" not in answer.text and "File" not in answer.text and answer.text.count("\n") == 0
    assert list(custodian.receipts()) == []

    for path, status in (
        ("/v1/keys/x", 400), ("/v1/keys/0x", 400), ("/v1/keys/-0x501", 400), ("/v1/keys/0x1" + "0" * 64, 400),
        ("/v1/keys/" + "9" * 5000, 400), ("/v1/keys/0xff", 400), ("/v1/keys/0x1101", 404), ("/v1/nothing", 404),
        ("/v1/release", 405), ("/docs", 404), ("/v1/receipts?since=x", 422), ("/v1/receipts?since=-5", 200),
        (f"/v1/receipts?since={2**63}", 200), (f"/v1/receipts?since={10**400}", 200),
    ):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == status, path[:40]
        assert "Traceback" not in answer.text and '.py"' not in answer.text


def test_a_contract_as_signer_of_rubbish_is_a_refusal(case: Case) -> None:
    """A signature as long as it may be, for a contract that reads it, is a no with a receipt; a longer one is not even kept."""
    custodian = case.custodians[0]
    client = face(custodian)
    grantee = case.stage.chain.address("CaseToken")

    def answer(signature: bytes) -> Response:
        asked = replace(case.asked(grantee=grantee), signature=signature)
        return client.post("/v1/release", content=case.body(custodian, asked))

    for signature in (bytes(65), b"\xff" * MOST_SIGNATURE_BYTES, os.urandom(4_000), (32).to_bytes(32, "big") * 128):
        refused = answer(signature)
        assert refused.status_code == 403
        assert unpack_release(refused.content).receipt.reason == "bad_signature"
    kept = len(list(custodian.receipts()))
    assert [answer(os.urandom(size)).status_code for size in (5_000, 900_000)] == [400, 400]
    assert len(list(custodian.receipts())) == kept


def test_requests_beyond_the_rate_are_refused_before_anything_is_computed(case: Case) -> None:
    """429 with the time to wait; no receipt is written for them, and they are counted."""
    custodian = case.custodians[0]
    client = face(custodian, requests_a_minute=3)
    body = case.body(custodian)
    assert client.get("/metrics").status_code == 200
    assert [client.post("/v1/release", content=body).status_code for _ in range(4)] == [200, 403, 429, 429]

    limited = client.get("/healthz")

    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "60")
    assert len(list(custodian.receipts())) == 2
    with pytest.raises(InputError, match="too many requests"):
        through(client).public_key(case.twin.twin_id)


def test_strangers_cannot_fill_a_custodians_file_with_keys(case: Case) -> None:
    """Asking for keys of twins that were never minted leaves no row; a minted one has its key at the first question."""
    client, state = face(case.custodians[0]), case.custodians[0]._state
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    assert client.get(f"/v1/keys/{other:#x}").status_code == 404
    assert not state.has_key(other)
    mint(case.stage.chain, case.twin.patient, other)
    assert client.get(f"/v1/keys/{other}").status_code == 200  # decimal as well
