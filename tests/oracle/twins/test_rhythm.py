"""Beats of made electrocardiograms, whose moments are known, and what two signals say to an asystole alarm."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from oracle.formats.readings import rows
from oracle.records import Readings, Status
from oracle.stages.ingest import collect
from oracle.twins import kinds
from oracle.twins.ecg import matched, qrs
from oracle.twins.rhythm import asystole, rhythm_features, variability_e6

KIND = kinds()["rhythm"]


def made(
    beats_s: NDArray[np.float64], *, seconds: float, rate: int = 250, noise_mv: float = 0.02
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Times (ms) and values (nV) of a lead with a beat at each moment, a wandering baseline and noise of seed 5."""
    at = np.arange(0, seconds, 1 / rate)
    value = 0.3 * np.sin(at / 3) + noise_mv * np.random.default_rng(5).normal(size=len(at))
    for beat in beats_s:
        value += 1.1 * np.exp(-((at - beat) ** 2) / 0.0002) + 0.3 * np.exp(-((at - beat - 0.28) ** 2) / 0.004)
    return np.rint(at * 1000).astype(np.int64), np.rint(value * 1e6).astype(np.int64)


def two(ecg_s: NDArray[np.float64], ppg_s: NDArray[np.float64], *, seconds: float = 70) -> Readings:
    """A lead and an optical pulse that may disagree about when the heart beat."""
    at, lead = made(ecg_s, seconds=seconds)
    pulse = sum((np.exp(-((at / 1000 - beat) ** 2) / 0.01) for beat in ppg_s), np.zeros(len(at)))
    table = [(int(t), "ecg_1", float(v) / 1e6) for t, v in zip(at, lead, strict=True)]
    table += [(int(t), "ppg", float(v)) for t, v in zip(at, pulse, strict=True)]
    return collect(sorted(table), "rhythm/1")


STEADY = np.arange(0.5, 70, 0.8)
STOPPED = STEADY[STEADY < 62]


@pytest.mark.parametrize("rate", [125, 250, 360, 500])
@pytest.mark.parametrize("interval", [0.35, 0.8, 1.6])
def test_qrs_finds_the_beats_that_were_made(rate: int, interval: float) -> None:
    """Every beat within 40 ms and nothing else, at four sampling rates and from 37 to 171 /min."""
    beats = np.arange(1.0, 29.5, interval)
    found, agreement = qrs(*made(beats, seconds=30, rate=rate))

    assert matched(np.rint(beats * 1000).astype(np.int64), found, 40) == len(beats) == len(found)
    assert agreement >= 90


def test_qrs_finds_an_early_beat_and_one_after_a_pause() -> None:
    """An interval of half and one of twice the usual length lose no beat."""
    beats = np.concatenate([np.arange(1, 10, 0.8), [10.1], np.arange(12.2, 29, 0.8)])
    found, _ = qrs(*made(beats, seconds=30))

    assert matched(np.rint(beats * 1000).astype(np.int64), found, 40) == len(beats) == len(found)


def test_qrs_believes_no_noise() -> None:
    """In noise alone two detectors agree on less than 60 % of what they find, in a flat line they find nothing."""
    at, _ = made(np.empty(0), seconds=30)
    noise = np.rint(np.random.default_rng(11).normal(size=len(at)) * 2e5).astype(np.int64)

    assert qrs(at, noise)[1] < 60
    assert len(qrs(at, np.full(len(at), 700))[0]) == 0


def test_variability_is_the_textbooks_and_leaves_early_beats_out() -> None:
    """SDNN and RMSSD by numpy's float formulas; one early beat changes neither by more than its two intervals missing."""
    rr = np.array([800, 810, 790, 850, 770, 805, 795, 820])
    sdnn, rmssd = variability_e6(np.concatenate([[0], np.cumsum(rr)]))

    assert sdnn is not None and rmssd is not None
    assert sdnn / 1e6 == pytest.approx(rr.std(ddof=1), abs=1e-6)
    assert rmssd / 1e6 == pytest.approx(np.sqrt((np.diff(rr) ** 2).mean()), abs=1e-6)
    early = np.concatenate([rr, [400, 1200], rr])
    kept = np.concatenate([rr, rr])
    assert (variability_e6(np.concatenate([[0], np.cumsum(early)]))[0] or 0) / 1e6 == pytest.approx(kept.std(ddof=1))


def test_rhythm_tells_the_rate_that_was_made() -> None:
    """75 /min, within the interval the model states; both signals agree."""
    made_of = two(STEADY, STEADY + 0.2)
    features = KIND.features(made_of)
    answer = KIND.predict(features)

    assert answer.status is Status.ANSWER, answer.reason
    assert abs(answer.score_e6 / 1e6 - 75) < 0.5
    assert dict(zip(features.names, features.values, strict=True))["disagreement of signals"] < 1


def test_rhythm_gives_no_answer_where_signals_contradict() -> None:
    """75 /min in one and 50 /min in the other: neither is believed, and the reason says so."""
    answer = KIND.predict(KIND.features(two(STEADY, np.arange(0.5, 70, 1.2))))

    assert answer.status is Status.NO_ANSWER and "two signals differ by 25 /min" in answer.reason


@pytest.mark.parametrize(("ecg", "ppg", "expected"), [
    (STEADY, STEADY, False),  # both beat
    (STOPPED, STEADY, False),  # an electrode fell off: the pulse goes on
    (STEADY, STOPPED, False),  # the clip slipped
    (STOPPED, STOPPED, True),  # both stand still for 8 s
    (np.empty(0), np.empty(0), None),  # nothing to be read: never called false
])  # fmt: skip
def test_asystole_alarm_is_judged_by_every_signal(
    ecg: NDArray[np.float64], ppg: NDArray[np.float64], expected: bool | None
) -> None:
    """False if any readable signal kept beating, true if none did, and undecided without a readable one; in silico."""
    verdict = asystole(two(ecg, ppg), 70_000)

    assert verdict.asystole is expected and verdict.reason


def test_rhythm_is_the_same_wherever_the_recording_is_cut_before_the_minute() -> None:
    """Only the last minute counts."""
    whole = two(STEADY, STEADY + 0.2)
    part = rows(whole, whole.time_ms > whole.time_ms[-1] - 60_000)

    np.testing.assert_array_equal(rhythm_features(whole).values, rhythm_features(part).values)
