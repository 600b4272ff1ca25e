"""The kinds ``cgm_t1d_30`` and ``cgm_t1d_60``: a continuous glucose monitor, and glucose half an hour and an hour ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..formats import readings as formats
from ..records import E6, Category, Channel, Features, Readings, TwinClass, to_e6
from ..stages.ingest import collect
from . import Recording
from .own_record import RECORD_MS, advantage
from .shipped import ShippedKind
from .tables import lines

MINUTE_MS = 60_000
CHANNEL, FOLDER = "glucose", "cgm_t1d"
LAGS_MIN = (5, 10, 15, 20, 30, 45, 60)
NAMES = ("glucose", *(f"change of {lag} min" for lag in LAGS_MIN), "lead over the last value so far")
NEEDED = 4  # the level and the first three changes; without the others the answer is only poorer
NEAR_MS = 2 * MINUTE_MS  # how far a reading may lie from the moment it stands for
SHOWN_MS = 16 * 60 * MINUTE_MS  # long enough for a record of one's own
PEOPLE = 2
NOTE = "{} of UC_HT_T1DM (Langarica et al. 2023), first 16 h; the model was fitted to this person too"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
    window = 99  # a record of 48 h, the hour that its first forecast looked back, and the last batch, just begun
    ahead_ms = 30 * MINUTE_MS
    twin_class = TwinClass.PATIENT
    no_answer_when = (
        "one of the readings of 5, 10 and 15 min ago is missing",
        "fewer than 144 forecasts of the last 48 h have come due for this person",
        "these were worse than the last value itself",
    )

    def features(self, readings: Readings) -> Features:
        """The last value, how far it is from those 5 to 60 min before, and what the person's own forecasts were worth."""
        times, values = readings.of(CHANNEL)
        if not len(times):
            return Features(NAMES, np.full(len(NAMES), np.nan))
        rows = lagged(times, values)
        return Features(NAMES, np.append(rows[-1], self._lead(times, values, rows)))

    def _lead(self, times: Ints, values: Floats, rows: Floats) -> float:
        """The record of one's own: each forecast that this model would have made and that has come due."""
        due = (times >= times[-1] - RECORD_MS) & (times + self.ahead_ms + NEAR_MS <= times[-1])
        made = np.flatnonzero(due & ~np.isnan(rows[:, :NEEDED]).any(axis=1))
        came = near(times, values, times[made] + self.ahead_ms)
        made, came = made[~np.isnan(came)], came[~np.isnan(came)]
        said = np.array([self._said(row) for row in rows[made]])
        return advantage(times[-1] - times[made], said - came, values[made] - came)

    def _said(self, row: Floats) -> float:
        model = self.shipped.additive  # the last term adds nothing
        parts = (
            (term.missing_e6 or 0) if np.isnan(value) else term.at(to_e6(float(value)))
            for term, value in zip(model.terms, row, strict=False)
        )
        return (model.base_e6 + sum(parts)) / E6

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """The first two hours of two people."""
        table = (row for row in lines(data_dir / FOLDER, ("*.csv.xz", "*.csv")) if row["channel"] == "glucose_mg_dl")
        for number, (person, told) in enumerate(groupby(table, key=lambda row: row["patient"])):
            if number >= PEOPLE:
                return
            timed = sorted((_ms(row["time"]), CHANNEL, float(row["value"])) for row in told)
            whole = collect(timed, self.schema)
            part = formats.rows(whole, whole.time_ms < whole.time_ms[0] + SHOWN_MS)
            yield Recording(person, part, NOTE.format(person))


class Glucose60(Glucose30):
    """The same monitor; the model answers an hour ahead."""

    name = "cgm_t1d_60"
    answers = "glucose 60 min ahead"
    ahead_ms = 60 * MINUTE_MS


def lagged(times: Ints, values: Floats) -> Floats:
    """A row per reading (n, 8): its value, and how far that is from those 5 to 60 min before."""
    before = [values - near(times, values, times - lag * MINUTE_MS) for lag in LAGS_MIN]
    return np.asarray(np.round(np.column_stack([values, *before]), 6), np.float64)


def near(times: Ints, values: Floats, moments: Ints) -> Floats:
    """The reading nearest to each moment, the earlier of two as near; NaN where none is within 2 min."""
    right = np.clip(np.searchsorted(times, moments), 0, len(times) - 1)
    left = np.clip(right - 1, 0, len(times) - 1)
    nearest = np.where(np.abs(times[left] - moments) <= np.abs(times[right] - moments), left, right)
    return np.where(np.abs(times[nearest] - moments) <= NEAR_MS, values[nearest], np.nan)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
