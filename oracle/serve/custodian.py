"""A custodian as a small HTTP service; run one per party, each with its own key and state."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Annotated

from fastapi import FastAPI, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CollectorRegistry, Counter, Histogram

from ..custody.release import LocalCustodian
from ..errors import MedtwinError, Refused
from ..formats.wire import (
    MAX_REQUEST_BYTES,
    pack_receipts,
    pack_release,
    pack_statement,
    refusal,
    unpack_erasure,
    unpack_request,
)
from ..ports import Chain
from ..rights.mint import parse_twin_id
from .http import CBOR, REQUESTS_A_MINUTE, bounded_app, run
from .listening import Listening
from .turns import Turns

PAGE = 1_000  # receipts
TwinId = Annotated[str, Path(json_schema_extra={"pattern": "^(0x[0-9a-f]{1,64}|[0-9]{1,78})$", "maxLength": 78})]
BODY = {
    "requestBody": {
        "required": True,
        "content": {CBOR: {"schema": {"type": "string", "format": "binary", "maxLength": MAX_REQUEST_BYTES}}},
    }
}
"""What docs/formats.md describes."""
MOST_RECEIPTS = 2**63 - 1  # what a file can number
ROOT_EVERY_S = 30
CONNECTIONS = 256


class Metrics:
    """What an operator watches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.decisions = Counter(
            "medtwin_custodian_decisions", "Decisions by outcome", ["outcome"], registry=self.registry
        )
        self.limited = Counter("medtwin_custodian_limited", "Requests beyond the rate", registry=self.registry)
        self.seconds = Histogram("medtwin_custodian_decision_seconds", "Time of a decision", registry=self.registry)


def service(custodian: LocalCustodian, *, requests_a_minute: int = REQUESTS_A_MINUTE) -> FastAPI:
    """The HTTP face of one custodian."""
    metrics = Metrics()
    deciding = Turns(custodian.release_together)
    app = bounded_app("Medtwin custodian", metrics.registry, metrics.limited, requests_a_minute=requests_a_minute)

    @app.get("/readyz")
    def readyz() -> Response:
        """It could decide now: its chain endpoints answer and agree."""
        problem = custodian.problem()
        return Response(problem or "ready", 503 if problem else 200, media_type="text/plain")

    @app.get("/v1/identity")
    def identity() -> dict[str, str]:
        """Who this is, and on which chain."""
        return {"address": custodian.address, "genesis": custodian.genesis().hex()}

    @app.get("/v1/keys/{twin_id}")
    def key(twin_id: TwinId) -> Response:
        """The key that shares for a twin are sealed to."""
        return Response(custodian.public_key(parse_twin_id(twin_id)), media_type=CBOR)

    @app.post("/v1/release", openapi_extra=BODY)
    async def release(request: Request) -> Response:
        """Decide on a request; 403 carries the signed receipt of a refusal."""
        asked = unpack_request(await request.body())
        with metrics.seconds.time():
            outcome = await deciding.ask(asked)
        if isinstance(outcome, Refused):
            metrics.decisions.labels(outcome.receipt.reason).inc()
            return Response(pack_release(refusal(outcome.receipt)), 403, media_type=CBOR)
        metrics.decisions.labels("permitted").inc()
        return Response(pack_release(outcome), media_type=CBOR)

    @app.post("/v1/erase", openapi_extra=BODY)
    async def erase(request: Request) -> Response:
        """Destroy the key for a twin on its owner's order; the signed statement."""
        order = unpack_erasure(await request.body())
        return Response(pack_statement(await run_in_threadpool(custodian.erase, order)), media_type=CBOR)

    @app.post("/v1/shares", status_code=204, openapi_extra=BODY)
    async def keep_table(request: Request) -> Response:
        """Keep shares that a twin's owner dealt anew."""
        await run_in_threadpool(custodian.keep_table, await request.body())
        return Response(status_code=204)

    @app.get("/v1/shares/{twin_id}")
    def tables(twin_id: TwinId, since: int = 0) -> Response:
        """One table of a twin; nothing behind the last."""
        kept = islice(custodian.tables(parse_twin_id(twin_id)), min(max(0, since), MOST_RECEIPTS), None)
        table = next(kept, b"")
        return Response(table, 200 if table else 204, media_type=CBOR)

    @app.get("/v1/receipts")
    def receipts(since: int = 0) -> Response:
        """A page of the log."""
        first = min(max(0, since), MOST_RECEIPTS)
        return Response(pack_receipts(list(islice(custodian.receipts(since=first), PAGE))), media_type=CBOR)

    return app


def serve(
    custodian: LocalCustodian, chain: Chain, listening: Listening, *, requests_a_minute: int = REQUESTS_A_MINUTE
) -> None:
    """Run until stopped; puts the log's root on the chain every half minute."""
    app = service(custodian, requests_a_minute=requests_a_minute)
    run(listening.config(app, connections=CONNECTIONS), _root_forever(custodian, chain))


async def _root_forever(custodian: LocalCustodian, chain: Chain) -> None:
    while True:
        await asyncio.sleep(ROOT_EVERY_S)
        try:
            await run_in_threadpool(custodian.post_root, chain)
        except MedtwinError as error:  # the next turn tries again
            print(f"event=root_failed kind={error.kind}", flush=True)
