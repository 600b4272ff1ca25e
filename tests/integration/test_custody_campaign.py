"""Live custodians, killed at random while everything happens to consents: nothing lost, doubled or released wrongly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KILLS = 6
LONGEST_S = 280


def test_custodians_killed_in_the_middle_lose_and_leak_nothing(tmp_path: Path) -> None:
    """A short run of `make custody`: its judge finds nothing, and finds what is planted."""
    program = (
        "import json, sys, pathlib; from bench.custody import campaign;"
        "print(json.dumps(campaign(pathlib.Path(sys.argv[1]), int(sys.argv[2]), 3)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(KILLS)],
        cwd=ROOT, capture_output=True, timeout=LONGEST_S, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]
    found = json.loads(ended.stdout.decode().splitlines()[-1])

    assert found["faults"] == []
    assert all(found["canaries"].values()) and len(found["canaries"]) == 4
    assert found["killed"] == KILLS
    assert found["answers_held"] > 20 and found["denied"] > 0 and found["fetched"] > 0
    assert found["receipts"] >= found["answers_held"]
