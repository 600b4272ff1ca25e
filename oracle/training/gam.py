"""A generalised additive model for a binary outcome: penalised steps and boosted stumps, averaged into one step function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
FINE, COARSE = 30, 10  # quantile groups of the stumps and of the penalised steps; the coarse edges are among the fine


class StepModel:
    """Log-odds as a sum of one step function per feature.

    Parameters
    ----------
    stumps_share : float
        Weight of the boosted stumps; the rest is that of the penalised steps.
    penalty : float
        scikit-learn's C of the penalised steps: the smaller, the smoother.
    rounds, rate, features_share, least : int, float, float, int
        Of the boosting: how many stumps, how much of each is taken, the share of features each may choose from, and
        the fewest rows on either side.
    seeds : int
        How many boostings are averaged.

    Attributes
    ----------
    edges_ : list of ndarray
        Per feature, ascending.
    steps_ : list of ndarray
        Per feature, one more than its edges, then the step of a missing value.
    base_ : float
        Mean log-odds of the training data, before calibration; every feature's steps have mean 0 there.
    """

    def __init__(
        self,
        *,
        stumps_share: float = 0.5,
        penalty: float = 0.01,
        rounds: int = 1000,
        rate: float = 0.05,
        features_share: float = 0.03,
        least: int = 40,
        seeds: int = 5,
    ) -> None:
        self.stumps_share = stumps_share
        self.penalty = penalty
        self.rounds = rounds
        self.rate = rate
        self.features_share = features_share
        self.least = least
        self.seeds = seeds

    def fit(self, x: Floats, y: Floats) -> StepModel:
        """Fit to rows `x` (n, n_features), NaN where missing, and outcomes `y` (n,) of 0 and 1."""
        self.edges_ = [quantile_edges(column, FINE) for column in x.T]
        cells = self._cells(x)
        share = self.stumps_share
        nothing = [np.zeros(len(edges) + 2) for edges in self.edges_]
        penalised = self._penalised(x, y) if share < 1 else nothing
        stumps = self._stumps(cells, y) if share > 0 else nothing
        self.steps_ = [(1 - share) * a + share * b for a, b in zip(penalised, stumps, strict=True)]
        self.base_ = 0.0
        for steps, cell in zip(self.steps_, cells.T, strict=True):
            steps -= steps[cell].mean()
        odds = self.margin(x)
        self.base_ = _intercept(odds, y)
        return self

    def margin(self, x: Floats) -> Floats:
        """Log-odds of each row."""
        cells = self._cells(x)
        total = np.full(len(x), self.base_)
        for steps, cell in zip(self.steps_, cells.T, strict=True):
            total += steps[cell]
        return total

    def _cells(self, x: Floats) -> NDArray[np.int64]:
        found = [np.searchsorted(edges, column, side="right") for edges, column in zip(self.edges_, x.T, strict=True)]
        cells = np.column_stack(found)
        missing = np.array([len(edges) + 1 for edges in self.edges_])
        return np.where(np.isnan(x), missing[None, :], cells)

    def _penalised(self, x: Floats, y: Floats) -> list[Floats]:
        coarse = [quantile_edges(column, COARSE) for column in x.T]
        design = [
            np.column_stack([column[:, None] >= edges[None, :], np.isnan(column)]).astype(np.float64)
            for edges, column in zip(coarse, x.T, strict=True)
        ]
        joined = np.hstack(design)
        fitted = LogisticRegression(C=self.penalty, max_iter=5000, tol=1e-8).fit(joined - joined.mean(axis=0), y)
        steps, at = [], 0
        for edges, fine in zip(coarse, self.edges_, strict=True):
            rises = fitted.coef_[0][at : at + len(edges) + 1]
            at += len(edges) + 1
            levels = np.concatenate([[0.0], np.cumsum(rises[:-1])])
            below = np.concatenate([[-np.inf], fine])  # left end of each fine cell
            steps.append(np.append(levels[np.searchsorted(edges, below, side="right")], rises[-1]))
        return steps

    def _stumps(self, cells: NDArray[np.int64], y: Floats) -> list[Floats]:
        """What each cell of each feature adds, from trees of one split: such trees only ever add up."""
        missing = np.array([len(edges) + 1 for edges in self.edges_])
        ordinal = np.where(cells == missing, np.nan, cells)
        ordinal[:, np.isnan(ordinal).all(axis=0)] = 0.0  # never measured: nothing to learn, and no bins to make
        probes = [np.zeros((count + 1, len(missing))) for count in missing]
        for column, (probe, count) in enumerate(zip(probes, missing, strict=True)):
            probe[:, column] = np.append(np.arange(count), np.nan)
        return np.split(self._grown(ordinal, y, np.vstack(probes)), np.cumsum(missing + 1)[:-1])

    def _grown(self, ordinal: Floats, y: Floats, probed: Floats) -> Floats:
        """Log-odds of the rows `probed`, by boosting: each tree mends what those before it left."""
        total = np.zeros(len(probed))
        for seed in range(self.seeds):
            fitted = HistGradientBoostingClassifier(
                max_leaf_nodes=2, max_iter=self.rounds, learning_rate=self.rate, max_features=self.features_share,
                l2_regularization=5.0, min_samples_leaf=self.least, max_bins=FINE + 2, early_stopping=False, random_state=seed,
            ).fit(ordinal, y)  # fmt: skip
            total += fitted.decision_function(probed) / self.seeds
        return total


class BaggedStepModel(StepModel):
    """The same from a random forest of one-split trees: for few records, where boosting learns the sample by heart.

    `rounds` is the number of trees and `rate` the log-odds that a rise of the mean vote from 0 to 1 stands for.
    """

    def _grown(self, ordinal: Floats, y: Floats, probed: Floats) -> Floats:
        forest = RandomForestClassifier(
            self.rounds, max_depth=1, max_features=self.features_share, min_samples_leaf=self.least, random_state=0
        ).fit(ordinal, y)
        return self.rate * np.asarray(forest.predict_proba(probed)[:, 1])


def quantile_edges(column: Floats, groups: int) -> Floats:
    """Distinct inner quantiles of the measured values, each one of these values; all values if they are few."""
    measured = column[~np.isnan(column)]
    distinct = np.unique(measured)
    if len(distinct) <= groups:
        return distinct[1:]
    return np.unique(np.quantile(measured, np.arange(1, groups) / groups, method="higher"))


def _intercept(odds: Floats, y: Floats) -> float:
    """The constant that makes the mean risk the observed rate."""
    constant = 0.0
    for _ in range(50):
        risk = 1 / (1 + np.exp(-(odds + constant)))
        step = float((y.mean() - risk.mean()) / (risk * (1 - risk)).mean())
        constant += step
        if abs(step) < 1e-12:
            break
    return constant
