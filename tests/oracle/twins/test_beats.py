"""Beats of made pulses, whose rate is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from oracle.records import E6
from oracle.twins.beats import Beats, find_beats


def made(beats_per_minute: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A minute at 100 Hz: a beat, a second bump and noise of seed 1."""
    time_ms = np.arange(6_000, dtype=np.int64) * 10
    phase = (time_ms / 60_000 * beats_per_minute) % 1
    wave = 512 + 200 * np.exp(-((phase - 0.3) ** 2) / 0.005) + 40 * np.exp(-((phase - 0.6) ** 2) / 0.01)
    return time_ms, np.rint(wave + 4 * np.random.default_rng(1).normal(size=6_000)).astype(np.int64)


@pytest.mark.parametrize("rate", [48.0, 60.0, 72.0, 97.0, 130.0])
def test_find_beats_finds_the_rate_that_was_made(rate: float) -> None:
    """A made pulse with a second bump and noise has the heart rate it was made with, within 1 %."""
    time_ms, value = made(rate)
    found = find_beats(time_ms, value)

    told = found.rate_e6(0, 60_000)
    assert told is not None and abs(told / E6 - rate) <= 0.01 * rate
    assert found.rejected_percent() <= 5


def test_beats_figures_are_the_textbooks() -> None:
    """Rate, SDNN and RMSSD of five intervals, computed by numpy's float formulas."""
    rr = np.array([800, 810, 790, 850, 770])
    beats = Beats(np.cumsum(rr), rr, 0)

    rate, sdnn, rmssd = beats.rate_e6(0, 10_000), beats.sdnn_e6(), beats.rmssd_e6()
    assert rate is not None and sdnn is not None and rmssd is not None
    assert rate / E6 == pytest.approx(60_000 / rr.mean(), abs=1e-6)
    assert sdnn / E6 == pytest.approx(rr.std(ddof=1), abs=1e-6)
    assert rmssd / E6 == pytest.approx(np.sqrt((np.diff(rr) ** 2).mean()), abs=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_find_beats_finds_none_in_next_to_nothing(samples: int) -> None:
    """No signal has no beats, and is wholly rejected."""
    found = find_beats(np.arange(samples, dtype=np.int64), np.ones(samples, np.int64))

    assert len(found.rr_ms) == 0 and found.rejected_percent() == 100
