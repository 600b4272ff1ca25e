"""``make bench-models``: speed and memory of the models on one thread, into ``bench/results/models.json`` and ``docs/models.md``."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from oracle.records import E6, Features, Status
from oracle.training.judged import answered, intervals, margins
from oracle.twins.shipped import Shipped

RESULT = Path(__file__).parent / "results" / "models.json"
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
PART = re.compile(r"(?<=<!-- make bench-models -->\n).*?(?=<!-- end -->)", re.DOTALL)
CARDS = Path(__file__).parents[1] / "oracle" / "artifacts" / "models"
TWINS, SINGLE, IMPORTS = 10_000, 300, 5
NAME = "icu2012"  # the widest model
STACK = ("sklearn", "pandas", "onnx", "onnxruntime", "matplotlib", "scipy")


def main() -> None:
    """Measure, print, write."""
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}", "load": os.getloadavg()[0]},
        "threads": 1,
        **{f"import_{name}": importing(name) for name in ("oracle", "oracle.serve.cli")},
    }  # fmt: skip
    with threadpool_limits(limits=1):
        found |= scoring(Shipped.named(NAME))
    found["memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    table = Table("figure", "value")
    for name, value in found.items():
        table.add_row(name, json.dumps(value))
    Console(width=150).print(table)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    told = "\n".join([*speed(found), "", *faithfulness()]) + "\n"
    PAGE.write_text(PART.sub(lambda _: told, PAGE.read_text("utf-8")), "utf-8")


def speed(found: dict[str, Any]) -> list[str]:
    """The lines of the page on speed and memory."""
    machine, program = found["machine"], found["import_oracle.serve.cli"]
    stack = ", ".join(program["model_stack_loaded"] + found["import_oracle"]["model_stack_loaded"]) or "nothing"
    rows = {
        "10,000 twins": f"{found['batch_10000_s']} s | margins, intervals and who gets an answer, as vectors; best of 3",
        "one twin": f"{found['single_ms_median']} ms | middle of {found['single_rows']} rows, "
        f"explained and checked by the ONNX graph; 95 % within {found['single_ms_p95']} ms",
        "import of `oracle`": f"{found['import_oracle']['median_s']} s | a new process, middle of {IMPORTS}",
        "import of the command": f"{program['median_s']} s | the same; of the model stack it loads {stack}",
        "memory": f"{found['memory_mib']} MiB | at its peak, of this measurement as a whole",
    }
    return [
        f"Measured on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} by `make bench-models` on {machine['cores']} cores ({machine['system']}, "
        f"load {machine['load']:.1f} before it began), one thread, in processor time, of `{found['model']}`, the widest model ({found['features']} features).",
        "",
        "| what | figure | how |",
        "|---|--:|---|",
        *(f"| {what} | {figure} |" for what, figure in rows.items()),
    ]


def faithfulness() -> list[str]:
    """The lines of the page on explanations, as the cards have them."""
    lines = [
        "| model | strongest first | random order | weakest first | margin under noise | its spread | five strongest that stay |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for path in sorted(CARDS.glob("*.json")):
        told = json.loads(path.read_bytes()).get("explanation")
        if told:
            order, steady = told["deletion"], told["stability"]
            figures = [order[name] for name in ("by_contribution", "random_order", "least_first")]
            figures += [steady[name] for name in ("mean_change_of_margin", "spread_of_margin", "top_5_kept")]
            lines.append(f"| {path.stem} | {' | '.join(map(str, figures))} |")
    return lines


def importing(module: str) -> dict[str, Any]:
    """Median processor seconds of an import in a new process, and which part of the model stack it loads."""
    code = f"import time; a = time.process_time(); import {module}, sys; print(time.process_time() - a, *sys.modules)"
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split() for _ in range(IMPORTS)]  # fmt: skip
    loaded = [name for name in STACK if name in told[0]]
    return {"median_s": round(float(np.median([float(one[0]) for one in told])), 3), "model_stack_loaded": loaded}


def scoring(shipped: Shipped) -> dict[str, Any]:
    """A batch of 10,000 rows by vectors, and single rows with explanation and graph, of values within the training range; only answered ones are timed singly."""
    model, draw = shipped.additive, np.random.default_rng(1)
    low, high = (np.array([getattr(term, f"{end}_e6") / E6 for term in model.terms]) for end in ("low", "high"))
    x = np.round(low + (high - low) * draw.random((TWINS, len(low))), 6)
    optional = np.array([term.missing_e6 is not None for term in model.terms])
    x[optional & (draw.random(x.shape) < 0.2)] = np.nan

    def batch() -> None:
        margin = margins(model, x)
        answered(model, x)
        intervals(model, margin, 1 / (1 + np.exp(-margin)))

    told = (Features(model.names, row) for row in x)
    rows = list(islice((one for one in told if shipped.predict(one).status is Status.ANSWER), SINGLE))
    single = [_seconds(lambda row=row: shipped.predict(row)) for row in rows]  # type: ignore[misc]
    return {
        "batch_10000_s": round(min(_seconds(batch) for _ in range(3)), 3),
        "single_ms_median": round(1000 * float(np.median(single)), 2),
        "single_ms_p95": round(1000 * float(np.quantile(single, 0.95)), 2),
        "single_rows": len(single),
        "model": NAME,
        "features": len(model.terms),
    }


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
