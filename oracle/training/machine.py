"""Unusual temperature of a machine, and whether it comes before a failure; a proxy, as scanners' telemetry is not public.

An alarm begins where the score passes the threshold after a day without. A failure is the middle of its labelled
window, as the Numenta Anomaly Benchmark makes them; it was warned of if an alarm began in the window before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from ..errors import InputError, NotFound
from ..records import to_e6
from ..twins.additive import Additive
from . import figures
from .account import data_sheet
from .faithful import explanation
from .figures import Floats
from .judged import Figure, answered, figure, margins
from .risk import USE
from .tables import numbers, read_table

NAME = "machine_temperature"
PATTERNS = ("*.csv", "*.csv.xz")
NAMES = ("level, from usual", "mean of an hour, from usual", "mean of a day, from usual", "spread of a day, from usual")
HOUR, DAY = 12, 288  # readings
REFERENCE_SHARE = 0.15  # the first part of the recording is taken as usual
ALARM_QUANTILE = 0.999  # of the score in that part
QUIET_S, HOUR_S, MONTH_S = 86_400.0, 3_600.0, 30 * 86_400.0
BLOCK = DAY  # readings of one day are drawn together
FURTHEST = 1_000.0  # deviations; beyond it the sensor is broken
LIMITS = [
    "One machine, not a scanner: a proxy for the telemetry of medical equipment, which nobody publishes.",
    "A handful of failures: no share of failures warned of can be told with any certainty.",
    "A failure's moment is the middle of its labelled window; the true moment is not known.",
    "The score says that temperature is unusual, not why; a new season or a new load is unusual too.",
]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in its order: seconds, degrees, and the labelled windows as (start, end) in seconds."""

    time_s: Floats
    degrees: Floats
    windows: tuple[tuple[float, float], ...]

    @property
    def failing(self) -> NDArray[np.bool_]:
        """Readings inside a window."""
        inside = [(self.time_s >= start) & (self.time_s <= end) for start, end in self.windows]
        return np.any(inside, axis=0) if inside else np.zeros(len(self.time_s), bool)


def train(data: Path) -> dict[str, Any]:
    """The card; what is usual and the threshold come from the first part alone, the figures from the rest."""
    whole = read(data)
    first = int(len(whole.degrees) * REFERENCE_SHARE)
    if first < 2 * DAY:
        raise InputError("the recording is too short to know what is usual", hint="two weeks or more are needed")
    usual = _usual(whole.degrees[:first])
    x = features(whole.degrees, usual)
    stated = _stated(x[:first])
    score = margins(Additive.of(stated), x)
    threshold = float(np.quantile(score[DAY:first], ALARM_QUANTILE))
    rest = Recording(whole.time_s[first:], whole.degrees[first:], whole.windows)
    return _card(stated, usual, threshold, rest, score[first:]) | {
        "explanation": explanation(Additive.of(stated), x[first:]),
        "data_sheet": data_sheet(data / NAME, (*PATTERNS, "*.json")),
    }


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of the trained score on the recording in ``data/machine_temperature``, from `since` (a date) on."""
    whole, card = read(data), cards[NAME]
    model = Additive.of(card["model"])
    x = features(whole.degrees, [(one["middle"], one["spread"]) for one in card["usual"]])
    score, fine, chosen = margins(model, x), answered(model, x), np.ones(len(x), bool)
    if since:
        moment = pd.to_datetime(since, errors="coerce")
        if pd.isna(moment):
            raise InputError(f"{since!r} is not a date", hint="write it as 2014-01 or 2014-01-15")
        chosen = whole.time_s >= moment.timestamp()
    if not chosen.any():
        raise InputError(f"nothing comes after {since}", hint="name an earlier date")
    part = Recording(whole.time_s[chosen], whole.degrees[chosen], whole.windows)
    found = _figures(part, score[chosen], float(card["threshold"]), card["usual"][0])
    return found | {"answered": Figure(float(fine[chosen].mean()), None, None, int(chosen.sum()))}


def read(data: Path) -> Recording:
    """The readings in the order of time, and the windows."""
    folder = data / NAME
    rows = read_table(folder, PATTERNS, ("timestamp", "value"))
    when, value = pd.to_datetime(rows["timestamp"], format="ISO8601", errors="coerce"), numbers(rows["value"])
    fine = np.asarray(when.notna()) & ~np.isnan(value)
    time_s = _seconds(when[fine])
    order = np.argsort(time_s, kind="stable")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise NotFound(
            f"there is no *.json with failure windows in {folder}", hint="[[start, end], ...]", kind="missing_data"
        )
    bounds = [pair for path in paths for pair in json.loads(path.read_text("utf-8"))]
    windows = tuple(
        (float(start), float(end))
        for start, end in (_seconds(pd.to_datetime(pd.Series(pair), format="ISO8601")) for pair in bounds)
    )
    return Recording(time_s[order], value[fine][order], windows)


def features(degrees: Floats, usual: list[tuple[float, float]]) -> Floats:
    """How far each of level, hour's mean, day's mean and day's spread is from usual, in usual spreads (n, 4)."""
    columns = _columns(degrees)
    return np.column_stack(
        [
            np.minimum(np.abs(column - middle) / spread, FURTHEST)
            for column, (middle, spread) in zip(columns, usual, strict=True)
        ]
    )


def _columns(degrees: Floats) -> list[Floats]:
    series = pd.Series(degrees)
    hour, day = series.rolling(HOUR, min_periods=1), series.rolling(DAY, min_periods=2)
    return [degrees, np.asarray(hour.mean()), np.asarray(day.mean().fillna(series)), np.asarray(day.std().fillna(0.0))]


