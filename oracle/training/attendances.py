"""A&E attendances of an organisation one month ahead; fitted once, never refitted as months pass.

The error is MASE (Hyndman and Koehler 2006): each absolute error of attendances a day, divided by the mean absolute
month-to-month change of that organisation in the months before the first one judged, averaged over all rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..records import E6, to_e6
from ..twins.additive import Additive
from .account import data_sheet, forecast_curves
from .faithful import explanation
from .figures import Floats
from .judged import Figure, answered, figure, intervals, margins
from .risk import USE
from .tables import numbers, read_table

NAME = "nhs_ae"
PATTERNS = ("*.csv", "*.csv.xz")
TYPE = "1"  # consultant-led, around the clock
NAMES = (
    "change of all a year ago into this month", "own such change beyond that of all", "level against 3 months",
    "change of the last month", "level against 12 months",
)  # fmt: skip
YEAR = 12  # months
RIDGE = 300.0  # of standardised columns
COVER = 0.9
LEAST_HISTORY = 6  # month-to-month changes behind a scale
PERIOD = re.compile(r"^\d{4}-\d{2}$")
LIMITS = [
    "Two years of English data: a single repetition of each month, so seasons are known from one year before only.",
    "Monthly totals: nothing about days, hours, beds or staff.",
    "A shock to all organisations at once (weather, an epidemic, a changed count) is not foreseen.",
    "The penalty and the choice of columns were compared on the same months, so the figures are slightly optimistic.",
]


@dataclass(frozen=True, slots=True)
class Panel:
    """Attendances a day by month and organisation (n_months, n_organisations), NaN where not reported."""

    months: pd.PeriodIndex
    organisations: NDArray[Any]
    rate: Floats


@dataclass(frozen=True, slots=True)
class Rows:
    """One row per organisation and month: features, log change into the month, month, organisation (both as numbers)."""

    x: Floats
    y: Floats
    month: NDArray[np.int64]
    organisation: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(self.x[chosen], self.y[chosen], self.month[chosen], self.organisation[chosen])


def train(data: Path) -> dict[str, Any]:
    """The card; the model is fitted to all months that have a year before them, its figures leave each out in turn."""
    panel = read(data)
    every = rows_of(panel)
    every = every.of(~np.isnan(every.x[:, 0]))
    if len(np.unique(every.month)) < LEAST_HISTORY:
        raise InputError(f"training needs {YEAR + LEAST_HISTORY} months", hint="add earlier ones to the folder")
    ahead = np.empty(len(every.y))
    for month in np.unique(every.month):
        out = every.month == month
        ahead[out] = np.nan_to_num(every.x[out]) @ fit(every.of(~out))
    error = np.sort(np.abs(every.y - ahead))
    half = float(error[min(len(error), int(np.ceil(COVER * (len(error) + 1)))) - 1])
    stated = _stated(every, fit(every), half)
    return _card(stated, panel, every, ahead, half) | {
        "curves": forecast_curves(every.y, ahead),
        "explanation": explanation(Additive.of(stated), every.x),
        "data_sheet": data_sheet(data / NAME, PATTERNS),
    }


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of the trained model from `since` (``YYYY-MM``) on, or from the 13th month on; earlier months are history."""
    panel = read(data)
    start = _start(panel, since)
    every, model = rows_of(panel), Additive.of(cards[NAME]["model"])
    every = every.of(every.month >= start)
    margin = margins(model, every.x)
    low, high = intervals(model, margin, margin)
    found = _figures(panel, every, margin, start)
    if not found:
        raise InputError(
            "no organisation can be scored", hint=f"{LEAST_HISTORY} months must lie before the first judged"
        )
    found["coverage"] = figure(
        lambda y, a, b: float(((a <= y) & (y <= b)).mean()), every.y, low, high, groups=every.organisation
    )
    found["answered"] = Figure(float(answered(model, every.x).mean()), None, None, len(every.y))
    return found


