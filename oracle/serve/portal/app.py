"""The portal as a web server: pages, the chain and the custodians behind them, sign-in, paid transactions."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Annotated

import httpx
import segno
import uvicorn
from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, Field

from ...custody.erase import carry_out, to_json
from ...errors import Denied, InputError, MedtwinError, NotFound
from ...ports import Mined
from ..http import CBOR, REQUESTS_A_MINUTE, bounded_app
from .desk import Desk, desk_routes
from .portal import Config, Person, Portal, described
from .relay import (
    HEX,
    ErasureOrder,
    NewAccount,
    Recovery,
    Relay,
    SignedCall,
    SignedCase,
    SignedCommand,
    SignedGrant,
    SignedRevocation,
)
from .sessions import IDLE_S, LONGEST_MESSAGE

PAGES = ("", "welcome", "invite", "patient", "research", "ward", "hospital", "verify", "guardians", "recover")
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
COOKIE = "medtwin"
PATH = "^(/[0-9A-Za-z]{1,80}){1,6}$"  # of a page
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
LOOPBACK = "localhost"  # the only name that browsers trust without TLS
READ_METHODS = {
    "eth_blockNumber", "eth_call", "eth_chainId", "eth_estimateGas", "eth_gasPrice", "eth_getBalance", "eth_getCode",
    "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionByHash", "eth_getTransactionCount",
    "eth_getTransactionReceipt", "eth_maxPriorityFeePerGas", "eth_feeHistory", "eth_sendRawTransaction", "net_version",
}  # fmt: skip
"""What a page may ask the chain; the last but one carries what somebody signed at home."""
CUSTODIAN_PATHS = re.compile(r"v1/(identity|receipts|release|shares/0x[0-9a-f]{1,64})|readyz")
TIMEOUT_S = 15.0
PAID_A_MINUTE, PAID_A_DAY, ACCOUNTS_A_DAY, ACCOUNTS_OF_ONE = 30, 500, 50, 10  # the last: of one address


class SignIn(BaseModel):
    """A signed EIP-4361 message."""

    message: str = Field(max_length=LONGEST_MESSAGE)
    signature: str = HEX


def service(portal: Portal, *, requests_a_minute: int = REQUESTS_A_MINUTE) -> FastAPI:
    """The portal's HTTP face."""
    registry = CollectorRegistry()
    limited = Counter("medtwin_portal_limited", "Requests beyond the rate", registry=registry)
    paid = Counter("medtwin_portal_paid", "Transactions paid for", ["what"], registry=registry)
    app = bounded_app("Medtwin portal", registry, limited, requests_a_minute=requests_a_minute)
    budget = MovingWindowRateLimiter(MemoryStorage())
    client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)
    files = {path.name: path.read_bytes() for path in resources.files("oracle.artifacts.portal").iterdir()}
    policy = content_policy(portal.witnesses)
    host = portal.site.partition(":")[0]

    app.add_middleware(GZipMiddleware, minimum_size=1_000)

    @app.middleware("http")
    async def guarded(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        """Nothing comes by another name, is posted from another site, framed by one, or loaded from one."""
        if request.url.path not in ("/healthz", "/metrics") and request.headers.get("host") != portal.site:
            return problem(421, f"this is the portal of {portal.site}", kind="wrong_site")
        origin = request.headers.get("origin")
        if request.method == "POST" and origin is not None and origin.partition("://")[2] != portal.site:
            return problem(403, "this was sent from another site", kind="wrong_site")
        answer = await proceed(request)
        answer.headers.update(policy)
        return answer

    @app.exception_handler(MedtwinError)
    async def said_no(_: Request, error: MedtwinError) -> Response:
        statuses = ((NotFound, 404), (Denied, 401 if error.kind == "no_session" else 403), (InputError, 400))
        status = next((status for kind, status in statuses if isinstance(error, kind)), 503)
        return problem(status, error.sentence, kind=error.kind, hint=error.hint)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        return problem(
            400, "a field is missing or malformed: " + ", ".join(str(one["loc"][-1]) for one in error.errors())
        )

    def signed_in(request: Request) -> str:
        return portal.sessions.account(request.cookies.get(COOKIE))

    @contextmanager
    def paying(who: str, what: str) -> Iterator[Relay]:
        """Within what one of them, and all together, may cost; only what was really sent counts."""
        if portal.relay is None:
            raise NotFound("this portal pays for nothing", hint="send it with a wallet of your own", kind="no_relay")
        limits: list[tuple[RateLimitItem, str]] = [
            (RateLimitItemPerMinute(PAID_A_MINUTE), who),
            (RateLimitItemPerDay(PAID_A_DAY), "all"),
        ]
        if what == "account":
            limits += [(RateLimitItemPerDay(ACCOUNTS_A_DAY), "accounts"), (RateLimitItemPerDay(ACCOUNTS_OF_ONE), who)]
        if not all(budget.test(limit, key) for limit, key in limits):
            raise Denied("the budget for today's transactions is used up", hint="try later", kind="over_budget")
        yield portal.relay
        for limit, key in limits:
            budget.hit(limit, key)
        paid.labels(what).inc()

    app.include_router(desk_routes(Desk(portal.people or {}, time.monotonic), signed_in))

    @app.get("/api/config")
    def config() -> Config:
        """The deployment, for the page to check."""
        return described(portal)

    @app.get("/api/people")
    def people(request: Request) -> dict[str, Person]:
        """Names of accounts, for those signed in."""
        signed_in(request)
        return dict(portal.people or {})

    @app.get("/api/qr")
    def qr(path: str = Query(pattern=PATH)) -> Response:
        """One of this portal's own pages as a QR code (SVG), to be opened on somebody's phone."""
        scheme = "http" if host == LOOPBACK else "https"
        drawn = io.BytesIO()
        code = segno.make(f"{scheme}://{portal.site}{path}", micro=False, error="m")
        code.save(drawn, kind="svg", scale=6, dark="#000", light="#fff", xmldecl=False)
        return Response(drawn.getvalue(), media_type=TYPES[".svg"])

    @app.get("/api/models/{digest}")
    def card(digest: str) -> Response:
        """A model's card; its SHA-256 is on the chain."""
        found = next(
            (kind for kind in portal.kinds.values() if kind.model_digest.hex() == digest.removeprefix("0x")), None
        )
        if found is None:
            raise NotFound("there is no such model here", hint="see the list of models")
        return JSONResponse(found.card)

    @app.post("/api/session/nonce")
    def nonce() -> dict[str, str]:
        return {"nonce": portal.sessions.nonce()}

    @app.post("/api/session")
    def sign_in(request: Request, body: SignIn) -> Response:
        """Open a session; whatever session the browser had is closed."""
        token = portal.sessions.open(body.message, bytes.fromhex(body.signature.removeprefix("0x")), portal.site)
        portal.sessions.close(request.cookies.get(COOKIE))
        answer = JSONResponse({"idle_s": IDLE_S})
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=host != LOOPBACK)
        return answer

    @app.post("/api/session/end")
    def sign_out(request: Request) -> Response:
        portal.sessions.close(request.cookies.get(COOKIE))
        answer = JSONResponse({})
        answer.delete_cookie(COOKIE)
        return answer

    @app.post("/api/accounts")
    def new_account(request: Request, key: NewAccount) -> dict[str, str]:
        """A passkey's account. Nobody is signed in yet, so the address that asks is what is limited."""
        who = request.client.host if request.client else "unknown"
        with paying(who, "account") as relay:
            return {"account": relay.account(key, host)}

    @app.post("/api/recover")
    def recover(request: Request, key: Recovery) -> dict[str, str]:
        """Put the key in place that enough guardians asked for; whoever lost theirs cannot sign in to ask."""
        who = request.client.host if request.client else "unknown"
        with paying(who, "account") as relay:
            return _sent(relay.recover(key))

    @app.post("/api/relay/grant")
    def grant(request: Request, signed: SignedGrant) -> dict[str, str]:
        with paying(signed_in(request), "grant") as relay:
            return _sent(relay.grant(signed))

    @app.post("/api/relay/revoke")
    def revoke(request: Request, signed: SignedRevocation) -> dict[str, str]:
        with paying(signed_in(request), "revoke") as relay:
            return _sent(relay.revoke(signed))

    @app.post("/api/relay/case")
    def case(request: Request, signed: SignedCase) -> dict[str, str]:
        with paying(signed_in(request), "case") as relay:
            return _sent(relay.case(signed))

    @app.post("/api/relay/command")
    def command(request: Request, signed: SignedCommand) -> dict[str, str]:
        with paying(signed_in(request), "command") as relay:
            return _sent(relay.command(signed))

    @app.post("/api/relay/call")
    def call(request: Request, signed: SignedCall) -> dict[str, str]:
        with paying(signed_in(request), "call") as relay:
            return _sent(relay.call(signed))

    @app.post("/api/erase")
    def erase(request: Request, ordered: ErasureOrder) -> Response:
        """Carry out an owner's signed order: the custodians destroy their keys, the store its blocks."""
        signed_in(request)
        chain = portal.chain
        order = ordered.request()
        certificate = carry_out(chain, portal.store, portal.custodians, order, chain.deployment.genesis)
        return Response(to_json(certificate), media_type="application/json")

    @app.post("/rpc")
    async def rpc(request: Request) -> Response:
        """The chain, for reading and for what was signed elsewhere."""
        body = await request.body()
        try:
            asked = json.loads(body)
            identifier, method, parameters = asked["id"], asked["method"], asked.get("params", [])
        except (ValueError, TypeError, KeyError):
            raise InputError("this is not a JSON-RPC request", hint="one request at a time") from None
        if method not in READ_METHODS:
            raise Denied(f"{str(method)[:40]} is not for pages", hint="use the chain's own address", kind="not_allowed")
        # Written anew: a chain's node may read other spellings of the fields that were looked at here.
        clean = {"jsonrpc": "2.0", "id": identifier, "method": method, "params": parameters}
        return await _forward(client, "POST", portal.chain_url, json.dumps(clean).encode(), "application/json")

    @app.api_route("/custodians/{number}/{path:path}", methods=["GET", "POST"], include_in_schema=False)
    async def custodian(number: int, path: str, request: Request) -> Response:
        """A custodian, byte for byte; the page checks its signature."""
        if not 1 <= number <= len(portal.custodians) or not CUSTODIAN_PATHS.fullmatch(path):
            raise NotFound("there is nothing here", hint="see /openapi.json")
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            raise InputError("since is not a number", hint="leave it out")
        url = f"{portal.custodian_urls[number - 1]}/{path}?since={since}"
        return await _forward(client, request.method, url, await request.body(), CBOR)

    @app.get("/blocks/{digest}")
    def block(digest: Digest) -> Response:
        """A sealed block by its SHA-256; nobody can read it without the custodians."""
        wanted = bytes.fromhex(digest)
        if not portal.store.has(wanted):
            raise NotFound("the store has no such block", hint="its twin may have been erased")
        return Response(portal.store.get(wanted), media_type="application/octet-stream")

    @app.get("/explanations/{root}")
    def explanation(root: Digest) -> Response:
        """Why a report says what it says, sealed; by the root that the report has on the chain."""
        digest = portal.explanations.find(bytes.fromhex(root)) if portal.explanations else None
        if digest is None or not portal.store.has(digest):
            raise NotFound("the reasons of this report are not kept here", hint="ask the node that made it")
        return Response(portal.store.get(digest), media_type="application/octet-stream")

    @app.get("/{path:path}")
    def page(path: str) -> Response:
        """The built files; every page's address gives the same shell."""
        if path.partition("/")[0] in PAGES:
            path = "index.html"
        if path not in files:
            raise NotFound("there is no such page", hint="start at /")
        media = TYPES["." + path.rpartition(".")[2]]
        forever = path.startswith("part-")  # its name has its content's hash in it
        cache = "public, max-age=31536000, immutable" if forever else "no-cache"
        return Response(files[path], media_type=media, headers={"Cache-Control": cache})

    return app


def content_policy(witnesses: Sequence[str]) -> dict[str, str]:
    """The headers of every answer: scripts and styles from here alone, requests to here and the witnesses."""
    allowed = " ".join(("'self'", *witnesses))
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; connect-src {allowed}; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), "
        "microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def problem(status: int, detail: str, **more: str) -> Response:
    """An error as RFC 9457 has it."""
    body = {"type": "about:blank", "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def serve(portal: Portal, *, port: int) -> None:
    """Run on loopback until stopped."""
    uvicorn.run(
        service(portal), host="127.0.0.1", port=port, log_level="warning", access_log=False, timeout_keep_alive=5
    )


async def _forward(client: httpx.AsyncClient, method: str, url: str, body: bytes, media: str) -> Response:
    try:
        answer = await client.request(method, url, content=body or None, headers={"content-type": media})
    except httpx.HTTPError:
        return problem(502, "it does not answer", kind="unreachable")
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


def _sent(mined: Mined) -> dict[str, str]:
    return {"transaction": "0x" + mined.transaction.hex()}
