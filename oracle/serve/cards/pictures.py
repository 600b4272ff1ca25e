"""The pictures of a card as SVG by matplotlib: the same bytes from the same card and version."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

E6 = 10**6
WIDE, HIGH = 4.2, 3.4  # inches
LINE, GREY, FILL = "#005ea5", "#6f777b", "#d2e2f1"
STYLE: Any = {
    "svg.hashsalt": "medtwin",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
EFFECTS = 12  # features drawn, those that move the score most

Card = Mapping[str, Any]


def pictures(card: Card) -> list[tuple[str, str, str]]:
    """(title, what it shows in words, SVG) of each picture that the card has numbers for."""
    curves = card.get("curves", {})
    told: list[tuple[str, str, str]] = []
    for name, title, words, draw in CURVES:
        if name in curves:
            told.append((title, words, _drawn(title, curves[name], draw)))
    told.append(("Feature effects", _effects_say(card), _effects(card)))
    return told


def _roc(axes: Axes, points: Any) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    axes.plot(*zip(*points, strict=True), color=LINE)
    axes.set(xlabel="false alarms among those without", ylabel="found among those with", xlim=(0, 1), ylim=(0, 1.01))


def _precision_recall(axes: Axes, points: Any) -> None:
    axes.plot(*zip(*points, strict=True), color=LINE, drawstyle="steps-post")
    axes.set(
        xlabel="found among those with (recall)", ylabel="right among alarms (precision)", xlim=(0, 1), ylim=(0, 1.01)
    )


def _calibration(axes: Axes, groups: Any) -> None:
    said, seen, low, high = ([one[key] for one in groups] for key in ("said", "seen", "low", "high"))
    most = max(*said, *high)
    axes.plot([0, most], [0, most], color=GREY, linestyle=":")
    axes.vlines(said, low, high, color=LINE, linewidth=1)
    axes.plot(said, seen, "o", color=LINE, markersize=4)
    axes.set(xlabel="mean risk said", ylabel="rate seen, 95 % interval", xlim=(0, None), ylim=(0, None))


def _forecast(axes: Axes, groups: Any) -> None:
    said, seen, low, high = ([one[key] for one in groups] for key in ("said", "seen", "low", "high"))
    axes.plot([min(said), max(said)], [min(said), max(said)], color=GREY, linestyle=":")
    axes.vlines(said, low, high, color=LINE, linewidth=1)
    axes.plot(said, seen, "o", color=LINE, markersize=4)
    axes.set(xlabel="mean forecast", ylabel="mean of what came, middle 80 %")


def _decision(axes: Axes, rows: Any) -> None:
    cuts = [one["threshold"] for one in rows]
    for key, style, colour in (("model", "-", LINE), ("everybody", "--", GREY), ("nobody", ":", GREY)):
        axes.plot(cuts, [one[key] for one in rows], linestyle=style, color=colour, label=key)
    axes.set(xlabel="risk from which one would act", ylabel="net benefit per record", ylim=(-0.02, None))
    axes.legend(frameon=False)


CURVES: Sequence[tuple[str, str, str, Callable[[Axes, Any], None]]] = (
    ("roc", "ROC curve", "Share found against share of false alarms, over all thresholds; the dotted line is chance.", _roc),
    ("precision_recall", "Precision and recall", "Share of alarms that are right against the share found.", _precision_recall),
    ("calibration", "Calibration", "Ten groups of equal size by risk; on the dotted line what was said is what was seen.", _calibration),
    ("decision", "Decision curve", "Net benefit of acting by the model, on everybody or on nobody.", _decision),
    ("forecast", "Forecast and outcome", "Ten groups of equal size by forecast; on the dotted line they agree.", _forecast),
)  # fmt: skip


def strongest(card: Card) -> list[Mapping[str, Any]]:
    """The terms whose effect reaches furthest over the training range, the widest first."""
    return sorted(card["model"]["terms"], key=lambda term: (-_reach(term), term["feature"]))[:EFFECTS]


def _reach(term: Mapping[str, Any]) -> float:
    tilt = abs(term["slope_e6"]) * (term["high_e6"] - term["low_e6"]) / E6
    return float(max(term["steps_e6"]) - min(term["steps_e6"]) + tilt)


def _effects_say(card: Card) -> str:
    shown = len(strongest(card))
    return (
        f"What a value adds to the margin: the {shown} of {len(card['model']['terms'])} features that reach furthest."
    )


def _effects(card: Card) -> str:
    terms = strongest(card)
    columns = 3
    rows = -(-len(terms) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(columns * 3.1, rows * 2.1), layout="constrained")
        for place, term in enumerate(terms):
            axes = figure.add_subplot(rows, columns, place + 1)
            low, high = term["low_e6"] / E6, term["high_e6"] / E6
            inner = [edge / E6 for edge in term["edges_e6"]]
            at = sorted({low, *[edge for edge in inner if low < edge < high], high})
            axes.step(at, [_at(term, value) for value in at], where="post", color=LINE)
            if term["slope_e6"]:
                axes.clear()
                axes.plot([low, high], [_at(term, low), _at(term, high)], color=LINE)
            axes.axhline(0, color=GREY, linewidth=0.5)
            axes.set_title(term["feature"], fontsize=8)
        return _svg(figure, "Feature effects")


def _at(term: Mapping[str, Any], value: float) -> float:
    passed = sum(edge / E6 <= value for edge in term["edges_e6"])
    return float(term["steps_e6"][passed] / E6 + term["slope_e6"] / E6 * (value - term["centre_e6"] / E6))


def _drawn(title: str, numbers: Any, draw: Callable[[Axes, Any], None]) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, HIGH), layout="constrained")
        draw(figure.add_subplot(), numbers)
        return _svg(figure, title)


def _svg(figure: Figure, title: str) -> str:
    """The picture without prologue, date or what names the machine; ids of its own, as several share a page."""
    out = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": title}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawn = out.getvalue()
    return drawn[drawn.index("<svg") :].strip()
