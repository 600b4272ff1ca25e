"""Measure which lines and branches of the contracts the Foundry tests reach: ``python -m scripts.coverage``.

An empty report is refused; what is not reached must stand in ``ARGUED``, with the reason, and nothing else may.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .foundry import environment, forge_command
from .install_solc import ROOT
from .install_solc import main as install_solc

FOLDER = ROOT / "build" / "coverage"
LIBRARY = ROOT / "node_modules" / "@openzeppelin" / "contracts"
REPORT = FOLDER / "lcov.info"
RESULTS = ROOT / "bench" / "results" / "coverage.json"
LEAST_LINES = 1_000
ARGUED: dict[str, str] = {}
"""``contracts/File.sol:line`` or ``contracts/File.sol:line branch``: why no test can reach it."""


def missed(report: str) -> tuple[int, int, set[str]]:
    """Lines and branches of our contracts in an lcov report, and those never reached."""
    lines, branches, never = 0, 0, set()
    file = ""
    for row in report.splitlines():
        if found := re.match(r"SF:(.+)", row):
            file = found[1]
        elif not file.startswith("contracts/") or file.startswith("contracts/mocks/"):
            continue
        elif found := re.match(r"DA:(\d+),(\d+)", row):
            lines += 1
            never |= {f"{file}:{found[1]}"} if found[2] == "0" else set()
        elif found := re.match(r"BRDA:(\d+),(\d+),(\d+),(\S+)", row):
            branches += 1
            never |= {f"{file}:{found[1]} branch {found[2]}.{found[3]}"} if found[4] in "0-" else set()
    return lines, branches, never


def measure() -> str:
    """The report of a fresh run."""
    install_solc()
    (ROOT / "build" / "foundry").mkdir(parents=True, exist_ok=True)  # where walks tell what they tried
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(LIBRARY, FOLDER / "openzeppelin", ignore=shutil.ignore_patterns("build"))
    shutil.copy(
        ROOT / "tests" / "coverage" / "P256.sol", FOLDER / "openzeppelin" / "utils" / "cryptography" / "P256.sol"
    )
    command = [*forge_command("coverage"), "--report", "lcov", "--report-file", str(REPORT)]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=environment() | {"FOUNDRY_PROFILE": "coverage"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode or not REPORT.exists():
        sys.exit(f"forge coverage ended badly:\n{(ran.stdout + ran.stderr)[-4_000:]}")
    return REPORT.read_text("utf-8")


def main() -> int:
    """1 when something is not reached and not argued, or argued and reached."""
    report = Path(sys.argv[1]).read_text("utf-8") if len(sys.argv) > 1 else measure()
    lines, branches, never = missed(report)
    wrong = [f"never reached: {one}" for one in sorted(never - set(ARGUED))]
    wrong += [f"reached after all: {one}" for one in sorted(set(ARGUED) - never)]
    if lines < LEAST_LINES:
        wrong.append(f"the report has {lines} lines, of at least {LEAST_LINES}: it is empty or cut")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found = {"lines": lines, "branches": branches, "never_reached": sorted(never), "argued": len(ARGUED)}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print("\n".join(wrong) or f"coverage: {lines} lines and {branches} branches reached, {len(ARGUED)} argued")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
