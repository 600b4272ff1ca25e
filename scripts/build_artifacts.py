"""Compile ``contracts/`` into ``oracle/artifacts/contracts/``; with ``--check``, only see that they are fresh.

What is shipped is what the sources give: the same bytes on every machine, as
the compiler sees the same names and no metadata hash is appended.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from scripts.install_solc import FOLDER, ROOT, VERSION

os.environ.setdefault("SOLCX_BINARY_PATH", str(FOLDER))
import solcx

TARGET = ROOT / "oracle" / "artifacts" / "contracts"
SHIPPED = (
    "TwinToken",
    "ModelRegistry",
    "DeviceRegistry",
    "GuardianRegistry",
    "ConsentRegistry",
    "DataAnchor",
    "StudyRegistry",
    "AccessMarket",
    "AuditTrail",
    "ReportChallenge",
    "PredictionOracle",
    "EmergencyAccess",
    "CaseToken",
    "DeviceLoop",
    "EpochAnchor",
    "PasskeyAccount",
    "PasskeyFactory",
    "TestToken",
)
SETTINGS: dict[str, Any] = {
    "evmVersion": "shanghai",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 20_000},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
}


def compiled() -> dict[str, str]:
    """Artifact text by contract name."""
    sources = {
        path.relative_to(ROOT).as_posix(): {"content": path.read_text("utf-8")}
        for path in sorted((ROOT / "contracts").rglob("*.sol"))
    }
    os.chdir(ROOT)
    solcx.set_solc_version(VERSION)
    output = solcx.compile_standard(
        {"language": "Solidity", "sources": sources, "settings": SETTINGS}, base_path=".", allow_paths=["."]
    )
    for problem in output.get("errors", []):
        print(problem["formattedMessage"], file=sys.stderr)
    found = {}
    for units in output["contracts"].values():
        for name, unit in units.items():
            if name in SHIPPED:
                found[name] = _artifact(unit)
    return found


def _artifact(unit: dict[str, Any]) -> str:
    evm = unit["evm"]
    artifact = {
        "abi": unit["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployed_bytecode": "0x" + evm["deployedBytecode"]["object"],
    }
    return json.dumps(artifact, indent=1) + "\n"


def main() -> None:
    """Write the artifacts, or with ``--check`` exit 1 if one differs."""
    stale = []
    for name, text in compiled().items():
        path = TARGET / f"{name}.json"
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            TARGET.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    if "--check" in sys.argv and stale:
        sys.exit(f"stale artifacts: {', '.join(stale)}; run: make artifacts")
    print("artifacts are fresh" if not stale else f"wrote {', '.join(stale)}")


if __name__ == "__main__":
    main()
