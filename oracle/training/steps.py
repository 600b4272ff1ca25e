"""A fitted step model as the terms and the interval that a card states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..records import to_e6
from . import figures
from .figures import Floats
from .gam import StepModel


def terms(names: Sequence[str], fitted: StepModel, slope: float, x: Floats) -> list[dict[str, Any]]:
    """The step functions as a card states them, times the calibration's slope; limits are those of `x`."""
    stated = []
    for name, edges, steps, column in zip(names, fitted.edges_, fitted.steps_, x.T, strict=True):
        measured = column[~np.isnan(column)] if not np.isnan(column).all() else np.zeros(1)
        levels = [to_e6(slope * float(step)) for step in steps]
        kept = [k for k in range(len(edges)) if levels[k] != levels[k + 1]]
        stated.append(
            {
                "feature": name,
                "edges_e6": [to_e6(float(edges[k])) for k in kept],
                "steps_e6": [levels[0], *(levels[k + 1] for k in kept)],
                "slope_e6": 0,
                "centre_e6": 0,
                "missing_e6": levels[-1],
                "low_e6": to_e6(float(measured.min())),
                "high_e6": to_e6(float(measured.max())),
            }
        )
    return stated


def rate_interval(margin: Floats, y: Floats, *, neighbours: int, stride: int) -> dict[str, Any]:
    """Per stretch of the margin, Wilson's interval of the event rate of the nearest records, by cross-fitted margins."""
    order = np.argsort(margin, kind="stable")
    starts = range(0, len(order) - neighbours + 1, stride)
    windows = [order[start : start + neighbours] for start in starts]
    middles = np.array([np.median(margin[rows]) for rows in windows])
    bounds = np.array([figures.wilson(int(y[rows].sum()), neighbours) for rows in windows])
    low = np.minimum.accumulate(bounds[::-1, 0])[::-1]  # risk orders records, so an interval may only widen for that
    high = np.maximum.accumulate(bounds[:, 1])
    return {
        "by": "margin",
        "edges_e6": [to_e6(float(edge)) for edge in (middles[1:] + middles[:-1]) / 2],
        "low_e6": [to_e6(float(bound)) for bound in low],
        "high_e6": [to_e6(float(bound)) for bound in high],
        "around": False,
    }
