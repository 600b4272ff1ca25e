"""Glucose 30 and 60 minutes ahead from the last hour of a continuous monitor; people are left out whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from ..errors import InputError
from ..records import E6, to_e6
from ..twins.additive import Additive
from ..twins.own_record import earned
from .account import data_sheet, forecast_curves
from .faithful import explanation
from .figures import Floats
from .judged import Bools, Figure, answered, figure, intervals, margins
from .risk import USE
from .tables import numbers, read_table


class Record(TypedDict):
    """The two numbers of the rule of a person's own record."""

    least: int
    margin: float


KIND = "cgm_t1d"
PATTERNS = ("*.csv.xz", "*.csv")
CHANNEL = "glucose_mg_dl"
LAGS_MIN = (5, 10, 15, 20, 30, 45, 60)
NEEDED = 4  # the level and the first three changes; without the others the answer is only poorer
NAMES = ("glucose", *(f"change of {lag} min" for lag in LAGS_MIN))
NEAR_MIN = 2.0  # how far a reading may lie from the moment it stands for
LOW, HIGH = 20.0, 600.0  # mg/dL; beyond it a monitor's number is no glucose
RIDGE = 300.0  # of standardised columns
SPANS = 5  # stretches of predicted glucose with an interval of their own
COVER = 0.9
TOLERANCE_PERCENT = 10
HORIZONS_MIN = (30, 60)
RECORD: Record = {"least": 144, "margin": 0.08}  # half a day of forecasts; 8 % below the error of the last value
RECORD_SAYS = (
    "No answer until 144 of a person's own forecasts have come due, and none while their error is not at least 8 % under that "
    "of the last value; both numbers are the same for everybody. A figure applies it to a person's whole recording; a single report sees "
    "two hours, so whoever shows reports over time must apply it."
)
LIMITS = [
    "Six people with type 1 diabetes train it; figures leave each out in turn, so they are few, and people differ.",
    "Nothing about meals, insulin or exercise is read: what these are about to do is not foreseen.",
    "The rule of a person's own record was set while looking at these six people: 8 % keeps one of them without any answer, "
    "who would otherwise have been served no better than by the last value.",
    "No alarm may depend on it: low values are foreseen less well than the average figure says.",
    "The 90 % intervals are conformal over people left out; for one person they hold more or less often.",
]


class Windows:
    """Rows of one or more people: features, glucose ahead, whose they are, when (in minutes, ascending for each)."""

    def __init__(self, x: Floats, y: Floats, people: np.ndarray, minute: Floats) -> None:
        self.x, self.y, self.people, self.minute = x, y, people, minute

    def of(self, rows: Bools) -> Windows:
        """Some of the rows."""
        return Windows(self.x[rows], self.y[rows], self.people[rows], self.minute[rows])

    def earned(self, ahead: Floats, horizon_min: int) -> Bools:
        """Which forecasts each person's own record so far allows."""
        given = np.zeros(len(self.y), bool)
        for person in np.unique(self.people):
            own = self.people == person
            given[own] = earned(
                self.minute[own], (ahead - self.y)[own], (self.x[:, 0] - self.y)[own], ahead_min=horizon_min, **RECORD
            )
        return given


def train(data: Path, horizon_min: int) -> dict[str, Any]:
    """The card of one horizon."""
    every = windows(data, horizon_min)
    ahead = np.empty(len(every.y))
    for person in np.unique(every.people):
        out = every.people == person
        ahead[out] = every.x[out, 0] + _filled(every.x[out]) @ fit(every.of(~out))
    stated = _stated(every, fit(every), ahead)
    return _card(stated, every, ahead, horizon_min) | {
        "record": {**RECORD, "how": RECORD_SAYS},
        "curves": forecast_curves(every.y, ahead),
        "people": _people(every, ahead, horizon_min),
        "explanation": explanation(Additive.of(stated), every.x),
        "data_sheet": data_sheet(data / KIND, PATTERNS),
    }


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of both horizons on every person in ``data/cgm_t1d``; mg/dL, gains as shares of persistence's error."""
    if since:
        raise InputError("people are judged whole", hint="leave --from away")
    found: dict[str, Figure] = {}
    for horizon in HORIZONS_MIN:
        every, model = windows(data, horizon), Additive.of(cards[f"{KIND}_{horizon}"]["model"])
        margin = margins(model, every.x)
        low, high = intervals(model, margin, margin)
        one = _figures(every, margin, low, high, horizon)
        given = answered(model, every.x) & every.earned(margin, horizon)
        one["answered"] = Figure(float(given.mean()), None, None, len(every.y))
        found |= {f"{name}_{horizon}": value for name, value in one.items()}
    first = HORIZONS_MIN[0]
    return {name: found[f"{name}_{first}"] for name in ("rmse", "coverage", "gain", "answered")} | found


