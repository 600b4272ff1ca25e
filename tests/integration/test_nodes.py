"""Four oracle nodes and three custodians as processes of their own: a few reports while they die, freeze and lose their chain.

``make faults`` runs the same for as long as one likes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPORTS = 12
MOST_S = 280


def test_reports_stand_once_and_true_while_processes_die(tmp_path: Path) -> None:
    """None lost, doubled or wrong; the harness sees planted faults and a missing quorum."""
    results = tmp_path / "faults.json"
    ran = subprocess.run(
        [sys.executable, "-m", "bench.faults", str(REPORTS), "--out", str(results)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=MOST_S, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(results.read_text("utf-8"))
    assert (found["lost"], found["doubled"], found["wrong"]) == (0, 0, 0)
    assert found["reports"] >= REPORTS
    assert found["faults_injected"] > 0
    assert found["canary_caught"]
