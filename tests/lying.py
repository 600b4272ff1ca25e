"""A chain's endpoint over HTTP that answers as it likes: it is asked, told the truth, and says what a test chooses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, bytes]
Truth = Callable[[list[Any]], list[Any]]
"""Answers of JSON-RPC to the questions of a message."""
Lie = Callable[[list[Any], bytes], Answer]
"""From what was asked and the true answer to a status and a body."""


def honest(_: list[Any], true: bytes) -> Answer:
    """The truth."""
    return 200, true


@contextmanager
def endpoint(truth: Truth, lie: Callable[[], Lie]) -> Iterator[str]:
    """Its address, until left; what it does is asked anew for each message."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            listed = asked if isinstance(asked, list) else [asked]
            told = truth(listed)
            status, body = lie()(listed, json.dumps(told if isinstance(asked, list) else told[0]).encode())
            with suppress(ConnectionError):  # nobody waited for it
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def everything(result: Any) -> Lie:
    """One result for all questions of a message."""

    def lie(asked: list[Any], _: bytes) -> Answer:
        told = [{"id": one["id"], "result": result} for one in asked]
        return 200, json.dumps(told if len(told) > 1 else told[0]).encode()

    return lie


def changed(method: str, change: Callable[[Any], Any]) -> Lie:
    """The truth, but for the results of one method."""

    def lie(asked: list[Any], true: bytes) -> Answer:
        found = json.loads(true)
        told = found if isinstance(found, list) else [found]
        for one, answer in zip(asked, told, strict=True):
            if one["method"] == method and answer.get("result"):
                answer["result"] = change(answer["result"])
        return 200, json.dumps(found).encode()

    return lie


def late(seconds: float) -> Lie:
    """The truth, after longer than anybody waits."""

    def lie(_: list[Any], true: bytes) -> Answer:
        time.sleep(seconds)
        return 200, true

    return lie
