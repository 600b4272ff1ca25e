"""The kind ``nhs_ae``: an emergency department's attendances, and the change into the next month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from ..records import Category, Channel, Features, Readings, TwinClass
from ..stages.ingest import collect
from . import Recording
from .shipped import ShippedKind
from .tables import lines

YEAR = 12  # months
TYPE = "1"  # consultant-led, around the clock
RATE, ALL = "attendances_per_day", "change_of_all"
NAMES = (
    "change of all a year ago into this month", "own such change beyond that of all", "level against 3 months",
    "change of the last month", "level against 12 months",
)  # fmt: skip
SHOWN = 2
NOTE = "NHS England, A&E attendances of organisation {} (Open Government Licence 3.0); the model was fitted to these months too"
Months = Mapping[int, float]


class Demand(ShippedKind):
    """A ward twin: each month, attendances a day and by how much all departments changed (as a logarithm)."""

    name = "nhs_ae"
    schema = "demand/1"
    unit = "1"
    answers = "logarithm of the change of attendances a day, one month ahead"
    category = Category.OPERATIONS
    channels: tuple[Channel, ...] = (
        Channel(RATE, "/d", 0.01, 5_000),
        Channel(ALL, "1", -1, 1),
    )
    batch_ms = 31 * 86_400_000
    window = 14  # a year back, the month before it, and the last
    twin_class = TwinClass.WARD
    no_answer_when = ("the last month, or the one before it, was not reported",)

    def features(self, readings: Readings) -> Features:
        """What is known at the end of the last month, of the months before it."""
        rate = {month: float(np.log(value)) for month, value in _by_month(readings, RATE).items()}
        if not rate:
            return Features(NAMES, np.full(len(NAMES), np.nan))
        now = max(rate) + 1  # the month asked for
        common = _by_month(readings, ALL).get(now - YEAR, np.nan)
        own = rate.get(now - YEAR, np.nan) - rate.get(now - YEAR - 1, np.nan)
        last, before = rate[now - 1], rate.get(now - 2, np.nan)
        values = [common, own - common, last - _mean(rate, now, 3), last - before, last - _mean(rate, now, YEAR)]
        if np.isnan(before):
            values = [np.nan] * len(NAMES)
        return Features(NAMES, np.round(np.array(values), 6))

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """Two departments with all months reported."""
        count: dict[str, dict[int, float]] = defaultdict(dict)
        for row in lines(data_dir / self.name, ("*.csv", "*.csv.xz")):
            if row["type"] == TYPE and float(row["attendances"]) > 0:
                when = date.fromisoformat(row["period"])
                count[row["org_code"]][when.year * YEAR + when.month - 1] = float(row["attendances"]) / _days(when)
        changes: dict[int, list[float]] = defaultdict(list)
        for months in count.values():
            for month in months:
                if month - 1 in months:
                    changes[month].append(float(np.log(months[month] / months[month - 1])))
        whole = [name for name, months in sorted(count.items()) if set(changes) <= set(months)]
        for name in whole[:SHOWN]:
            table = [(_ms(month), RATE, value) for month, value in count[name].items()]
            table += [(_ms(month), ALL, float(np.mean(told))) for month, told in changes.items()]
            yield Recording(f"department {name}", collect(sorted(table), self.schema), NOTE.format(name))


def _by_month(readings: Readings, channel: str) -> dict[int, float]:
    """The newest value of each month; months count from the newest reading's, so that a replay changes nothing."""
    times, values = readings.of(channel)
    end = int(readings.time_ms[-1])
    return {-round((end - int(at)) / MONTH_MS): float(value) for at, value in zip(times, values, strict=True)}


def _mean(rate: Months, now: int, span: int) -> float:
    """Mean level of the last months, of those reported."""
    return float(np.mean([rate[month] for month in range(now - span, now) if month in rate]))


def _days(month: date) -> int:
    return ((month.replace(day=28) + timedelta(days=4)).replace(day=1) - month.replace(day=1)).days


def _ms(month: int) -> int:
    return round(datetime(month // YEAR, month % YEAR + 1, 1, tzinfo=UTC).timestamp() * 1000)


MONTH_MS = 86_400_000 * 30.436875
