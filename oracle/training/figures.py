"""Figures of merit and intervals, by the formulas of their references."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]
Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson(events: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion (Wilson 1927)."""
    share, square = events / of, Z95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return middle - half, middle + half


def bootstrap(
    figure: Callable[[Floats, Floats], float], y: Floats, score: Floats, *, seed: int, times: int
) -> tuple[float, float]:
    """Percentile 95 % interval of a figure over resampled records."""
    draw = np.random.default_rng(seed)
    found: list[float] = []
    while len(found) < times:
        rows = draw.integers(0, len(y), len(y))
        if y[rows].min() < y[rows].max():
            found.append(figure(y[rows], score[rows]))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def auroc(y: Floats, score: Floats) -> float:
    """Area under the receiver operating characteristic."""
    return float(roc_auc_score(y, score))


def logistic(margin: Floats) -> Floats:
    """The risk of log-odds."""
    return np.asarray(1 / (1 + np.exp(-margin)))


def log_loss(y: Floats, risk: Floats) -> float:
    """Mean negative log-likelihood (natural)."""
    return float(-np.mean(y * np.log(risk) + (1 - y) * np.log1p(-risk)))


def min_se_ppv(y: Floats, chosen: NDArray[np.bool_]) -> float:
    """The challenge's first score: the smaller of sensitivity and positive predictivity."""
    hits = float(np.sum(chosen & (y > 0)))
    return min(hits / float(y.sum()), hits / max(1.0, float(chosen.sum())))


def slope_and_intercept(y: Floats, margin: Floats) -> tuple[float, float]:
    """Calibration slope and intercept: logistic regression of the outcome on the log-odds, without penalty (Newton)."""
    design = np.column_stack([np.ones_like(margin), margin])
    weights = np.zeros(2)
    for _ in range(50):
        risk = logistic(design @ weights)
        hessian = design.T @ (design * (risk * (1 - risk))[:, None])
        step = np.linalg.solve(hessian, design.T @ (y - risk))
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[1]), float(weights[0])


def expected_calibration_error(y: Floats, risk: Floats, *, groups: int = 10) -> float:
    """Mean gap between risk and rate over groups of equal size."""
    parts = np.array_split(np.argsort(risk, kind="stable"), groups)
    return float(sum(len(rows) * abs(y[rows].mean() - risk[rows].mean()) for rows in parts) / len(y))
