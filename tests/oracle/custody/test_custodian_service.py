"""A custodian over HTTP: the same decisions as in the process, bounded, and silent about everybody."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import cbor2
import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.batches.fetch import fetch
from oracle.custody.erase import erase, verify_certificate
from oracle.custody.release import LocalCustodian
from oracle.errors import (
    ChainError,
    CustodyDenied,
    Denied,
    InputError,
    MedtwinError,
    Refused,
    StorageError,
    VerificationError,
)
from oracle.formats import hpke
from oracle.formats.envelope import parse_header, released_info
from oracle.formats.receipts import decode
from oracle.formats.typed_data import erasure_digest
from oracle.formats.wire import MAX_REQUEST_BYTES, pack_erasure, pack_request, unpack_release, unpack_statement
from oracle.ports import Head
from oracle.records import AnchoredBatch, ErasureRequest, KeyRequest, Release, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.serve import custodian as service_module
from oracle.serve.custodian import REQUESTS_A_MINUTE, Listening, serve, service

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

TIMEOUT_S = 20


@dataclass
class Case:
    """A twin with a batch, a researcher with consent, and the custodians."""

    stage: Stage
    twin: Twin
    custodians: Sequence[LocalCustodian]
    grantee: LocalSigner
    batch: AnchoredBatch
    private: bytes

    def asked(self, signer: LocalSigner | None = None, **change: Any) -> KeyRequest:
        """A request that would be permitted, with changes."""
        request = KeyRequest(
            self.twin.twin_id, self.grantee.address, hpke.public_key(self.private), (self.batch.batch.digest,), 1, 1,
            next(self.stage.nonces) + 2**200, self.stage.now_s() + 300,
        )  # fmt: skip
        signed: KeyRequest = self.stage.sign(signer or self.grantee, replace(request, **change))
        return signed

    def items(self, custodian: LocalCustodian) -> list[Any]:
        """What is shown to one custodian."""
        header = parse_header(self.twin.edge.store.get(self.batch.batch.digest))
        return [(header.context, next(one for one in header.shares if one.custodian == custodian.address))]

    def body(self, custodian: LocalCustodian, request: KeyRequest | None = None) -> bytes:
        """A request as it travels."""
        return pack_request(request or self.asked(), self.items(custodian))

    def order(self, signer: LocalSigner, owner: str | None = None) -> ErasureRequest:
        """An erasure order."""
        made = ErasureRequest(self.twin.twin_id, owner or signer.address, self.stage.now_s() + 60)
        return replace(made, signature=signer.sign_digest(erasure_digest(self.stage.consent_domain(), made)))

    def get(self, custodians: Sequence[Any], who: LocalSigner | None = None) -> Any:
        """Fetch the twin's vitals."""
        return fetch(
            self.stage.chain, self.twin.edge.store, custodians, who or self.grantee, twin_id=self.twin.twin_id,
            purpose=1, category=1, random_bytes=os.urandom,
        )  # fmt: skip


@pytest.fixture
def case(stage: Stage, twin: Twin, anchored: AnchoredBatch, custodians: Any, researcher: LocalSigner) -> Case:
    """Consent for vitals and care."""
    twin.allow(researcher.address)
    return Case(stage, twin, custodians, researcher, anchored, hpke.new_key(os.urandom))


