"""The kind ``rhythm``: electrocardiogram and pulse waves of a wearable or a monitor, and the heart rate they agree on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..records import E6, Channel, Features, Prediction, Readings
from ..stages.ingest import collect
from . import Recording, waveforms
from .additive import no_answer
from .beats import find_beats
from .ecg import qrs
from .rates import LOOK_MS, MINUTE_MS, SECOND_MS, RateKind, row
from .shipped import Feedback

Ints = NDArray[np.int64]
PAUSE_MS = 16 * SECOND_MS  # an alarm is judged by what came just before it
ASYSTOLE_MS = 4 * SECOND_MS  # no beat for so long (PhysioNet/CinC Challenge 2015)
LEAST_QUALITY = 60  # percent; below it a signal is no evidence that a heart beats
RATE_QUALITY = 90  # below it some beats are missed, and a rate would be wrong
LEAST_BEATS = 15  # in the minute
MOST_APART_E6 = 10 * E6  # /min between two believed signals
ODD_PERCENT = 20  # a normal interval lies that close to the middle of its neighbours
ELECTRICAL, MECHANICAL = ("ecg_1", "ecg_2"), ("ppg", "arterial_pressure")
NAMES = (
    "heart rate of 60 s", "rate of the last 10 s, from that", "sdnn", "rmssd", "longest pause", "signal quality",
    "disagreement of signals", "beats",
)  # fmt: skip
SIGNALS = {  # names and units of WFDB signals -> channel
    "ppg": {"PLETH", "PPG"}, "arterial_pressure": {"ABP", "ART", "BP"}, "breathing": {"RESP"},
}  # fmt: skip
SHOWN_S = {"100": (600, 660), "a103l": (240, 300)}  # record and stretch of the demonstration
NOTE = "PhysioNet record {}, {} s to {} s (Open Data Commons Attribution 1.0), as carried by wfdb-python"


@dataclass(frozen=True, slots=True)
class Train:
    """The beats of one signal, and how far to believe them (percent)."""

    channel: str
    beats_ms: Ints
    quality: int

    def rate_e6(self, since_ms: int) -> int | None:
        """Mean rate (/min) from the first to the last beat after `since_ms`; None with fewer than three."""
        inside = self.beats_ms[self.beats_ms > since_ms]
        return MINUTE_MS * E6 * (len(inside) - 1) // int(inside[-1] - inside[0]) if len(inside) >= 3 else None

    def pause_ms(self, since_ms: int, until_ms: int) -> int:
        """Longest time without a beat in (since, until]."""
        inside = self.beats_ms[(self.beats_ms > since_ms) & (self.beats_ms <= until_ms)]
        return int(np.diff(np.concatenate([[since_ms], inside, [until_ms]])).max())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the signals say to an asystole alarm: True, False, or None where none of them can be read; and why."""

    asystole: bool | None
    reason: str


class Rhythm(RateKind):
    """Up to two leads of an electrocardiogram, an optical pulse, an arterial pressure, breathing."""

    name = "rhythm"
    schema = "rhythm/1"
    vital = "pulse"
    answers = "heart rate, of the signal that is best"
    channels: tuple[Channel, ...] = (
        Channel("ecg_1", "mV", -20, 20),
        Channel("ecg_2", "mV", -20, 20),
        Channel("ppg", "1", -20, 20),
        Channel("arterial_pressure", "mm[Hg]", -50, 400),
        Channel("breathing", "1", -20, 20),
    )
    batch_ms = 15 * SECOND_MS
    window = 5
    no_answer_when = (
        "no signal is good: two detectors, or neighbouring intervals, disagree",
        f"fewer than {LEAST_BEATS} beats were found in the last minute",
        f"two readable signals differ by more than {MOST_APART_E6 // E6} /min",
    )

    feedback = (Feedback(code=1, name="heart rate alarm high", unit="/min", low=90, high=180, interval_s=600),)

    def features(self, readings: Readings) -> Features:
        """Rate, variability, longest pause and quality of the last minute."""
        return rhythm_features(readings)

    def predict(self, features: Features) -> Prediction:
        """The heart rate; none if no signal can be read, or if two contradict each other."""
        known = dict(zip(features.names, features.values, strict=True))
        quality = known.get("signal quality", 0.0)
        if quality < RATE_QUALITY:
            return no_answer(
                f"no signal is good: the best has a quality of {quality:.0f} %, {RATE_QUALITY} % are needed"
            )
        if known.get("beats", 0.0) < LEAST_BEATS:
            return no_answer(f"{known.get('beats', 0):.0f} beats in 60 s, at least {LEAST_BEATS} are needed")
        if known.get("disagreement of signals", 0.0) > MOST_APART_E6 / E6:
            return no_answer(f"two signals differ by {known['disagreement of signals']:.0f} /min")
        return super().predict(features)

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """Stretches of two PhysioNet records; needs wfdb.

        Raises
        ------
        NotFound
            The records, or wfdb, are not here.
        """
        for name, (start, stop) in SHOWN_S.items():
            part = of_record(waveforms.read(data_dir, name), start * SECOND_MS, stop * SECOND_MS)
            yield Recording(f"record {name}", part, NOTE.format(name, start, stop))


