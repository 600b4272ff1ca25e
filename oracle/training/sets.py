"""Conformal sets of outcomes: which of yes and no a risk leaves open, so that each is missed as rarely as promised.

Split-conformal by class (Vovk, Lei and Wasserman 2013), on cross-fitted risks: of those with the outcome, and of those
without, a share `LEVEL` keeps its true outcome in the set, whatever the model is worth. A set holds one outcome, both
(undecided), or none (unlike either).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import figures
from .figures import Floats
from .judged import Bools, Figure, figure

LEVEL = 0.9
LEAST = 10  # of each outcome, for a subgroup's coverage to be told


def bounds(y: Floats, margin: Floats) -> dict[str, Any]:
    """The card's ``sets``: the least log-odds that leave the outcome open, and the greatest that leave its absence open."""
    with_it, without = np.sort(margin[y > 0]), np.sort(margin[y == 0])
    return {
        "level": LEVEL,
        "open_from": round(float(with_it[max(0, math.floor((1 - LEVEL) * (len(with_it) + 1)) - 1)]), 6),
        "absent_to": round(float(without[min(len(without), math.ceil(LEVEL * (len(without) + 1))) - 1]), 6),
        "method": "split-conformal by class on cross-fitted log-odds; each outcome stays in the set with the stated probability",
    }


def coverage_figures(
    y: Floats, margin: Floats, sets: Mapping[str, Any], subgroups: Mapping[str, Bools], groups: Any = None
) -> dict[str, Figure]:
    """``coverage`` over all rows and per outcome and subgroup; ``decided`` is the share of sets with one outcome."""
    held = covered(y, margin, sets)
    one = (margin >= sets["open_from"]) != (margin <= sets["absent_to"])

    def share(values: Floats) -> float:
        return float(values.mean())

    found = {
        "coverage": figure(share, held, groups=groups),
        "coverage_nominal": Figure(float(sets["level"]), None, None, len(y)),
        "decided": Figure(float(one.mean()), None, None, len(y)),
    }
    for name, rows in {"with_outcome": y > 0, "without_outcome": y == 0, **subgroups}.items():
        if int(rows.sum()) >= LEAST:
            found[f"coverage_{name}"] = Figure(
                float(held[rows].mean()), *figures.wilson(int(held[rows].sum()), int(rows.sum())), int(rows.sum())
            )
    return found


def covered(y: Floats, margin: Floats, sets: Mapping[str, Any]) -> Floats:
    """1 where the true outcome is in the set."""
    return np.asarray(np.where(y > 0, margin >= sets["open_from"], margin <= sets["absent_to"]), np.float64)
