"""Four oracle nodes and three custodians as processes of their own: a few reports while everything breaks, and copies, and liars.

``make faults`` runs the same for as long as one likes, on a deeper chain.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPORTS, TWINS, DEPTH = 8, 8, 3
MOST_S = 900
"""Until it counts as hung: it takes a minute on a machine that has nothing else to do."""


def _may_have_networks() -> bool:
    """Whether this machine lets its users have networks of their own."""
    if not shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or not shutil.which("unshare"):
        return False
    tried = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def test_reports_stand_once_and_true_while_processes_die(tmp_path: Path) -> None:
    """None lost, doubled or wrong, none signed twice by a copy of a node; too many liars are shown; planted faults are seen."""
    results = tmp_path / "faults.json"
    ran = subprocess.run(
        [sys.executable, "-m", "bench.faults", str(REPORTS), "--twins", str(TWINS), "--depth", str(DEPTH), "--short",
         "--out", str(results)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=MOST_S, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(results.read_text("utf-8"))
    assert (found["lost"], found["doubled"], found["wrong"], found["signed_twice"]) == (0, 0, 0, 0)
    assert found["reports"] >= REPORTS
    assert found["faults_injected"] > 0
    assert found["canary_caught"]
    assert found["apart"] == _may_have_networks(), ran.stderr
    assert found["copies"] == {
        "old_backup_refused": True, "clone_ran_beside": True, "never_two_reports_of_a_round": True
    }  # fmt: skip
    assert found["beyond_f"] == {"in_metrics": True, "nothing_posted": True}
