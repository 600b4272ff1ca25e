"""A node over HTTP: peers bring what they signed; it is ready while it looks at the chain."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from bench.certificates import CLIENT, SERVER, authority, issued, written
from oracle.adapters.memory import new_signer
from oracle.adapters.owned import owned
from oracle.adapters.peer_http import HttpPeers
from oracle.adapters.process import free_port
from oracle.errors import ChainError, Denied, InputError, MedtwinError, StorageError, VerificationError
from oracle.formats.bundles import Bundle
from oracle.formats.wire import (
    MAX_REQUEST_BYTES,
    MOST_OBSERVATIONS,
    pack_observations,
    pack_proposal,
    unpack_observations,
)
from oracle.records import Observation, Report
from oracle.reports.quorum import Happened
from oracle.serve.listening import Listening
from oracle.serve.node import NO_QUORUM_AFTER_S, STALE_AFTER_S, Metrics, Running, service
from oracle.settings import Settings
from oracle.wiring import open_peers

WAIT_S = 20


def observation(score: int = -5, round_: int = 7) -> Observation:
    """Some node's report; its signature is checked by whoever keeps it."""
    report = Report(
        3, bytes(32), round_, 1_700_000_000, 1, score, score - 1, score + 1, bytes(32), bytes(32), bytes(32)
    )
    return Observation(report, new_signer().address, bytes(65))


@dataclass
class Ear:
    """A member that only listens."""

    heard: list[Observation] = field(default_factory=list)
    failure: Exception | None = None
    open_rounds: int = 0
    newest_batch_s = 0
    dissenting: set[str] = field(default_factory=set)
    without_quorum_s: float = 0.0

    def receive(self, one: Observation) -> bool:
        """Keep it, or fail."""
        if self.failure:
            raise self.failure
        self.heard.append(one)
        return True

    def endorse(self, bundle: Bundle, signature: bytes) -> bytes:
        """Sign, or fail."""
        if self.failure:
            raise self.failure
        return signature[::-1]

    def turn(self) -> list[Happened]:
        """Nothing, or fail."""
        if self.failure:
            raise self.failure
        return [Happened("observed", (1, b"", 4))]


def client(ear: Ear, **more: Any) -> TestClient:
    """The service around it."""
    return TestClient(service(Running(ear, Metrics(), **more), "0x" + "1" * 40, "ab" * 32))  # type: ignore[arg-type]


def test_observations_travel_whole() -> None:
    """Packed, sent, read: the same, negative scores too."""
    ear, said = Ear(), [observation(), observation(9, 2**48 - 1)]

    answer = client(ear).post("/v1/observations", content=pack_observations(said))

    assert answer.status_code == httpx.codes.NO_CONTENT
    assert ear.heard == said


@pytest.mark.parametrize("body", [b"", b"\x80", b"\x81\x80", b"\xa0", b"x" * (MAX_REQUEST_BYTES + 1)])
def test_a_body_that_is_no_message_is_refused(body: bytes) -> None:
    """One sentence, nothing kept; an empty list says nothing and is fine."""
    ear = Ear()
    answer = client(ear).post("/v1/observations", content=body)

    assert answer.status_code == (httpx.codes.NO_CONTENT if body == b"\x80" else httpx.codes.BAD_REQUEST)
    assert ear.heard == []


def test_more_observations_than_a_message_holds_are_refused() -> None:
    """A peer cannot make a node work without end."""
    with pytest.raises(InputError):
        unpack_observations(pack_observations([observation()] * (MOST_OBSERVATIONS + 1)))


def test_an_unsigned_observation_is_refused_and_says_little() -> None:
    """It is their fault, not ours, and no detail leaves."""
    answer = client(Ear(failure=VerificationError("0x12 did not sign twin 0x34"))).post(
        "/v1/observations", content=pack_observations([observation()])
    )

    assert answer.status_code == httpx.codes.FORBIDDEN
    assert answer.text == "1 observations are not signed by a node"


PROPOSAL = (Bundle(bytes([1] * 32), bytes([2] * 32), bytes([3] * 32)), bytes(range(65)))


