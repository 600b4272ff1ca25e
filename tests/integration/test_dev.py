"""``medtwin dev``: a hospital to develop against, from its first line to the last process it ends.

dev
  given free ports
    it prints addresses and commands, and these commands work in another terminal
  given Ctrl-C, or a terminal that is closed
    it ends every process that it started
  given a second start in the same folder
    it comes up again on the new chain
  given a chain that was started anew underneath
    it says so and ends
"""

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

import pytest

from oracle import errors
from oracle.adapters.ganache import ganache
from oracle.adapters.process import free_port

from .clinic import COMMAND, ROOT, Cli, clean_environment

START_S = 240.0
END_S = 60.0


class Dev:
    """A running ``medtwin dev`` with its output in a file."""

    def __init__(self, home: Path, chain_port: int) -> None:
        self.home, self.port = home, chain_port
        self.custodian_port = three_free_ports()
        self.log = home.with_suffix(f".{chain_port}.log")
        self.environment = clean_environment(
            MEDTWIN_HOME=str(home), MEDTWIN_DEPLOYMENT=str(home / "deployment.json"), COLUMNS="200"
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "dev", "--port", str(chain_port), "--custodian-port", str(self.custodian_port)], cwd=ROOT,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
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


def runs(pid: int) -> bool:
    """Whether a process is there and not merely unreaped."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@contextmanager
def started(home: Path, port: int) -> Iterator[Dev]:
    """A hospital that came up; whatever is left of it is ended by its ids."""
    home.mkdir(exist_ok=True)
    dev = Dev(home, port)
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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the hospital; both starts use it."""
    return tmp_path_factory.mktemp("dev") / "home"


def end_with(dev: Dev, ending: signal.Signals) -> None:
    """Send a signal; every process must go."""
    children = dev.children()
    assert sum("ganache" in line for line in children.values()) == 1
    assert sum("custodian serve" in line for line in children.values()) == 3

    dev.process.send_signal(ending)
    dev.process.wait(END_S)

    assert dev.process.returncode == 130, dev.said()
    assert "Traceback" not in dev.said()
    assert dev.said().rstrip().endswith("stopped")
    assert not [line for pid, line in children.items() if runs(pid)]
    for port in (dev.port, *range(dev.custodian_port, dev.custodian_port + 3)):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)


def test_printed_commands_work_and_ctrl_c_ends_everything(home: Path) -> None:
    """What a developer reads, types and presses."""
    with started(home, free_port()) as dev:
        settings, commands = dev.printed_commands()
        assert dev.wait_for(lambda: "event=reported" in dev.said(), START_S), dev.said()
        for name in ("PredictionOracle", "researcher", "custodian-3"):
            assert name in dev.said()
        cli = Cli(clean_environment(**settings))
        out = home.with_name("data.csv")

        assert [words[0] for words in commands] == ["predict", "market", "fetch"]
        for words in commands:
            cli.ok(*[str(out) if word == "data.csv" else word for word in words])
        assert {row["state"] for row in cli.facts("doctor") if row["what"] != "data"} == {"ok"}
        assert len(out.read_text("utf-8").splitlines()) > 1_000

        end_with(dev, signal.SIGINT)


def test_restarted_chain_is_explained_and_second_start_works(home: Path) -> None:
    """The same folder again: a new chain, on which the devices begin anew. Then the chain changes under its feet."""
    port = free_port()
    with started(home, port) as dev, ExitStack() as stack:
        settings, _ = dev.printed_commands()
        children = dev.children()
        chain = next(pid for pid, line in children.items() if "ganache" in line)
        dev.process.send_signal(signal.SIGSTOP)  # it must not look while no chain is there
        os.kill(chain, signal.SIGKILL)
        stack.enter_context(ganache(port))

        told = Cli(clean_environment(**settings))("market", "list")
        dev.process.send_signal(signal.SIGCONT)
        dev.process.wait(END_S)

        assert told.code == dev.process.returncode == errors.ChainError.exit_code
        for said in (told.err, dev.said()):
            assert "the chain was restarted" in said and "deploy again" in said and "Traceback" not in said
        assert not [line for pid, line in children.items() if runs(pid)]


def test_closed_terminal_ends_everything(home: Path) -> None:
    """SIGTERM and SIGHUP leave no orphan; a taken port is explained before anything is started."""
    with started(home, free_port()) as dev:
        taken = Cli(dev.environment)("dev", "--port", str(dev.port))
        assert taken.code == errors.ChainError.exit_code
        assert "another chain answers" in taken.err and "  try: " in taken.err

        end_with(dev, signal.SIGHUP)
