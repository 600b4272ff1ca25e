"""What every service of ours has in common: limits before work, one sentence per error, nothing about anybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Protocol

from fastapi import FastAPI, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Denied, InputError, MedtwinError, NotFound
from ..formats.wire import MAX_REQUEST_BYTES

REQUESTS_A_MINUTE = 6_000  # of one address
CBOR = "application/cbor"


class Bounded:
    """A service that reads no body further than allowed."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app, self._most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise InputError("the request is too large", hint="ask for less at once", kind="too_large")
            return message

        await self._app(scope, counted, send)


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
    app.add_middleware(Bounded, most_bytes=most_bytes)
    budget_a_minute = RateLimitItemPerMinute(requests_a_minute)
    budget = MovingWindowRateLimiter(MemoryStorage())

    @app.middleware("http")
    async def bounded(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        """So many requests a minute and address; the rest is refused before anything is computed."""
        client = request.client.host if request.client else "unknown"
        if not budget.hit(budget_a_minute, client):
            limited.inc()
            return Response("too many requests; wait a minute", 429, {"Retry-After": "60"}, media_type="text/plain")
        try:
            return await proceed(request)
        except Exception as error:  # else the server writes out the error's text, which may name a twin
            print(f"event=failed kind={type(error).__name__} {place_of(error)}", flush=True)
            return Response("the service failed; its log says where", 500, media_type="text/plain")

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
