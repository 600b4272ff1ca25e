"""Measure, print, and write ``bench/results.json`` and ``docs/figures.md``; with ``--docs``, only the last."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts.install_solc import ROOT
from scripts.install_solc import main as install_solc

from . import shares
from .report import RESULTS, print_section, write_docs

PYTHON_PACKAGES = ("web3", "eth-account", "coincurve", "safe-pysha3", "numpy", "cryptography", "py-evm", "py-cid")
GANACHE_ROUNDS = 7
WIDTH = 150  # the tables need it, whatever the terminal has
NODE_PACKAGES = ("@openzeppelin/contracts", "@openzeppelin/merkle-tree", "ganache", "solc")


def main() -> None:
    """Run every section in turn."""
    if "--docs" not in sys.argv[1:]:
        install_solc()
        results = _measure(Console(width=WIDTH))
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    write_docs()


def _measure(console: Console) -> dict[str, Any]:
    from oracle.serve.demo.world import world

    from . import gas, pipeline, speed
    from .loop import Loop
    from .peer_contracts import EAS
    from .peer_gas import Peers

    began, load = time.perf_counter(), os.getloadavg()[0]
    log: Any = None
    sections: list[dict[str, Any]] = []

    def section(name: str, figures: Iterable[Any]) -> None:
        documents = [figure.document() for figure in figures]
        sections.append({"name": name, "figures": documents})
        print_section(console, sections[-1])

    with world("ganache", "embedded", Path()) as scene:
        peers = Peers(scene.opened.web3)
        section("gas", gas.figures(scene, peers))
        log = peers.artifact("PeerLog")
    section("speed", speed.figures())
    with world("ganache", "embedded", Path()) as scene:
        loop = Loop.on(scene.opened, log)
        section(
            "pipeline on Ganache", pipeline.throughput(scene, loop, batches=5, transactions=500, rounds=GANACHE_ROUNDS)
        )
        section("growth and revocation", [pipeline.growth(scene), *pipeline.locking(scene)])
    with world("ganache", "embedded", Path()) as scene:
        _write_pipeline(sections, shares.shares(scene))
    with world("embedded", "embedded", Path()) as scene:
        loop = Loop.on(scene.opened, log)
        found = pipeline.throughput(scene, loop, batches=5, transactions=200, rounds=5)
        section("pipeline on the embedded chain", found)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}",
                    "load_before": round(load, 1)},
        "versions": _versions() | ({"EAS": EAS.rpartition("@")[2]} if peers.has_eas else {}),
        "seconds": round(time.perf_counter() - began),
        "sections": sections,
    }  # fmt: skip


def _write_pipeline(sections: list[dict[str, Any]], by_place: Mapping[str, float]) -> None:
    """What programs read: the largest batches against the loop on Ganache, growth, and where the time goes."""
    figures = {name["name"]: name["figures"] for name in sections}
    beside, grown = figures["pipeline on Ganache"][-1], figures["growth and revocation"][0]
    found = {
        "ratio_median": beside["ratio"], "ratio_min": beside["spread"][0], "exponent": grown["ours"],
        "readings_per_s": beside["ours"], "share_inherent": round(sum(by_place[name] for name in shares.INHERENT), 3),
        "shares": {name: round(share, 3) for name, share in by_place.items()}, "repetitions": GANACHE_ROUNDS,
    }  # fmt: skip
    path = RESULTS.parent / "results" / "pipeline.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _versions() -> dict[str, str]:
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = {"Python": platform.python_version(), "Node": node.removeprefix("v")}
    found |= {name: version(name) for name in PYTHON_PACKAGES}
    for name in NODE_PACKAGES:
        found[name] = json.loads((ROOT / "node_modules" / name / "package.json").read_text("utf-8"))["version"]
    return found


if __name__ == "__main__":
    main()
