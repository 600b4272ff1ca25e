"""A device and its gateway on two machines: over TLS, to those who know each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from bench.certificates import CLIENT, SERVER, authority, issued, written
from oracle.adapters.process import free_port
from oracle.batches.edge import turn
from oracle.batches.publish import Edge, publish, resume
from oracle.errors import Denied, StorageError
from oracle.records import Readings
from oracle.serve.edge import Metrics, Running, service
from oracle.serve.listening import Listening
from oracle.settings import Settings
from oracle.wiring import remote_gateway

from .ward import Ward

WAIT_S = 20


def test_a_device_hands_over_to_the_gateway_that_it_knows(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """Another authority on either side: the batch stays in the device's outbox, and goes when the right one is named."""
    ours, theirs = authority("ours"), authority("somebody else")
    gateway, device = (written(tmp_path / f"{one}.pem", *issued(ours, one, [SERVER, CLIENT])) for one in ("g", "d"))
    strange = written(tmp_path / "s.pem", *issued(theirs, "s", [CLIENT]))
    trusted, wrong = written(tmp_path / "ours.pem", ours[0]), written(tmp_path / "theirs.pem", theirs[0])
    listening = Listening(free_port(), certificate=gateway, clients=trusted)
    app = service(Running(ward.gateway, Metrics()), ward.gateway.signer.address, "ab" * 32)
    server = uvicorn.Server(listening.config(app, connections=16))
    thread = threading.Thread(target=server.run)
    thread.start()

    relays = []

    def through(authorities: Path, certificate: Path) -> Edge:
        settings = replace(Settings.read({}), authorities=authorities, certificate=certificate)
        relays.append(remote_gateway(settings, str(listening)))
        return replace(ward.twin.edge, relay=relays[-1])

    try:
        while not server.started:
            thread.join(0.01)
        with pytest.raises(StorageError) as caught:
            list(publish(through(trusted, strange), [recorded()]))
        with pytest.raises(StorageError):
            list(resume(through(wrong, device)))
        assert len(ward.twin.edge.outbox.pending()) == 1 and ward.gateway.box.held_bytes() == 0
        list(resume(through(trusted, device)))
        turn(ward.gateway)
    finally:
        for relay in relays:
            relay._client.close()
        server.should_exit = True
        thread.join(WAIT_S)

    assert caught.value.kind == "gateway_unreachable"
    assert ward.twin.edge.outbox.pending() == [] and len(ward.batches()) == 1
    with pytest.raises(Denied):
        remote_gateway(Settings.read({}), "http://10.0.0.7:8731")
