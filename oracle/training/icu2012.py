"""Train the risk of death in hospital on PhysioNet 2012 set A; every choice is made in its development part."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ..records import E6, Features, Prediction, to_e6
from ..twins.additive import Additive
from ..twins.icu import part_of, stay_readings, stays
from ..twins.icu_features import NAMES, stay_features
from . import figures, icu2012_card
from .figures import Floats
from .gam import StepModel

NEIGHBOURS, STRIDE = 150, 25  # stays behind one interval; rows of the table are this many stays apart
TOLERANCE_PERCENT = 25
LEAST_PRESENT = 65  # of the features; about 1 stay in 200 of the development part has fewer
WIDEST = 0.6  # of the risk; beyond it the interval says too little
FOLDS, SEEDS = 5, (2012, 2013, 2014)  # one set of folds per seed


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one part of the data: features, deaths, SAPS-I (-1 where it is not known)."""

    x: Floats
    died: Floats
    saps: Floats

    def predictions(self, model: Additive) -> list[Prediction]:
        """What the model says of each row."""
        return [model.predict(Features(NAMES, row)) for row in self.x]

    def margin(self, model: Additive) -> Floats:
        """Log-odds of each row, answered or not."""
        return np.array([_margin(model, row) for row in self.x])


def train(data: Path) -> dict[str, Any]:
    """The card, with everything the graph and the explanation are made from."""
    parts = read(data)
    stated, reached = develop(parts["development"])
    return icu2012_card.card(stated, reached, parts["held-out"])


def read(data: Path) -> dict[str, Part]:
    """The two parts, with the very features the model will see."""
    with (data / "icu2012" / "outcomes-a.csv").open(encoding="utf-8", newline="") as file:
        outcome = {row["RecordID"]: row for row in csv.DictReader(file)}
    rows: dict[str, list[tuple[Floats, float, float]]] = {"development": [], "held-out": []}
    for stay, lines in stays(data):
        values = stay_features(stay_readings(lines)[0]).values
        known = outcome[stay]
        rows[part_of(stay)].append((values, float(known["In-hospital_death"]), float(known["SAPS-I"])))
    return {
        name: Part(np.array([r[0] for r in part]), np.array([r[1] for r in part]), np.array([r[2] for r in part]))
        for name, part in rows.items()
    }


def develop(part: Part) -> tuple[dict[str, Any], icu2012_card.Reached]:
    """The model fitted to the whole part, calibrated by cross-fitting, and what cross-fitting reached."""
    crossed = _crossed(part)
    slope, shift = figures.slope_and_intercept(np.tile(part.died, len(SEEDS)), crossed.ravel())
    margin = slope * crossed.mean(axis=0) + shift
    fitted = StepModel().fit(part.x, part.died)
    stated = {
        "link": "logistic",
        "base_e6": to_e6(slope * fitted.base_ + shift),
        "terms": _terms(fitted, slope, part.x),
        "interval": _interval(margin, part.died),
        "least_present": LEAST_PRESENT,
        "tolerance_percent": TOLERANCE_PERCENT,
        "widest_e6": to_e6(WIDEST),
    }
    risk = figures.logistic(margin)
    reached = icu2012_card.Reached(
        stays=len(part.died),
        deaths=int(part.died.sum()),
        auroc=tuple(figures.auroc(part.died, one) for one in crossed),
        log_loss=tuple(figures.log_loss(part.died, figures.logistic(one)) for one in crossed),
        slope=slope,
        cut=max(sorted(float(r) for r in risk), key=lambda cut: figures.min_se_ppv(part.died, risk >= cut)),
        neighbours=NEIGHBOURS,
    )
    return stated, reached


def _crossed(part: Part) -> Floats:
    """Per seed, the log-odds of each stay by a model that did not see it."""
    margin = np.zeros((len(SEEDS), len(part.died)))
    for row, seed in enumerate(SEEDS):
        for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(part.x, part.died):
            margin[row, test] = StepModel().fit(part.x[fit], part.died[fit]).margin(part.x[test])
    return margin


def _terms(fitted: StepModel, slope: float, x: Floats) -> list[dict[str, Any]]:
    terms = []
    for name, edges, steps, column in zip(NAMES, fitted.edges_, fitted.steps_, x.T, strict=True):
        levels = [to_e6(slope * float(step)) for step in steps]
        kept = [k for k in range(len(edges)) if levels[k] != levels[k + 1]]
        terms.append(
            {
                "feature": name,
                "edges_e6": [to_e6(float(edges[k])) for k in kept],
                "steps_e6": [levels[0], *(levels[k + 1] for k in kept)],
                "slope_e6": 0,
                "centre_e6": 0,
                "missing_e6": levels[-1],
                "low_e6": to_e6(float(np.nanmin(column))),
                "high_e6": to_e6(float(np.nanmax(column))),
            }
        )
    return terms


def _interval(margin: Floats, died: Floats) -> dict[str, Any]:
    """Per stretch of the margin, Wilson's interval of the death rate of the nearest stays, by cross-fitted margins."""
    order = np.argsort(margin, kind="stable")
    starts = range(0, len(order) - NEIGHBOURS + 1, STRIDE)
    windows = [order[start : start + NEIGHBOURS] for start in starts]
    middles = np.array([np.median(margin[rows]) for rows in windows])
    bounds = np.array([figures.wilson(int(died[rows].sum()), NEIGHBOURS) for rows in windows])
    low = np.minimum.accumulate(bounds[::-1, 0])[::-1]  # risk orders stays, so an interval may only widen for that
    high = np.maximum.accumulate(bounds[:, 1])
    return {
        "by": "margin",
        "edges_e6": [to_e6(float(edge)) for edge in (middles[1:] + middles[:-1]) / 2],
        "low_e6": [to_e6(float(bound)) for bound in low],
        "high_e6": [to_e6(float(bound)) for bound in high],
        "around": False,
    }


def _margin(model: Additive, row: Floats) -> float:
    total = model.base_e6
    for term, value in zip(model.terms, row, strict=True):
        total += (term.missing_e6 or 0) if np.isnan(value) else term.at(to_e6(float(value)))
    return total / E6
