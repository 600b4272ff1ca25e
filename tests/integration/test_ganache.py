"""Ganache, started and stopped by its context manager."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from oracle.adapters import ganache as module
from oracle.adapters.ganache import CHAIN_ID, ganache
from oracle.adapters.process import running
from oracle.errors import ChainError


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that Ganache's context manager starts."""
    processes: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def watched(*args: Any, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        with running(*args, **options) as process:
            processes.append(process)
            yield process

    monkeypatch.setattr(module, "running", watched)
    return processes


def assert_stopped(process: subprocess.Popen[bytes]) -> None:
    """The process has ended and nothing of its group is left."""
    assert process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_started_chain_answers_and_stops(started: list[subprocess.Popen[bytes]]) -> None:
    """Chain 1337 with the development accounts; after leaving, no process and no listener is left."""
    with ganache() as url:
        chain = Web3(Web3.HTTPProvider(url))
        assert chain.eth.chain_id == CHAIN_ID == 1337
        assert chain.eth.accounts[0] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # of the public mnemonic
        assert "baseFeePerGas" in chain.eth.get_block("latest")
        assert started[0].poll() is None
        assert url.startswith("http://127.0.0.1:")

    assert_stopped(started[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=2)


def test_failing_block_stops_the_chain_too(started: list[subprocess.Popen[bytes]]) -> None:
    """An exception inside the block passes through, and the process is stopped all the same."""
    with pytest.raises(RuntimeError, match="in between"), ganache():
        raise RuntimeError("in between")

    assert_stopped(started[0])


def test_own_mnemonic_folder_and_port_are_used(tmp_path: Path) -> None:
    """Another mnemonic has other accounts; a chain in a folder goes on where it was left."""
    mnemonic = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    with ganache(mnemonic=mnemonic, folder=tmp_path / "chain") as url:
        chain = Web3(Web3.HTTPProvider(url))
        sender = chain.eth.accounts[0]
        assert sender == "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"  # m/44'/60'/0'/0/0 of this BIP-39 vector
        sent = chain.eth.send_transaction({"from": sender, "to": sender, "gas": 21_000, "gasPrice": 2 * 10**9})
        block = chain.eth.wait_for_transaction_receipt(sent)["blockNumber"]

    with ganache(int(url.rpartition(":")[2]), mnemonic=mnemonic, folder=tmp_path / "chain") as again:
        assert again == url
        assert Web3(Web3.HTTPProvider(again)).eth.block_number == block


def test_taken_port_is_refused(started: list[subprocess.Popen[bytes]]) -> None:
    """A second chain on the same port is refused; the first goes on."""
    with ganache() as url:
        with pytest.raises(ChainError) as caught, ganache(int(url.rpartition(":")[2])):
            pass

        assert caught.value.kind == "port_taken"
        assert Web3(Web3.HTTPProvider(url)).eth.chain_id == CHAIN_ID


def test_ganache_that_ends_at_once_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    """A program that ends before it answers is reported with its last words."""
    program = tmp_path / "ganache"
    program.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "_program", lambda: str(program))

    with pytest.raises(ChainError) as caught, ganache():
        pass

    assert caught.value.kind == "ganache_failed"
    assert "no such option" in str(caught.value)
    assert_stopped(started[0])


def test_ganache_not_installed_names_the_next_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is downloaded: the error says how to install it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "__file__", str(tmp_path / "oracle" / "adapters" / "ganache.py"))

    with pytest.raises(ChainError) as caught, ganache():
        pass

    assert caught.value.kind == "ganache_missing"
    assert "make setup" in caught.value.hint
