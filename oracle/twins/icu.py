"""The kind ``icu2012``: an adult's first two days of intensive care, and the risk of dying in hospital."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from ..errors import InputError, NotFound
from ..formats.readings import rows
from ..records import Category, Channel, Features, Readings, TwinClass
from ..stages.ingest import collect
from . import Recording
from .icu_channels import PARAMETERS
from .icu_features import HOUR_MS, stay_features
from .news2 import News2, news2
from .organ_scores import PLAUSIBLE, Score, qsofa, sofa
from .shipped import ShippedKind
from .tables import text

MINUTE_MS, DAY_MS = 60_000, 86_400_000
FOLDER = "icu2012"
PATTERNS = ("set-*.csv.xz", "set-*.csv")
COLUMNS = ("record_id", "minute", "parameter", "value")
OBSERVED_MS = 4 * HOUR_MS  # how old a value may be and still belong to one set of observations
AIR = 0.21
NOTE = "PhysioNet/CinC Challenge 2012, set A, stay {}; the model was fitted to it too; minutes as recorded, {} implausible values left out"


class Icu(ShippedKind):
    """Intensive care; the model answers for the first 48 h of a stay."""

    name = "icu2012"
    schema = "icu/1"
    unit = "1"
    answers = "risk of death in hospital"
    category = Category.VITALS
    channels: tuple[Channel, ...] = tuple(PARAMETERS.values())
    batch_ms = 4 * HOUR_MS
    window = 13  # 48 h and the reading that ends them
    twin_class = TwinClass.PATIENT
    no_answer_when = (
        "too few of the features are known",
        "the interval of the risk would be wider than the card allows",
    )

    def features(self, readings: Readings) -> Features:
        """Single values, means, spreads, counts, changes and ratios of the first 48 h."""
        return stay_features(readings)

    def early_warning(self, readings: Readings) -> News2:
        """NEWS2 as far as the stay tells.

        Always incomplete: arterial saturation is not SpO2 by oximeter, and the coma scale is not ACVPU.
        """
        now_ms = int(readings.time_ms[-1])
        respiration = _latest(readings, ("respiration_rate",), now_ms)
        inspired = _latest(readings, ("inspired_oxygen",), now_ms)
        ventilated = _latest(readings, ("ventilated",), now_ms)
        return news2(
            respiration=respiration,
            oxygen=True if ventilated else None if inspired is None else inspired > AIR,
            systolic=_latest(readings, ("systolic_arterial", "systolic_cuff"), now_ms),
            pulse=_latest(readings, ("heart_rate",), now_ms),
            temperature=_latest(readings, ("temperature",), now_ms),
        )

    def comparators(self, readings: Readings) -> dict[str, Score]:
        """qSOFA and SOFA from the worst values of the last day, as far as the stay tells.

        The challenge's records lack catecholamines, so SOFA's circulation is always missing; SAPS-I comes with its
        outcomes, and NEWS2 is `early_warning`.
        """
        now_ms = int(readings.time_ms[-1])
        day = rows(readings, readings.time_ms > now_ms - DAY_MS)
        worst = {name: day.of(name)[1] for name in day.channels}
        low, high = (
            {name: round(float(pick(one)), 6) for name, one in worst.items() if len(one)} for pick in (np.min, np.max)
        )
        whole_day = now_ms - int(readings.time_ms[0]) >= DAY_MS
        oxygen, inspired = low.get("arterial_o2"), high.get("inspired_oxygen")
        return {
            "qsofa": qsofa(
                respiration=high.get("respiration_rate"),
                systolic=low.get("systolic_arterial", low.get("systolic_cuff")),
                coma_scale=low.get("coma_scale"),
            ),
            "sofa": sofa(
                oxygenation=_plausible("oxygenation", oxygen / inspired if oxygen and inspired else None),
                supported=bool(high.get("ventilated", 0)),
                platelets=low.get("platelets"),
                bilirubin=high.get("bilirubin"),
                mean_pressure=low.get("mean_arterial", low.get("mean_cuff")),
                coma_scale=low.get("coma_scale"),
                creatinine=high.get("creatinine"),
                urine_a_day=_plausible(
                    "urine", float(worst["urine"].sum()) if whole_day and len(worst.get("urine", ())) else None
                ),
            ),
        }

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """Stays in the order of the files, read as far as asked for.

        Raises
        ------
        NotFound
            The data set is not in `data_dir`.
        """
        for stay, told in stays(data_dir):
            readings, dropped = stay_readings(told)
            yield Recording(f"stay {stay}", readings, NOTE.format(stay, dropped))


def stays(data_dir: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """Each stay's number and its rows (record_id, minute, parameter, value), as the files have them.

    A stay whose rows are not together comes in several parts.

    Raises
    ------
    NotFound
        There is no file.
    InputError
        A file lacks a column.
    """
    paths = sorted(path for pattern in PATTERNS for path in (data_dir / FOLDER).glob(pattern))
    if not paths:
        raise NotFound(
            f"there is no {FOLDER}/{PATTERNS[0]} in {data_dir}",
            hint="fetch it: medtwin data get icu2012, or set MEDTWIN_DATA to the folder that has it",
            kind="missing_data",
        )
    for path in paths:
        with text(path) as file:
            table = csv.reader(file)
            head = next(table, [])
            missing = [name for name in COLUMNS if name not in head]
            if missing:
                raise InputError(
                    f"{path.name} has no column {', '.join(missing)}", hint="docs/models.md tells the layout"
                )
            columns = itemgetter(*(head.index(name) for name in COLUMNS))
            for stay, group in groupby((columns(row) for row in table if row), key=itemgetter(0)):
                yield stay, [list(row) for row in group]


def stay_readings(told: Sequence[Sequence[str]]) -> tuple[Readings, int]:
    """A stay's plausible readings, and how many were left out; of several ages the middle one is kept."""
    kept: list[tuple[int, str, float]] = []
    ages: list[float] = []
    for _, minute, parameter, value_text in told:
        channel, value = PARAMETERS.get(parameter), _number(value_text)
        if channel is None or not channel.low <= value <= channel.high:
            continue
        if channel.name == "age":
            ages.append(value)
        else:
            kept.append((int(minute) * MINUTE_MS, channel.name, value))
    if ages:
        kept.insert(0, (int(told[0][1]) * MINUTE_MS, "age", sorted(ages)[(len(ages) - 1) // 2]))
    return collect(kept, Icu.schema), len(told) - len(kept)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _plausible(name: str, value: float | None) -> float | None:
    """What is made of several readings, unless it cannot be: pressure and inspired share may be of different hours."""
    low, high = PLAUSIBLE[name]
    return value if value is not None and low <= value <= high else None


def _latest(readings: Readings, names: Sequence[str], now_ms: int) -> float | None:
    """The newest value of the first of these channels that has one within the last 4 h."""
    for name in names:
        times, values = readings.of(name)
        if len(times) and now_ms - int(times[-1]) <= OBSERVED_MS:
            return round(float(values[-1]), 6)
    return None
