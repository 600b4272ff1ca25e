"""Ways to break a running system from outside: processes that are killed or frozen, connections that go bad."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from oracle.adapters.process import free_port

BLOCK_BYTES = 65_536
ANSWERS = {
    "429": b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "garbage": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"result\": 7",
}  # fmt: skip


class Service:
    """A program in its own process group, started again as often as it is killed."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> None:
        self.name, self._command, self._log, self._environment = name, list(command), log, environment
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Run it, its words appended to the log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(self._environment),
                start_new_session=True,
            )  # fmt: skip

    @property
    def runs(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to all of it."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        if number == signal.SIGKILL:
            self._process.wait()


class Proxy:
    """A loopback port in front of another one. `mode` is ok, reset, hang, 429 or garbage; a change breaks what is open."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to, self._mode, self._open = port, "ok", set[socket.socket]()
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=64)
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
        try:
            if self._mode == "ok":
                self._pass_on(client)
            elif self._mode == "hang":
                while self._mode == "hang" and client in self._open:
                    time.sleep(0.1)
            elif self._mode in ANSWERS:
                client.recv(BLOCK_BYTES)
                client.sendall(ANSWERS[self._mode])
        except OSError:
            pass
        finally:
            self._open.discard(client)
            _cut(client)

    def _pass_on(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._to)) as server:
            self._open.add(server)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()
            self._open.discard(server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(BLOCK_BYTES):
            target.sendall(block)
    _cut(source)
    _cut(target)


def _cut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
