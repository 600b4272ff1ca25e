"""A gateway as a service: HTTP, a folder and a broker bring what devices signed; every few seconds it posts."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CollectorRegistry, Counter, Gauge

from ..batches.collect import Bridge, accept, collect
from ..batches.edge import Gateway, prove, take, turn
from ..errors import ChainError, InputError, MedtwinError, StorageError
from ..formats.messages import MOST_BYTES, Message, unpack
from .http import REQUESTS_A_MINUTE, Endpoints, bounded_app, look_at, place_of, run
from .listening import Listening

STALE_AFTER_S = 120.0
"""Without a whole turn for so long, the gateway is not ready."""
REFUSED = "refused"
CONNECTIONS = 256
SUFFIX = ".cbor"


class Broker(Protocol):
    """What the service needs of an MQTT stream."""

    def retry(self) -> None: ...
    def tell(self, device: str, sequence: int) -> None: ...


class Metrics:
    """What an operator watches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.taken = Counter(
            "medtwin_edge_taken", "What came, by stream and what became of it", ["stream", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter("medtwin_edge_batches", "Batches by what happened", ["event"], registry=self.registry)
        self.limited = Counter("medtwin_edge_limited", "Requests beyond the rate", registry=self.registry)
        self.held = Gauge("medtwin_edge_held_bytes", "Not on the chain yet", registry=self.registry)
        self.room = Gauge("medtwin_edge_most_bytes", "What may be held", registry=self.registry)
        self.endpoints = Gauge(
            "medtwin_edge_endpoint_asked", "1: this chain endpoint is asked; 0: it is put aside, as it failed or is behind",
            ["endpoint"], registry=self.registry,
        )  # fmt: skip
        self.turned = Gauge(
            "medtwin_edge_last_turn_seconds", "When the last whole turn ended (Unix time)", registry=self.registry
        )


@dataclass(slots=True)
class Running:
    """A gateway and what it says of itself. `problem` is empty when all is well."""

    gateway: Gateway
    metrics: Metrics
    bridges: Mapping[str, Bridge] = field(default_factory=dict)
    drop: Path | None = None
    broker: Broker | None = None
    endpoints: Endpoints | None = None
    clock_s: Callable[[], float] = time.monotonic
    turned_at_s: float | None = None
    problem: str = "it has not looked at the chain yet"

    def put(self, body: bytes, stream: str) -> str:
        """Take what came; the outcome, or the error that says why not."""
        try:
            found = unpack(body)
            if isinstance(found, Message):
                outcome = accept(self.gateway, self.bridges, found)
            else:
                device = take(self.gateway, found)
                outcome = "kept"
                if self.broker is not None:
                    self.broker.tell(device, found.batch.sequence)
        except MedtwinError as error:
            self.metrics.taken.labels(stream, error.kind).inc()
            raise
        self.metrics.taken.labels(stream, outcome).inc()
        return outcome

    def offered(self, body: bytes) -> bool:
        """For a broker: False if it should come again."""
        try:
            self.put(body, "mqtt")
        except MedtwinError as error:
            return not comes_again(error)
        return True

    def turn(self) -> None:
        """One turn; whatever happens, it will take the next."""
        try:
            look_at(self.endpoints, self.metrics.endpoints)
            self._look_at_folder()
            if self.broker is not None:
                self.broker.retry()
            for bridge in self.bridges.values():
                self._seal(bridge)
            for event, count in turn(self.gateway):
                self.metrics.events.labels(event).inc(count)
                print(f"event={event} batches={count}", flush=True)
        except MedtwinError as error:
            self.problem = error.sentence
            print(f"event=turn_failed kind={error.kind}", flush=True)
            return
        except Exception as error:  # the edge: a gateway that stops is worse than one that failed once
            self.problem = "it failed; its log says where"
            print(f"event=failed kind={type(error).__name__} {place_of(error)}", flush=True)
            return
        finally:
            self.metrics.held.set(self.gateway.box.held_bytes())
            self.metrics.room.set(self.gateway.most_bytes)
        self.metrics.turned.set_to_current_time()
        self.turned_at_s, self.problem = self.clock_s(), ""

    def why_not_ready(self) -> str:
        """Empty if its last turn was whole and not long ago."""
        if self.turned_at_s is not None and self.clock_s() - self.turned_at_s > STALE_AFTER_S:
            return self.problem or "its last turn takes too long"
        return self.problem if self.turned_at_s is None else ""

    def _seal(self, bridge: Bridge) -> None:
        """What one sensor lacks holds up no other."""
        try:
            self.metrics.events.labels("sealed").inc(len(collect(self.gateway, bridge)))
        except MedtwinError as error:
            print(f"event=not_sealed kind={error.kind}", flush=True)

    def _look_at_folder(self) -> None:
        """Files in the order of their names; what is taken is removed, what is no good goes to ``refused``."""
        for path in sorted(self.drop.glob(f"*{SUFFIX}")) if self.drop else []:
            try:
                if path.stat().st_size > MOST_BYTES:
                    raise InputError("the file is too large", kind="too_large")
                self.put(path.read_bytes(), "drop")
            except MedtwinError as error:
                if comes_again(error):
                    continue
                (path.parent / REFUSED).mkdir(exist_ok=True)
                path.replace(path.parent / REFUSED / path.name)
                print(f"event=refused stream=drop kind={error.kind}", flush=True)
            else:
                path.unlink()


def comes_again(error: MedtwinError) -> bool:
    """Whether the same may be taken later: it came too early, or there is no room, no chain, no store."""
    return isinstance(error, ChainError | StorageError) or error.kind in ("sequence_gap", "too_far_ahead")


def service(running: Running, address: str, genesis: str, *, requests_a_minute: int = REQUESTS_A_MINUTE) -> FastAPI:
    """The HTTP face of a gateway."""
    metrics = running.metrics
    app = bounded_app(
        "Medtwin gateway", metrics.registry, metrics.limited, requests_a_minute=requests_a_minute, most_bytes=MOST_BYTES
    )

    @app.get("/readyz")
    def readyz() -> Response:
        """It looks at the chain, and the chain answers."""
        problem = running.why_not_ready()
        return Response(problem or "ready", 503 if problem else 200, media_type="text/plain")

    @app.get("/v1/identity")
    def identity() -> dict[str, str]:
        """Who this is, and on which chain."""
        return {"address": address, "genesis": genesis}

    @app.post("/v1/take")
    async def taking(request: Request) -> Response:
        """A batch or readings, durable here when this is answered; 503: keep it and send it again."""
        outcome = await run_in_threadpool(running.put, await request.body(), "http")
        return Response(outcome, media_type="text/plain")

    @app.get("/v1/proofs/{digest}")
    def proof(digest: str) -> Response:
        """How a batch is in an epoch, for anybody who holds its block."""
        found = prove(running.gateway, digest)
        return Response(json.dumps(found), media_type="application/json")

    return app


def serve(running: Running, address: str, genesis: str, listening: Listening, *, every_s: float) -> None:
    """Run until stopped."""
    app = service(running, address, genesis)
    run(listening.config(app, connections=CONNECTIONS), _work_forever(running, every_s))


async def _work_forever(running: Running, every_s: float) -> None:
    while True:
        with suppress(OSError):  # even where nothing can be said of it, on a full disk
            await run_in_threadpool(running.turn)
        await asyncio.sleep(every_s)
