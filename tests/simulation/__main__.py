"""Play many seeds on all cores: ``python -m tests.simulation [SEEDS] [FIRST]`` writes bench/results/simulation.json."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from .ledger import START_S
from .quick import quick
from .world import CANARIES, World

RESULTS = Path("bench/results/simulation.json")
DAY_S = 86_400
CANARY_SEEDS = 400
"""At most; a canary is caught much earlier."""
CHUNK, WRITTEN = 20, 1_000
COUNTED = ("reports", "bundled", "raced", "releases")


def play(seed: int, canary: str = "", arithmetic: Callable[[], AbstractContextManager[None]] = quick) -> dict[str, Any]:
    """One seed, as facts."""
    with arithmetic():
        world = World(seed, canary)
        found = world.run()
    return {
        "seed": seed, "violations": found.violations, "reports": found.reports, "bundled": found.bundled,
        "raced": found.raced, "releases": found.releases,
        "days": (world.now_s - START_S) / DAY_S, "faults": world.weather.faults, "trace": found.trace.hexdigest(),
    }  # fmt: skip


def caught(canary: str) -> int | None:
    """How many seeds it took to see a planted fault."""
    for seed in range(CANARY_SEEDS):
        if play(seed, canary)["violations"]:
            return seed + 1
    return None


def main(seeds: int, first: int) -> bool:
    """Play, print, write; whether all was sound and every planted fault was seen. What was played is written as it goes."""
    began, faults = time.perf_counter(), Counter[str]()
    facts: dict[str, Any] = {"seeds": 0, "virtual_days": 0.0} | dict.fromkeys(COUNTED, 0)
    failed: list[dict[str, Any]] = []
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        canaries = dict(zip(CANARIES, pool.map(caught, CANARIES), strict=True))
        for one in pool.map(play, range(first, first + seeds), chunksize=CHUNK):
            facts["seeds"] += 1
            facts["virtual_days"] += one["days"]
            for name in COUNTED:
                facts[name] += one[name]
            faults.update(one["faults"])
            if one["violations"]:
                failed.append({"seed": one["seed"], "violations": one["violations"]})
                print(f"seed {one['seed']}: {'; '.join(one['violations'])}", flush=True)
            if facts["seeds"] % WRITTEN == 0 or facts["seeds"] == seeds:
                told = facts | {
                    "virtual_days": round(facts["virtual_days"], 2), "violations": len(failed), "failed": failed,
                    "canary_caught": all(canaries.values()), "canary_seeds": canaries,
                    "faults_injected": faults.total(), "faults": dict(faults),
                    "seconds": round(time.perf_counter() - began), "cores": os.cpu_count(),
                }  # fmt: skip
                RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(RESULTS.read_text("utf-8"), end="")
    return not failed and all(canaries.values())


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:3]]
    sys.exit(0 if main(numbers[0] if numbers else 1_000, numbers[1] if len(numbers) > 1 else 0) else 1)
