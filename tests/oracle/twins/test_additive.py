"""The arithmetic of additive models: steps, slopes, links and limits."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.records import E6, Features, Status
from oracle.twins.additive import Additive, Interval, Term, linked


def _one_step(**changes: object) -> Additive:
    term = Term("a", (2 * E6,), (-E6, E6), 0, 0, 250_000, 0, 4 * E6)
    plain = {"link": "identity", "base_e6": 0, "least_present": 0, "tolerance_percent": 10, "widest_e6": 10 * E6}
    return Additive(terms=(term,), interval=Interval("margin", (), (E6,), (E6,), True), **{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "margin"), [(1.999999, -E6), (2.0, E6), (math.nan, 250_000), (4.4, E6), (-0.4, -E6)])
def test_additive_steps_at_the_edge(value: float, margin: int) -> None:
    """An edge belongs to the step above it; a missing value has its own; the tolerance is inclusive."""
    assert _one_step().predict(Features(("a",), np.array([value]))).margin_e6 == margin


@pytest.mark.parametrize("value", [4.400001, -0.400001])
def test_additive_refuses_beyond_the_tolerance(value: float) -> None:
    """A tenth of the range beyond the training data is allowed, more is not."""
    assert "training data" in _one_step().predict(Features(("a",), np.array([value]))).reason


def test_additive_refuses_a_wide_interval_and_too_few_inputs() -> None:
    """Both limits are the card's, and both give a reason."""
    row = Features(("a",), np.array([1.0]))

    assert "wide" in _one_step(widest_e6=2 * E6 - 1).predict(row).reason
    assert _one_step(widest_e6=2 * E6).predict(row).status is Status.ANSWER
    assert "needed" in _one_step(least_present=1).predict(Features(("a",), np.array([math.nan]))).reason


@given(st.integers(-40 * E6, 40 * E6))
def test_linked_is_the_logistic_function(margin_e6: int) -> None:
    """The decimal logistic agrees with the float one to a millionth, stays in [0, 1] and mirrors."""
    score = linked("logistic", margin_e6)

    assert abs(score / E6 - 1 / (1 + math.exp(-margin_e6 / E6))) <= 0.51 / E6
    assert 0 <= score <= E6 and score + linked("logistic", -margin_e6) == E6


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_term_slope_rounds_half_to_even(slope: int, value: int) -> None:
    """A slope times a value is the nearest millionth, ties to even, as exact fractions say."""
    told = Term("a", (), (0,), slope, 0, None, 0, 0).at(value)

    assert told == round(Fraction(slope * value, E6))
