"""Risks from tables: one recipe of fitting, cross-fitting and judging for every kind with a yes-or-no outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..records import E6, to_e6
from ..twins.additive import Additive
from . import figures, leaks, sets
from .account import risk_curves, subgroup_table
from .faithful import explanation
from .figures import Floats
from .gam import StepModel
from .judged import (
    GROUPS,
    Bools,
    Figure,
    answered,
    figure,
    groups_covered,
    intervals,
    margins,
    risk_figures,
    subgroup_figures,
)
from .nested import Setting, nested
from .progress import track
from .steps import rate_interval, terms

Folds = Sequence[leaks.Fold]
USE = "Research, teaching and the demonstration of accountable predictions. Not a medical device; not for care."


@dataclass(frozen=True, slots=True)
class Records:
    """Rows to learn from or to be judged by.

    Parameters
    ----------
    names : tuple of str
    x : ndarray (n, n_features), NaN where not known
    y : ndarray (n,), 0 or 1
    baseline : ndarray (n,)
        A simple score to beat; higher is riskier.
    groups : ndarray (n,)
        Rows of one label are one person's.
    subgroups : mapping of str to ndarray of bool (n,)
    """

    names: tuple[str, ...]
    x: Floats
    y: Floats
    baseline: Floats
    groups: NDArray[Any]
    subgroups: Mapping[str, Bools]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind's model is made, and what its card says of that.

    `make` with the first of `settings` is what is fitted; where there are several, the card tells a nested estimate too.
    """

    name: str
    title: str
    data: str
    method: str
    baseline_name: str
    make: type[StepModel]
    settings: tuple[Setting, ...]
    neighbours: int
    stride: int
    least_present: int
    limits: tuple[str, ...]
    tolerance_percent: int = 25
    widest: float = 0.8


def card_of(recipe: Recipe, records: Records, repeats: Sequence[Folds]) -> dict[str, Any]:
    """The card; its model is fitted to all records, its figures are of models that did not see the row they judge."""
    x, y = records.x, records.y
    leaks.no_answer_among(records.names, x, y)
    for folds in repeats:
        leaks.apart(records.groups, folds)
    crossed = np.array([_crossed(recipe, x, y, folds) for folds in track(repeats, "cross-fitting")])
    slope, shift = figures.slope_and_intercept(np.tile(y, len(crossed)), crossed.ravel())
    margin, whole = slope * crossed.mean(axis=0) + shift, _fitted(recipe, x, y)
    stated = {
        "link": "logistic",
        "base_e6": to_e6(slope * whole.base_ + shift),
        "terms": terms(records.names, whole, slope, x),
        "interval": rate_interval(margin, y, neighbours=recipe.neighbours, stride=recipe.stride),
        "least_present": recipe.least_present,
        "tolerance_percent": recipe.tolerance_percent,
        "widest_e6": to_e6(recipe.widest),
    }
    risk = figures.logistic(margin)
    cuts = np.unique(np.quantile(risk, np.linspace(0, 1, 401)))
    cut = max(cuts, key=lambda one: figures.min_se_ppv(y, risk >= one))
    chosen: dict[str, Any] = {"threshold": round(float(cut), 4), "sets": sets.bounds(y, margin)}
    if len(recipe.settings) > 1:
        chosen["nested"] = nested(x, y, records.groups, recipe.settings, recipe.make)
    return _told(recipe, records, stated, crossed, margin, chosen)


def judge(card: Mapping[str, Any], records: Records, since: str) -> dict[str, Figure]:
    """Figures of a trained model on all records.

    Raises
    ------
    InputError
        `since` was given, as these records have no date; or there are no records of both outcomes.
    """
    if since:
        raise InputError("these records have no date", hint="leave --from away")
    _check(records)
    model = Additive.of(card["model"])
    margin = margins(model, records.x)
    return _figures(records, margin, card, model)


def _check(records: Records) -> None:
    if not 0 < records.y.sum() < len(records.y):
        raise InputError(
            f"{int(records.y.sum())} of {len(records.y)} records have the outcome; both outcomes are needed",
            hint="judge on a folder with more records",
        )


def _fitted(recipe: Recipe, x: Floats, y: Floats) -> StepModel:
    return recipe.make(**recipe.settings[0]).fit(x, y)


def _crossed(recipe: Recipe, x: Floats, y: Floats, folds: Folds) -> Floats:
    margin = np.empty(len(y))
    for fit, test in folds:
        margin[test] = _fitted(recipe, x[fit], y[fit]).margin(x[test])
    return margin


def _figures(records: Records, margin: Floats, card: Mapping[str, Any], model: Additive) -> dict[str, Figure]:
    y, risk = records.y, figures.logistic(margin)
    low, high = intervals(model, margin, risk)
    clear = answered(model, records.x) & (high - low <= model.widest_e6 / E6)
    found = risk_figures(y, margin, float(card["threshold"]), groups=records.groups)
    found |= sets.coverage_figures(y, margin, card["sets"], records.subgroups, groups=records.groups)
    found["rate_in_interval"] = Figure(groups_covered(y, risk, low, high) / GROUPS, None, None, len(y))
    found["answered"] = Figure(float(clear.mean()), None, None, len(y))
    known = ~np.isnan(records.baseline)
    found["baseline_auroc"] = figure(figures.auroc, y[known], records.baseline[known], groups=records.groups[known])
    return found | subgroup_figures(y, margin, records.subgroups)


def _told(
    recipe: Recipe, records: Records, stated: dict[str, Any], crossed: Floats, margin: Floats, chosen: dict[str, Any]
) -> dict[str, Any]:
    y = records.y
    found = _figures(records, margin, chosen, Additive.of(stated))
    found["auroc"] = figure(figures.auroc, y, crossed.mean(axis=0), groups=records.groups)
    rounded = {name: {key: _rounded(value) for key, value in one.document().items()} for name, one in found.items()}
    single = [figures.auroc(y, one) for one in crossed]
    return {
        "name": recipe.name,
        "schema": f"{recipe.name}/1",
        "title": recipe.title,
        "unit": "1",
        "link": "score = 1 / (1 + exp(-margin)); margin = base + the sum of all contributions, in natural log-odds",
        "data": recipe.data,
        "method": recipe.method,
        "headline": {
            "metric": "AUROC",
            **{name: rounded["auroc"][name] for name in ("value", "low", "high")},
            "how": f"cross-validated on all {len(y)} records with {int(y.sum())} events, by whole persons; "
            f"95 % bootstrap interval; one set of folds alone reaches {min(single):.3f} to {max(single):.3f}",
            "baseline_name": recipe.baseline_name,
            "baseline_value": rounded["baseline_auroc"]["value"],
        },
        "figures": rounded,
        "intervals": {
            "method": f"95 % Wilson interval of the event rate among the {recipe.neighbours} records of nearest cross-fitted risk, "
            "widened so that it rises with risk and holds the score: uncertainty of the risk, not of one person's outcome",
            "coverage": f"the observed rate lies inside the mean interval in {found['rate_in_interval'].value * GROUPS:.0f} of {GROUPS} "
            "groups of equal size, on the records the intervals were made from",
        },
        **chosen,
        "curves": risk_curves(y, margin),
        "subgroups": subgroup_table(y, margin, chosen["sets"], records.subgroups),
        "explanation": explanation(Additive.of(stated), records.x),
        "threshold_chosen": "where the smaller of sensitivity and positive predictivity is largest, on cross-fitted risks",
        "intended_use": USE,
        "limits": list(recipe.limits),
        "model": stated,
    }


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
