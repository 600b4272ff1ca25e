"""Run what must hold of the contracts besides their tests, and tell it as JUnit: ``python -m scripts.gates FILE``.

Each gate is a command that ends with 0; a canary is one that must not, as it shows that its gate still bites.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .install_solc import ROOT

SOLHINT = ("node_modules/.bin/solhint", "--noPoster", "--disc", "-c", "contracts/.solhint.json", "--max-warnings", "0")


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs one of our scripts."""
    return (sys.executable, "-m", f"scripts.{name}", *arguments)


@dataclass(frozen=True, slots=True)
class Gate:
    """A command, and whether it must fail."""

    name: str
    command: tuple[str, ...]
    canary: bool = False


GATES = (
    Gate("lint", (*SOLHINT, "contracts/{*,interfaces/*,libraries/*,types/*}.sol")),
    Gate("lint refuses an attacker's contract", (*SOLHINT, "contracts/mocks/*.sol"), canary=True),
    Gate("coverage", module("coverage")),
    Gate("slither", module("static")),
    Gate("symbolic", module("symbolic", "--short")),
    Gate("mutants", module("mutate", "--sample", "60", "--planted", "20")),
)


def told(gate: Gate) -> ElementTree.Element:
    """One gate's test case."""
    began = time.perf_counter()
    ran = subprocess.run(gate.command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = (ran.stdout + ran.stderr).strip()[-4_000:]
    case = ElementTree.Element("testcase", classname="gates", name=gate.name, time=f"{time.perf_counter() - began:.2f}")
    if bool(ran.returncode) != gate.canary:
        ElementTree.SubElement(case, "failure", message=f"ended with {ran.returncode}").text = said
    print(f"-- {gate.name}: {'as it must' if len(case) == 0 else 'FAILED'}, {case.get('time')} s\n{said}", flush=True)
    return case


def main() -> int:
    """1 when a gate is not as it must be."""
    cases = [told(gate) for gate in GATES]
    failed = sum(len(case) > 0 for case in cases)
    spent = sum(float(case.get("time", 0)) for case in cases)
    suite = ElementTree.Element(
        "testsuite",
        name="gates",
        tests=str(len(cases)),
        failures=str(failed),
        errors="0",
        skipped="0",
        time=f"{spent:.2f}",
    )
    suite.extend(cases)
    ElementTree.ElementTree(suite).write(Path(sys.argv[1]), "utf-8", xml_declaration=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
