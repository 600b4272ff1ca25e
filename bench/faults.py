"""Reports while everything breaks: ``python -m bench.faults N`` writes ``bench/results/faults.json``.

Separate processes (see :mod:`bench.clinic`); devices publish the next batch when the last one's report stands. Beside
them four hands break things at random: nodes and custodians, the chain, the store, and one node that lies. What it
costs is read from the chain at the end, and each report is computed again. Then more nodes lie than the oracle allows for.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from oracle.twins import kinds

from .clinic import clinic
from .copies import copies, copy_node, too_many_liars
from .hands import Chaos, liar
from .machines import inside
from .patients import admitted, report_on
from .verdict import canaries_caught, judge, posts_of

RESULTS = Path(__file__).parent / "results" / "faults.json"
TWINS, DEPTH = 40, 12


def main() -> None:
    """Run the campaign and write what was found."""
    asked = argparse.ArgumentParser(prog="bench.faults", description="Reports while everything breaks.")
    asked.add_argument("reports", type=int, nargs="?", default=1_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--twins", type=int, default=TWINS)
    asked.add_argument(
        "--depth", type=int, default=DEPTH, help="blocks until a batch counts, and the deepest reorganisation"
    )
    asked.add_argument("--minutes", type=float, default=0, help="publish nothing more after so long; 0: all of it")
    asked.add_argument("--short", action="store_true", help="do not wait until alerts would tell of too many liars")
    asked.add_argument("--proxies", action="store_true", help="no node has a machine of its own, even where it could")
    asked.add_argument("--out", type=Path, default=RESULTS)
    chosen = asked.parse_args()
    apart = not chosen.proxies and inside("bench.faults")
    kind = kinds()["pulse"]
    with (
        tempfile.TemporaryDirectory(prefix="medtwin-faults-") as folder,
        clinic(Path(folder), kind, depth=chosen.depth, apart=apart) as scene,
    ):
        with scene.at_once():
            patients = [admitted(scene, number) for number in range(chosen.twins)]
        stop, began = threading.Event(), time.perf_counter()
        each = -(-chosen.reports // chosen.twins)
        at_work = [threading.Thread(target=report_on, args=(scene, one, each, stop)) for one in patients]
        chaos = Chaos(scene, random.Random(chosen.seed), patients, chosen.reports)
        backup = Path(folder) / "backup"
        if chosen.minutes:
            threading.Timer(60 * chosen.minutes, stop.set).start()
        for thread in at_work:
            thread.start()
        copy_node(scene, "node-2", backup)
        with chaos.going_on():
            for thread in at_work:
                thread.join()
        seconds = round(time.perf_counter() - began)
        found = judge(scene, patients, posts_of(scene))
        found |= {"signed_twice": scene.ear.twice(but=liar(scene)), **chaos.found()}
        found["copies"] = copies(scene, patients, backup)
        canaries = canaries_caught(scene, patients)
        found["beyond_f"] = too_many_liars(scene, patients, short=chosen.short)
        found |= {
            "canary_caught": all(canaries.values()), "canaries": canaries, "seconds": seconds,
            "twins": chosen.twins, "depth": chosen.depth, "seed": chosen.seed, "apart": apart,
        }  # fmt: skip
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    bad = [name for name in ("lost", "doubled", "wrong", "signed_twice") if found[name]]
    bad += [name for name in ("copies", "beyond_f", "canaries") if not all(found[name].values())]
    if bad:
        sys.exit(f"not as it must be: {', '.join(bad)}")


if __name__ == "__main__":
    main()
