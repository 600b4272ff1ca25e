"""The figures of the pipeline as one picture: rates beside the loop's, growth, and where the time goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = {"svg.hashsalt": "medtwin", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
         "axes.spines.top": False, "axes.spines.right": False}  # fmt: skip
OURS, THEIRS, PALE = "#00695c", "#b0413e", "#c9d6d3"


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Write the picture; the same numbers give the same bytes."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 6.4), layout="constrained")
        rates, growth, memory, split = figure.subplots(2, 2).flat
        _rates(rates, next(one for one in results["sections"] if one["name"] == "pipeline on Ganache")["figures"])
        _growth(growth, results["growth"])
        _memory(memory, results["growth"])
        _split(split, results["shares"])
        figure.savefig(path, format="svg", metadata={"Date": None})


def _rates(axes: Axes, figures: Any) -> None:
    found = [one for one in figures if one["unit"] == "readings/s"]
    names = [one["name"].replace("batches of ", "").replace(", ", "\n") for one in found] + [
        found[0]["peer"].replace(" per ", "\nper ")
    ]
    values = [one["ours"] for one in found] + [found[0]["theirs"]]
    bars = axes.barh(names, values, color=[*[OURS] * len(found), THEIRS])
    axes.bar_label(bars, labels=[f"{value:,.0f}" for value in values], padding=3)
    axes.set(
        xscale="log",
        xlabel="readings a second (logarithmic)",
        title="On Ganache",
        xlim=(min(values) / 3, max(values) * 8),
    )
    axes.invert_yaxis()


def _growth(axes: Axes, steps: Any) -> None:
    readings, seconds = [one["readings"] for one in steps], [one["seconds"] for one in steps]
    last = seconds[-1] / readings[-1]
    axes.plot(readings, [one * last for one in readings], color=PALE, label="proportional")
    axes.plot(readings, seconds, "o-", color=OURS, label="measured")
    axes.set(xscale="log", yscale="log", xlabel="readings", ylabel="s", title="Time to anchor")
    axes.legend(frameon=False)


def _memory(axes: Axes, steps: Any) -> None:
    axes.plot([one["readings"] for one in steps], [one["memory_mb"] for one in steps], "o-", color=OURS)
    axes.set(xscale="log", xlabel="readings", ylabel="MB", title="Memory of the process", ylim=(0, None))


def _split(axes: Axes, shares: Mapping[str, float]) -> None:
    bars = axes.barh(list(shares), [100 * one for one in shares.values()], color=OURS)
    axes.bar_label(bars, fmt="%.0f %%", padding=3)
    axes.set(xlabel="% of the clock", title="Many twins at once")
    axes.invert_yaxis()
