"""Write the networks that ``brownie-config.yaml`` names into the user's brownie folder.

``medtwin-test`` starts a Ganache of its own for tests; ``ganache`` is one the
developer started. Run ``python -m scripts.brownie_networks`` once, and again
after the project moved or to choose another port.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MNEMONIC = "test test test test test test test test test test test junk"
TEST_PORT = 8546
DEVELOPER_URL = "http://127.0.0.1:8545"
CHAIN_ID = 1337
BLOCK_GAS_LIMIT = 30_000_000
NAMES = ("medtwin-test", "ganache")


def ganache_command(root: Path = ROOT) -> str:
    """How to start Ganache: the project's own, or the one on PATH.

    brownie splits the command at blanks, so a project in a folder with one needs Ganache on PATH.
    """
    own = root / "node_modules" / ".bin" / "ganache"
    if own.exists() and " " not in str(own):
        return f"{own} --logging.quiet --miner.timestampIncrement 1"
    if shutil.which("ganache") is None:
        raise FileNotFoundError(
            "no ganache in node_modules/.bin or on PATH; run: npm ci, then put node_modules/.bin on PATH"
        )
    return "ganache --logging.quiet --miner.timestampIncrement 1"


def test_network(port: int) -> dict[str, Any]:
    """A chain that brownie starts and ends."""
    return {
        "name": "Medtwin tests (Ganache, started by brownie)",
        "id": "medtwin-test",
        "cmd": ganache_command(),
        "host": "http://127.0.0.1",
        "timeout": 120,
        "cmd_settings": {
            "port": port,
            "gas_limit": BLOCK_GAS_LIMIT,
            "accounts": 10,
            "evm_version": "shanghai",
            "mnemonic": MNEMONIC,
            "chain_id": CHAIN_ID,
            "network_id": CHAIN_ID,
        },
    }


def developer_network(url: str = DEVELOPER_URL) -> dict[str, Any]:
    """A Ganache somebody else started; brownie treats it like any live chain."""
    return {"name": "Medtwin (a running Ganache)", "id": "ganache", "host": url, "chainid": CHAIN_ID}


def free_port() -> int:
    """A port nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def merged(known: dict[str, Any], port: int, url: str) -> dict[str, Any]:
    """Brownie's network list with ours in it, each once."""
    development = [network for network in known.get("development", []) if network["id"] not in NAMES]
    live = []
    for group in known.get("live", []):
        networks = [network for network in group["networks"] if network["id"] not in NAMES]
        live += [{**group, "networks": networks}] if networks else []
    live.append({"name": "Medtwin", "networks": [developer_network(url)]})
    return {**known, "live": live, "development": [*development, test_network(port)]}


def known_networks(path: Path) -> dict[str, Any]:
    """What the folder lists already; in a new one, the list that brownie ships."""
    if not path.exists():
        spec = importlib.util.find_spec("brownie")  # finds it without running it
        folders = (spec.submodule_search_locations or []) if spec else []
        path = next((Path(folder) / "data" / "network-config.yaml" for folder in folders), path)
    return yaml.safe_load(path.read_text("utf-8")) or {} if path.exists() else {}


def write(home: Path, port: int = TEST_PORT, url: str = DEVELOPER_URL) -> Path:
    """Add the networks to ``home``'s brownie folder, which may not exist yet."""
    path = home / ".brownie" / "network-config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    networks = merged(known_networks(path), port, url)
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump(networks, sort_keys=False), "utf-8")
    partial.replace(path)
    return path


def main() -> None:
    """Parse the command line; ``--port 0`` takes any free port."""
    parser = argparse.ArgumentParser(description="Write the networks brownie-config.yaml names.")
    port = int(os.environ.get("MEDTWIN_TEST_PORT", TEST_PORT))
    parser.add_argument("--port", type=int, default=port, help=f"of the test chain (default {port}; 0: a free one)")
    parser.add_argument("--url", default=DEVELOPER_URL, help=f"of a running Ganache (default {DEVELOPER_URL})")
    chosen = parser.parse_args()
    try:
        print(write(Path.home(), chosen.port or free_port(), chosen.url))
    except FileNotFoundError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
