"""Measure, print, and write ``bench/results.json``, ``bench/results/pipeline.json``, ``docs/figures.md`` and its plot.

With ``--docs`` only the last two; with ``--quick`` one round of everything about the pipeline, and nothing is written.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from oracle.serve.demo.world import world
from scripts.install_solc import ROOT
from scripts.install_solc import main as install_solc

from . import gas, pipeline, shares, speed
from .anvil import fresh_chain
from .equal import equal_predictions
from .loop import Loop
from .measure import Figure
from .peer_contracts import EAS
from .peer_gas import Peers
from .report import RESULTS, print_section, write_docs

PYTHON_PACKAGES = ("web3", "eth-account", "coincurve", "safe-pysha3", "numpy", "cryptography", "py-evm", "py-cid")
WIDTH = 150  # the tables need it, whatever the terminal has
NODE_PACKAGES = ("@openzeppelin/contracts", "@openzeppelin/merkle-tree", "ganache", "solc")


def main() -> None:
    """Run every section in turn."""
    console = Console(width=WIDTH)
    if "--quick" in sys.argv[1:]:
        install_solc()
        for name, figures in _pipeline(QUICK)[0]:
            print_section(console, {"name": name, "figures": [figure.document() for figure in figures]})
        return
    if "--docs" not in sys.argv[1:]:
        install_solc()
        results = _measure(console)
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    write_docs()


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    embedded_rounds: int
    batches: int
    transactions: int
    growth: tuple[int, ...]
    twins: int
    turns: int


FULL = Size(7, 5, 5, 500, pipeline.GROWTH, shares.TWINS, shares.ROUNDS)
QUICK = Size(1, 1, 1, 20, (1_000, 10_000, 20_000), 3, 1)


def _measure(console: Console) -> dict[str, Any]:
    began, load = time.perf_counter(), os.getloadavg()[0]
    sections: list[dict[str, Any]] = []

    def section(name: str, figures: Iterable[Figure]) -> None:
        sections.append({"name": name, "figures": [figure.document() for figure in figures]})
        print_section(console, sections[-1])

    with world("ganache", "embedded", Path()) as scene:
        peers = Peers(scene.opened.web3)
        section("gas", gas.figures(scene, peers))
    section("speed", speed.figures())
    found, facts = _pipeline(FULL)
    for name, figures in found:
        section(name, figures)
    path = RESULTS.parent / "results" / "pipeline.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}",
                    "load_before": round(load, 1)},
        "versions": _versions() | ({"EAS": EAS.rpartition("@")[2]} if peers.has_eas else {}),
        "seconds": round(time.perf_counter() - began),
        "sections": sections,
        "growth": facts["growth"],
        "shares": facts["shares"],
    }  # fmt: skip


def _pipeline(size: Size) -> tuple[list[tuple[str, list[Figure]]], dict[str, Any]]:
    """Sections about the pipeline, and what programs read of them."""
    found: list[tuple[str, list[Figure]]] = []
    with world("ganache", "embedded", Path()) as scene:
        log = Peers(scene.opened.web3).artifact("PeerLog")
        loop = Loop.on(scene.opened, log)
        beside = list(pipeline.throughput(
            scene, loop, batches=size.batches, transactions=size.transactions, rounds=size.rounds
        ))  # fmt: skip
        each = list(pipeline.costs(scene, loop))
        steps = pipeline.growth(scene, size.growth)
        grown = [*pipeline.growing(steps), *pipeline.locking(scene)]
    found += [("pipeline on Ganache", [*beside, *each]), ("growth and revocation", grown)]
    with world("ganache", "embedded", Path()) as scene:
        equal = equal_predictions(scene, Loop.on(scene.opened, log))
    with fresh_chain() as url, world(url, "embedded", Path()) as scene:
        split = shares.split_of(scene, twins=size.twins, rounds=size.turns)
    found.append(("many twins at once", list(shares.figures(split))))
    with world("embedded", "embedded", Path()) as scene:
        loop = Loop.on(scene.opened, log)
        inside = pipeline.throughput(
            scene, loop, batches=size.batches, transactions=size.transactions // 5 * 2, rounds=size.embedded_rounds
        )
        found.append(("pipeline on the embedded chain", list(inside)))
    best, facts = beside[-1].document(), {figure.name: figure.document() for _, part in found for figure in part}
    return found, {
        "ratio_median": best["ratio"], "ratio_min": best["spread"][0], "readings_per_s": best["ours"],
        "exponent": grown[0].document()["ours"], "repetitions": size.rounds,
        "share_inherent": round(split.inherent, 3), "share_inherent_of_processor": round(split.inherent_of_processor, 3),
        "shares": {name: round(share, 3) for name, share in split.shares().items()},
        "gas_per_reading": {figure.name: figure.document()["ours"] for figure in each if figure.unit == "gas"},
        "age_at_anchoring_s": each[-1].document()["ours"], "alert_s": round(split.alert_s, 3),
        "memory_mb": steps[-1].memory_mb, "growth": [asdict(step) for step in steps],
        "equal_predictions_over": equal, "revocation_blocks": facts["revocation to locked"]["ours"],
    }  # fmt: skip


def _versions() -> dict[str, str]:
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found = {"Python": platform.python_version(), "Node": node.removeprefix("v")}
    found |= {name: version(name) for name in PYTHON_PACKAGES}
    for name in NODE_PACKAGES:
        found[name] = json.loads((ROOT / "node_modules" / name / "package.json").read_text("utf-8"))["version"]
    return found


if __name__ == "__main__":
    main()
