"""The kind ``ventilator``: flow and airway pressure of a ventilator, and what they say of breaths and lungs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, NotFound
from ..formats.readings import rows
from ..records import E6, Channel, Features, Prediction, Readings
from ..stages.ingest import collect
from . import Recording
from .additive import no_answer
from .breaths import Breath, breaths
from .rates import LOOK_MS, MINUTE_MS, SECOND_MS, RateKind, row
from .shipped import Feedback

LEAST_BREATHS = 3
STEP_MS = 20  # a Puritan Bennett 840 writes 50 Hz
FOLDER, PATTERN = "waveforms", "ventilator*.csv"
NAMES = (
    "respiration rate", "tidal volume inspired", "tidal volume expired", "peak pressure", "end-expiratory pressure",
    "plateau pressure", "driving pressure", "volume not breathed out", "double triggered breaths", "ineffective efforts",
    "breaths",
)  # fmt: skip
STACKED_MS = 500  # a breath after so short an expiration is stacked on the one before
STACKED_PERCENT = 50  # of the inspired volume breathed out before the next breath
EFFORT_E6 = 5 * E6  # L/min: a bump of expiratory flow towards zero, at least so high, ...
EFFORT_DROP_E6 = 500_000  # ... while the pressure falls by so many cm[H2O] (compare Thille et al. 2006)
NOTE = "{}: a Puritan Bennett 840's waveform file, {} s; not used in any training"


class Ventilator(RateKind):
    """Flow into the patient and pressure at the airway, at 50 Hz or so."""

    name = "ventilator"
    schema = "ventilator/1"
    vital = "respiration"  # the machine's as much as the patient's
    answers = "respiration rate, with volumes and pressures of the breaths"
    channels: tuple[Channel, ...] = (
        Channel("flow", "L/min", -250, 250),
        Channel("airway_pressure", "cm[H2O]", -40, 120),
    )
    batch_ms = 30 * SECOND_MS
    window = 3
    no_answer_when = (
        f"fewer than {LEAST_BREATHS} whole breaths lie in the last minute",
        "driving pressure: no inspiratory hold of 0.3 s was made, so it is left out, never guessed",
    )
    feedback = (Feedback(code=2, name="respiration alarm high", unit="/min", low=20, high=45, interval_s=600),)

    def features(self, readings: Readings) -> Features:
        """Rate, volumes, pressures and hints of asynchrony in the last minute."""
        return ventilator_features(readings)

    def predict(self, features: Features) -> Prediction:
        """The rate; none with too few breaths."""
        found = dict(zip(features.names, features.values, strict=True)).get("breaths", 0.0)
        if not found >= LEAST_BREATHS:
            return no_answer(f"{found:.0f} whole breaths in 60 s, at least {LEAST_BREATHS} are needed")
        return super().predict(features)

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """The first and the last part of each file in ``waveforms``."""
        paths = sorted((data_dir / FOLDER).glob(PATTERN))
        if not paths:
            raise NotFound(
                f"there is no {PATTERN} in {data_dir / FOLDER}",
                hint="set MEDTWIN_DATA to the folder that holds waveforms/",
                kind="missing_data",
            )
        for path in paths:
            whole = read_pb840(path)
            middle = int(whole.time_ms[-1]) // 2
            for name, part in (("first", whole.time_ms < middle), ("last", whole.time_ms >= middle)):
                yield Recording(f"{path.stem}, {name} part", rows(whole, part), NOTE.format(path.name, middle // 1000))


def ventilator_features(readings: Readings) -> Features:
    """One row from the whole breaths of the last minute; NaN where they do not tell."""
    found = breaths_of(readings, int(readings.time_ms[-1]) - LOOK_MS)
    if not found:
        return row(NAMES, [*[None] * (len(NAMES) - 1), 0])
    span = found[-1].end_ms - found[0].start_ms
    inspired, expired = _middle([one.inspired_e6 for one in found]), _middle([one.expired_e6 for one in found])
    exact = [
        MINUTE_MS * E6 * len(found) // span,
        inspired,
        expired,
        _middle([one.peak_e6 for one in found]),
        _middle([one.peep_e6 for one in found]),
        _middle([one.plateau_e6 for one in found if one.plateau_e6 is not None]),
        _middle([one.driving_e6 for one in found if one.driving_e6 is not None]),
        None if not inspired or expired is None else 100 * E6 * (inspired - expired) // inspired,
        sum(_stacked(one) for one in found) * E6,
        _efforts(readings, found) * E6,
        len(found) * E6,
    ]
    return row(NAMES, exact)


def breaths_of(readings: Readings, since_ms: int) -> list[Breath]:
    """Whole breaths after a moment; moments at which only one of the two was measured are left out."""
    time_ms, flow, pressure = _both(readings)
    late = time_ms > since_ms
    return breaths(time_ms[late], flow[late], pressure[late])


def _both(readings: Readings) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    empty = np.empty(0, np.int64)
    if not {"flow", "airway_pressure"} <= set(readings.channels):
        return empty, empty, empty
    columns = []
    for name in ("flow", "airway_pressure"):
        mine = readings.channel == readings.channels.index(name)
        times, first = np.unique(readings.time_ms[mine], return_index=True)
        columns.append((times, readings.value_e6[mine][first]))
    shared, left, right = np.intersect1d(columns[0][0], columns[1][0], return_indices=True)
    return shared, columns[0][1][left], columns[1][1][right]


def _stacked(one: Breath) -> bool:
    """A second breath began before half of the first was breathed out: a double trigger."""
    short = one.end_ms - one.expiration_ms < STACKED_MS
    return short and one.expired_e6 * 100 < STACKED_PERCENT * one.inspired_e6


def _efforts(readings: Readings, found: Sequence[Breath]) -> int:
    """Breaths with a bump in expiratory flow while the pressure falls: an effort that triggered nothing."""
    time_ms, flow, pressure = _both(readings)
    count = 0
    for one in found:
        start, stop = np.searchsorted(time_ms, (one.expiration_ms, one.end_ms - 100))
        out, felt = flow[start:stop], pressure[start:stop]
        if len(out) < 10:
            continue
        lowest = int(np.argmin(out))
        out, felt = out[lowest:], felt[lowest:]
        top = np.maximum.accumulate(out)
        fallen = top - out  # flow fell back after a bump
        bump = int(np.argmax(fallen))
        crest = int(np.argmax(out[: bump + 1]))
        dropped = int(felt[max(0, crest - 10) : crest + 1].max() - felt[max(0, crest - 10) : crest + 1].min())
        count += bool(fallen[bump] >= EFFORT_E6 and dropped >= EFFORT_DROP_E6)
    return count


def _middle(values: Sequence[int]) -> int | None:
    return sorted(values)[len(values) // 2] if values else None


def read_pb840(path: Path) -> Readings:
    """A ventilator's file as ventMAP collects them: flow and pressure at 50 Hz, breaths between BS and BE lines.

    The marks are not used, as other ventilators make none; breaths are found in the flow.

    Raises
    ------
    InputError
        A line is neither a mark nor two numbers.
    """
    table: list[tuple[int, str, float]] = []
    step = 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if re.match(r"^\s*(BS|BE|\d{4}-\d\d-\d\d)", line) or not line.strip():
            continue
        try:
            flow, pressure = (float(one) for one in line.strip().rstrip(",").split(","))
        except ValueError:
            raise InputError(
                f"{path.name}, line {number} is not a flow and a pressure: {line[:40]!r}", hint="is the file whole?",
                kind="damaged_record",
            ) from None  # fmt: skip
        table += [(step, "flow", flow), (step, "airway_pressure", pressure)]
        step += STEP_MS
    return collect(table, Ventilator.schema)
