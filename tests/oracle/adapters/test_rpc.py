"""A chain's address asked in batches, by a server that answers as it likes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from web3.exceptions import BadResponseFormat, Web3RPCError

from oracle.adapters.rpc import AT_ONCE, Rpc

Answer = Callable[[Any], Any]
"""From what was asked to what is answered; None closes the connection without a word."""


@contextmanager
def server(answer: Answer) -> Iterator[tuple[Rpc, list[Any]]]:
    """A client of a server on loopback, and what the server was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            told = answer(asked[-1])
            if told is None:
                self.close_connection = True
                return
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield Rpc(f"http://127.0.0.1:{running.server_port}", timeout_s=5), asked
        finally:
            running.shutdown()


def echoed(asked: Any) -> Any:
    """Each request's first parameter, the last request first."""
    told = [{"id": one["id"], "result": one["params"][0]} for one in (asked if isinstance(asked, list) else [asked])]
    return told[::-1] if isinstance(asked, list) else told[0]


@pytest.mark.parametrize("count", [1, 2, AT_ONCE, AT_ONCE + 1])
def test_answers_come_in_the_order_of_the_questions(count: int) -> None:
    """Whatever order the server prefers, and however many messages it takes."""
    with server(echoed) as (rpc, asked):
        assert rpc.ask([("echo", [number]) for number in range(count)]) == list(range(count))
    assert len(asked) == -(-count // AT_ONCE)


@pytest.mark.parametrize("told", [[], [{"id": 0, "result": 1}], [{"id": 0, "result": 1}, {"id": 7, "result": 2}], 5])
def test_a_question_without_an_answer_is_an_error(told: Any) -> None:
    """One is left out, or is another's: nothing is guessed."""
    with server(lambda _: told) as (rpc, _), pytest.raises(BadResponseFormat):
        rpc.ask([("echo", [1]), ("echo", [2])])


def test_one_refusal_is_the_callers_to_know() -> None:
    """The error of one request, or one for the whole message."""
    error = {"code": 3, "message": "no such thing", "data": "0x01"}
    for told in ([{"id": 0, "result": 1}, {"id": 1, "error": error}], {"id": None, "error": error}):
        with server(lambda _, told=told: told) as (rpc, _), pytest.raises(Web3RPCError, match="no such thing"):  # type: ignore[misc]
            rpc.ask([("echo", [1]), ("echo", [2])])


def test_reading_is_tried_again_sending_is_not() -> None:
    """A connection that closes without a word may have delivered what was sent."""
    with server(lambda _: None) as (rpc, asked):
        with pytest.raises(httpx.HTTPError):
            rpc.ask([("eth_call", [{}])])
        read = len(asked)
        with pytest.raises(httpx.HTTPError):
            rpc.ask([("eth_sendRawTransaction", ["0x00"])])
        assert (read, len(asked) - read) == (3, 1)
