"""The kind ``pulse``: a photoplethysmogram, and the heart rate half a minute ahead."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from ..errors import NotFound
from ..formats.readings import rows
from ..records import E6, Channel, Features, Prediction, Readings
from ..stages.ingest import collect
from . import Recording
from .additive import no_answer
from .beats import Beats, find_beats
from .rates import LOOK_MS, SECOND_MS, RateKind, row

AHEAD_MS = 30 * SECOND_MS
LEAST_BEATS = 30  # accepted intervals in that minute
MOST_REJECTED_PERCENT = 20
NAMES = (
    "heart rate of 60 s", "rise of the last 10 s", "rise of the last 30 s", "sdnn", "rmssd", "intervals", "rejected intervals",
)  # fmt: skip
HELD_OUT_FROM_MS = 480 * SECOND_MS  # of data3.csv; before that the model was trained
SHOWN_MS = {"data2.csv": 120 * SECOND_MS, "data3.csv": 180 * SECOND_MS}
NOTE = (
    "{}: photoplethysmogram of one adult, shipped as an example with HeartPy (P. van Gent; its licence file is MIT, "
    "its package metadata still says GPL-3.0, so Medtwin reads it and does not copy it); {}, not used in training"
)


class Pulse(RateKind):
    """A finger's or wrist's optical pulse, as the sensor counts it (10 bit)."""

    name = "pulse"
    schema = "pulse/1"
    vital = "pulse"
    answers = "heart rate 30 s ahead"
    channels: tuple[Channel, ...] = (Channel("ppg", "1", 0, 1023),)
    batch_ms = 30 * SECOND_MS
    window = 3
    no_answer_when = (
        f"fewer than {LEAST_BEATS} intervals between beats in the last minute",
        f"more than {MOST_REJECTED_PERCENT} % of the intervals are implausible",
    )

    def features(self, readings: Readings) -> Features:
        """Heart rates and variability of the last minute."""
        return pulse_features(readings)

    def predict(self, features: Features) -> Prediction:
        """The heart rate with its parts; none if the signal is poor."""
        known = dict(zip(features.names, features.values, strict=True))
        found, rejected = known.get("intervals", 0.0), known.get("rejected intervals", 0.0)
        if found < LEAST_BEATS:
            return no_answer(f"{found:.0f} intervals between beats in the last 60 s, at least {LEAST_BEATS} are needed")
        if rejected > MOST_REJECTED_PERCENT:
            return no_answer(f"poor signal: {rejected:.0f} % of the intervals between beats are implausible")
        return super().predict(features)

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """The end of HeartPy's second and third example; `data_dir` is not needed.

        Raises
        ------
        NotFound
            HeartPy is not installed.
        """
        for file, shown_ms in reversed(SHOWN_MS.items()):
            whole = example(file)
            part = rows(whole, whole.time_ms >= whole.time_ms[-1] - shown_ms + 1)
            yield Recording(file, part, NOTE.format(file, f"the last {shown_ms // SECOND_MS} s"))


def pulse_features(readings: Readings) -> Features:
    """One row from the last minute; NaN where the beats do not tell."""
    mine = readings.channel == (readings.channels.index("ppg") if "ppg" in readings.channels else -1)
    times, values = readings.time_ms[mine], readings.value_e6[mine] // E6
    if len(times) == 0:
        return row(NAMES, [*[None] * 5, 0, 100 * E6])
    end = int(times[-1])
    look = times > end - LOOK_MS
    return of_beats(find_beats(times[look], values[look]), end)


def of_beats(beats: Beats, end_ms: int) -> Features:
    """The features of beats found in the minute before `end_ms`."""
    ten, thirty, sixty = (beats.rate_e6(end_ms - seconds * SECOND_MS, end_ms) for seconds in (10, 30, 60))
    exact = [
        sixty,
        None if ten is None or sixty is None else ten - sixty,
        None if thirty is None or sixty is None else thirty - sixty,
        beats.sdnn_e6(),
        beats.rmssd_e6(),
        len(beats.rr_ms) * E6,
        beats.rejected_percent() * E6,
    ]
    return row(NAMES, exact)


def example(file: str) -> Readings:
    """One of HeartPy's example recordings, found without importing it; time in ms from its own start."""
    spec = find_spec("heartpy")
    if spec is None or not spec.submodule_search_locations:
        raise NotFound("HeartPy is not installed", hint="pip install heartpy==1.2.7", kind="missing_data")
    path = Path(spec.submodule_search_locations[0]) / "data" / file
    with path.open(encoding="utf-8", newline="") as opened:
        lines = csv.reader(opened)
        clock = next(lines)[0]
        timed = [(_clock_ms(clock, line[0]), float(line[1])) for line in lines if len(line) == 2]
    start = timed[0][0]
    return collect(((time_ms - start, "ppg", value) for time_ms, value in timed), Pulse.schema)


def _clock_ms(column: str, text: str) -> int:
    """``timer`` counts milliseconds, ``datetime`` is a wall clock without zone."""
    if column == "timer":
        return round(float(text))
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
