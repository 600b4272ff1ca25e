"""Judging many rows at once says what the models say one by one, and intervals are what they claim."""

from __future__ import annotations

import numpy as np
import pytest

from oracle.records import E6, Features, Status
from oracle.training import figures
from oracle.training.judged import answered, figure, groups_covered, intervals, margins, risk_figures, subgroup_figures
from oracle.twins import kinds
from oracle.twins.additive import Additive

MODELS = {name: Additive.of(kind.card["model"]) for name, kind in kinds().items()}


def rows_for(model: Additive, seed: int) -> np.ndarray:
    """300 rows within and somewhat beyond the training range, a third of the optional values missing."""
    draw = np.random.default_rng(seed)
    low, high = (np.array([getattr(term, f"{end}_e6") / E6 for term in model.terms]) for end in ("low", "high"))
    x = low + (high - low) * draw.uniform(-0.02, 1.02, (300, len(low)))
    optional = np.array([term.missing_e6 is not None for term in model.terms])
    return np.round(np.where(optional & (draw.random(x.shape) < 0.33), np.nan, x), 6)


@pytest.mark.parametrize("name", MODELS)
def test_margins_and_answers_are_those_of_single_predictions(name: str) -> None:
    """The vectorised sum differs by rounding at most; who gets an answer, and its interval, not at all."""
    model = MODELS[name]
    x = rows_for(model, 7)
    margin, fine = margins(model, x), answered(model, x)
    link = figures.logistic if model.link == "logistic" else np.asarray
    bounds = intervals(model, margin, link(margin)) if model.interval.by == "margin" else None

    told = [model.predict(Features(model.names, row)) for row in x]
    for row, one in enumerate(told):
        if one.status is Status.ANSWER:
            assert fine[row]
            assert margin[row] == pytest.approx(one.margin_e6 / E6, abs=1e-5)
            if bounds:
                assert bounds[0][row] == pytest.approx(one.low_e6 / E6, abs=1e-4)
                assert bounds[1][row] == pytest.approx(one.high_e6 / E6, abs=1e-4)
        elif fine[row]:
            assert "wide" in one.reason
    assert any(one.status is Status.ANSWER for one in told)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of 200 samples whose mean is 0, the 95 % interval holds 0 in 90 % to 99 %."""
    draw = np.random.default_rng(1)
    found = [figure(lambda v: float(v.mean()), draw.normal(size=60)) for _ in range(200)]

    held = sum(one.low <= 0 <= one.high for one in found if one.low is not None and one.high is not None)
    assert 180 <= held <= 198


def test_groups_are_drawn_whole() -> None:
    """Rows that repeat a patient make an interval of patients, so it is wider than that of rows."""
    draw = np.random.default_rng(2)
    patients = np.repeat(np.arange(20), 25)
    values = np.repeat(draw.normal(size=20), 25)

    def mean(v: np.ndarray) -> float:
        return float(v.mean())

    by_row, by_patient = figure(mean, values), figure(mean, values, groups=patients)
    assert by_row.high is not None and by_row.low is not None
    assert by_patient.high is not None and by_patient.low is not None
    assert by_patient.high - by_patient.low > 3 * (by_row.high - by_row.low)
    assert by_row.value == by_patient.value and by_row.n == 500


def test_risk_figures_of_a_calibrated_risk() -> None:
    """Outcomes drawn from the risk itself: slope 1, intercept 0, small calibration error; shuffled ones give chance."""
    draw = np.random.default_rng(3)
    margin = draw.normal(-1, 1.5, 2_500)
    y = (draw.random(2_500) < figures.logistic(margin)).astype(float)

    found = risk_figures(y, margin, 0.5)
    chance = risk_figures(draw.permutation(y), margin, 0.5)

    for name, truth in (("slope", 1.0), ("intercept", 0.0)):
        one = found[name]
        assert one.low is not None and one.high is not None and one.low <= truth <= one.high
    assert found["ece"].value < 0.05
    assert chance["auroc"].low is not None and chance["auroc"].low < 0.5 < (chance["auroc"].high or 0)


def test_subgroups_without_enough_outcomes_are_left_out() -> None:
    """Nine events say nothing."""
    y = np.array([1.0] * 9 + [0.0] * 91 + [1.0] * 30 + [0.0] * 30)
    few = np.arange(160) < 100

    assert set(subgroup_figures(y, np.linspace(0, 1, 160), {"few": few, "many": ~few})) == {"auroc_many"}


def test_groups_covered_counts_groups() -> None:
    """Intervals that hold everything hold ten of ten; those that hold nothing, none."""
    risk, y = np.linspace(0, 0.9, 100), np.tile([0.0, 1.0], 50)

    assert groups_covered(y, risk, np.zeros(100), np.ones(100)) == 10
    assert groups_covered(y, risk, np.full(100, 0.9), np.ones(100)) == 0