def face(custodian: Any, requests_a_minute: int = REQUESTS_A_MINUTE) -> TestClient:
    """The service without a network; an error of its own is an answer, as with the real server."""
    app = service(custodian, requests_a_minute=requests_a_minute)
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@contextmanager
def listening(server: uvicorn.Server) -> Iterator[str]:
    """Runs a real server on a port of its own; the socket listens before the server accepts, so nobody waits."""
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        thread = threading.Thread(target=server.run, args=([made],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.getsockname()[1]}"
        server.should_exit = True
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


@contextmanager
def served(custodian: LocalCustodian, monkeypatch: pytest.MonkeyPatch, **tls: Any) -> Iterator[str]:
    """A custodian behind the server that `serve` configures."""
    caught: list[uvicorn.Server] = []

    async def catch(server: uvicorn.Server, *_: Any) -> None:
        caught.append(server)

    with monkeypatch.context() as patched:
        patched.setattr(service_module, "_serve", catch)
        serve(custodian, custodian._chains[0], Listening(0, **tls))
    assert caught[0].config.host == "127.0.0.1"
    with listening(caught[0]) as url:
        yield url


@contextmanager
def remotely(url: str) -> Iterator[RemoteCustodian]:
    """A custodian as a grantee sees it; its connections end with the test."""
    remote = RemoteCustodian(url)
    with closing(remote._client):
        yield remote


def through(client: TestClient) -> RemoteCustodian:
    """A custodian as a grantee sees it, without a network between."""
    remote = RemoteCustodian("http://testserver")
    remote._client = client
    return remote


class Endpoint:
    """A chain endpoint that answers as the true one, save for what it is told to say."""

    def __init__(self, chain: Any, **says: Any) -> None:
        self._chain, self._says = chain, says

    def __getattr__(self, name: str) -> Any:
        return self._says.get(name) or getattr(self._chain, name)


def down(*_: Any, **__: Any) -> Any:
    """An endpoint that does not answer."""
    raise ChainError("nobody answers")


def test_decisions_over_http_are_those_of_the_process(
    case: Case, stranger: LocalSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same requests to one custodian over HTTP and to another in the process: the same words, one receipt each."""
    far, near = case.custodians[:2]
    repeated = case.asked()
    requests = [
        case.asked(), repeated, repeated, case.asked(purpose=2), case.asked(stranger), case.asked(batches=(bytes(32),)),
        case.asked(stranger, grantee=stranger.address), case.asked(deadline_s=1), case.asked(category=2),
        case.asked(deadline_s=case.stage.now_s() + 10**6), case.asked(case.twin.patient, grantee=case.twin.patient.address),
        replace(case.asked(), signature=b""), case.asked(recipient_key=b"k"),
        case.asked(grantee=case.stage.chain.address("EmergencyAccess")), case.asked(nonce=2**256 - 1),
    ]  # fmt: skip

    def answers(custodian: Any, items: Any) -> list[tuple[str, int]]:
        told = []
        for request in requests:
            try:
                release = custodian.release(request, items)
                info = released_info(items[0][0], custodian.address, release.receipt.request)
                assert len(hpke.open_sealed(case.private, release.shares[0], info)) == 33
                told.append((release.receipt.reason, len(release.shares)))
            except Refused as error:
                told.append((error.receipt.reason, 0))
        return told

    with served(far, monkeypatch) as url, remotely(url) as remote:
        assert remote.address == far.address
        over_http = answers(remote, case.items(far))
    assert over_http == answers(near, case.items(near))
    assert over_http[0] == ("", 1) and over_http[2] == ("request_replayed", 0)
    assert len({reason for reason, _ in over_http}) > 7
    assert [decode(*one).reason for one in far.receipts()] == [reason for reason, _ in over_http]


def test_a_fetch_and_an_erasure_go_through_services(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three services in place of three objects: the same readings, then the same end."""
    with (
        served(case.custodians[0], monkeypatch) as one,
        served(case.custodians[1], monkeypatch) as two,
        served(case.custodians[2], monkeypatch) as three,
        remotely(one) as first,
        remotely(two) as second,
        remotely(three) as third,
    ):
        remote = [first, second, third]
        assert [len(batch.readings) for batch in case.get(remote)] == [8]
        with pytest.raises(Denied):
            remote[0].erase(case.order(case.grantee))
        assert remote[0].public_key(case.twin.twin_id) == case.custodians[0].public_key(case.twin.twin_id)

        genesis = case.stage.chain.deployment.genesis
        certificate = erase(
            case.stage.chain, case.twin.edge.store, remote, case.twin.patient, case.twin.twin_id, genesis
        )

        verify_certificate(case.stage.chain, case.twin.edge.store, certificate)
        with pytest.raises(Denied) as caught:
            remote[2].public_key(case.twin.twin_id)
        assert caught.value.kind == "erased"


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
    """A signature as long as the body allows, for a contract that reads it, is a no with a receipt."""
    custodian = case.custodians[0]
    client = face(custodian)
    grantee = case.stage.chain.address("CaseToken")
    for signature in (bytes(65), b"\xff" * 4096, os.urandom(20_000), (32).to_bytes(32, "big") * 1000):
        answer = client.post(
            "/v1/release", content=case.body(custodian, replace(case.asked(grantee=grantee), signature=signature))
        )
        assert answer.status_code == 403
        assert unpack_release(answer.content).receipt.reason == "bad_signature"


def test_keys_and_erasures_have_their_statuses(case: Case, stranger: LocalSigner) -> None:
    """404 for no twin, 403 for somebody else's order, 410 once erased; the same statement for a repeated order."""
    client, patient = face(case.custodians[0]), case.twin.patient
    here = f"/v1/keys/{case.twin.twin_id:#x}"
    assert len(client.get(here).content) == 1216
    for bad in (case.order(stranger), case.order(stranger, patient.address), case.order(case.grantee)):
        assert client.post("/v1/erase", content=pack_erasure(bad)).status_code == 403
    assert client.get(here).status_code == 200

    first, second = (client.post("/v1/erase", content=pack_erasure(case.order(patient))) for _ in range(2))

    assert (first.status_code, first.content) == (200, second.content)
    assert unpack_statement(first.content).custodian == case.custodians[0].address
    assert client.get(here).status_code == 410
    refused = client.post("/v1/release", content=case.body(case.custodians[0]))
    assert (refused.status_code, unpack_release(refused.content).receipt.reason) == (403, "no_key_for_twin")


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


def test_health_and_readiness(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alive without a chain, but not ready: down, behind or forked is 503 with the word; then ready again."""
    custodian, chain = case.custodians[0], case.stage.chain
    client = face(custodian)
    assert (client.get("/healthz").text, client.get("/readyz").text) == ("ok", "ready")
    for says, word in (
        ({"head": down}, "chain_unavailable"),
        ({"head": lambda number=None: Head(chain.head().number + 9, bytes(32), 0)}, "chain_lagging"),
        ({"head": lambda number=None: replace(chain.head(number), hash=bytes(32))}, "chain_forked"),
    ):
        monkeypatch.setattr(custodian, "_chains", [chain, Endpoint(chain, **says)])
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, word)
        assert client.get("/healthz").status_code == 200
        refused = client.post("/v1/release", content=case.body(custodian))
        assert (refused.status_code, unpack_release(refused.content).receipt.reason) == (403, word)
    monkeypatch.setattr(custodian, "_chains", [Endpoint(chain, head=down, read=down)])
    assert client.get("/v1/keys/0x1101").status_code == 503
    assert client.post("/v1/erase", content=pack_erasure(case.order(case.twin.patient))).status_code == 503
    monkeypatch.setattr(custodian, "_chains", [chain])
    assert client.get("/readyz").status_code == 200


def markers(case: Case) -> list[str]:
    """What must not be told about anybody."""
    people = [case.grantee, case.twin.patient, case.twin.device, case.stage.hospital]
    return [
        f"{case.twin.twin_id:x}", str(case.twin.twin_id), case.batch.batch.digest.hex(),
        *(one.address[2:].lower() for one in people),
    ]  # fmt: skip


def test_metrics_count_outcomes_and_name_nobody(case: Case, stranger: LocalSigner) -> None:
    """Each decision under its reason; no address, no twin, no digest."""
    custodian = case.custodians[0]
    client = face(custodian)
    for request in (case.asked(), case.asked(), case.asked(purpose=2), case.asked(stranger)):
        client.post("/v1/release", content=case.body(custodian, request))
    client.post("/v1/release", content=b"rubbish")
    client.get(f"/v1/keys/{case.twin.twin_id:#x}")

    told = client.get("/metrics").text

    counts = dict(re.findall(r'medtwin_custodian_decisions_total\{outcome="(\w+)"\} (\S+)', told))
    assert counts == {"permitted": "2.0", "purpose_not_covered": "1.0", "bad_signature": "1.0"}
    assert "medtwin_custodian_decision_seconds_count 4.0" in told
    assert not any(marker in told.lower() for marker in markers(case))
    assert not re.search(r"0x[0-9a-fA-F]{8}", told)


def test_the_log_names_nobody_and_a_failure_shows_no_stack(
    case: Case, stranger: LocalSigner, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Permits, refusals, rubbish and a failure whose text names a twin: neither the log nor the answer repeats it."""
    custodian = case.custodians[0]
    with served(custodian, monkeypatch) as url, remotely(url) as remote:
        remote.release(case.asked(), case.items(custodian))
        for request in (case.asked(purpose=2), case.asked(stranger), case.asked(grantee=stranger.address)):
            with pytest.raises(Refused):
                remote.release(request, case.items(custodian))
        for path in (f"/v1/keys/{case.twin.twin_id ^ 256:#x}", f"/{case.grantee.address}"):
            with pytest.raises(InputError):
                remote._ask("GET", path)
        with closing(socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), TIMEOUT_S)) as client:
            client.sendall(f"RUBBISH {case.twin.twin_id:x}\r\n\r\n".encode())
            client.recv(4096)
        calm = "".join(capfd.readouterr())

        def failing(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"no row for {case.twin.twin_id:#x} {case.grantee.address} /secret/place")

        monkeypatch.setattr(custodian, "release", failing)
        monkeypatch.setattr(custodian, "public_key", failing)
        for call in (
            lambda: remote.release(case.asked(), case.items(custodian)), lambda: remote.public_key(case.twin.twin_id)
        ):  # fmt: skip
            with pytest.raises(StorageError) as caught:
                call()
            assert caught.value.kind == "custodian_failed"
            assert not any(marker in repr(caught.value).lower() for marker in (*markers(case), "traceback", "secret"))
    failed = "".join(capfd.readouterr())

    assert "kind=RuntimeError" in failed
    for told in (calm, failed):
        assert not any(marker in told.lower() for marker in markers(case))
        assert "secret" not in told and "Traceback" not in told


def test_a_root_that_cannot_be_posted_is_told_without_names(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    """The service goes on without the chain and says so in one line."""
    custodian = case.custodians[0]

    async def twice() -> None:
        turns: list[int] = []

        async def now(_: float) -> None:
            turns.append(1)
            if len(turns) > 2:
                raise asyncio.CancelledError

        true, asyncio.sleep = asyncio.sleep, now  # type: ignore[assignment]
        try:
            await service_module._root_forever(custodian, Endpoint(case.stage.chain, events=down, write=down))  # type: ignore[arg-type]
        except asyncio.CancelledError:
            pass
        finally:
            asyncio.sleep = true

    custodian.release(case.asked(), case.items(custodian))
    asyncio.run(twice())

    told = capfd.readouterr().out
    assert told.splitlines() == ["event=root_failed kind=ChainError"] * 2


def test_receipts_come_in_pages(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages: the whole log, in order, from any number on, also when it is a whole number of pages."""
    custodian = case.custodians[0]
    monkeypatch.setattr(service_module, "PAGE", 3)
    client = face(custodian)
    remote = through(client)
    assert list(remote.receipts()) == []
    for number in range(1, 8):
        with pytest.raises(Refused):
            custodian.release(case.asked(purpose=2), case.items(custodian))
        if number in (3, 6, 7):
            assert list(remote.receipts()) == list(custodian.receipts())
    assert [decode(*one).number for one in remote.receipts(since=5)] == [5, 6]
    assert list(remote.receipts(since=7)) == [] == list(remote.receipts(since=10**30))
    assert len(cbor2.loads(client.get("/v1/receipts").content)) == 3


def test_a_redirect_is_not_followed() -> None:
    """Who answers for the custodian cannot send a request, with what it contains, elsewhere."""
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        """Sends everybody to a place of its choice."""

        def do_GET(self) -> None:
            """Note the path and redirect."""
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    order = ErasureRequest(1, new_signer().address, 1, bytes(65))
    request = KeyRequest(1, new_signer().address, b"", (), 1, 1, 1, 1)
    with remotely(f"http://127.0.0.1:{server.server_port}/") as remote:
        with pytest.raises(VerificationError, match="is not a custodian"):
            _ = remote.address
        for call in (
            lambda: remote.public_key(1), lambda: remote.release(request, []), lambda: remote.erase(order),
            lambda: list(remote.receipts()),
        ):  # fmt: skip
            with pytest.raises(MedtwinError):
                call()
        server.shutdown()
        server.server_close()

        assert len(asked) == 5 and "/elsewhere" not in asked
        with pytest.raises(StorageError) as caught:  # and now nobody listens
            remote.public_key(1)
    assert caught.value.kind == "custodian_unreachable"


class Lying:
    """A custodian whose release is changed on its way out."""

    def __init__(self, true: LocalCustodian, change: Callable[[Release, KeyRequest, Any], Release]) -> None:
        self._true, self._change = true, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)

    def release(self, request: KeyRequest, items: Any, *_: Any) -> Release:
        """The true answer, changed; a changed refusal stays one."""
        try:
            return self._change(self._true.release(request, items), request, items)
        except Refused as error:
            raise Refused(self._change(Release(error.receipt, ()), request, items).receipt) from None


def _other_share(release: Release, request: KeyRequest, items: Any) -> Release:
    info = released_info(items[0][0], items[0][1].custodian, release.receipt.request)
    return replace(release, shares=(hpke.seal(request.recipient_key, b"\x01" + bytes(32), info),))


def test_a_lying_service_is_named(case: Case, stranger: LocalSigner) -> None:
    """A wrong share, none, a receipt of another custodian, request or outcome, or one it did not sign."""
    first, second, third = case.custodians
    foreign = second.release(case.asked(), case.items(second)).receipt
    earlier = first.release(case.asked(), case.items(first)).receipt
    with pytest.raises(Refused) as refused:
        first.release(case.asked(purpose=2), case.items(first))

    def receipt(**change: Any) -> Callable[..., Release]:
        return lambda release, *_: replace(release, receipt=replace(release.receipt, **change))

    lies: dict[str, tuple[Callable[..., Release], str]] = {
        "another share": (_other_share, "bad_share"),
        "a share that is not sealed": (lambda release, *_: replace(release, shares=(bytes(33),)), "does_not_open"),
        "no share": (lambda release, *_: replace(release, shares=()), "bad_share"),
        "two shares": (lambda release, *_: replace(release, shares=release.shares * 2), "bad_share"),
        "a foreign receipt": (lambda release, *_: replace(release, receipt=foreign), "bad_receipt"),
        "an earlier receipt": (lambda release, *_: replace(release, receipt=earlier), "bad_receipt"),
        "a refusal's receipt": (lambda release, *_: replace(release, receipt=refused.value.receipt), "bad_receipt"),
        "an unsigned receipt": (receipt(signature=bytes(65)), "bad_receipt"),
        "no signature": (receipt(signature=b""), "bad_receipt"),
        "another number": (receipt(number=99), "bad_receipt"),
        "another grantee": (receipt(grantee=stranger.address), "bad_receipt"),
        "a receipt that says no": (receipt(permitted=False, reason="no_consent"), "bad_receipt"),
    }
    for name, (lie, kind) in lies.items():
        remote = through(face(Lying(first, lie)))
        with pytest.raises(CustodyDenied) as caught:
            case.get([remote, second])
        assert caught.value.refusals == {first.address: kind}, name
        assert len(case.get([remote, second, third])) == 1, name


def test_a_refusal_with_a_receipt_of_somebody_else_is_named(case: Case, stranger: LocalSigner) -> None:
    """A no must be signed too: else who carries the answers could say no in a custodian's name."""
    first, second, _ = case.custodians
    with pytest.raises(Refused) as other:
        second.release(case.asked(purpose=2), case.items(second))
    for lie in (
        lambda release, *_: replace(release, receipt=other.value.receipt),
        lambda release, *_: replace(release, receipt=replace(release.receipt, reason="consent_denied")),
    ):
        remote = through(face(Lying(first, lie)))
        with pytest.raises(CustodyDenied) as caught:
            case.get([remote, second], stranger)
        assert caught.value.refusals == {first.address: "bad_receipt", second.address: "no_consent"}


def test_a_service_that_answers_nonsense_is_told(case: Case) -> None:
    """An identity that is none, a body that does not read, a key that is refused: errors of the tree, no crash."""

    class Answering:
        """In place of the network: one answer to everything."""

        def __init__(self, status: int, content: bytes) -> None:
            self._status, self._content = status, content

        def request(self, *_: Any, **__: Any) -> Any:
            """The answer."""
            return httpx.Response(self._status, content=self._content)

    for status, content in (
        (200, b""), (200, b"[]"), (200, b'{"address": "0x1"}'), (200, b'{"address": 5}'), (200, b"\xff"), (403, b"no"),
        (410, b"gone"), (404, b"no"), (500, b"<html>"), (301, b""), (204, b""), (429, b"wait"),
    ):  # fmt: skip
        remote = through(Answering(status, content))  # type: ignore[arg-type]
        with pytest.raises(MedtwinError):
            _ = remote.address
        for call in (
            lambda one=remote: one.release(case.asked(), case.items(case.custodians[0])),
            lambda one=remote: one.erase(case.order(case.twin.patient)),
            lambda one=remote: list(one.receipts()),
        ):
            with pytest.raises(MedtwinError):
                call()
        if status != 200:
            with pytest.raises(MedtwinError):
                remote.public_key(case.twin.twin_id)


def test_strangers_cannot_fill_a_custodians_file_with_keys(case: Case) -> None:
    """Asking for keys of twins that were never minted leaves no row; a minted one has its key at the first question."""
    client, state = face(case.custodians[0]), case.custodians[0]._state
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    assert client.get(f"/v1/keys/{other:#x}").status_code == 404
    assert not state.has_key(other)
    mint(case.stage.chain, case.twin.patient, other)
    assert client.get(f"/v1/keys/{other}").status_code == 200  # decimal as well