def windows(data: Path, horizon_min: int) -> Windows:
    """A row per reading that has the ones of 5, 10 and 15 minutes before it and one at the horizon; nothing is interpolated."""
    rows = read_table(data / KIND, PATTERNS, ("patient", "time", "channel", "value"))
    rows = rows[rows["channel"] == CHANNEL]
    parts = [_of_person(name, one, horizon_min) for name, one in rows.groupby("patient", sort=True)]
    kept = [part for part in parts if len(part.y)]
    if not kept:
        raise InputError(
            f"nobody in {data / KIND} has {LAGS_MIN[2]} min of {CHANNEL} and a reading {horizon_min} min later",
            hint="readings must be 5 min apart",
        )
    return Windows(*(np.concatenate([getattr(part, name) for part in kept]) for name in ("x", "y", "people", "minute")))


def fit(rows: Windows) -> Floats:
    """Ridge weights (n_features + 1,) of the change ahead on the columns of `_filled`."""
    design, target = _filled(rows.x), rows.y - rows.x[:, 0]
    scale = design.std(axis=0)
    scale[scale == 0] = 1.0
    ridge = RIDGE * np.eye(design.shape[1])
    ridge[-1, -1] = 0.0  # the constant
    scaled = design / scale
    weights: Floats = np.linalg.solve(scaled.T @ scaled + ridge, scaled.T @ target) / scale
    return weights


def _filled(x: Floats) -> Floats:
    """The columns and a constant; a change that is not known counts as none."""
    return np.column_stack([np.nan_to_num(x), np.ones(len(x))])


def _of_person(name: object, rows: pd.DataFrame, horizon_min: int) -> Windows:
    when = pd.to_datetime(rows["time"], errors="coerce")
    value = numbers(rows["value"])
    fine = np.asarray(when.notna()) & (value >= LOW) & (value <= HIGH)
    minute = np.asarray(when[fine].to_numpy("datetime64[s]").astype(np.int64), np.float64) / 60
    order = np.argsort(minute, kind="stable")
    minute, value = minute[order], value[fine][order]
    if not len(minute):
        return Windows(np.empty((0, len(NAMES))), np.empty(0), np.empty(0, object), np.empty(0))
    before = [value - _at(minute, value, minute - lag) for lag in LAGS_MIN]
    x, y = np.column_stack([value, *before]), _at(minute, value, minute + horizon_min)
    rows_known = ~np.isnan(y) & ~np.isnan(x[:, :NEEDED]).any(axis=1)
    people = np.full(int(rows_known.sum()), str(name), object)
    return Windows(x[rows_known], y[rows_known], people, minute[rows_known])


def _at(minute: Floats, value: Floats, moments: Floats) -> Floats:
    """The reading nearest to each moment, NaN where none is within 2 min."""
    right = np.clip(np.searchsorted(minute, moments), 0, len(minute) - 1)
    left = np.clip(right - 1, 0, len(minute) - 1)
    nearest = np.where(np.abs(minute[left] - moments) <= np.abs(minute[right] - moments), left, right)
    return np.where(np.abs(minute[nearest] - moments) <= NEAR_MIN, value[nearest], np.nan)


def _stated(every: Windows, weights: Floats, ahead: Floats) -> dict[str, Any]:
    centre = float(every.x[:, 0].mean())
    slopes = [1 + float(weights[0]), *(float(one) for one in weights[1:-1])]
    terms = []
    for place, (name, slope, column) in enumerate(zip(NAMES, slopes, every.x.T, strict=True)):
        terms.append(
            {
                "feature": name, "edges_e6": [], "steps_e6": [0], "slope_e6": to_e6(slope),
                "centre_e6": to_e6(centre) if place == 0 else 0, "missing_e6": None if place < NEEDED else 0,
                "low_e6": to_e6(float(np.nanmin(column))), "high_e6": to_e6(float(np.nanmax(column))),
            }
        )  # fmt: skip
    return {
        "link": "identity", "base_e6": to_e6(float(weights[-1]) + slopes[0] * centre), "terms": terms,
        "interval": _interval(ahead, np.abs(every.y - ahead)), "least_present": NEEDED,
        "tolerance_percent": TOLERANCE_PERCENT, "widest_e6": to_e6(400.0),
    }  # fmt: skip