def test_a_bundle_that_a_peer_proposes_is_signed() -> None:
    """The signature and nothing else."""
    web = client(Ear())
    answer = web.post("/v1/bundles", content=pack_proposal(*PROPOSAL))

    assert (answer.status_code, answer.content) == (httpx.codes.OK, PROPOSAL[1][::-1])
    assert 'medtwin_node_bundles_total{outcome="signed"} 1.0' in web.get("/metrics").text


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (VerificationError("this node signed another report", kind="other_report"), httpx.codes.FORBIDDEN),
        (Denied("a round of it is on the chain", kind="on_chain"), httpx.codes.CONFLICT),
        (StorageError("no such block", kind="missing_block"), httpx.codes.CONFLICT),
        (ChainError("the chain stopped answering"), httpx.codes.SERVICE_UNAVAILABLE),
    ],
)
def test_a_bundle_that_is_not_signed_is_answered_with_the_reason(failure: MedtwinError, status: int) -> None:
    """Wrong, not now, or the node's own chain is away."""
    answer = client(Ear(failure=failure)).post("/v1/bundles", content=pack_proposal(*PROPOSAL))

    assert (answer.status_code, answer.text) == (status, failure.sentence)


@pytest.mark.parametrize(
    "body", [b"", b"\x80", pack_proposal(PROPOSAL[0], bytes(64)), pack_proposal(*PROPOSAL) + b"\0"]
)
def test_what_is_no_bundle_is_refused(body: bytes) -> None:
    """One sentence; and a node of another configuration is told so before it is read."""
    web = client(Ear())
    other = web.post("/v1/bundles", content=body, headers={"Medtwin-Config": "ab"})

    assert web.post("/v1/bundles", content=body).status_code == httpx.codes.BAD_REQUEST
    assert other.status_code == httpx.codes.CONFLICT


def test_peers_are_asked_at_once_and_a_silent_one_gives_nothing() -> None:
    """Two that answer, one that refuses, one port where nobody is."""
    refusing = Ear(failure=Denied("not now"))
    with served(Ear()) as one, served(Ear()) as two, served(refusing) as three:
        peers = HttpPeers([f"http://127.0.0.1:{free_port()}", one, three, two])
        given = list(peers.ask(*PROPOSAL))
        peers.close()

    assert given == [PROPOSAL[1][::-1]] * 2


def test_readiness_follows_the_turns() -> None:
    """Not before the first, not when the last is long ago, and it says why."""
    now, ear = [0.0], Ear()
    running = Running(ear, Metrics(), clock_s=lambda: now[0])  # type: ignore[arg-type]
    web = TestClient(service(running, "0x" + "1" * 40, "ab" * 32))
    before = web.get("/readyz")
    running.turn()
    after = web.get("/readyz")
    ear.failure = ChainError("the chain stopped answering")
    running.turn()
    now[0] = STALE_AFTER_S + 1
    stale = web.get("/readyz")

    assert (before.status_code, after.status_code, stale.status_code) == (503, 200, 503)
    assert stale.text == "the chain stopped answering"


def test_a_turn_that_breaks_is_not_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    """The log names the place, not the value."""
    ear = Ear(failure=ZeroDivisionError("patient 17"))
    running = Running(ear, Metrics())  # type: ignore[arg-type]
    running.turn()
    ear.failure = None
    running.turn()

    shown = capsys.readouterr().out
    assert "kind=ZeroDivisionError" in shown
    assert "event=observed round=4" in shown
    assert "patient" not in shown


def test_metrics_count_events_and_name_nobody() -> None:
    """For Prometheus."""
    running = Running(Ear(), Metrics())  # type: ignore[arg-type]
    running.turn()
    shown = TestClient(service(running, "0x" + "1" * 40, "ab" * 32)).get("/metrics").text

    assert 'medtwin_node_events_total{event="observed",kind=""} 1.0' in shown


