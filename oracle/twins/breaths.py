"""Breaths of a ventilator's flow and pressure, in integers so that every node finds the same.

Flow into the patient is positive. Units: L/min and cm[H2O], both in millionths; volumes in mL, in millionths.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..records import E6

Ints = NDArray[np.int64]
STARTS_E6 = 5 * E6  # L/min: flow above this begins a breath (a common flow trigger is 1 to 5)
LEAST_MS = 300  # of inspiration, and of expiration
ZERO_E6 = 1 * E6  # L/min: less is no flow
HOLD_MS = 300  # of zero flow at the end of inspiration: long enough for a plateau (usual holds last 0.3 s or more)
EVEN_E6 = 500_000  # cm[H2O]: a plateau is no more uneven
LAST_MS = 100  # before the next breath: end-expiratory pressure
LEAST_ML_E6 = 50 * E6
L_MIN_MS_A_ML = 60  # 1 L/min flows for 60 ms to make 1 mL


@dataclass(frozen=True, slots=True)
class Breath:
    """One whole breath; pressures in millionths of cm[H2O], volumes in millionths of mL.

    `plateau_e6` is None where no inspiratory hold was made: a driving pressure cannot then be told.
    """

    start_ms: int
    expiration_ms: int
    end_ms: int
    inspired_e6: int
    expired_e6: int
    peak_e6: int
    peep_e6: int
    plateau_e6: int | None

    @property
    def length_ms(self) -> int:
        """From this breath's beginning to the next one's."""
        return self.end_ms - self.start_ms

    @property
    def driving_e6(self) -> int | None:
        """Plateau less PEEP, where there is a plateau."""
        return None if self.plateau_e6 is None else self.plateau_e6 - self.peep_e6


def breaths(time_ms: Ints, flow_e6: Ints, pressure_e6: Ints) -> list[Breath]:
    """Whole breaths, from one beginning to the next; what comes before the first and after the last is left out.

    Parameters
    ----------
    time_ms : ndarray of int64
        Not decreasing; flow and pressure at the same moments.
    """
    starts = _starts(time_ms, flow_e6)
    found = [
        _breath(time_ms[start:stop], flow_e6[start:stop], pressure_e6[start:stop], int(time_ms[stop]))
        for start, stop in pairwise(starts)
    ]
    return [one for one in found if one is not None]


def _starts(time_ms: Ints, flow_e6: Ints) -> list[int]:
    """Where flow rises over the threshold after an expiration that lasted."""
    rising = np.flatnonzero((flow_e6[1:] >= STARTS_E6) & (flow_e6[:-1] < STARTS_E6)) + 1
    found: list[int] = []
    for at in rising.tolist():
        if found and not _expired_between(time_ms, flow_e6, found[-1], at):
            continue
        found.append(at)
    return found


def _expired_between(time_ms: Ints, flow_e6: Ints, start: int, stop: int) -> bool:
    out = np.flatnonzero(flow_e6[start:stop] < -ZERO_E6)
    return len(out) > 0 and int(time_ms[stop] - time_ms[start + out[0]]) >= LEAST_MS


def _breath(time_ms: Ints, flow_e6: Ints, pressure_e6: Ints, end_ms: int) -> Breath | None:
    out = np.flatnonzero(flow_e6 < -ZERO_E6)
    turn = int(out[0])
    if time_ms[turn] - time_ms[0] < LEAST_MS:
        return None
    step = np.diff(np.append(time_ms, end_ms))
    volume = flow_e6 * step // L_MIN_MS_A_ML
    inspired, expired = int(volume[:turn].clip(min=0).sum()), int((-volume[turn:]).clip(min=0).sum())
    if inspired < LEAST_ML_E6:
        return None
    last = pressure_e6[time_ms >= end_ms - LAST_MS]
    return Breath(
        int(time_ms[0]), int(time_ms[turn]), end_ms, inspired, expired, int(pressure_e6[:turn].max()),
        int(np.sort(last)[len(last) // 2]), _plateau(time_ms[:turn], flow_e6[:turn], pressure_e6[:turn]),
    )  # fmt: skip


def _plateau(time_ms: Ints, flow_e6: Ints, pressure_e6: Ints) -> int | None:
    """The pressure of an inspiratory hold: no flow and even pressure for long enough just before expiration."""
    moving = np.flatnonzero(np.abs(flow_e6) > ZERO_E6)
    first = int(moving[-1]) + 1 if len(moving) else 0
    if first >= len(time_ms) or time_ms[-1] - time_ms[first] < HOLD_MS:
        return None
    held = pressure_e6[first:][time_ms[first:] >= time_ms[-1] - HOLD_MS // 2]  # after the pressure has fallen
    return int(np.sort(held)[len(held) // 2]) if held.max() - held.min() <= EVEN_E6 else None
