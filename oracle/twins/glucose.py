"""The kinds ``cgm_t1d_30`` and ``cgm_t1d_60``: a continuous glucose monitor, and glucose half an hour and an hour ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np

from ..formats.readings import rows
from ..records import Category, Channel, Features, Readings, TwinClass
from ..stages.ingest import collect
from . import Recording
from .shipped import ShippedKind
from .tables import lines

MINUTE_MS = 60_000
CHANNEL, FOLDER = "glucose", "cgm_t1d"
LAGS_MIN = (5, 10, 15, 20, 30, 45, 60)
NAMES = ("glucose", *(f"change of {lag} min" for lag in LAGS_MIN))
NEAR_MS = 2 * MINUTE_MS  # how far a reading may lie from the moment it stands for
SHOWN_MS = 120 * MINUTE_MS
PEOPLE = 2
NOTE = "{} of UC_HT_T1DM (Langarica et al. 2023), first 2 h; the model was fitted to this person too"


class Glucose30(ShippedKind):
    """Glucose in interstitial fluid, a reading every five minutes; the model answers half an hour ahead.

    It proposes nothing to a device: insulin is given in a closed loop in silico only.
    """

    name = "cgm_t1d_30"
    schema = "cgm/1"
    unit = "mg/dL"
    answers = "glucose 30 min ahead"
    category = Category.VITALS
    channels: tuple[Channel, ...] = (Channel(CHANNEL, "mg/dL", 20, 600, "99504-3"),)
    batch_ms = 30 * MINUTE_MS
    window = 4
    twin_class = TwinClass.PATIENT
    no_answer_when = ("one of the readings of 5, 10 and 15 min ago is missing",)

    def features(self, readings: Readings) -> Features:
        """The last value, and how far it is from those 5 to 60 min before."""
        times, values = readings.of(CHANNEL)
        if not len(times):
            return Features(NAMES, np.full(len(NAMES), np.nan))
        before = [values[-1] - _at(times, values, int(times[-1]) - lag * MINUTE_MS) for lag in LAGS_MIN]
        return Features(NAMES, np.round(np.array([values[-1], *before]), 6))

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """The first two hours of two people."""
        table = (row for row in lines(data_dir / FOLDER, ("*.csv.xz", "*.csv")) if row["channel"] == "glucose_mg_dl")
        for number, (person, told) in enumerate(groupby(table, key=lambda row: row["patient"])):
            if number >= PEOPLE:
                return
            timed = sorted((_ms(row["time"]), CHANNEL, float(row["value"])) for row in told)
            whole = collect(timed, self.schema)
            part = rows(whole, whole.time_ms < whole.time_ms[0] + SHOWN_MS)
            yield Recording(person, part, NOTE.format(person))


class Glucose60(Glucose30):
    """The same monitor; the model answers an hour ahead."""

    name = "cgm_t1d_60"
    answers = "glucose 60 min ahead"


def _at(times: np.ndarray, values: np.ndarray, moment_ms: int) -> float:
    """The reading nearest to a moment, the earlier of two as near; NaN where none is within 2 min."""
    away = np.abs(times - moment_ms)
    nearest = int(np.argmin(away))
    return float(values[nearest]) if away[nearest] <= NEAR_MS else float("nan")


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