def read(data: Path) -> Panel:
    """The panel of consultant-led departments; a month that nobody reported is a month all the same."""
    rows = read_table(data / NAME, PATTERNS, ("period", "org_code", "type", "attendances"))
    rows = rows[rows["type"] == TYPE]
    months = pd.to_datetime(rows["period"], format="ISO8601", errors="coerce").dt.to_period("M")
    count = numbers(rows["attendances"])
    fine = np.asarray(months.notna()) & (count > 0)
    if not fine.any():
        raise InputError(f"no attendances of type {TYPE} in {data / NAME}", hint="period is YYYY-MM-DD, type is text")
    table = pd.DataFrame({"month": months[fine], "organisation": rows["org_code"][fine], "count": count[fine]})
    table = table.pivot_table(index="month", columns="organisation", values="count", aggfunc="sum")
    table = table.reindex(pd.period_range(table.index.min(), table.index.max(), freq="M"))
    rate = np.asarray(table, np.float64) / np.asarray(table.index.days_in_month, np.float64)[:, None]
    return Panel(table.index, np.asarray(table.columns), rate)


def rows_of(panel: Panel) -> Rows:
    """Every organisation and month with this month, the last and the one before it reported."""
    level = np.log(panel.rate)
    parts = [_of_month(level, month) for month in range(2, len(level))]
    return Rows(
        np.vstack([part.x for part in parts] or [np.empty((0, len(NAMES)))]),
        *(
            np.concatenate([getattr(part, name) for part in parts] or [np.empty(0)])
            for name in ("y", "month", "organisation")
        ),
    )


def fit(rows: Rows) -> Floats:
    """Ridge weights (n_features,) without a constant; what is not known counts as no change."""
    design = np.nan_to_num(rows.x)
    scale = design.std(axis=0)
    scale[scale == 0] = 1.0
    scaled = design / scale
    weights: Floats = np.linalg.solve(scaled.T @ scaled + RIDGE * np.eye(len(scale)), scaled.T @ rows.y) / scale
    return weights


def _of_month(level: Floats, month: int) -> Rows:
    """What is known at the end of the month before."""
    last, change = level[month - 1], level[month - 1] - level[month - 2]
    season = level[month - YEAR] - level[month - YEAR - 1] if month > YEAR else np.full(level.shape[1], np.nan)
    known = season[~np.isnan(season)]
    common = float(known.mean()) if len(known) else float("nan")
    x = np.column_stack(
        [
            np.full(len(last), common),
            season - common,
            last - _mean_of(level, month, 3),
            change,
            last - _mean_of(level, month, YEAR),
        ]
    )
    fine = ~np.isnan(level[month]) & ~np.isnan(change)
    where = np.flatnonzero(fine)
    return Rows(x[fine], (level[month] - last)[fine], np.full(len(where), month), where)


def _mean_of(level: Floats, month: int, span: int) -> Floats:
    """Mean level of the last months, of those reported."""
    window = level[max(0, month - span) : month]
    count = np.maximum((~np.isnan(window)).sum(axis=0), 1)
    return np.asarray(np.nansum(window, axis=0) / count)


