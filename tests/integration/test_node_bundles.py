"""Four nodes as processes of their own that bundle: one transaction for many reports, and a proposer that is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWINS, LEAST = 12, 2
MOST_S = 600
"""Until it counts as hung: it takes two minutes on a machine that has nothing else to do."""


@pytest.mark.timeout(MOST_S)
def test_nodes_bundle_and_a_killed_one_loses_nothing(tmp_path: Path) -> None:
    """Twelve twins at once: reports stand in bundles, each once; with a node killed its rounds come by another."""
    results = tmp_path / "bundles.json"
    ran = subprocess.run(
        [sys.executable, "-m", "bench.bundles", "--twins", str(TWINS), "--least", str(LEAST), "--out", str(results)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=MOST_S, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(results.read_text("utf-8"))
    assert (found["reports"], found["lost"]) == (2 * TWINS, 0)
    assert found["alone"] + found["bundled"] == 2 * TWINS + found["both_ways"]
    assert found["both_ways"] <= 1, "only where two transactions cross"
    assert found["calm"]["bundles"] >= 1 and found["bundled"] >= LEAST * found["bundles"]
    assert (found["listed"], found["indexed"], found["predicted"]) == (2, 2, True)