def _interval(ahead: Floats, error: Floats) -> dict[str, Any]:
    """Half widths by stretch of the predicted glucose, each the 90 % conformal quantile of the errors of people left out."""
    edges = np.quantile(ahead, np.arange(1, SPANS) / SPANS)
    span = np.searchsorted(edges, ahead, side="right")
    halves = []
    for place in range(SPANS):
        inside = np.sort(error[span == place])
        halves.append(to_e6(float(inside[min(len(inside), int(np.ceil(COVER * (len(inside) + 1)))) - 1])))
    return {
        "by": "margin",
        "edges_e6": [to_e6(float(one)) for one in edges],
        "low_e6": halves,
        "high_e6": halves,
        "around": True,
    }


def _figures(every: Windows, ahead: Floats, low: Floats, high: Floats, horizon_min: int) -> dict[str, Figure]:
    y, now, people = every.y, every.x[:, 0], every.people
    told = _people(every, ahead, horizon_min)
    answered_gains = [one["gain_answered"] for one in told if one["gain_answered"] is not None]
    gains = [one["gain"] for one in told]
    hypo = y < 70
    found = {
        "rmse": figure(_rmse, y, ahead, groups=people),
        "persistence_rmse": figure(_rmse, y, now, groups=people),
        "gain": figure(_gain, y, ahead, now, groups=people),
        "worst_patient_gain": Figure(min(answered_gains, default=0.0), None, None, len(told)),
        "worst_patient_gain_unlimited": Figure(min(gains), None, None, len(told)),
        "patients_without_answer": Figure(float(len(told) - len(answered_gains)), None, None, len(told)),
        "mae": figure(lambda a, b: float(np.abs(a - b).mean()), y, ahead, groups=people),
        "coverage": figure(lambda a, b, c: float(((b <= a) & (a <= c)).mean()), y, low, high, groups=people),
    }
    if hypo.sum() >= 10:
        found["rmse_below_70"] = figure(_rmse, y[hypo], ahead[hypo], groups=people[hypo])
    return found


def _people(every: Windows, ahead: Floats, horizon_min: int) -> list[dict[str, Any]]:
    """Per person, by number: forecasts, the share answered, the gain over the last value of all and of the answered."""
    given, told = every.earned(ahead, horizon_min), []
    for number, person in enumerate(np.unique(every.people), 1):
        own = every.people == person
        both = own & given
        gains = [round(_gain(every.y[r], ahead[r], every.x[r, 0]), 4) if r.any() else None for r in (own, both)]
        share = round(float(both.sum() / own.sum()), 4)
        told.append(
            {"person": number, "n": int(own.sum()), "answered": share, "gain": gains[0], "gain_answered": gains[1]}
        )
    return told


def _rmse(y: Floats, ahead: Floats) -> float:
    return float(np.sqrt(np.mean((y - ahead) ** 2)))


def _gain(y: Floats, ahead: Floats, now: Floats) -> float:
    return 1 - _rmse(y, ahead) / _rmse(y, now)


def _card(stated: dict[str, Any], every: Windows, ahead: Floats, horizon_min: int) -> dict[str, Any]:
    half = (
        np.array(stated["interval"]["low_e6"])[
            np.searchsorted(np.array(stated["interval"]["edges_e6"]) / E6, ahead, side="right")
        ]
        / E6
    )
    found = _figures(every, ahead, ahead - half, ahead + half, horizon_min)
    rounded = {
        name: {key: round(value, 4) if isinstance(value, float) else value for key, value in one.document().items()}
        for name, one in found.items()
    }
    return {
        "name": f"{KIND}_{horizon_min}",
        "schema": f"{KIND}/1",
        "title": f"Glucose {horizon_min} minutes ahead from the last hour of a continuous monitor",
        "unit": "mg/dL",
        "link": "score = margin = base + the sum of all contributions",
        "data": "Six people with type 1 diabetes of the set UC_HT_T1DM (Langarica et al. 2023), glucose every 5 min.",
        "method": f"Ridge regression of the change in {horizon_min} min on level and changes of 5 to 60 min; penalty fixed beforehand.",
        "headline": {
            "metric": "root mean squared error (mg/dL)",
            **{name: rounded["rmse"][name] for name in ("value", "low", "high")},
            "how": f"{len(every.y)} overlapping windows of {len(np.unique(every.people))} people, each left out in turn; "
            "95 % bootstrap interval over people",
            "baseline_name": "persistence of the last value",
            "baseline_value": rounded["persistence_rmse"]["value"],
        },
        "figures": rounded,
        "intervals": {
            "method": f"{COVER:.0%} conformal, half widths by {SPANS} stretches of predicted glucose, errors of people left out",
            "coverage": f"{found['coverage'].value:.3f} on the windows the widths were made from",
        },
        "intended_use": USE,
        "limits": LIMITS,
        "model": stated,
    }