def _usual(degrees: Floats) -> list[tuple[float, float]]:
    """Median and scaled median absolute deviation of each column, the first day left out."""
    found = []
    for column in _columns(degrees):
        middle = float(np.median(column[DAY:]))
        found.append((middle, max(1.4826 * float(np.median(np.abs(column[DAY:] - middle))), 1e-3)))
    return found


def _seconds(when: pd.Series) -> Floats:
    return np.asarray(when.to_numpy("datetime64[ms]").astype(np.int64), np.float64) / 1000


def _stated(x: Floats) -> dict[str, Any]:
    share = to_e6(1 / len(NAMES))
    terms = [
        {"feature": name, "edges_e6": [], "steps_e6": [0], "slope_e6": share, "centre_e6": 0, "missing_e6": None,
         "low_e6": 0, "high_e6": to_e6(FURTHEST)}
        for name in NAMES
    ]  # fmt: skip
    half = to_e6(float(np.quantile(x.mean(axis=1), 0.95)))
    around = {"by": "margin", "edges_e6": [], "low_e6": [half], "high_e6": [half], "around": True}
    return {
        "link": "identity", "base_e6": 0, "terms": terms, "interval": around, "least_present": len(NAMES),
        "tolerance_percent": 0, "widest_e6": to_e6(FURTHEST),
    }  # fmt: skip


def onsets(time_s: Floats, score: Floats, threshold: float) -> Floats:
    """When alarms begin."""
    over = time_s[score > threshold]
    return over[np.diff(over, prepend=-np.inf) > QUIET_S]


def warnings(recording: Recording, begun: Floats) -> list[tuple[float, float | None]]:
    """Of each failure inside the recording: its moment, and how long before it (h) the first alarm began, if one did."""
    found: list[tuple[float, float | None]] = []
    for start, end in recording.windows:
        moment = (start + end) / 2
        if recording.time_s[0] <= start and end <= recording.time_s[-1]:
            before = begun[(begun >= start) & (begun < moment)]
            found.append((moment, float(moment - before[0]) / HOUR_S if len(before) else None))
    return found


def _figures(recording: Recording, score: Floats, threshold: float, level: Mapping[str, float]) -> dict[str, Figure]:
    failing = recording.failing.astype(np.float64)
    days = np.arange(len(score)) // BLOCK
    begun = onsets(recording.time_s, score, threshold)
    told = warnings(recording, begun)
    hours = [one for _, one in told if one is not None]
    inside = [((begun >= start) & (begun <= end)) for start, end in recording.windows]
    false = int((~np.any(inside, axis=0)).sum()) if inside else len(begun)
    months = max(float(recording.time_s[-1] - recording.time_s[0]) / MONTH_S, 1e-9)
    found = {
        "failures": Figure(float(len(told)), None, None, max(len(told), 1)),
        "failures_warned": Figure(float(len(hours)), None, None, max(len(told), 1)),
        "false_alarms_per_month": Figure(false / months, None, None, len(score)),
    }
    if hours:
        found["warning_hours_median"] = Figure(float(np.median(hours)), None, None, len(hours))
    if 0 < failing.sum() < len(failing):
        z = np.abs(recording.degrees - level["middle"]) / level["spread"]
        found["auroc"] = figure(figures.auroc, failing, score, groups=days)
        found["ap"] = figure(average_precision_score, failing, score, groups=days)
        found["baseline_auroc"] = figure(figures.auroc, failing, z, groups=days)
    return found


def _card(
    stated: dict[str, Any], usual: list[tuple[float, float]], threshold: float, rest: Recording, score: Floats
) -> dict[str, Any]:
    described: list[dict[str, Any]] = [
        {"of": name, "middle": round(middle, 6), "spread": round(spread, 6)}
        for name, (middle, spread) in zip(NAMES, usual, strict=True)
    ]
    found = _figures(rest, score, threshold, described[0])
    rounded = {
        name: {key: round(value, 4) if isinstance(value, float) else value for key, value in one.document().items()}
        for name, one in found.items()
    }
    told = warnings(rest, onsets(rest.time_s, score, threshold))
    return {
        "name": NAME,
        "schema": f"{NAME}/1",
        "title": "How unusual a machine's temperature is (a proxy for the telemetry of medical equipment)",
        "unit": "1",
        "link": "score = margin = the mean of four deviations from usual, in usual spreads",
        "data": "Numenta Anomaly Benchmark, machine_temperature_system_failure (MIT): one industrial machine, every 5 min. A proxy.",
        "method": f"Median and median absolute deviation of the first {REFERENCE_SHARE:.0%}; nothing is fitted to failures.",
        "headline": {
            "metric": "AUROC",
            **{name: rounded["auroc"][name] for name in ("value", "low", "high")},
            "how": f"readings inside labelled windows against the others, in the {1 - REFERENCE_SHARE:.0%} after the reference part; "
            f"95 % bootstrap interval over days, of {len(told)} failures",
            "baseline_name": "deviation of the level alone",
            "baseline_value": rounded["baseline_auroc"]["value"],
        },
        "figures": rounded,
        "failures": [
            {"at": pd.Timestamp(moment, unit="s").isoformat(), "warned_hours_before": None if hours is None else round(hours, 2)}
            for moment, hours in told
        ],
        "intervals": {"method": "95 % quantile of the score in the reference part, either side; no coverage is claimed"},
        "usual": described,
        "threshold": round(threshold, 6),
        "intended_use": USE,
        "limits": LIMITS,
        "model": stated,
    }  # fmt: skip
