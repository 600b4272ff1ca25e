"""Run the Foundry tests and say how much their walks tried: ``python -m scripts.campaign [--calls N] [--junit FILE]``.

A walk that did too little has shown nothing, however green: the counts are checked against floors and written to
``bench/results/campaign.json``. Further arguments go to ``forge test``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .foundry import environment, forge_command
from .install_solc import ROOT
from .install_solc import main as install_solc

WALKS = ROOT / "build" / "foundry" / "walks.txt"
RESULTS = ROOT / "bench" / "results" / "campaign.json"
STEPS_A_RUN = 64 * 64  # walks of a run, steps of a walk
HALVES = 2
LEAST_CALLS = 2_000_000
LEAST_SUCCEEDED = 0.7
LEAST_FAULTS = 0.1


def tally(lines: list[str]) -> dict[str, float]:
    """Sums over runs of ``half calls refusals faults``, and shares of the calls; a half's last run is told twice."""
    halves: dict[str, list[list[int]]] = {}
    for line in lines:
        half, *counts = line.split()
        halves.setdefault(half, []).append([int(count) for count in counts])
    rows = [row for told in halves.values() for row in told[:-1]]
    calls, refusals, faults = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)
    return {
        "calls": calls, "faults": faults, "runs": len(rows), "succeeded": round(1 - refusals / max(calls, 1), 4)
    }  # fmt: skip


def complaints(found: dict[str, float], least_calls: int) -> list[str]:
    """What is below its floor, in words."""
    wrong = []
    if found["calls"] < least_calls:
        wrong.append(f"only {found['calls']:,} calls, of {least_calls:,} wanted")
    if found["succeeded"] < LEAST_SUCCEEDED:
        wrong.append(f"only {found['succeeded']:.0%} of the calls did something")
    if found["faults"] < LEAST_FAULTS * found["calls"]:
        wrong.append(f"only {found['faults']:,} faults were injected")
    return wrong


def main() -> int:
    """forge's exit code, or 1 when the walks did too little."""
    asked = argparse.ArgumentParser(prog="scripts.campaign")
    asked.add_argument("--calls", type=int, default=LEAST_CALLS, help="steps over both halves")
    asked.add_argument("--junit", type=Path, help="where forge's report goes")
    chosen, rest = asked.parse_known_args()
    install_solc()
    WALKS.unlink(missing_ok=True)
    runs = -(-chosen.calls // (STEPS_A_RUN * HALVES))
    began = time.perf_counter()
    command = [*forge_command("test"), *(["--junit"] if chosen.junit else []), *rest]
    home = environment() | {"FOUNDRY_INVARIANT_RUNS": str(runs)}
    with open(chosen.junit or os.devnull, "w", encoding="utf-8") as report:
        ran = subprocess.run(command, cwd=ROOT, env=home, stdout=report if chosen.junit else None, check=False)
    found = tally(WALKS.read_text("utf-8").splitlines() if WALKS.exists() else [])
    found["seconds"] = round(time.perf_counter() - began)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(
        f"walks: {found['calls']:,} calls in {found['seconds']} s, {found['succeeded']:.1%} of them did something, "
        f"{found['faults']:,} faults injected"
    )
    wrong = complaints(found, chosen.calls)
    for line in wrong:
        print(line, file=sys.stderr)
    return ran.returncode or bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
