"""Nested cross-validation: settings are chosen inside each fold, without the rows that judge the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from . import figures, leaks
from .figures import Floats
from .gam import StepModel
from .judged import figure
from .progress import track

OUTER, INNER, SEED = 5, 3, 2026
Setting = Mapping[str, Any]  # of StepModel


def nested(
    x: Floats, y: Floats, groups: NDArray[Any], settings: Sequence[Setting], make: type[StepModel] = StepModel
) -> dict[str, Any]:
    """The card's ``nested``: the AUROC of a procedure that chooses among `settings` by inner log loss, and what it chose.

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
    folds = list(_folds(OUTER, x, y, groups))
    leaks.apart(groups, folds)
    margin, chosen = np.empty(len(y)), []
    for fit, test in track(folds, "nested cross-validation"):
        best = _best(make, settings, x[fit], y[fit], groups[fit])
        chosen.append(best)
        margin[test] = make(**settings[best]).fit(x[fit], y[fit]).margin(x[test])
    found = figure(figures.auroc, y, margin, groups=groups)
    slope, intercept = figures.slope_and_intercept(y, margin)
    return {
        "auroc": {key: round(value, 4) for key, value in found.document().items() if value is not None},
        "slope_uncalibrated": round(slope, 3),
        "intercept_uncalibrated": round(intercept, 3),
        "chosen": [dict(settings[best]) for best in chosen],
        "settings": [dict(setting) for setting in settings],
        "how": f"{OUTER} outer folds of whole persons; in each, the setting of least log loss over {INNER} inner folds",
    }


def _best(make: type[StepModel], settings: Sequence[Setting], x: Floats, y: Floats, groups: NDArray[Any]) -> int:
    """The place of the setting of least inner log loss."""
    return int(np.argmin([_loss(make, setting, x, y, groups) for setting in settings]))


def _loss(make: type[StepModel], setting: Setting, x: Floats, y: Floats, groups: NDArray[Any]) -> float:
    margin = np.empty(len(y))
    for fit, test in _folds(INNER, x, y, groups):
        margin[test] = make(**setting).fit(x[fit], y[fit]).margin(x[test])
    return figures.log_loss(y, figures.logistic(margin))


def _folds(count: int, x: Floats, y: Floats, groups: NDArray[Any]) -> Sequence[leaks.Fold]:
    return list(StratifiedGroupKFold(count, shuffle=True, random_state=SEED).split(x, y, groups))
