"""Heartbeats in an electrocardiogram, found in integers so that every node finds the same.

The detector follows Pan and Tompkins (1985) as simplified by Hamilton and Tompkins (1986): band-pass, slope, moving
sum, and a threshold between the heights of the last beats and the last noise, with a second look after long gaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
STEP_MS = 4  # the signal is put on a grid of 250 Hz
GAP_MS = 100  # between neighbouring samples; longer is a gap
REFRACTORY_MS = 200
TWAVE_MS = 360  # until then a peak of less than half the slope is a T wave
BEFORE = 8  # beats, and noise peaks, that the threshold stands on
THRESHOLD_PERCENT = 31  # of the way from noise to beats (Hamilton and Tompkins 1986: 0.3125)
SEARCH_BACK_PERCENT = 150  # of the usual interval without a beat: half the threshold is tried
NEAR_MS = 60  # two detectors that far apart mean the same beat; in noise they then agree on a third at most
FLOOR = 20_000  # nV*samples: a slope no heart falls below; less is a flat line


@dataclass(frozen=True, slots=True)
class Band:
    """Widths (samples of 4 ms) of the averages that make a band-pass, and of the moving sum."""

    short: int
    long: int
    sum: int


BANDS = (Band(5, 40, 20), Band(2, 8, 25))  # about 5 to 20 Hz, and 20 to 60 Hz


@dataclass(slots=True)
class _Heights:
    """The last heights of beats and of noise."""

    beats: list[int]
    noise: list[int] = field(default_factory=lambda: [0])

    def threshold(self) -> int:
        """Between the middle of both."""
        noise, beat = (sorted(some[-BEFORE:])[len(some[-BEFORE:]) // 2] for some in (self.noise, self.beats))
        return noise + (beat - noise) * THRESHOLD_PERCENT // 100


def qrs(time_ms: Ints, value_nv: Ints) -> tuple[Ints, int]:
    """When hearts beat in one lead, and how far two detectors agree.

    Parameters
    ----------
    time_ms : ndarray of int64
        Not decreasing, 100 Hz or more.
    value_nv : ndarray of int64
        In millionths of a millivolt.

    Returns
    -------
    beats_ms : ndarray of int64
    agreement_percent : int
        Beats that two detectors of different bands both find, of all that either finds; 0 without any.

    References
    ----------
    Hamilton and Tompkins 1986, IEEE Trans Biomed Eng 33:1157. Agreement as quality: Li, Mark and Clifford 2008,
    Physiol Meas 29:15.
    """
    if len(time_ms) < 2 or time_ms[-1] - time_ms[0] < 2_000:
        return np.empty(0, np.int64), 0
    grid, value = _on_grid(time_ms, value_nv)
    first, second = (_beats(value, band) for band in BANDS)
    both = matched(first, second, NEAR_MS // STEP_MS)
    either = len(first) + len(second) - both
    return grid[first], 100 * both // either if either else 0


def _on_grid(time_ms: Ints, value: Ints) -> tuple[Ints, Ints]:
    """Linear interpolation every 4 ms; a gap keeps the value before it."""
    grid = np.arange(time_ms[0], time_ms[-1], STEP_MS, dtype=np.int64)
    right = np.clip(np.searchsorted(time_ms, grid, side="right"), 1, len(time_ms) - 1)
    before, after = time_ms[right - 1], time_ms[right]
    span = np.maximum(after - before, 1)
    step = (value[right] - value[right - 1]) * np.clip(grid - before, 0, span) // span
    return grid, value[right - 1] + np.where(span > GAP_MS, 0, step)


def _beats(value: Ints, band: Band) -> Ints:
    """Indices of R peaks."""
    passed = _mean(_mean(value, band.short), band.short) - _mean(value, band.long)
    slope = np.abs(passed[4:] - passed[:-4])
    energy = _sum(np.concatenate([np.zeros(2, np.int64), slope, np.zeros(2, np.int64)]), band.sum)
    peaks = _peaks(energy)
    chosen = _chosen(peaks, energy)
    reach = band.sum // 2 + 5
    return np.array([_top(np.abs(passed), max(0, at - reach), at + reach) for at in chosen], np.int64)


def _top(size: Ints, start: int, stop: int) -> int:
    return start + int(np.argmax(size[start:stop]))


def _peaks(energy: Ints) -> list[int]:
    """Local maxima, the highest of any closer than the refractory time."""
    rising = np.flatnonzero((energy[1:-1] > energy[:-2]) & (energy[1:-1] >= energy[2:])) + 1
    kept: list[int] = []
    for at in rising.tolist():
        if kept and (at - kept[-1]) * STEP_MS < REFRACTORY_MS:
            if energy[at] > energy[kept[-1]]:
                kept[-1] = at
            continue
        kept.append(at)
    return kept


def _chosen(peaks: list[int], energy: Ints) -> list[int]:
    """Peaks over the threshold; after a long gap the highest between is taken if it passes half of it."""
    second = 1_000 // STEP_MS
    usual = sorted(int(energy[start : start + second].max()) for start in range(0, len(energy), second))
    heights = _Heights([max(usual[len(usual) // 2], FLOOR)])
    found: list[int] = []
    passed_over: list[int] = []
    for at in peaks:
        height, threshold = int(energy[at]), max(heights.threshold(), FLOOR)
        if found and passed_over and _overdue(found, at):
            back = max(passed_over, key=lambda one: energy[one])
            if energy[back] > threshold // 2:
                found.append(back)
                heights.beats.append(int(energy[back]))
        twave = found and (at - found[-1]) * STEP_MS < TWAVE_MS and 2 * height < int(energy[found[-1]])
        if height > threshold and not twave:
            found.append(at)
            heights.beats.append(height)
            passed_over = []
        else:
            heights.noise.append(height)
            passed_over = [one for one in passed_over if not found or one > found[-1]] + [at]
    return found


def _overdue(found: list[int], at: int) -> bool:
    recent = np.diff(found[-BEFORE - 1 :])
    return len(recent) > 2 and (at - found[-1]) * 100 > SEARCH_BACK_PERCENT * int(np.sort(recent)[len(recent) // 2])


def matched(first: Ints, second: Ints, near: int) -> int:
    """How many of the first have one of the second near, each used once."""
    used, count = 0, 0
    for at in first.tolist():
        while used < len(second) and second[used] < at - near:
            used += 1
        if used < len(second) and second[used] <= at + near:
            used, count = used + 1, count + 1
    return count


def _sum(value: Ints, width: int) -> Ints:
    """Moving sum, centred, of the same length."""
    padded = np.concatenate([np.full(width // 2, value[0]), value, np.full(width - 1 - width // 2, value[-1])])
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(padded)])
    return np.asarray(total[width:] - total[:-width])


def _mean(value: Ints, width: int) -> Ints:
    return _sum(value, width) // width
