"""Two ways to deploy, one result: ``medtwin deploy`` and ``brownie run scripts/deploy.py`` on equal chains."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from oracle.adapters.ganache import MNEMONIC, ganache
from oracle.adapters.process import free_port

from .clinic import ROOT, TOOLS, Cli, clean_environment

BROWNIE = Path(sys.executable).with_name("brownie")
COPIED = ("brownie-config.yaml", "contracts", "scripts", "build")
COMPILE_S = 280


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the brownie project, so that nothing is written to this one; what is compiled already comes along."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)
    (tmp_path / "home").mkdir()
    for name in ("node_modules", "oracle"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "tests" / "contracts").mkdir(parents=True)
    return folder


def by_medtwin(home: Path) -> dict[str, Any]:
    """The deployment file of ``medtwin deploy`` on a fresh Ganache."""
    Account.enable_unaudited_hdwallet_features()
    with ganache() as url:
        Cli(
            clean_environment(
                MEDTWIN_HOME=str(home), MEDTWIN_CHAIN=url, MEDTWIN_DEPLOYMENT=str(home / "deployment.json"),
                MEDTWIN_PRIVATE_KEY=Account.from_mnemonic(MNEMONIC).key.hex(),
            )
        ).ok("deploy")  # fmt: skip
    told: dict[str, Any] = json.loads((home / "deployment.json").read_text("utf-8"))
    return told


def by_brownie(project: Path, home: Path) -> dict[str, Any]:
    """The deployment file of the brownie script on another fresh Ganache."""
    port = free_port()
    environment = {**os.environ, "HOME": str(home), "PATH": f"{ROOT / 'node_modules' / '.bin'}:{os.environ['PATH']}",
                   "SOLCX_BINARY_PATH": str(TOOLS / "solc"), "PYTHONPATH": str(project)}  # fmt: skip

    def run(*command: str) -> None:
        ended = subprocess.run(
            command, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=COMPILE_S, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout.decode()

    with ganache(port) as url:
        run(sys.executable, "-m", "scripts.brownie_networks", "--port", "0", "--url", url)
        run(str(BROWNIE), "run", "scripts/deploy.py", "--network", "ganache")
    told: dict[str, Any] = json.loads((project / "deployments" / "ganache.json").read_text("utf-8"))
    return told


def test_both_ways_give_the_same_addresses(project: Path, tmp_path: Path) -> None:
    """Same mnemonic, same plan: the same contracts at the same addresses, the same nodes; other blocks 0."""
    medtwin, brownie = by_medtwin(tmp_path), by_brownie(project, tmp_path / "home")

    assert medtwin["contracts"] == brownie["contracts"]
    assert len(medtwin["contracts"]) >= 12
    for key in ("chain_id", "signers", "f", "block"):
        assert medtwin[key] == brownie[key]
