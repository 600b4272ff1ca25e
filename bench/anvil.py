"""A new anvil: the contracts' hard fork, a block a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from oracle.adapters.ganache import CHAIN_ID, MNEMONIC
from oracle.adapters.process import free_port, running, wait_until

from .clinic import anvil

START_S = 90.0


@contextmanager
def fresh_chain(*options: str) -> Iterator[str]:
    """The address of an anvil that ends with the block of code."""
    with TemporaryDirectory(prefix="medtwin-") as folder:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [anvil(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--hardfork", "shanghai", "--silent",
                   "--mnemonic", MNEMONIC, *options]  # fmt: skip
        with running(command, log=Path(folder) / "anvil.log") as process:
            if not wait_until(lambda: _answers(url), process, START_S):
                raise SystemExit("anvil did not start")
            yield url


def traced_chain() -> AbstractContextManager[str]:
    """The same, with every step of a transaction told."""
    return fresh_chain("--steps-tracing")


def _answers(url: str) -> bool:
    try:
        return httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).is_success
    except httpx.HTTPError:
        return False
