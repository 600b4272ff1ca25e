"""Ganache, started for tests and demonstrations and stopped again; nothing is downloaded."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ChainError
from .process import free_port, last_words, running, wait_until

CHAIN_ID = 1337
MNEMONIC = "test test test test test test test test test test test junk"
"""The public development mnemonic: its accounts are known to everybody."""
_START_S = 30.0


@contextmanager
def ganache(port: int = 0, *, mnemonic: str = MNEMONIC, folder: Path | None = None) -> Iterator[str]:
    """Run Ganache on loopback; its address.

    Parameters
    ----------
    port
        Port to listen on; 0 takes a free one.
    mnemonic
        Seed of its ten funded, unlocked accounts.
    folder
        Where the chain is kept; none keeps it in memory only.

    Raises
    ------
    ChainError
        ``ganache_missing``, ``port_taken`` or ``ganache_failed``.
    """
    program = _program()
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    if _answers(url):  # else another chain would be taken for this one
        raise ChainError(
            f"another chain answers at {url} already", hint="stop it, or choose another port", kind="port_taken"
        )
    command = [
        program,
        "--logging.quiet",
        *("--server.host", "127.0.0.1", "--server.port", str(port)),
        *("--chain.hardfork", "shanghai", "--chain.chainId", str(CHAIN_ID)),
        *("--wallet.mnemonic", mnemonic),
        *(("--database.dbPath", str(folder)) if folder else ()),
    ]
    with tempfile.TemporaryDirectory(prefix="medtwin-ganache-") as scratch:
        log = Path(scratch) / "log"
        with running(command, log=log) as process:
            if not wait_until(lambda: _answers(url), process, _START_S):
                raise ChainError(
                    f"Ganache did not start at {url}: {last_words(log)}",
                    hint="see whether the port is free and Node is version 20",
                    kind="ganache_failed",
                )
            yield url


def _program() -> str:
    package_parent = Path(__file__).resolve().parents[2]
    for root in (Path.cwd(), package_parent):
        found = root / "node_modules" / ".bin" / "ganache"
        if found.is_file():
            return str(found)
    on_path = shutil.which("ganache")
    if on_path is None:
        raise ChainError("Ganache is not installed", hint="run: make setup (needs Node 20)", kind="ganache_missing")
    return on_path


def _answers(url: str) -> bool:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=2) as answer:
            return "result" in json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return False
