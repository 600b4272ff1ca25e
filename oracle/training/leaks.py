"""What must not happen between rows to learn from and rows to be judged by, refused wherever it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from . import figures
from .figures import Floats

TOO_GOOD = 0.98  # AUROC of one feature alone; the best honest one of all kinds here reaches 0.78
SPLITS_FROM = 50  # rows; fewer may be told apart by chance

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows to learn from, rows to be judged by


def apart(groups: NDArray[Any], folds: Iterable[Fold]) -> None:
    """Refuse folds with rows of one person on both sides.

    Raises
    ------
    InputError
        A person has rows on both sides; how many have is told, not who.
    """
    for fit, test in folds:
        both = np.intersect1d(groups[fit], groups[test])
        if len(both):
            raise InputError(
                f"{len(both)} people have rows on both sides of a split",
                hint="split by person, never by row",
                kind="leakage",
            )


def no_answer_among(names: Sequence[str], x: Floats, y: Floats) -> None:
    """Refuse features that tell the outcome all by themselves, by value or by being there.

    Parameters
    ----------
    names : sequence of str
    x : ndarray (n, n_features), NaN where not known
    y : ndarray (n,), 0 or 1

    Raises
    ------
    InputError
        A feature's own AUROC, in either direction, is `TOO_GOOD` or more.
    """
    if len(y) < SPLITS_FROM:
        return
    for name, column in zip(names, x.T, strict=True):
        alone = max(_separates(y, column), _separates(y, np.isnan(column).astype(np.float64)))
        if alone >= TOO_GOOD:
            raise InputError(
                f"{name} alone tells the outcome (AUROC {alone:.3f}): it is surely known only afterwards",
                hint="find out when it is recorded; leave it out",
                kind="leakage",
            )


def _separates(y: Floats, column: Floats) -> float:
    known = ~np.isnan(column)
    events = int(y[known].sum())
    if known.sum() < SPLITS_FROM or not 0 < events < known.sum():
        return 0.5
    found = figures.auroc(y[known], column[known])
    return max(found, 1 - found)
