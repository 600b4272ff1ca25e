"""A private IPFS node for tests and development: offline, on loopback, in a folder that is thrown away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MedtwinError, StorageError
from .ipfs import IpfsStore
from .process import free_port, last_words, running, wait_until

_START_S = 60.0
_INIT_S = 60.0


@contextmanager
def ipfs_node(binary_folder: Path, *, repo: Path | None = None) -> Iterator[str]:
    """Run the node that ``scripts/ipfs_node.sh`` installed in `binary_folder`; its ``ipfs://`` address.

    Parameters
    ----------
    binary_folder
        Folder with ``ipfs`` (Kubo) or ``js-ipfs``; Kubo is preferred.
    repo
        Folder of the blocks; none makes one and removes it afterwards.

    Raises
    ------
    StorageError
        ``ipfs_missing`` or ``ipfs_failed``.
    """
    with tempfile.TemporaryDirectory(prefix="medtwin-ipfs-") as scratch:
        place = repo or Path(scratch) / "repo"
        log = Path(scratch) / "log"
        port = free_port()
        where = f"ipfs://127.0.0.1:{port}"
        command, environment = ipfs_command(binary_folder, place, port)
        with running(command, log=log, environment=environment) as process:
            if not wait_until(lambda: node_answers(where), process, _START_S):
                raise _failed(last_words(log))
            yield where


def ipfs_command(folder: Path, repo: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """What runs a node on `repo` that answers at `port`, and its environment; Kubo where it is installed."""
    folder = folder.resolve()
    kubo, js, node = folder / "ipfs", folder / "js-ipfs", shutil.which("node")
    if kubo.is_file():
        environment = {**os.environ, "IPFS_PATH": str(repo), "IPFS_TELEMETRY": "off"}
        _make_private_repo(kubo, repo, port, environment)
        return [str(kubo), "daemon", "--offline", "--routing=none"], environment
    if (js / "node_modules").is_dir() and node:
        return [node, str(js / "node.mjs"), str(repo), str(port)], dict(os.environ)
    raise StorageError(
        f"no IPFS node is installed in {folder}", hint="run: scripts/ipfs_node.sh .tools", kind="ipfs_missing"
    )


def _make_private_repo(kubo: Path, repo: Path, port: int, environment: dict[str, str]) -> None:
    """A new repo that knows no peers and listens on loopback only; an old one gets the new port."""
    if not (repo / "config").exists():
        made = subprocess.run(
            [str(kubo), "init", "--empty-repo"], env=environment, capture_output=True, timeout=_INIT_S, check=False
        )
        if made.returncode != 0:
            raise _failed(made.stderr.decode(errors="replace").strip()[-200:])
    config = json.loads((repo / "config").read_text())
    config["Bootstrap"] = []
    config["Addresses"] = {**config["Addresses"], "API": f"/ip4/127.0.0.1/tcp/{port}", "Gateway": [], "Swarm": []}
    config["Routing"] = {**config.get("Routing", {}), "Type": "none"}
    config["Discovery"] = {"MDNS": {"Enabled": False}}
    config["AutoConf"] = {"Enabled": False}  # it would fetch public peers and resolvers
    for section, name in (("DNS", "Resolvers"), ("Routing", "DelegatedRouters"), ("Ipns", "DelegatedPublishers")):
        config.setdefault(section, {})[name] = {} if name == "Resolvers" else []
    config["AutoTLS"] = {"Enabled": False}
    config["Version"] = {"SwarmCheckEnabled": False}
    (repo / "config").write_text(json.dumps(config, indent=2))


def node_answers(where: str) -> bool:
    """Whether there is an IPFS node at that ``ipfs://`` address."""
    store = IpfsStore(where, timeout_s=2)
    try:
        store.problems()
    except MedtwinError:
        return False
    finally:
        store.close()
    return True


def _failed(why: str) -> StorageError:
    return StorageError(
        f"the IPFS node did not start: {why}",
        hint="install it again: scripts/ipfs_node.sh .tools",
        kind="ipfs_failed",
    )