def _start(panel: Panel, since: str) -> int:
    if not since:
        return min(YEAR, len(panel.months) // 2)
    if not PERIOD.match(since[:7]) or not 1 <= int(since[5:7]) <= 12:
        raise InputError(f"{since!r} is not a month", hint="write it as 2018-01")
    start = int(np.searchsorted(panel.months.astype("int64"), pd.Period(since[:7], "M").ordinal))
    if start >= len(panel.months):
        raise InputError(
            f"nothing in {panel.months[0]} to {panel.months[-1]} comes after {since}", hint="name an earlier month"
        )
    return start


def _figures(panel: Panel, every: Rows, ahead: Floats, start: int) -> dict[str, Figure]:
    """Errors in attendances a day, scaled by each organisation's own months before `start`."""
    steps = np.abs(np.diff(panel.rate[:start], axis=0))
    known = (~np.isnan(steps)).sum(axis=0)
    scale = np.where(known >= LEAST_HISTORY, np.nansum(steps, axis=0) / np.maximum(known, 1), np.nan)[
        every.organisation
    ]
    fine = scale > 0
    if not fine.any():
        return {}
    month, where, scale = every.month[fine], every.organisation[fine], scale[fine]
    actual, last = panel.rate[month, where], panel.rate[month - 1, where]
    said = last * np.exp(ahead[fine])
    seasonal = np.where(month >= YEAR, panel.rate[month - YEAR, where], np.nan)
    has = ~np.isnan(seasonal)

    def scaled(a: Floats, b: Floats, c: Floats) -> float:
        return float(np.mean(np.abs(a - b) / c))

    found = {
        "mase": figure(scaled, actual, said, scale, groups=where),
        "naive_mase": figure(scaled, actual, last, scale, groups=where),
        "smape": figure(lambda a, b: float(np.mean(2 * np.abs(a - b) / (a + b))), actual, said, groups=where),
        "rmse": figure(lambda a, b: float(np.sqrt(np.mean((a - b) ** 2))), actual, said, groups=where),
    }
    whole = np.asarray((~np.isnan(panel.rate)).all(axis=0))[where]
    if whole.any():  # Hyndman and Koehler's figure as it is mostly told: of organisations that reported every month
        one = scale[whole], where[whole]
        found["mase_complete"] = figure(scaled, actual[whole], said[whole], one[0], groups=one[1])
        found["naive_mase_complete"] = figure(scaled, actual[whole], last[whole], one[0], groups=one[1])
    if has.any():
        found["seasonal_mase"] = figure(scaled, actual[has], seasonal[has], scale[has], groups=where[has])
    return found


def _stated(every: Rows, weights: Floats, half: float) -> dict[str, Any]:
    terms = [
        {
            "feature": name, "edges_e6": [], "steps_e6": [0], "slope_e6": to_e6(float(weight)), "centre_e6": 0,
            "missing_e6": 0, "low_e6": to_e6(float(np.nanmin(column))), "high_e6": to_e6(float(np.nanmax(column))),
        }
        for name, weight, column in zip(NAMES, weights, every.x.T, strict=True)
    ]  # fmt: skip
    around = {"by": "margin", "edges_e6": [], "low_e6": [to_e6(half)], "high_e6": [to_e6(half)], "around": True}
    return {
        "link": "identity", "base_e6": 0, "terms": terms, "interval": around, "least_present": 3,
        "tolerance_percent": 100, "widest_e6": E6,
    }  # fmt: skip


def _card(stated: dict[str, Any], panel: Panel, every: Rows, ahead: Floats, half: float) -> dict[str, Any]:
    found = _figures(panel, every, ahead, YEAR)
    rounded = {
        name: {key: round(value, 4) if isinstance(value, float) else value for key, value in one.document().items()}
        for name, one in found.items()
    }
    return {
        "name": NAME,
        "schema": f"{NAME}/1",
        "title": "Attendances at an emergency department one month ahead, as the logarithm of the change of attendances a day",
        "unit": "1",
        "link": "attendances a day = those of the last month * exp(score); score = margin = the sum of all contributions",
        "data": f"NHS England, A&E attendances by organisation, type 1, {panel.months[0]} to {panel.months[-1]} (Open Government Licence 3.0).",
        "method": "One ridge regression for all organisations, without a constant, on five log changes; not refitted as months pass.",
        "headline": {
            "metric": "MASE",
            **{name: rounded["mase"][name] for name in ("value", "low", "high")},
            "how": f"{found['mase'].n} organisation-months of {len(np.unique(every.month))} months, each month left out in turn; "
            f"scaled by the months up to {panel.months[YEAR - 1]}; 95 % bootstrap interval over organisations",
            "baseline_name": "the last month again",
            "baseline_value": rounded["naive_mase"]["value"],
        },
        "figures": rounded,
        "intervals": {
            "method": f"{COVER:.0%} conformal half width {half:.4f} of the logarithm, errors of months left out",
            "coverage": f"{np.mean(np.abs(every.y - ahead) <= half):.3f} on the months the width was made from",
        },
        "intended_use": USE,
        "limits": LIMITS,
        "model": stated,
    }
