"""A running ``medtwin dev``."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from oracle.adapters.process import free_port

from .clinic import COMMAND, ROOT, clean_environment

START_S = 240.0


class Dev:
    """A running ``medtwin dev`` with its output in a file."""

    def __init__(self, home: Path, chain_port: int, **environment: str) -> None:
        self.home, self.port = home, chain_port
        self.custodian_port = three_free_ports()
        self.portal_port = free_port()
        self.log = home.with_suffix(f".{chain_port}.log")
        self.environment = clean_environment(
            MEDTWIN_HOME=str(home), MEDTWIN_DEPLOYMENT=str(home / "deployment.json"), COLUMNS="200", **environment
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *COMMAND, "dev", "--port", str(chain_port), "--custodian-port", str(self.custodian_port),
                    "--portal-port", str(self.portal_port),
                ],
                cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text("utf-8")

    def wait_for(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Whether `ready` came true while it ran."""
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                return ready()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)
        return True

    def children(self) -> dict[int, str]:
        """The processes that it started, with their command lines."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid:
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def printed_commands(self) -> tuple[dict[str, str], list[list[str]]]:
        """The settings and the commands under "In another terminal"."""
        lines = self.said().partition("In another terminal:")[2].splitlines()
        exported = next(line for line in lines if line.startswith("export "))
        settings = dict(word.split("=", 1) for word in shlex.split(exported)[1:])
        return settings, [shlex.split(line)[1:] for line in lines if line.startswith("medtwin ")]


def three_free_ports() -> int:
    """The first of three loopback ports in a row that nobody listens on now."""
    while True:
        first = free_port()
        with ExitStack() as held, suppress(OSError, OverflowError):
            for port in range(first, first + 3):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@contextmanager
def started(home: Path, port: int, **environment: str) -> Iterator[Dev]:
    """A hospital that came up with these settings; whatever is left of it is ended by its ids."""
    home.mkdir(exist_ok=True)
    dev = Dev(home, port, **environment)
    children: dict[int, str] = {}
    try:
        assert dev.wait_for(lambda: "Ctrl-C stops everything" in dev.said(), START_S), dev.said()
        children = dev.children()
        yield dev
    finally:
        if dev.process.poll() is None:
            dev.process.kill()
        dev.process.wait()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
