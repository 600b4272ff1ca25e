"""From raw log-odds to what a card states: slope and intercept, the threshold, the conformal sets; all from cross-fitted rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import figures, sets
from .figures import Floats

SPLITS = 401  # thresholds looked at, as quantiles of the risk


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What is learned from cross-fitted log-odds and their outcomes.

    Parameters
    ----------
    slope, shift : float
        Of the raw log-odds; together they give those that are shown.
    threshold : float
        The risk where the smaller of sensitivity and positive predictivity is largest.
    sets : dict
        Conformal bounds, see :mod:`oracle.training.sets`.
    """

    slope: float
    shift: float
    threshold: float
    sets: dict[str, Any]

    def margin(self, raw: Floats) -> Floats:
        """Log-odds as they are shown."""
        return self.slope * raw + self.shift


def calibrated(y: Floats, crossed: Floats) -> Calibrated:
    """Learn from raw log-odds `crossed` (n_repeats, n_rows) of models that did not see the row, and outcomes `y` (n_rows,)."""
    slope, shift = figures.slope_and_intercept(np.tile(y, len(crossed)), crossed.ravel())
    margin = slope * crossed.mean(axis=0) + shift
    risk = figures.logistic(margin)
    cuts = np.unique(np.quantile(risk, np.linspace(0, 1, SPLITS)))
    cut = max(cuts, key=lambda one: figures.min_se_ppv(y, risk >= one))
    return Calibrated(slope, shift, round(float(cut), 4), sets.bounds(y, margin))
