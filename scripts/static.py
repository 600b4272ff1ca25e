"""Run slither on the contracts and compare what it finds with what was reviewed: ``python -m scripts.static``.

A finding is a detector and the place it names. Each reviewed one stands in :mod:`scripts.findings` with the reason why
it stays; a finding that is not there fails, and so does one that is there and no longer found.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

from .findings import REVIEWED
from .foundry import environment, forge_command
from .install_solc import FOLDER, ROOT

SLITHER = FOLDER.parent / "slither" / "bin" / "slither"
OUT = ROOT / "build" / "slither" / "out"
REPORT = ROOT / "build" / "slither" / "report.json"


def place(found: dict[str, Any]) -> str:
    """``Contract.function``, or the contract or name a finding is about."""
    first = found["elements"][0]
    parent = first.get("type_specific_fields", {}).get("parent", {})
    if first["type"] == "contract" or not parent:
        return str(first["name"])
    return f"{parent['name']}.{first['name']}"


def compare(found: set[tuple[str, str]]) -> list[str]:
    """What is new, and what is gone."""
    reviewed = {(check, one) for check, (_, places) in REVIEWED.items() for one in places}
    new = [f"not reviewed: {check} in {where}" for check, where in sorted(found - reviewed)]
    return new + [f"no longer found: {check} in {where}" for check, where in sorted(reviewed - found)]


def main() -> int:
    """1 when findings and review differ."""
    if not SLITHER.exists():
        sys.exit("slither is not installed; run: make slither")
    home = environment() | {"FOUNDRY_PROFILE": "slither"}
    shutil.rmtree(REPORT.parent, ignore_errors=True)  # slither reads what an earlier build left beside this one's
    subprocess.run([*forge_command("build"), "contracts"], cwd=ROOT, env=home, check=True, capture_output=True)
    command = [
        str(SLITHER), ".", "--ignore-compile", "--foundry-out-directory", str(OUT.relative_to(ROOT)),
        "--filter-paths", "node_modules|contracts/mocks", "--json", str(REPORT),
    ]  # fmt: skip
    forge = forge_command()[0].rpartition("/")[0]
    ran = subprocess.run(
        command, cwd=ROOT, env=home | {"PATH": f"{forge}:{home['PATH']}"}, capture_output=True, text=True, check=False
    )
    if not REPORT.exists():
        sys.exit(f"slither left no report:\n{ran.stderr[-2_000:]}")
    told = json.loads(REPORT.read_text("utf-8"))["results"].get("detectors", [])
    found = {(one["check"], place(one)) for one in told}
    wrong = compare(found)
    print("\n".join(wrong) or f"slither: {len(told)} findings at {len(found)} places, each reviewed")
    return int(bool(wrong) or "analyzed (0 contracts" in ran.stderr)


if __name__ == "__main__":
    sys.exit(main())
