"""What an operator sees of a custodian: health, counts and a log, and nothing about anybody."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.errors import InputError, Refused, StorageError
from oracle.formats.wire import pack_erasure, unpack_release
from oracle.ports import Head
from oracle.serve import custodian as service_module

from ...endpoints import Endpoint, down
from .serving import TIMEOUT_S, Case, face, remotely, served


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
        monkeypatch.setattr(custodian._endpoints, "chains", [chain, Endpoint(chain, **says)])
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, word)
        assert client.get("/healthz").status_code == 200
        refused = client.post("/v1/release", content=case.body(custodian))
        assert (refused.status_code, unpack_release(refused.content).receipt.reason) == (403, word)
    monkeypatch.setattr(custodian._endpoints, "chains", [Endpoint(chain, head=down, read=down)])
    assert client.get("/v1/keys/0x1101").status_code == 503
    assert client.post("/v1/erase", content=pack_erasure(case.order(case.twin.patient))).status_code == 503
    monkeypatch.setattr(custodian._endpoints, "chains", [chain])
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

        monkeypatch.setattr(custodian._endpoints, "ask", failing)
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
