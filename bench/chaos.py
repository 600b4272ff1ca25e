"""Ways to break a running system from outside: processes that are killed, frozen, out of disk or out of time, connections that go bad."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Protocol

from oracle.adapters.process import free_port
from oracle.serve import cli

from .machines import enter

BLOCK_BYTES = 65_536
SLOW_S = 0.7
DAMAGED_FROM = 1_000
"""Bytes of an answer: shorter ones carry no block."""
STALE_BLOCKS, AHEAD_BLOCKS = 8, 5
ANSWERS = {
    "429": b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "garbage": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"result\": 7",
}  # fmt: skip
LIES = ("stale", "ahead")
"""Of a chain endpoint: all as it was some blocks ago, or a head that nobody mined."""


class Process(Protocol):
    """Something that can be signalled and started again."""

    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def revive(self) -> None:
        """Start it again if it ended by itself, as a service does that finds no chain when it starts."""
        ...

    def signal(self, number: int) -> None: ...


class Program:
    """A program in its own process group."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._command, self._log, self._environment = list(command), log, environment
        self._lock = threading.RLock()
        self.start()

    def start(self) -> None:
        """Run it, its words appended to the log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
                start_new_session=True,
            )  # fmt: skip
        self._stopped = False

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    def revive(self) -> None:
        """Start it again if it ended by itself."""
        with self._lock:
            if not self._stopped and self._process.poll() is not None:
                self.start()

    def signal(self, number: int) -> None:
        """Send a signal to all of it; after one that ends it, it is gone when this returns."""
        with self._lock:
            self._stopped = number in (signal.SIGKILL, signal.SIGTERM)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        if self._stopped:
            self._process.wait()


class Forked:
    """A command of ours, forked from a process that has read the program already, so that it is back soon after each kill."""

    def __init__(
        self, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str],
        main: Callable[[], None] = cli.main, machine: str = "",
    ) -> None:  # fmt: skip
        self._arguments, self._log, self._environment, self._main = list(arguments), log, dict(environment), main
        self._machine = machine
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["oracle.serve.cli", "oracle.serve.custodian", "oracle.serve.node"])
        self._lock = threading.RLock()
        self._ahead_s = self._context.Value("d", 0.0)
        self.start()

    def start(self) -> None:
        """Run it, its words appended to the log."""
        given = (self._main, self._arguments, self._log, self._environment, self._ahead_s, self._machine)
        process = self._context.Process(target=_run, args=given)
        process.start()
        self._process, self._stopped = process, False

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return int(self._process.pid or 0)

    def revive(self) -> None:
        """Start it again if it ended by itself."""
        with self._lock:
            if not self._stopped and not self._process.is_alive():
                self.start()

    def signal(self, number: int) -> None:
        """Send a signal; after SIGKILL it is gone when this returns."""
        with self._lock:
            self._stopped = number == signal.SIGKILL
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        if self._stopped:
            self._process.join()

    def jump(self, seconds: float) -> None:
        """Put its clock ahead of the machine's, or back."""
        self._ahead_s.value = seconds

    def fill_disk(self, full: bool) -> None:
        """No write to a file succeeds any more, or all do again."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0 if full else hard, hard))


def _run(
    main: Callable[[], None], arguments: list[str], log: Path, environment: dict[str, str], ahead_s: Any, machine: str
) -> None:
    """The command in this process."""
    if machine:
        enter(machine)
    with log.open("ab") as words:
        for stream in (1, 2):
            os.dup2(words.fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["medtwin", *arguments]
    machine_s = time.time
    time.time = lambda: machine_s() + ahead_s.value
    main()


class Proxy:
    """A port in front of a loopback one.

    `mode` is ok, reset, hang, slow, flip (bytes of blocks), one of ANSWERS or of LIES; a change breaks what is open.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port, self.to = free_port(), port
        self._mode, self._open = "ok", set[socket.socket]()
        self._listening = socket.create_server((host, self.port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def mode(self) -> str:
        """How it treats connections."""
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        self._mode = mode
        for one in list(self._open):
            _cut(one)

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        mode = self._mode
        try:
            if mode in ("ok", "slow", "flip"):
                self._pass_on(client, mode)
            elif mode == "hang":
                while self._mode == "hang" and client in self._open:
                    time.sleep(0.1)
            elif mode in ANSWERS:
                client.recv(BLOCK_BYTES)
                client.sendall(ANSWERS[mode])
            elif mode in LIES:
                _Liar(client, ("", 0), self)  # type: ignore[arg-type]
        except (OSError, ValueError, KeyError, TypeError):  # cut in the middle, or there is nothing to lie about
            pass
        finally:
            self._open.discard(client)
            _cut(client)

    def _pass_on(self, client: socket.socket, mode: str) -> None:
        with socket.create_connection(("127.0.0.1", self.to)) as server:
            self._open.add(server)
            back = threading.Thread(target=_copy, args=(server, client, mode), daemon=True)
            back.start()
            _copy(client, server)
            back.join()
            self._open.discard(server)


class _Liar(BaseHTTPRequestHandler):
    """A chain endpoint that says of the head what is not so."""

    protocol_version = "HTTP/1.1"
    server: Proxy  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        requests = body if isinstance(body, list) else [body]
        if self.server.mode == "stale":
            then = hex(max(0, int(self._ask({"method": "eth_blockNumber", "params": []})["result"], 16) - STALE_BLOCKS))
            requests = [_instead_of_latest(one, then) for one in requests]
        answers = [self._ask(one) for one in requests]
        for request, answer in zip(requests, answers, strict=True):
            if request["method"] == "eth_getBlockByNumber" and request["params"][0] == "latest":
                answer["result"]["number"] = hex(int(answer["result"]["number"], 16) + AHEAD_BLOCKS)
        told = json.dumps(answers if isinstance(body, list) else answers[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: Any) -> None:
        """It tells nobody."""

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.server.to, timeout=10)
        connection.request(
            "POST", "/", json.dumps({"jsonrpc": "2.0", "id": 1, **request}), {"Content-Type": "application/json"}
        )
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer


def _instead_of_latest(told: Any, block: str) -> Any:
    """The same question about an earlier block."""
    if isinstance(told, dict):
        return {key: _instead_of_latest(value, block) for key, value in told.items()}
    if isinstance(told, list):
        return [_instead_of_latest(value, block) for value in told]
    return block if told == "latest" else told


def _copy(source: socket.socket, target: socket.socket, mode: str = "ok") -> None:
    with suppress(OSError):
        while block := source.recv(BLOCK_BYTES):
            if mode == "slow":
                time.sleep(SLOW_S)
            if mode == "flip" and len(block) > DAMAGED_FROM:
                block = bytes(byte ^ (at == len(block) // 2) for at, byte in enumerate(block))
            target.sendall(block)
    _cut(source)
    _cut(target)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
