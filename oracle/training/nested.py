"""Nested cross-validation: everything is chosen inside each fold, without the rows that judge the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

from . import figures, leaks, sets
from .calibrated import calibrated
from .figures import Floats
from .gam import StepModel
from .judged import figure
from .measured import rounded
from .progress import track

OUTER, INNER, SEED = 5, 3, 2026
Setting = Mapping[str, Any]  # of StepModel


def nested(
    x: Floats, y: Floats, groups: NDArray[Any], settings: Sequence[Setting], make: type[StepModel] = StepModel
) -> dict[str, Any]:
    """The card's ``nested``: figures of the whole procedure on rows it had no part of, and what it chose in each fold.

    Setting, calibration, threshold and conformal sets are all made in the fold's own rows; each judged row is looked at once.

    Parameters
    ----------
    x, y : ndarray (n, n_features), (n,)
    groups : ndarray (n,)
        Rows of one label stay together, in the outer folds and in the inner ones.
    settings : sequence of mapping
        Arguments of `make`.
    make : type
        The model that is chosen for.
    """
    folds = _folds(OUTER, x, y, groups)
    leaks.apart(groups, folds)
    margin, alarm, held, chosen = np.empty(len(y)), np.empty(len(y), bool), np.empty(len(y)), []
    for fit, test in track(folds, "nested cross-validation"):
        best, crossed = choose(x[fit], y[fit], groups[fit], settings, make)
        chosen.append(dict(settings[best]))
        made = calibrated(y[fit], crossed[None, :])
        margin[test] = made.margin(make(**settings[best]).fit(x[fit], y[fit]).margin(x[test]))
        alarm[test] = figures.logistic(margin[test]) >= made.threshold
        held[test] = sets.covered(y[test], margin[test], made.sets)
    found = {
        "auroc": figure(figures.auroc, y, margin, groups=groups),
        "ap": figure(average_precision_score, y, margin, groups=groups),
        "brier": figure(lambda a, b: float(np.mean((figures.logistic(b) - a) ** 2)), y, margin, groups=groups),
        "event1": figure(figures.min_se_ppv, y, alarm, groups=groups),
        "slope": figure(lambda a, b: figures.slope_and_intercept(a, b)[0], y, margin, groups=groups),
        "coverage": figure(lambda a: float(a.mean()), held, groups=groups),
    }
    return {
        **rounded(found),
        "auroc_by_fold": [round(figures.auroc(y[test], margin[test]), 4) for _, test in folds],
        "chosen": chosen,
        "settings": [dict(setting) for setting in settings],
        "how": f"{OUTER} outer folds of whole persons; in each, the setting of least log loss over {INNER} inner folds, whose "
        "predictions also give slope, intercept, threshold and conformal sets",
    }


def choose(
    x: Floats, y: Floats, groups: NDArray[Any], settings: Sequence[Setting], make: type[StepModel]
) -> tuple[int, Floats]:
    """The place of the setting of least log loss over the inner folds, and the log-odds (n,) it gave there."""
    folds = _folds(INNER, x, y, groups)
    crossed = [cross_fitted(make, setting, x, y, folds) for setting in settings]
    best = int(np.argmin([figures.log_loss(y, figures.logistic(margin)) for margin in crossed]))
    return best, crossed[best]


def cross_fitted(make: type[StepModel], setting: Setting, x: Floats, y: Floats, folds: Sequence[leaks.Fold]) -> Floats:
    """Log-odds (n,) of each row by a model that did not see it."""
    margin = np.empty(len(y))
    for fit, test in folds:
        margin[test] = make(**setting).fit(x[fit], y[fit]).margin(x[test])
    return margin


def _folds(count: int, x: Floats, y: Floats, groups: NDArray[Any]) -> Sequence[leaks.Fold]:
    return list(StratifiedGroupKFold(count, shuffle=True, random_state=SEED).split(x, y, groups))
