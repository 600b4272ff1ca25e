"""Whether explanations are faithful and steady, measured on rows: deletion against random order, and small noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..twins.additive import Additive
from .figures import Floats
from .judged import contributions, margins

SEED, MOST_ROWS, TOP = 2026, 300, 5
NOISE = 0.01  # of the span between the 5th and the 95th percentile
STEPS = 20  # of a deletion curve


def explanation(model: Additive, x: Floats) -> dict[str, Any]:
    """The card's ``explanation``: areas under deletion curves, and what noise does, on at most 300 rows of `x`.

    A feature is deleted by giving it the middle value of `x`. The curve is the mean distance of the margin from that
    of the row as it was, over the share of features deleted, as a part of the distance when all are: the larger the
    area, the earlier the deletions mattered.
    """
    draw = np.random.default_rng(SEED)
    rows = x[np.sort(draw.choice(len(x), min(MOST_ROWS, len(x)), replace=False))]
    parts = contributions(model, rows)
    middle = np.array([np.nanmedian(column) if not np.isnan(column).all() else np.nan for column in x.T])
    away = np.abs(parts - contributions(model, middle[None, :]))
    chance = draw.permuted(np.tile(np.arange(x.shape[1]), (len(rows), 1)), axis=1)
    by_said = np.argsort(-away, axis=1, kind="stable")
    return {
        "rows": len(rows),
        "deletion": {
            "by_contribution": round(_area(model, rows, middle, by_said), 4),
            "random_order": round(_area(model, rows, middle, chance), 4),
            "least_first": round(_area(model, rows, middle, by_said[:, ::-1]), 4),
            "how": "area under the curve of the margin's distance, features replaced by their middle values one after another",
        },
        "stability": _stability(model, rows, parts, draw),
    }


def _area(model: Additive, rows: Floats, middle: Floats, order: NDArray[np.int64]) -> float:
    """Mean height of the curve, 0 to about 1."""
    whole, width = margins(model, rows), rows.shape[1]
    counts = np.unique(np.linspace(0, width, STEPS + 1).round().astype(int))
    distance = []
    for count in counts:
        changed = rows.copy()
        np.put_along_axis(changed, order[:, :count], middle[order[:, :count]], axis=1)
        distance.append(float(np.abs(margins(model, changed) - whole).mean()))
    return float(np.trapezoid(distance, counts / width)) / max(distance[-1], 1e-12)


def _stability(model: Additive, rows: Floats, parts: Floats, draw: np.random.Generator) -> dict[str, Any]:
    noisy = rows + draw.normal(0, NOISE, rows.shape) * np.array([_span(column) for column in rows.T])
    kept = np.where(_few_values(rows)[None, :], rows, noisy)  # a yes or no has no small noise
    again = contributions(model, kept)
    top, top_again = (np.argsort(-np.abs(one), axis=1, kind="stable")[:, :TOP] for one in (parts, again))
    shared = [len(set(a) & set(b)) / min(TOP, rows.shape[1]) for a, b in zip(top, top_again, strict=True)]
    return {
        "noise": f"normal, {NOISE:.0%} of the span between the 5th and 95th percentile; features of two values unchanged",
        "mean_change_of_margin": round(float(np.abs(again.sum(axis=1) - parts.sum(axis=1)).mean()), 4),
        "spread_of_margin": round(float(parts.sum(axis=1).std()), 4),
        f"top_{TOP}_kept": round(float(np.mean(shared)), 4),
    }


def _few_values(rows: Floats) -> NDArray[np.bool_]:
    return np.array([len(np.unique(column[~np.isnan(column)])) <= 2 for column in rows.T])


def _span(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(np.subtract(*np.quantile(known, (0.95, 0.05)))) if len(known) else 0.0