def test_peers_hear_and_a_silent_one_holds_nobody_up() -> None:
    """One real server, one port where nobody is: sending returns at once, and says who was silent."""
    ear, nobody = Ear(), f"http://127.0.0.1:{free_port()}"
    with served(ear) as url:
        peers = HttpPeers([nobody, url])
        said = [observation()]
        began = time.monotonic()
        peers.send(said)
        took = time.monotonic() - began
        end = began + WAIT_S
        while time.monotonic() < end and not (ear.heard and peers.silent):
            time.sleep(0.02)
        peers.close()

    assert took < 1
    assert ear.heard == said
    assert peers.silent == {nobody}


def test_two_processes_cannot_have_one_folder(tmp_path: Path) -> None:
    """A second node with the same memory would vote twice; after the first ends, it may."""
    with owned(tmp_path / "node"), pytest.raises(Denied) as caught, owned(tmp_path / "node"):
        pass
    with owned(tmp_path / "node"):
        pass

    assert caught.value.kind == "already_running"


def test_settings_name_the_peers() -> None:
    """Comma-separated, and handed on to processes started from here."""
    found = Settings.read({"MEDTWIN_PEERS": "http://a:1, http://b:2"})

    assert found.peers == ("http://a:1", "http://b:2")
    assert found.environment(password="x")["MEDTWIN_PEERS"] == "http://a:1,http://b:2"


def test_between_machines_nodes_speak_tls_and_know_each_other(tmp_path: Path) -> None:
    """Who shows a certificate of the right authority, and believes it, is heard; who does not is not. There is no plain HTTP."""
    ours, theirs = authority("ours"), authority("somebody else")
    node, strange = (
        written(tmp_path / f"{name}.pem", *issued(by, name, [SERVER, CLIENT]))
        for by, name in ((ours, "node"), (theirs, "strange"))
    )
    trusted = written(tmp_path / "ours.pem", ours[0])
    ear, given = Ear(), {}
    with served(ear, certificate=node, clients=trusted) as url:
        for name, files in (
            ("known", (trusted, node)), ("strange", (trusted, strange)), ("nobody", (trusted, None)),
            ("unbelieving", (None, node)),
        ):  # fmt: skip
            settings = replace(Settings.read({}), peers=(url,), authorities=files[0], certificate=files[1])
            peers = open_peers(settings, "")
            given[name] = list(peers.ask(*PROPOSAL))
            peers.close()
    with pytest.raises(Denied) as caught:
        open_peers(replace(Settings.read({}), peers=("http://10.0.0.7:8711",)), "")

    assert given == {"known": [PROPOSAL[1][::-1]], "strange": [], "nobody": [], "unbelieving": []}
    assert caught.value.kind == "plain_http"


@contextmanager
def served(ear: Ear, **tls: Path) -> Iterator[str]:
    """The service on a real port."""
    listening = Listening(free_port(), **tls)  # type: ignore[arg-type]
    app = service(Running(ear, Metrics()), "0x" + "1" * 40, "ab" * 32)  # type: ignore[arg-type]
    server = uvicorn.Server(listening.config(app, connections=16))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield str(listening)
    server.should_exit = True
    thread.join()


def test_nodes_that_do_not_agree_are_told_of() -> None:
    """Two say otherwise and there is no quorum: not ready, in words and in numbers; ready again when they agree."""
    ear = Ear(dissenting={"0x" + "2" * 40, "0x" + "3" * 40}, without_quorum_s=NO_QUORUM_AFTER_S + 1)
    running = Running(ear, Metrics())
    running.turn()
    ready = TestClient(service(running, "0x" + "1" * 40, "ab" * 32)).get("/readyz")
    told = {sample.name: sample.value for family in running.metrics.registry.collect() for sample in family.samples}
    ear.dissenting, ear.without_quorum_s = set(), 0.0

    assert ready.status_code == 503
    assert ready.text.startswith(f"no quorum for {NO_QUORUM_AFTER_S + 1:.0f} s: 2 nodes say otherwise")
    assert told["medtwin_node_dissenting"] == 2
    assert told["medtwin_node_without_quorum_seconds"] == NO_QUORUM_AFTER_S + 1
    assert running.why_not_ready() == ""
