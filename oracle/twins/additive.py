"""Models that are a sum of one term per feature, computed in integers so that every node gets the same bits."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import numpy as np

from ..records import E6, Contribution, Features, Prediction, Status, to_e6

LINKS = ("identity", "logistic")
DECIMALS = Context(prec=40, rounding=ROUND_HALF_EVEN)  # decimal's exp is correctly rounded on every machine


@dataclass(frozen=True, slots=True)
class Term:
    """What one feature adds to the margin.

    Parameters
    ----------
    feature : str
    edges_e6, steps_e6 : tuple of int
        The term is ``steps_e6[k]`` where `k` edges are at or below the value; a single step is a constant.
    slope_e6, centre_e6 : int
        Plus ``slope * (value - centre)``; the slope is 0 in a pure step function.
    missing_e6 : int or None
        The term of a feature that was not measured; None if the model cannot do without it.
    low_e6, high_e6 : int
        Smallest and largest value of the training data.
    firm : bool
        Whether these are limits that hold to the digit, not a range that may be passed a little.
    """

    feature: str
    edges_e6: tuple[int, ...]
    steps_e6: tuple[int, ...]
    slope_e6: int
    centre_e6: int
    missing_e6: int | None
    low_e6: int
    high_e6: int
    firm: bool = False

    def at(self, value_e6: int) -> int:
        """The term at a measured value, in millionths."""
        step = self.steps_e6[bisect.bisect_right(self.edges_e6, value_e6)]
        return step + _halves_to_even(self.slope_e6 * (value_e6 - self.centre_e6), E6)

    def beyond(self, value_e6: int, tolerance_percent: int) -> bool:
        """Whether a value lies outside the training range by more than a part of that range."""
        slack = 0 if self.firm else (self.high_e6 - self.low_e6) * tolerance_percent // 100
        return not self.low_e6 - slack <= value_e6 <= self.high_e6 + slack


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval around a score, by where the margin or one feature lies.

    Parameters
    ----------
    by : str
        ``"margin"`` or the name of a feature.
    edges_e6 : tuple of int
    low_e6, high_e6 : tuple of int, one more than edges
        Bounds, or distances from the score where `around` is true.
    around : bool
    """

    by: str
    edges_e6: tuple[int, ...]
    low_e6: tuple[int, ...]
    high_e6: tuple[int, ...]
    around: bool

    def of(self, score_e6: int, where_e6: int) -> tuple[int, int]:
        """Low and high; a tabulated interval is widened, never narrowed, to hold the score."""
        row = bisect.bisect_right(self.edges_e6, where_e6)
        if self.around:
            return score_e6 - self.low_e6[row], score_e6 + self.high_e6[row]
        return min(score_e6, self.low_e6[row]), max(score_e6, self.high_e6[row])


@dataclass(frozen=True, slots=True)
class Additive:
    """A generalised additive model with its limits, as its card states them."""

    link: str
    base_e6: int
    terms: tuple[Term, ...]
    interval: Interval
    least_present: int
    tolerance_percent: int
    widest_e6: int

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Additive:
        """From the ``model`` part of a card."""
        terms = tuple(Term(**_tuples(term)) for term in stated["terms"])
        interval = Interval(**_tuples(stated["interval"]))
        plain = {name: stated[name] for name in ("link", "base_e6", "least_present", "tolerance_percent", "widest_e6")}
        if plain["link"] not in LINKS:
            raise ValueError(f"unknown link {plain['link']!r}")
        return cls(terms=terms, interval=interval, **plain)

    @property
    def names(self) -> tuple[str, ...]:
        """The features in the order the model reads them."""
        return tuple(term.feature for term in self.terms)

    def predict(self, features: Features) -> Prediction:
        """A prediction that adds up exactly, or a NoAnswer with its reason."""
        if features.names != self.names:
            return no_answer("the features are not the ones this model reads, in its order")
        values = [None if np.isnan(value) else to_e6(float(value)) for value in features.values]
        refusal = self._refusal(values)
        if refusal:
            return no_answer(refusal)
        parts = tuple(
            Contribution(term.feature, value, _missing(term) if value is None else term.at(value))
            for term, value in zip(self.terms, values, strict=True)
        )
        margin = self.base_e6 + sum(part.contribution_e6 for part in parts)
        score = linked(self.link, margin)
        where = margin if self.interval.by == "margin" else values[self.names.index(self.interval.by)]
        assert where is not None  # an interval depends on the margin or on a required feature
        low, high = self.interval.of(score, where)
        if high - low > self.widest_e6:
            return no_answer(f"the interval is {(high - low) / E6:.3g} wide, more than {self.widest_e6 / E6:.3g}")
        return Prediction(Status.ANSWER, score, low, high, self.base_e6, margin, parts, "")

    def _refusal(self, values: Sequence[int | None]) -> str:
        for term, value in zip(self.terms, values, strict=True):
            if value is None and term.missing_e6 is None:
                return f"{term.feature} cannot be told from the readings"
        present = sum(value is not None for value in values)
        if present < self.least_present:
            return f"{present} of {len(values)} features are known, at least {self.least_present} are needed"
        for term, value in zip(self.terms, values, strict=True):
            if value is not None and term.beyond(value, self.tolerance_percent):
                if term.firm:
                    return f"{term.feature} is {value / E6:.3g}, which must be {term.low_e6 / E6:g} to {term.high_e6 / E6:g}"
                return (
                    f"{term.feature} is {value / E6:g}, more than {self.tolerance_percent} % of the range beyond "
                    f"the training data ({term.low_e6 / E6:g} to {term.high_e6 / E6:g})"
                )
        return ""


def linked(link: str, margin_e6: int) -> int:
    """The score of a margin, both in millionths; never clipped, half to even."""
    if link == "identity":
        return margin_e6
    odds = DECIMALS.exp(DECIMALS.divide(Decimal(margin_e6), Decimal(E6)))
    share = DECIMALS.divide(odds, DECIMALS.add(odds, Decimal(1)))
    return int(DECIMALS.multiply(share, Decimal(E6)).to_integral_value(rounding=ROUND_HALF_EVEN))


def no_answer(reason: str) -> Prediction:
    """A prediction that declines, with zero numbers and the reason."""
    return Prediction(Status.NO_ANSWER, 0, 0, 0, 0, 0, (), reason)


def _missing(term: Term) -> int:
    assert term.missing_e6 is not None  # refused before
    return term.missing_e6


def _halves_to_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def _tuples(stated: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()}
