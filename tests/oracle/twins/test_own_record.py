"""A person's own record: glucose is foreseen only for whom the forecasts of the last two days were worth something."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.formats.readings import rows as rows_of
from oracle.records import Readings, Status
from oracle.stages.ingest import collect
from oracle.stages.model import predict
from oracle.training import glucose as training
from oracle.training.judged import margins
from oracle.twins import kinds
from oracle.twins.glucose import Glucose30, Glucose60
from oracle.twins.own_record import HOUR_MS, LEAST, advantage

from .. import learning

MINUTE_MS = 60_000
KINDS = kinds()


def monitor(period_min: float, hours: int, *, step_min: int = 5) -> Readings:
    """A wave of 40 mg/dL around 140."""
    steps = range(0, hours * 60 + 1, step_min)
    wave = [(at * MINUTE_MS, "glucose", 140 + 40 * math.sin(2 * math.pi * at / period_min)) for at in steps]
    return collect(wave, "cgm/1")


def test_advantage_is_the_mean_of_hours_over_its_standard_error() -> None:
    """The textbook's t of hourly sums, computed by the standard library from fractions."""
    draw = np.random.default_rng(1)
    off, without = draw.normal(0, 9, 300).round(3), draw.normal(0, 10, 300).round(3)
    age = np.arange(300, dtype=np.int64) * 5 * MINUTE_MS
    hours: dict[int, float] = {}
    for when, a, b in zip(age.tolist(), off.tolist(), without.tolist(), strict=True):
        hours[when // HOUR_MS] = hours.get(when // HOUR_MS, 0.0) + b * b - a * a
    sums = list(hours.values())

    assert advantage(age, off, without) == pytest.approx(
        statistics.mean(sums) / (statistics.stdev(sums) / math.sqrt(len(sums))), abs=2e-6
    )
    assert advantage(age, without, off) == -advantage(age, off, without)


def test_advantage_is_not_known_from_few_forecasts_nor_without_variation() -> None:
    """One forecast fewer than asked for is too few; hours that are all alike have no standard error."""
    age = np.arange(LEAST, dtype=np.int64) * 5 * MINUTE_MS
    good, bad = np.linspace(1, 2, LEAST), np.linspace(2, 5, LEAST)

    assert advantage(age, good, bad) > 0
    assert math.isnan(advantage(age[1:], good[1:], bad[1:]))
    assert math.isnan(advantage(age, np.ones(LEAST), np.ones(LEAST)))


@pytest.mark.parametrize("kind", [Glucose30(), Glucose60()], ids=lambda one: one.name)
def test_glucose_is_not_foreseen_before_half_a_day_nor_where_it_turns(kind: Glucose30) -> None:
    """A slow wave is answered after half a day; one that turns within the horizon never, and the reason says why."""
    early, late = monitor(300, 12), monitor(300, 15)
    turning = monitor(2 * kind.ahead_ms / MINUTE_MS, 15)
    answers = [predict(kind, kind.features(one)) for one in (early, late, turning)]

    assert [one.status for one in answers] == [Status.NO_ANSWER, Status.ANSWER, Status.NO_ANSWER]
    assert "lead over the last value so far cannot be told" in answers[0].reason
    assert "lead over the last value so far is -" in answers[2].reason


def test_record_is_of_two_days_and_no_older() -> None:
    """Two days that turn, after a slow wave: what helped before no longer counts."""
    kind = Glucose30()
    slow, turning = monitor(300, 60), monitor(60, 60)
    values = np.where(slow.time_ms < 11 * HOUR_MS, slow.value_e6, turning.value_e6)
    both = Readings(slow.schema, slow.channels, slow.time_ms, slow.channel, values)
    window = rows_of(both, both.time_ms >= both.time_ms[-1] - 49 * HOUR_MS)

    np.testing.assert_array_equal(kind.features(both).values, kind.features(window).values)
    assert kind.window * kind.batch_ms >= 49 * HOUR_MS
    assert predict(kind, kind.features(both)).status is Status.NO_ANSWER


def test_twin_has_the_record_that_evaluation_has(tmp_path: Path) -> None:
    """At every sixth reading of a made-up person with a gap, the twin's features are the row that `evaluate` judges."""
    kind = KINDS["cgm_t1d_30"]
    assert isinstance(kind, Glucose30)
    data = learning.glucose(tmp_path, people=1)
    every, model = training.windows(data, 30), kind.shipped.additive
    rows = every.rows(margins(model, np.column_stack([every.x, np.zeros(len(every.y))])), 30)
    table = pd.read_csv(next((data / "cgm_t1d").iterdir()))
    table = table[
        (table["channel"] == "glucose_mg_dl") & table["value"].between(20, 600) & (table["time"] != "not a time")
    ]
    times = pd.to_datetime(table["time"]).to_numpy("datetime64[ms]").astype(int)
    whole = collect(zip(times.tolist(), table["channel"].str[:7], table["value"], strict=True), kind.schema)
    known = 0
    for stop in range(6, len(whole), 6):
        seen = rows_of(whole, slice(stop))
        same = np.flatnonzero(every.time_ms == seen.time_ms[-1])
        if len(same):
            np.testing.assert_allclose(kind.features(seen).values, rows[same[0]], atol=1e-5)
            known += not np.isnan(rows[same[0], -1])

    assert known >= 3
