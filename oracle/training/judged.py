"""Judging an additive model on many rows at once: margins, who gets an answer, figures with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from ..records import E6
from ..twins.additive import Additive
from . import figures

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Measure = Callable[..., float]
RESAMPLES, FEWER_RESAMPLES, MANY = 1000, 200, 10_000  # fewer where there are many rows
GROUPS = 10  # of equal size, by risk
LEAST_OF_EACH = 10  # events, and records without, that a subgroup needs to be told
SEED = 2026


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of merit, its 95 % interval where one was computed, and how many rows it stands on."""

    value: float
    low: float | None
    high: float | None
    n: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def margins(model: Additive, x: Floats) -> Floats:
    """The margin of each row of `x` (n, n_features), NaN where missing; answered or not.

    The same sum as `Additive.predict`, in floating point, so it differs from that by rounding to millionths.
    """
    return np.asarray(model.base_e6 / E6 + contributions(model, x).sum(axis=1))


def contributions(model: Additive, x: Floats) -> Floats:
    """What each feature adds to the margin of each row (n, n_features)."""
    parts = np.empty(x.shape)
    for place, (term, column) in enumerate(zip(model.terms, x.T, strict=True)):
        missing = np.isnan(column)
        value_e6 = np.rint(np.where(missing, term.centre_e6 / E6, column) * E6)
        steps = np.array(term.steps_e6, np.float64) / E6
        at = steps[np.searchsorted(np.array(term.edges_e6, np.float64), value_e6, side="right")]
        at = at + term.slope_e6 / E6 * (value_e6 - term.centre_e6) / E6
        parts[:, place] = np.where(missing, (term.missing_e6 or 0) / E6, at)
    return parts


def answered(model: Additive, x: Floats) -> Bools:
    """Which rows have all the model needs and lie where it was trained (the width of the interval apart)."""
    missing = np.isnan(x)
    fine: Bools = (~missing).sum(axis=1) >= model.least_present
    for term, column, absent in zip(model.terms, x.T, missing.T, strict=True):
        slack = 0.0 if term.firm else (term.high_e6 - term.low_e6) * model.tolerance_percent / 100 / E6
        inside = (column >= term.low_e6 / E6 - slack) & (column <= term.high_e6 / E6 + slack)
        fine &= np.where(absent, term.missing_e6 is not None, inside)
    return fine


def intervals(model: Additive, margin: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Low and high of each row, for an interval that goes by the margin."""
    given = model.interval
    row = np.searchsorted(np.array(given.edges_e6, np.float64) / E6, margin, side="right")
    low, high = np.array(given.low_e6)[row] / E6, np.array(given.high_e6)[row] / E6
    if given.around:
        return score - low, score + high
    return np.minimum(score, low), np.maximum(score, high)


def figure(measure: Measure, *columns: NDArray[Any], groups: NDArray[Any] | None = None) -> Figure:
    """A measure of equally long columns with a percentile bootstrap interval.

    Parameters
    ----------
    measure : callable
        Of the columns, or of a sample of their rows.
    groups : ndarray, optional
        One label a row; whole groups are drawn, as rows of one patient are not independent.
    """
    draw, n = np.random.default_rng(SEED), len(columns[0])
    labels = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    most, found = int(labels.max()) + 1, []
    for _ in range(RESAMPLES if n <= MANY else FEWER_RESAMPLES):
        times = np.bincount(draw.integers(0, most, most), minlength=most)
        chosen = np.repeat(np.arange(n), times[labels])
        sample = [column[chosen] for column in columns]
        value = measure(*sample) if len(chosen) and _varied(sample[0], columns[0]) else np.nan
        if np.isfinite(value):
            found.append(float(value))
    low, high = np.quantile(found, (0.025, 0.975)) if found else (np.nan, np.nan)
    return Figure(float(measure(*columns)), _finite(float(low)), _finite(float(high)), n)


def _varied(drawn: NDArray[Any], all_of: NDArray[Any]) -> bool:
    """Whether a sample of outcomes has two values where the records have."""
    return bool(drawn.min() < drawn.max()) or bool(all_of.min() == all_of.max())


def risk_figures(y: Floats, margin: Floats, threshold: float, groups: NDArray[Any] | None = None) -> dict[str, Figure]:
    """Discrimination and calibration of log-odds `margin` for outcomes `y`, both (n,)."""
    measures: dict[str, Measure] = {
        "auroc": figures.auroc,
        "ap": average_precision_score,
        "brier": lambda y, m: float(np.mean((figures.logistic(m) - y) ** 2)),
        "event1": lambda y, m: figures.min_se_ppv(y, figures.logistic(m) >= threshold),
        "slope": lambda y, m: figures.slope_and_intercept(y, m)[0],
        "intercept": lambda y, m: figures.slope_and_intercept(y, m)[1],
        "prevalence": lambda y, m: float(y.mean()),
    }
    found = {name: figure(measure, y, margin, groups=groups) for name, measure in measures.items()}
    error = figures.expected_calibration_error(y, figures.logistic(margin))  # resampling only ever adds to it
    return found | {"ece": Figure(error, None, None, len(y))}


def subgroup_figures(y: Floats, margin: Floats, subgroups: Mapping[str, Bools]) -> dict[str, Figure]:
    """``auroc_NAME`` of each subgroup that has enough of both outcomes."""
    found = {}
    for name, rows in subgroups.items():
        events = int(y[rows].sum())
        if min(events, int(rows.sum()) - events) >= LEAST_OF_EACH:
            found[f"auroc_{name}"] = figure(figures.auroc, y[rows], margin[rows])
    return found


def groups_covered(y: Floats, risk: Floats, low: Floats, high: Floats) -> int:
    """In how many of 10 equal groups by risk the observed rate lies within the mean interval."""
    tenths = np.array_split(np.argsort(risk, kind="stable"), GROUPS)
    return int(sum(low[rows].mean() <= y[rows].mean() <= high[rows].mean() for rows in tenths))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
