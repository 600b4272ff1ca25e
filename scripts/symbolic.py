"""Prove what holds for all inputs, and show that each proof can fail: ``python -m scripts.symbolic [--short]``.

halmos runs the contracts of ``tests/symbolic`` on symbols instead of numbers. Dividing one symbol by another is more
than its solvers end with, so of the escrow they show that the code is the formula, and :mod:`scripts.lemmas` shows over
all integers what the formula does. Then each of :mod:`scripts.planted_symbolic` is put in, and must break what it names;
in short, one for each contract of checks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .foundry import environment, forge_command
from .install_solc import FOLDER, ROOT, VERSION
from .planted_symbolic import PLANTED

TOOLS = FOLDER.parent / "halmos" / "bin"
SCRATCH = ROOT / "build" / "symbolic" / "planted"
RESULTS = ROOT / "bench" / "results" / "symbolic.json"
LEAST = 70
ASSERTION_MS = 60_000


def run(folder: Path, contract: str = "") -> dict[str, bool]:
    """Whether each check of a contract, or of all, holds; nothing when it does not compile."""
    report = folder / "build" / "symbolic" / "report.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    forge = Path(forge_command()[0]).parent
    home = environment() | {
        "PATH": f"{forge}{os.pathsep}{os.environ['PATH']}", "FOUNDRY_PROFILE": "symbolic", "FOUNDRY_OFFLINE": "true",
        "FOUNDRY_SOLC": str(FOLDER / f"solc-v{VERSION}"),
    }  # fmt: skip
    command = [
        str(TOOLS / "halmos"), "--forge-build-out", "build/symbolic/out", "--json-output", str(report),
        "--solver-timeout-assertion", str(ASSERTION_MS), *(["--contract", contract] if contract else []),
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, env=home, capture_output=True, check=False)
    told: dict[str, Any] = json.loads(report.read_text("utf-8"))["test_results"] if report.exists() else {}
    return {
        f"{where.partition(':')[2]}.{check['name'].partition('(')[0]}": check["exitcode"] == 0
        for where, checks in told.items()
        for check in checks
    }


def bites(faults: Sequence[tuple[str, str, str, str]]) -> tuple[list[str], set[str]]:
    """Planted faults that broke nothing, and the checks that the others broke."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    for name in ("contracts", "tests/symbolic"):
        shutil.copytree(ROOT / name, SCRATCH / name)
    shutil.copy(ROOT / "foundry.toml", SCRATCH)
    (SCRATCH / "node_modules").symlink_to(ROOT / "node_modules")
    broken: set[str] = set()
    missed: list[str] = []
    for file, before, after, contract in faults:
        path = SCRATCH / "contracts" / file
        original = path.read_text("utf-8")
        if before not in original:
            sys.exit(f"{file} has no longer: {before}")
        path.write_text(original.replace(before, after, 1), "utf-8")
        found = {name for name, holds in run(SCRATCH, contract).items() if not holds}
        path.write_text(original, "utf-8")
        broken |= found
        if not found:
            missed.append(f"{file}: {before}")
    return missed, broken


def main() -> int:
    """1 when a check fails, one is missing, or one cannot fail."""
    if not (TOOLS / "halmos").exists():
        sys.exit("halmos is not installed; run: make symbolic")
    began = time.perf_counter()
    lemmas = subprocess.run([str(TOOLS / "python"), "-m", "scripts.lemmas"], cwd=ROOT, check=False).returncode == 0
    checks = run(ROOT)
    found: dict[str, Any] = {
        "checks": len(checks),
        "failed": sorted(name for name, holds in checks.items() if not holds),
    }
    found["lemmas"] = lemmas
    short = "--short" in sys.argv
    faults = list({fault[3]: fault for fault in PLANTED}.values()) if short else list(PLANTED)
    found["planted_missed"], broken = bites(faults)
    found |= {"planted": len(faults), "never_broken": [] if short else sorted(set(checks) - broken)}
    found["seconds"] = round(time.perf_counter() - began)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    bad = found["failed"] or found["planted_missed"] or found["never_broken"]
    return int(bool(bad) or not lemmas or len(checks) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
