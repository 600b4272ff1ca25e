"""Nodes that bundle: ``python -m bench.bundles`` writes ``bench/results/bundles.json``.

Separate processes (see :mod:`bench.clinic`). Many twins publish at the same time, twice; the second time the node with the
most turns is killed. Then what stands is read from the chain and the store, as everybody does.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from oracle.reports.posted import Posting, postings
from oracle.reports.quorum import first_of
from oracle.stages.post import ALONE
from oracle.twins import kinds

from .clinic import NODES, PASSWORD, ROOT, Clinic, clinic
from .patients import Patient, admitted, publish_next

RESULTS = Path(__file__).parent / "results" / "bundles.json"
TWINS, LEAST = 40, 5
MOST_S = 240.0
"""Until it counts as hung: rounds of a node that is dead take the 20 s that others leave to it."""
AFTERWARDS_S = 5.0
"""Two looks of everybody, in which nothing may come again."""


def main() -> None:
    """Run it and write what was found."""
    asked = argparse.ArgumentParser(prog="bench.bundles", description="Nodes that bundle.")
    asked.add_argument("--twins", type=int, default=TWINS)
    asked.add_argument("--least", type=int, default=LEAST, help="reports that nodes post together")
    asked.add_argument("--out", type=Path, default=RESULTS)
    chosen = asked.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="medtwin-bundles-") as folder,
        clinic(Path(folder), kinds()["pulse"], depth=0, bundle=chosen.least) as scene,
    ):
        with scene.at_once():
            patients = [admitted(scene, number) for number in range(chosen.twins)]
        publish_all(scene, patients)
        awaited(scene, lambda: newest(scene, patients) == {1: len(patients)}, "the first rounds")
        calm = figures(scene, patients)
        name = busiest(scene, patients, 2)
        publish_all(scene, patients)
        scene.own(name).signal(signal.SIGKILL)
        awaited(scene, lambda: newest(scene, patients) == {2: len(patients)}, "the second rounds, with a node dead")
        scene.own(name).start()
        awaited(scene, lambda: scene.ready(name) == "ready", "the node that was killed")
        time.sleep(AFTERWARDS_S)
        found = figures(scene, patients) | {"calm": calm, "twins": chosen.twins, "least": chosen.least}
        twin = hex(next(one for one in patients if reports(scene, one)[0].place != ALONE).edge.twin_id)
        found["listed"] = command(scene, "report", "list", twin).count("may be refuted until")
        command(scene, "index", "run", "--once")
        found["indexed"] = len(json.loads(command(scene, "--json", "index", "list", "predictions", "--twin", twin)))
        found["predicted"] = "round 2" in command(scene, "predict", twin, "--kind", scene.kind.name)
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    if found["lost"] or found["listed"] != 2 or found["indexed"] != 2 or not found["predicted"]:
        sys.exit("not as it must be")


def publish_all(scene: Clinic, patients: Sequence[Patient]) -> None:
    """The next batch of each, at the same time as far as nodes see."""
    with scene.at_once():
        for one in patients:
            publish_next(one)


def reports(scene: Clinic, one: Patient) -> list[Posting]:
    """Of a twin, as whoever reads the chain and the store finds them."""
    return postings(scene.chain, scene.store, one.edge.twin_id)


def newest(scene: Clinic, patients: Sequence[Patient]) -> Counter[int]:
    """How many twins have which newest round."""
    return Counter(max((said.report.round for said in reports(scene, one)), default=0) for one in patients)


def busiest(scene: Clinic, patients: Sequence[Patient], round_: int) -> str:
    """The node with the most turns of a round."""
    turns = Counter(first_of((one.edge.twin_id, scene.kind.model_digest, round_), NODES) for one in patients)
    address = scene.chain.read("PredictionOracle", "signers")[turns.most_common(1)[0][0]]
    return next(name for name, key in scene.keys.items() if key.address == address)


def figures(scene: Clinic, patients: Sequence[Patient]) -> dict[str, Any]:
    """What stands, how, and for how much gas."""
    listed = [reports(scene, one) for one in patients]
    bundled = sum(said.place != ALONE for one in listed for said in one)
    posted = scene.chain.events("PredictionOracle", "PredictionPosted")
    events = scene.chain.events("PredictionOracle", "BundlePosted")
    receipts = [scene.rpc("eth_getTransactionReceipt", "0x" + event.transaction.hex()) for event in events]
    gas = sum(int(one["gasUsed"], 16) for one in receipts)
    return {
        "reports": sum(map(len, listed)),
        "lost": sum([said.report.round for said in one] != list(range(1, len(one) + 1)) for one in listed),
        "alone": len(posted), "bundled": bundled, "bundles": len(events),
        "both_ways": len(posted) + bundled - sum(map(len, listed)), "gas_of_bundles": gas,
        "gas_a_bundled_report": round(gas / bundled) if bundled else 0,
    }  # fmt: skip


def awaited(scene: Clinic, true: Callable[[], bool], what: str) -> None:
    """Wait for it, or end with what the nodes said."""
    end = time.monotonic() + MOST_S
    while not true():
        if time.monotonic() > end:
            logs = {path.name: path.read_text("utf-8")[-600:] for path in scene.folder.glob("node-*.log")}
            sys.exit(f"nothing comes of {what}: {logs}")
        time.sleep(1)


def command(scene: Clinic, *words: str) -> str:
    """What ``medtwin`` prints."""
    environment = {**os.environ, **scene.settings.environment(password=PASSWORD)}
    ran = subprocess.run(
        [sys.executable, "-m", "oracle.serve.cli", *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    if ran.returncode:
        sys.exit(ran.stdout + ran.stderr)
    return ran.stdout


if __name__ == "__main__":
    main()
