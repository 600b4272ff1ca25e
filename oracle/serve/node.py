"""An oracle node as a small HTTP service: its peers bring what they signed, and it looks at the chain every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CollectorRegistry, Counter, Gauge

from ..adapters.peer_http import CONFIG, HttpPeers
from ..errors import Denied, MedtwinError, StorageError, VerificationError
from ..formats.bundles import Bundle
from ..formats.wire import unpack_observations, unpack_proposal
from ..records import Observation
from ..reports.drift import Watched
from ..reports.quorum import Happened
from .http import REQUESTS_A_MINUTE, Endpoints, bounded_app, look_at, place_of, run
from .listening import Listening

LOOK_EVERY_S = 2.0
CONNECTIONS = 64
OTHER_CONFIG = "this node has another deployment file, models or version"
STALE_AFTER_S = 60.0
"""Without a whole turn for so long, the node is not ready."""
NO_QUORUM_AFTER_S = 60.0
"""Nor when the nodes have not agreed on one of its reports for so long."""


class Metrics:
    """What an operator watches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "medtwin_node_events", "What happened to rounds", ["event", "kind"], registry=self.registry
        )
        self.received = Counter(
            "medtwin_node_observations",
            "Peers' observations by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self.bundles = Counter(
            "medtwin_node_bundles", "Bundles that peers proposed by the answer", ["outcome"], registry=self.registry
        )
        self.limited = Counter("medtwin_node_limited", "Requests beyond the rate", registry=self.registry)
        self.peers = Gauge(
            "medtwin_node_peers", "Peers that do not take what this node sends", ["why"], registry=self.registry
        )
        self.newest = Gauge(
            "medtwin_node_newest_batch_seconds",
            "When the newest batch was anchored (Unix time)",
            registry=self.registry,
        )
        self.due = Gauge("medtwin_node_rounds_due", "Rounds that are not on the chain yet", registry=self.registry)
        self.endpoints = Gauge(
            "medtwin_node_endpoint_asked", "1: this chain endpoint is asked; 0: it is put aside, as it failed or is behind",
            ["endpoint"], registry=self.registry,
        )  # fmt: skip
        self.dissenting = Gauge(
            "medtwin_node_dissenting", "Nodes that signed another report than this one", registry=self.registry
        )
        self.without_quorum = Gauge(
            "medtwin_node_without_quorum_seconds",
            "How long one of its reports has had no quorum",
            registry=self.registry,
        )
        self.drifted = Gauge(
            "medtwin_node_drifted", "1: what this model is asked has drifted", ["model"], registry=self.registry
        )
        self.turned = Gauge(
            "medtwin_node_last_turn_seconds", "When the last whole turn ended (Unix time)", registry=self.registry
        )


class Turns(Protocol):
    """What the service needs of a node: one that takes part, or one that looks on."""

    @property
    def open_rounds(self) -> int: ...
    @property
    def newest_batch_s(self) -> int: ...
    @property
    def dissenting(self) -> set[str]: ...
    @property
    def without_quorum_s(self) -> float: ...
    def turn(self) -> list[Happened]: ...
    def receive(self, observation: Observation) -> bool: ...
    def endorse(self, bundle: Bundle, signature: bytes) -> bytes: ...


