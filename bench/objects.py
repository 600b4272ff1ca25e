"""Memory and speed of large objects over a real IPFS node: ``python -m bench.objects MIB`` writes ``bench/results/objects.json``.

An anvil, three custodians and a Kubo node as processes. ``medtwin object put`` and ``get`` of a small file and of a large one run
as processes of their own; the peak of their resident memory is what the system counted. What was got must be what was put.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from oracle.adapters.ipfs_node import ipfs_node
from oracle.adapters.memory import new_signer
from oracle.records import TwinClass
from oracle.rights.consent import DAY_S
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair

from .keepers import ETHER, PASSWORD, keepers

RESULTS = Path(__file__).parent / "results" / "objects.json"
TOOLS = Path(__file__).parents[1] / ".tools"
MIB = 2**20
SMALL_MIB = 16


def main() -> None:
    """Put and get both, and write what it took."""
    large = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    with tempfile.TemporaryDirectory(prefix="medtwin-objects-") as name, ipfs_node(TOOLS) as where:
        folder = Path(name)
        with keepers(folder) as made:
            owner, device, twin = made.keys["owner"], new_signer(), new_twin_id(TwinClass.PATIENT, os.urandom)
            made.opened.fund(device.address, ETHER)
            mint(made.chain, owner, twin)
            pair(made.chain, owner, device, twin, made.chain.head().time_s + DAY_S)
            settings = replace(made.settings, store=where)
            environment = {
                **settings.environment(password=PASSWORD),
                "MEDTWIN_PRIVATE_KEY": device._secret_32_bytes.hex(),
            }
            reading = {**environment, "MEDTWIN_PRIVATE_KEY": owner._secret_32_bytes.hex()}
            found: dict[str, dict[str, float]] = {}
            for number, mib in enumerate((SMALL_MIB, large), 1):
                sent, got = folder / f"{mib}", folder / f"{mib}.got"
                _drawn(sent, mib)
                put = _timed(environment, "put", hex(twin), str(sent), "--device", "", "--category", "imaging")
                get = _timed(reading, "get", hex(twin), str(number), "--purpose", "care", "--out", str(got))
                if _digest(sent) != _digest(got):
                    sys.exit("what was got is not what was put")
                found[f"{mib} MiB"] = {
                    f"{what}_{unit}": value
                    for what, one in (("put", put), ("get", get))
                    for unit, value in zip(("seconds", "peak_mib"), one, strict=True)
                }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"))


def _timed(environment: dict[str, str], *arguments: str) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in MiB."""
    began = time.monotonic()
    command = [sys.executable, "-m", "oracle.serve.cli", "object", *arguments]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"medtwin object {arguments[0]} ended with {process.returncode}")
    return round(time.monotonic() - began, 1), round(used.ru_maxrss / (1024 if sys.platform == "linux" else MIB), 1)


def _drawn(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


if __name__ == "__main__":
    main()
