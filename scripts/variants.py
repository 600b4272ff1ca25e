"""Compile contracts with a change in them, many changes in one call of the compiler.

Not optimised, which takes less than half as long and makes code half as large again: tests ask what it does, not what it costs.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Sequence
from functools import cache
from typing import Any

from .install_solc import FOLDER, ROOT, VERSION
from .mutants import CONTRACTS

Change = tuple[str, str]
"""A file below contracts/, and its whole text as it would be."""
NOTHING: Change = ("", "")
PLAIN = {
    "enabled": False,
    "details": {
        **dict.fromkeys(("orderLiterals", "inliner", "jumpdestRemover", "peephole", "deduplicate", "cse", "constantOptimizer"), False),
        "yul": True,  # and of it no step but this, without which OpenZeppelin's P256 does not compile
        "yulDetails": {"stackAllocation": True, "optimizerSteps": ":"},
    },
}  # fmt: skip


@cache
def texts() -> dict[str, str]:
    """What lies below contracts/, by name; mocks apart."""
    found = {path.relative_to(CONTRACTS).as_posix(): path.read_text("utf-8") for path in CONTRACTS.rglob("*.sol")}
    return {name: text for name, text in found.items() if not name.startswith("mocks/")}


@cache
def needed(name: str) -> frozenset[str]:
    """A file and all it imports of ours."""
    folder = (CONTRACTS / name).parent
    imports = re.findall(r'from "(\.[^"]+)";', texts()[name])
    inner = [(folder / path).resolve().relative_to(CONTRACTS).as_posix() for path in imports]
    return frozenset({name}).union(*map(needed, inner))


def reached(file: str) -> list[str]:
    """Files whose contracts a change of one file may change; of nothing, all."""
    return [name for name in texts() if not file or file in needed(name)]


def compiled(changes: Sequence[Change]) -> list[dict[str, str] | None]:
    """Creation code by ``File.sol/Contract`` of all that each change reaches; None for one that does not compile."""
    sources: dict[str, dict[str, str]] = {}
    wanted: dict[str, dict[str, list[str]]] = {}
    for at, (file, text) in enumerate(changes):
        above = reached(file)
        wanted |= {f"{at}/{name}": {"*": ["evm.bytecode.object"]} for name in above}
        for name in frozenset().union(*map(needed, above)):
            sources[f"{at}/{name}"] = {"content": text if name == file else texts()[name]}
    told = _solc(sources, wanted)
    if any(one["severity"] == "error" for one in told.get("errors", ())):
        half = len(changes) // 2
        return [*compiled(changes[:half]), *compiled(changes[half:])] if half else [None]
    found: list[dict[str, str] | None] = [
        {
            f"{name.rpartition('/')[2]}/{contract}": made["evm"]["bytecode"]["object"]
            for name in reached(file)
            for contract, made in told["contracts"].get(f"{at}/{name}", {}).items()
            if made["evm"]["bytecode"]["object"]
        }
        for at, (file, _) in enumerate(changes)
    ]
    return found


def _solc(sources: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    profile = tomllib.loads((ROOT / "foundry.toml").read_text("utf-8"))["profile"]["default"]
    asked = {
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "remappings": profile["remappings"],
            "evmVersion": profile["evm_version"],
            "optimizer": PLAIN,
            "metadata": {"appendCBOR": False, "bytecodeHash": "none"},  # equal code is equal
            "outputSelection": wanted,
        },
    }
    command = [
        str(FOLDER / f"solc-v{VERSION}"),
        "--standard-json",
        "--base-path",
        str(ROOT),
        "--allow-paths",
        str(ROOT),
    ]
    ran = subprocess.run(command, input=json.dumps(asked), cwd=ROOT, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(ran.stdout)
    return told
