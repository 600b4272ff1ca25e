"""A chain's address asked in batches, by a server that answers as it likes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from web3.exceptions import BadResponseFormat, Web3RPCError

from oracle.adapters.rpc import AT_ONCE, LINES, Rpc

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


def test_threads_share_messages_and_each_gets_its_own_answer() -> None:
    """While both lines are busy, what others ask waits and goes in one message; a refusal is only its asker's."""
    held, count = threading.Event(), 40

    def answer(asked: Any) -> Any:
        held.wait(30)
        told = [
            {"id": one["id"], "error": {"code": 3, "message": f"no {one['params'][0]}"}}
            if one["params"][0] % 5 == 0
            else {"id": one["id"], "result": one["params"][0]}
            for one in (asked if isinstance(asked, list) else [asked])
        ]
        return told[::-1] if isinstance(asked, list) else told[0]

    with server(answer) as (rpc, asked), ThreadPoolExecutor(count) as pool:
        jobs = [pool.submit(rpc.ask, [("echo", [number])]) for number in range(count)]
        end = time.monotonic() + 30
        while len(rpc._waiting) < count - LINES and time.monotonic() < end:
            time.sleep(0.01)
        held.set()
        for number, job in enumerate(jobs):
            if number % 5:
                assert job.result() == [number]
            else:
                with pytest.raises(Web3RPCError, match=f"no {number}"):
                    job.result()
    assert sorted(len(one) if isinstance(one, list) else 1 for one in asked) == [*[1] * LINES, count - LINES]


def test_a_message_that_is_lost_is_lost_for_all_in_it() -> None:
    """Nobody waits for ever for what somebody else sent."""
    with server(lambda _: None) as (rpc, _), ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(rpc.ask, [("echo", [number])]) for number in range(8)]
        for job in jobs:
            with pytest.raises(httpx.HTTPError):
                job.result(timeout=30)