@dataclass(slots=True)
class Running:
    """A node and what it says of itself. `problem` is empty when all is well."""

    member: Turns
    metrics: Metrics
    clock_s: Callable[[], float] = time.monotonic
    peers: HttpPeers | None = None
    endpoints: Endpoints | None = None
    watched: Sequence[Watched] = ()
    turned_at_s: float | None = None
    problem: str = "it has not looked at the chain yet"

    def turn(self) -> None:
        """One turn of the node; whatever happens, it will take the next."""
        try:
            look_at(self.endpoints, self.metrics.endpoints)
            happened = self.member.turn()
        except MedtwinError as error:
            self.problem = error.sentence
            print(f"event=turn_failed kind={error.kind}", flush=True)
            return
        except Exception as error:  # the edge: a node that stops looking is worse than one that failed once
            self.problem = "it failed; its log says where"
            print(f"event=failed kind={type(error).__name__} {place_of(error)}", flush=True)
            return
        for one in happened:
            self.metrics.events.labels(one.event, one.kind).inc()
            print(f"event={one.event} round={one.place[2]}" + (f" kind={one.kind}" if one.kind else ""), flush=True)
        for why in ("silent", "differing") if self.peers else ():
            self.metrics.peers.labels(why).set(len(getattr(self.peers, why)))
        for kind in self.watched:
            self.metrics.drifted.labels(kind.name).set(kind.drifted)
        self.metrics.newest.set(self.member.newest_batch_s)
        self.metrics.due.set(self.member.open_rounds)
        self.metrics.dissenting.set(len(self.member.dissenting))
        self.metrics.without_quorum.set(self.member.without_quorum_s)
        self.metrics.turned.set_to_current_time()
        self.turned_at_s, self.problem = self.clock_s(), ""

    def why_not_ready(self) -> str:
        """Empty if its last turn was whole and not long ago, and the nodes agree."""
        if self.turned_at_s is not None and self.clock_s() - self.turned_at_s > STALE_AFTER_S:
            return self.problem or "its last turn takes too long"
        if self.turned_at_s is not None and (waits_s := self.member.without_quorum_s) > NO_QUORUM_AFTER_S:
            return f"no quorum for {waits_s:.0f} s: {len(self.member.dissenting)} nodes say otherwise, or too few say anything"
        return self.problem if self.turned_at_s is None else ""


def service(
    running: Running, address: str, genesis: str, config: str = "", *, requests_a_minute: int = REQUESTS_A_MINUTE
) -> FastAPI:
    """The HTTP face of one node; `config` is the digest of what its peers must have in common with it."""
    metrics = running.metrics
    app = bounded_app("Medtwin node", metrics.registry, metrics.limited, requests_a_minute=requests_a_minute)

    @app.get("/readyz")
    def readyz() -> Response:
        """It looks at the chain, and the chain answers."""
        problem = running.why_not_ready()
        return Response(problem or "ready", 503 if problem else 200, media_type="text/plain")

    @app.get("/v1/identity")
    def identity() -> dict[str, str]:
        """Who this is, and on which chain."""
        return {"address": address, "genesis": genesis, "config": config}

    @app.post("/v1/observations", status_code=204)
    async def observations(request: Request) -> Response:
        """Take what a peer signed; what is not due here is let go, what no node signed is told of."""
        if request.headers.get(CONFIG, config) != config:
            metrics.received.labels("other_config").inc()
            return Response(OTHER_CONFIG, 409, media_type="text/plain")
        refused = 0
        for one in unpack_observations(await request.body()):
            try:
                kept = await run_in_threadpool(running.member.receive, one)
            except VerificationError:
                refused += 1
                metrics.received.labels("refused").inc()
            else:
                metrics.received.labels("kept" if kept else "not_due").inc()
        if refused:
            return Response(f"{refused} observations are not signed by a node", 403, media_type="text/plain")
        return Response(status_code=204)

    @app.post("/v1/bundles")
    async def bundles(request: Request) -> Response:
        """Sign a bundle that a peer proposes, or say why not: 403 if it is wrong, 409 if it cannot be signed now."""
        if request.headers.get(CONFIG, config) != config:
            metrics.bundles.labels("other_config").inc()
            return Response(OTHER_CONFIG, 409, media_type="text/plain")
        proposed = unpack_proposal(await request.body())
        try:
            signature = await run_in_threadpool(running.member.endorse, *proposed)
        except (Denied, StorageError, VerificationError) as error:
            metrics.bundles.labels(error.kind).inc()
            wrong = isinstance(error, VerificationError)
            return Response(error.sentence, 403 if wrong else 409, media_type="text/plain")
        metrics.bundles.labels("signed").inc()
        return Response(signature, media_type="application/octet-stream")

    return app


def serve(running: Running, address: str, genesis: str, config: str, listening: Listening) -> None:
    """Run until stopped."""
    app = service(running, address, genesis, config)
    run(listening.config(app, connections=CONNECTIONS), _look_forever(running))


async def _look_forever(running: Running) -> None:
    while True:
        with suppress(OSError):  # even where nothing can be said of it, on a full disk
            await run_in_threadpool(running.turn)
        await asyncio.sleep(LOOK_EVERY_S)
