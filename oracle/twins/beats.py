"""Heartbeats in a photoplethysmogram, found in integers so that every node finds the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ..records import E6

Ints = NDArray[np.int64]
AVERAGE_MS = (
    1_000  # either side; a beat rises above this average (idea: van Gent et al. 2019, J. Open Res. Softw. 7:32)
)
RISES_PERCENT = (20, 40, 60, 80, 100, 130, 160, 200)  # of the local spread, tried in turn
REFRACTORY_MS = 300  # 200 beats a minute
RR_MS = (300, 1_700)
ODD_PERCENT = 30  # an interval this far from the median is not used
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Beats:
    """Intervals between neighbouring beats.

    Parameters
    ----------
    end_ms : ndarray of int64
        When each accepted interval ended.
    rr_ms : ndarray of int64
        Its length.
    rejected : int
        Intervals that were not accepted.
    peak_ms : ndarray of int64
        When each beat was, accepted or not.
    """

    end_ms: Ints
    rr_ms: Ints
    rejected: int
    peak_ms: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def rejected_percent(self) -> int:
        """Share of intervals that were not accepted; 100 if there are none at all."""
        total = len(self.rr_ms) + self.rejected
        return 100 * self.rejected // total if total else 100

    def rate_e6(self, since_ms: int, until_ms: int) -> int | None:
        """Mean heart rate (/min) of the intervals that end in (since, until]; None with fewer than three."""
        inside = self.rr_ms[(self.end_ms > since_ms) & (self.end_ms <= until_ms)]
        return MINUTE_MS * E6 * len(inside) // int(inside.sum()) if len(inside) >= 3 else None

    def sdnn_e6(self) -> int | None:
        """Standard deviation of the intervals (ms)."""
        n = len(self.rr_ms)
        if n < 3:
            return None
        spread = n * int((self.rr_ms**2).sum()) - int(self.rr_ms.sum()) ** 2
        return isqrt(spread * E6 * E6 // (n * (n - 1)))

    def rmssd_e6(self) -> int | None:
        """Root mean square of the differences of successive intervals (ms)."""
        steps = np.diff(self.rr_ms)
        return isqrt(int((steps**2).sum()) * E6 * E6 // len(steps)) if len(steps) >= 3 else None


def find_beats(time_ms: Ints, value: Ints) -> Beats:
    """Beats of one stretch of signal; of several thresholds the one with the steadiest intervals.

    Parameters
    ----------
    time_ms : ndarray of int64
        Not decreasing.
    value : ndarray of int64
        The signal in any unit of whole numbers below 2**40.
    """
    if len(time_ms) < 2:
        return _accepted(np.empty(0, np.int64))
    found = [_accepted(_peaks(time_ms, value, rise)) for rise in RISES_PERCENT]
    return min(found, key=lambda beats: (beats.rejected_percent(), beats.sdnn_e6() or 0))


def _peaks(time_ms: Ints, value: Ints, rise_percent: int) -> Ints:
    first = np.searchsorted(time_ms, time_ms - AVERAGE_MS, side="left")
    after = np.searchsorted(time_ms, time_ms + AVERAGE_MS, side="right")
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(value)])
    count = after - first
    excess = value * count - (sums[after] - sums[first])  # above the local mean, times the count
    spread = np.maximum(excess // count, 0)
    spreads = np.concatenate([np.zeros(1, np.int64), np.cumsum(spread)])
    height = (spreads[after] - spreads[first]) * 2  # about the local amplitude, times the count
    above = excess * 100 > height * rise_percent
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    peaks: list[int] = []
    tops: list[int] = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        at = start + int(np.argmax(value[start:stop]))
        if peaks and time_ms[at] - peaks[-1] < REFRACTORY_MS:
            if value[at] > tops[-1]:
                peaks[-1], tops[-1] = int(time_ms[at]), int(value[at])
            continue
        peaks.append(int(time_ms[at]))
        tops.append(int(value[at]))
    return np.array(peaks, np.int64)


def _accepted(peaks_ms: Ints) -> Beats:
    rr = np.diff(peaks_ms)
    kept = (rr >= RR_MS[0]) & (rr <= RR_MS[1])
    if kept.any():
        middle = int(np.sort(rr[kept])[kept.sum() // 2])
        kept &= np.abs(rr - middle) * 100 <= ODD_PERCENT * middle
    return Beats(peaks_ms[1:][kept], rr[kept], int((~kept).sum()), peaks_ms)