def rhythm_features(readings: Readings) -> Features:
    """One row from the last minute; NaN where the signals do not tell."""
    end_ms = int(readings.time_ms[-1])
    start_ms = end_ms - LOOK_MS
    trains = trains_of(readings, start_ms)
    if not trains:
        return row(NAMES, [None, None, None, None, None, 0, None, 0])
    best, believed = trains[0], [one for one in trains if one.quality >= LEAST_QUALITY]
    rates = [rate for one in trains if one.quality >= RATE_QUALITY and (rate := one.rate_e6(start_ms)) is not None]
    rate, ten = best.rate_e6(start_ms), best.rate_e6(end_ms - 10 * SECOND_MS)
    sdnn, rmssd = variability_e6(best.beats_ms)
    since_ms = max(end_ms - PAUSE_MS, int(readings.time_ms[0]))
    exact = [
        rate,
        None if rate is None or ten is None else ten - rate,
        sdnn,
        rmssd,
        min(one.pause_ms(since_ms, end_ms) for one in believed or trains[:1]) * E6 // SECOND_MS,
        best.quality * E6,
        max(rates) - min(rates) if len(rates) > 1 else None,
        len(best.beats_ms) * E6,
    ]
    return row(NAMES, exact)


def trains_of(readings: Readings, since_ms: int, until_ms: int | None = None) -> list[Train]:
    """Beats of each signal in (since, until], the most believable first; an electrical one before a mechanical."""
    found = []
    until = int(readings.time_ms[-1]) if until_ms is None else until_ms
    for channel in (*ELECTRICAL, *MECHANICAL):
        if channel not in readings.channels:
            continue
        mine = readings.channel == readings.channels.index(channel)
        mine &= (readings.time_ms > since_ms) & (readings.time_ms <= until)
        time_ms, value = readings.time_ms[mine], readings.value_e6[mine]
        if channel in ELECTRICAL:
            found.append(Train(channel, *qrs(time_ms, value)))
        else:
            beats = find_beats(time_ms, value)
            found.append(Train(channel, beats.peak_ms, 100 - beats.rejected_percent()))
    return sorted(found, key=lambda one: -one.quality)


def variability_e6(beats_ms: Ints) -> tuple[int | None, int | None]:
    """SDNN and RMSSD (ms) of the normal intervals; those far from the middle of their neighbours are left out."""
    rr = np.diff(beats_ms)
    if len(rr) < 3:
        return None, None
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rr, 2, mode="edge"), 5)
    middle = np.sort(around, axis=1)[:, 2]
    normal = np.abs(rr - middle) * 100 <= ODD_PERCENT * middle
    kept, steps = rr[normal], np.diff(rr)[normal[1:] & normal[:-1]]
    n = len(kept)
    if n < 3 or len(steps) < 2:
        return None, None
    spread = n * int((kept**2).sum()) - int(kept.sum()) ** 2
    return isqrt(spread * E6 * E6 // (n * (n - 1))), isqrt(int((steps**2).sum()) * E6 * E6 // len(steps))


def asystole(readings: Readings, at_ms: int) -> Verdict:
    """Whether the heart stood still before an alarm at `at_ms`: an alarm is false if one readable signal kept beating.

    An alarm is never called false for want of signals: without any the answer is None, and somebody has to look.
    """
    since_ms = at_ms - PAUSE_MS
    believed = [
        one for one in trains_of(readings, since_ms, at_ms) if one.quality >= LEAST_QUALITY and len(one.beats_ms) > 2
    ]
    pauses = {one.channel: one.pause_ms(since_ms, at_ms) for one in believed}
    if not pauses:
        return Verdict(None, "no signal can be read in the 16 s before the alarm: look at the patient")
    channel, pause = min(pauses.items(), key=lambda item: item[1])
    said = f"{channel}: longest time without a beat {pause / SECOND_MS:.1f} s in the 16 s before the alarm"
    if pause < ASYSTOLE_MS:
        return Verdict(False, f"false alarm; {said}")
    return Verdict(True, f"asystole; {said}")


def of_record(record: waveforms.Record, since_ms: int = 0, until_ms: int | None = None) -> Readings:
    """Readings of a stretch of a WFDB record; electrocardiograms take the first two places, other signals are left out."""
    leads = iter(ELECTRICAL)
    known = {channel.name: channel for channel in Rhythm.channels}
    found: list[tuple[int, str, float]] = []
    for signal in record.signals:
        name = next((channel for channel, labels in SIGNALS.items() if signal.name.upper() in labels), None)
        if name is None and signal.unit.lower() == "mv":
            name = next(leads, None)
        if name is None:
            continue
        inside = (signal.time_ms >= since_ms) & (signal.value >= known[name].low) & (signal.value <= known[name].high)
        inside &= signal.time_ms < (record.duration_ms + 1 if until_ms is None else until_ms)
        found += [
            (int(at), name, float(one)) for at, one in zip(signal.time_ms[inside], signal.value[inside], strict=True)
        ]
    return collect(sorted(found, key=lambda row: row[0]), Rhythm.schema)
