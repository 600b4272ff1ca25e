"""Risks from tables: one recipe of fitting, cross-fitting and judging for every kind with a yes-or-no outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..records import E6, to_e6
from ..twins.additive import Additive
from . import figures, leaks, sets
from .account import risk_curves, subgroup_table
from .calibrated import Calibrated, calibrated
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
from .measured import rounded
from .nested import Setting, choose, cross_fitted, nested
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
    beside : mapping of str to ndarray (n,)
        Other scores to compare with, NaN where not known.
    """

    names: tuple[str, ...]
    x: Floats
    y: Floats
    baseline: Floats
    groups: NDArray[Any]
    subgroups: Mapping[str, Bools]
    beside: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind's model is made, and what its card says of that.

    Of `settings` of `make` the one of least cross-validated log loss is fitted; the card's estimate makes that choice in each fold.
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
    several = len(recipe.settings) > 1
    setting = recipe.settings[choose(x, y, records.groups, recipe.settings, recipe.make)[0] if several else 0]
    crossed = np.array([cross_fitted(recipe.make, setting, x, y, folds) for folds in track(repeats, "cross-fitting")])
    made, whole = calibrated(y, crossed), recipe.make(**setting).fit(x, y)
    margin = made.margin(crossed.mean(axis=0))
    stated = {
        "link": "logistic",
        "base_e6": to_e6(made.slope * whole.base_ + made.shift),
        "terms": terms(records.names, whole, made.slope, x),
        "interval": rate_interval(margin, y, neighbours=recipe.neighbours, stride=recipe.stride),
        "least_present": recipe.least_present,
        "tolerance_percent": recipe.tolerance_percent,
        "widest_e6": to_e6(recipe.widest),
    }
    chosen = {"nested": nested(x, y, records.groups, recipe.settings, recipe.make), "fitted": dict(setting)}
    return _told(recipe, records, stated, crossed, made, chosen)


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


def _figures(records: Records, margin: Floats, card: Mapping[str, Any], model: Additive) -> dict[str, Figure]:
    y, risk = records.y, figures.logistic(margin)
    low, high = intervals(model, margin, risk)
    clear = answered(model, records.x) & (high - low <= model.widest_e6 / E6)
    found = risk_figures(y, margin, float(card["threshold"]), groups=records.groups)
    found |= sets.coverage_figures(y, margin, card["sets"], records.subgroups, groups=records.groups)
    found["rate_in_interval"] = Figure(groups_covered(y, risk, low, high) / GROUPS, None, None, len(y))
    found["answered"] = Figure(float(clear.mean()), None, None, len(y))
    known = ~np.isnan(records.baseline)
    told = (y[known], margin[known], records.baseline[known])
    found["gain"] = figure(_gain, *told, groups=records.groups[known])
    for name, scored in {"baseline": records.baseline, **records.beside}.items():
        known = ~np.isnan(scored)
        found[f"{name}_auroc"] = figure(figures.auroc, y[known], scored[known], groups=records.groups[known])
    return found | subgroup_figures(y, margin, records.subgroups)


def _gain(y: Floats, margin: Floats, baseline: Floats) -> float:
    return figures.auroc(y, margin) - figures.auroc(y, baseline)


def _told(
    recipe: Recipe, records: Records, stated: dict[str, Any], crossed: Floats, made: Calibrated, chosen: dict[str, Any]
) -> dict[str, Any]:
    y, margin = records.y, made.margin(crossed.mean(axis=0))
    chosen |= {"threshold": made.threshold, "sets": made.sets}
    found = _figures(records, margin, chosen, Additive.of(stated))
    found["auroc"] = figure(figures.auroc, y, crossed.mean(axis=0), groups=records.groups)
    told = rounded(found)
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
            **{name: chosen["nested"]["auroc"][name] for name in ("value", "low", "high")},
            "how": f"nested cross-validation on all {len(y)} records with {int(y.sum())} events, by whole persons; 95 % bootstrap interval; "
            f"one set of folds with the setting of the shipped model reaches {min(single):.3f} to {max(single):.3f}",
            "baseline_name": recipe.baseline_name,
            "baseline_value": told["baseline_auroc"]["value"],
        },
        "figures": told,
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
