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
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from oracle import errors
from oracle.adapters.ganache import ganache
from oracle.adapters.process import free_port

from .clinic import Cli, clean_environment
from .hospital import START_S, Dev, started

END_S = 60.0


def runs(pid: int) -> bool:
    """Whether a process is there and not merely unreaped."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the hospital; both starts use it."""
    return tmp_path_factory.mktemp("dev") / "home"


def end_with(dev: Dev, ending: signal.Signals) -> None:
    """Send a signal; every process must go."""
    children = dev.children()
    assert sum("ganache" in line for line in children.values()) == 1
    assert sum("custodian serve" in line for line in children.values()) == 3
    assert sum("portal serve" in line for line in children.values()) == 1

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
