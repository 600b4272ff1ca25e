"""What every service of ours has in common: limits before work, one sentence per error, nothing about anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Protocol

import uvicorn
from fastapi import FastAPI, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Denied, InputError, MedtwinError, NotFound
from ..formats.wire import MAX_REQUEST_BYTES

REQUESTS_A_MINUTE = 6_000  # of one address
CBOR = "application/cbor"


class Bounded:
    """A service that gives each address a budget, reads no body further than allowed, and says of its own failures nothing but where.

    `hit` counts a request of an address and says whether it is within the budget.
    """

    def __init__(self, app: ASGIApp, hit: Callable[[str], bool], most_bytes: int) -> None:
        self._app, self._hit, self._most_bytes = app, hit, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._hit((scope.get("client") or ("unknown",))[0]):
            answer = Response("too many requests; wait a minute", 429, {"Retry-After": "60"}, media_type="text/plain")
            await answer(scope, receive, send)
            return
        read, begun = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise InputError("the request is too large", hint="ask for less at once", kind="too_large")
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except Exception as error:  # else the server writes out the error's text, which may name a twin
            print(f"event=failed kind={type(error).__name__} {place_of(error)}", flush=True)
            if not begun:
                answer = Response("the service failed; its log says where", 500, media_type="text/plain")
                await answer(scope, receive, send)


def bounded_app(
    title: str,
    registry: CollectorRegistry,
    limited: Counter,
    *,
    requests_a_minute: int,
    most_bytes: int = MAX_REQUEST_BYTES,
) -> FastAPI:
    """An app with a budget per address, bodies of a bounded size, health, metrics, and errors that say one sentence.

    `limited` counts the requests beyond the budget.
    """
    app = FastAPI(title=title, version="1", docs_url=None, redoc_url=None)
    budget, a_minute = SlidingWindowCounterRateLimiter(MemoryStorage()), RateLimitItemPerMinute(requests_a_minute)

    def hit(client: str) -> bool:
        within = budget.hit(a_minute, client)
        if not within:
            limited.inc()
        return within

    app.add_middleware(Bounded, hit=hit, most_bytes=most_bytes)

    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers."""
        return Response("ok", media_type="text/plain")

    @app.get("/metrics")
    def exposed() -> Response:
        """Counts for Prometheus; nothing about anybody."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.exception_handler(MedtwinError)
    async def said_no(_: Request, error: MedtwinError) -> Response:
        """One sentence, no facts about anybody."""
        gone = isinstance(error, Denied) and error.kind == "erased"
        statuses = ((NotFound, 404), (Denied, 410 if gone else 403), (InputError, 400))
        status = next((status for kind, status in statuses if isinstance(error, kind)), 503)
        return Response(error.sentence, status, media_type="text/plain")

    return app


def run(config: uvicorn.Config, beside: Coroutine[None, None, None]) -> None:
    """Serve until stopped, with what goes on beside it."""

    async def both() -> None:
        aside = asyncio.create_task(beside)
        try:
            await uvicorn.Server(config).serve()
        finally:
            aside.cancel()

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(both())


class Endpoints(Protocol):
    """Several ways to one chain."""

    def look(self) -> Mapping[str, str]:
        """Each by name, and why it is not asked; empty if it is."""
        ...


def look_at(endpoints: Endpoints | None, asked: Gauge) -> None:
    """Show which endpoints are asked."""
    for name, why in (endpoints.look() if endpoints else {}).items():
        asked.labels(name).set(not why)


def place_of(error: Exception) -> str:
    """Where it was raised: a file and a line, no values."""
    frame = extract_tb(error.__traceback__)[-1]
    return f"file={Path(frame.filename).name} line={frame.lineno}"
