"""The kind ``machine_temperature``: a machine's temperature and how unusual it is; a proxy for scanners' telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from ..records import Category, Channel, Features, Readings, TwinClass
from ..stages.ingest import collect
from . import Recording
from .shipped import ShippedKind
from .tables import lines

HOUR_MS = 3_600_000
CHANNEL = "temperature"
HOUR, DAY = 12, 288  # readings, one every 5 min
FURTHEST = 1_000.0  # spreads; beyond it the sensor is broken
SHOWN = (0, 4_000)  # first readings shown: a usual day and a later one
NOTE = "Numenta Anomaly Benchmark, one industrial machine (MIT), a day from reading {}; a PROXY, no medical equipment"


class Machine(ShippedKind):
    """One thermometer in a machine, a reading every five minutes; the benchmark does not say in which degrees.

    A proxy: nobody publishes the telemetry of scanners.
    """

    name = "machine_temperature"
    schema = "machine/1"
    unit = "{spread}"
    answers = "how unusual the temperature is, in usual spreads (proxy data)"
    category = Category.EQUIPMENT
    channels: tuple[Channel, ...] = (Channel(CHANNEL, "{degree}", -100, 400),)
    batch_ms = 4 * HOUR_MS
    window = 7
    twin_class = TwinClass.EQUIPMENT
    no_answer_when = ("less than a day of readings is known",)

    def features(self, readings: Readings) -> Features:
        """How far level, mean of an hour, mean and spread of a day are from usual; NaN with less than a day."""
        names = tuple(one["of"] for one in self.card["usual"])
        values = readings.of(CHANNEL)[1]
        if len(values) < DAY:
            return Features(names, np.full(len(names), np.nan))
        day = values[-DAY:]
        told = (day[-1], day[-HOUR:].mean(), day.mean(), day.std(ddof=1))
        away = [
            min(abs(value - usual["middle"]) / usual["spread"], FURTHEST)
            for value, usual in zip(told, self.card["usual"], strict=True)
        ]
        return Features(names, np.round(np.array(away), 6))

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """Two days of the machine."""
        table = list(islice(lines(data_dir / self.name, ("*.csv", "*.csv.xz")), SHOWN[-1] + DAY))
        for first in SHOWN:
            part = [(_ms(row["timestamp"]), CHANNEL, float(row["value"])) for row in table[first : first + DAY]]
            yield Recording(f"from reading {first}", collect(sorted(part), self.schema), NOTE.format(first))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
