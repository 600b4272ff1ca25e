"""How well beats are found and rates are told, on WFDB records with beats that people marked; nothing is learnt.

Beats are matched within 150 ms, as ANSI/AAMI EC57 asks. Alarms are those of records whose header says what the alarm
was and whether it was true, as in the PhysioNet/CinC Challenge 2015, where it came 5 min after the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..records import E6
from ..twins import waveforms
from ..twins.additive import Additive
from ..twins.ecg import matched, qrs
from ..twins.rates import MINUTE_MS, SECOND_MS
from ..twins.rhythm import (
    LEAST_BEATS,
    NAMES,
    RATE_QUALITY,
    asystole,
    of_record,
    rhythm_features,
)
from .figures import Floats
from .judged import Figure, answered, figure, intervals, margins
from .measured import half_width, minutes, rounded, share, stated
from .risk import USE

NAME = "rhythm"
MATCH_MS = 150
STEP_MS = 30 * SECOND_MS
ALARM_MS = 300 * SECOND_MS
NARROWEST = 1.0  # /min either side: one record does not show how wrong a rate can be
CENTRE = 80.0  # /min; what contributions are told against, a convention
ACCEPTED = {
    "heart rate of 60 s": (15, 250), "rate of the last 10 s, from that": (-150, 150), "sdnn": (0, 500), "rmssd": (0, 500),
    "longest pause": (0, 16), "signal quality": (RATE_QUALITY, 100), "disagreement of signals": (0, 10),
    "beats": (LEAST_BEATS, 250),
}  # fmt: skip
NEEDED = ("heart rate of 60 s", "longest pause", "signal quality", "beats")
LIMITS = [
    "Beats were checked against people's marks on one record of one person (MIT-BIH 100), almost all normal beats; nothing is known of others.",
    "One true-or-false alarm was there to be judged: no share of alarms recognised can be told.",
    "No arrhythmia is named; premature beats count as beats, and are left out of the variability.",
    "The interval is at least 1 /min either side by decision, as one record cannot show how wrong a rate can be.",
    "The figures were evaluated 2 times in all, the detector's settings being those of its sources.",
]


@dataclass(frozen=True, slots=True)
class Beats:
    """Of one lead: beats that people marked, those found, and how many are the same."""

    marked: int
    found: int
    same: int


def train(data: Path) -> dict[str, Any]:
    """The card: the rate as measured, and how far it was from people's marks."""
    x, y, people = windows(data)
    half = half_width(x[:, 0] - y, narrowest=NARROWEST)
    model = stated(NAMES, ACCEPTED, NEEDED, centre=CENTRE, half=half)
    return _card(model, judged(data, Additive.of(model), (x, y, people)), half)


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Beats, rates and alarms of every record in ``data/waveforms`` that tells what is right."""
    if since:
        raise InputError("records are judged whole", hint="leave --from away")
    return judged(data, Additive.of(cards[NAME]["model"]), windows(data))


def judged(data: Path, model: Additive, told: tuple[Floats, Floats, NDArray[Any]]) -> dict[str, Figure]:
    """All figures; intervals are over windows or beats, which are too alike in one record for these to mean much."""
    x, y, _ = told
    margin = margins(model, x)
    low, high = intervals(model, margin, margin)
    before = np.concatenate([y[:1], y[:-1]])
    beats = list(beats_of(data))
    marked, found, same = (sum(getattr(one, name) for one in beats) for name in ("marked", "found", "same"))
    result = {
        "mae": figure(lambda a, b: float(np.abs(a - b).mean()), y, margin),
        "persistence_mae": figure(lambda a, b: float(np.abs(a - b).mean()), y, before),
        "coverage": figure(lambda a, b, c: float(((b <= a) & (a <= c)).mean()), y, low, high),
        "answered": Figure(float(answered(model, x).mean()), None, None, len(y)),
        "sensitivity": share(same, marked),
        "positive_predictivity": share(same, found),
    }
    right = list(alarms(data))
    return result | ({"alarms_right": share(sum(right), len(right))} if right else {})


def windows(data: Path) -> tuple[Floats, Floats, NDArray[Any]]:
    """Features of each minute, the rate that people's marks give, and the record; every 30 s."""
    x, y, names = [], [], []
    for record in _marked(data):
        assert record.beats_ms is not None
        told = minutes(of_record(record), record.beats_ms, every_ms=STEP_MS, until_ms=record.duration_ms)
        for minute, rate in told:
            x.append(rhythm_features(minute).values)
            y.append(rate)
            names.append(record.name)
    return np.array(x), np.array(y), np.array(names)


def beats_of(data: Path) -> Iterable[Beats]:
    """Beats found in the first electrocardiogram of each record with marks, over its whole length."""
    for record in _marked(data):
        lead = next(one for one in record.signals if one.unit.lower() == "mv")
        found, _ = qrs(lead.time_ms, np.rint(lead.value * E6).astype(np.int64))
        assert record.beats_ms is not None
        yield Beats(len(record.beats_ms), len(found), matched(record.beats_ms, found, MATCH_MS))


def alarms(data: Path) -> Iterable[bool]:
    """Of each asystole alarm whether the verdict is that of the record's header."""
    for name in waveforms.records(data):
        record = waveforms.read(data, name)
        said = " ".join(record.comments).lower()
        if "asystole" in said and "alarm" in said:
            verdict = asystole(of_record(record, ALARM_MS - MINUTE_MS, ALARM_MS + 1), ALARM_MS)
            yield verdict.asystole is ("true alarm" in said)


def _marked(data: Path) -> Iterable[waveforms.Record]:
    found = [record for name in waveforms.records(data) if (record := waveforms.read(data, name)).beats_ms is not None]
    if not found:
        raise InputError(
            f"no record in {data / waveforms.FOLDER} has beats that people marked", hint="NAME.atr holds them"
        )
    return found


def _card(model: dict[str, Any], found: dict[str, Figure], half: float) -> dict[str, Any]:
    told = rounded(found)
    return {
        "name": NAME,
        "schema": f"{NAME}/1",
        "title": "Heart rate from electrocardiogram and pulse waves, with variability, pauses and signal quality",
        "unit": "/min",
        "link": "score = margin = base + the sum of all contributions; only the rate contributes, the rest decides whether there is an answer",
        "data": "PhysioNet records 100 (MIT-BIH Arrhythmia Database), a103l (Challenge 2015) and 03700181 (MIMIC), as carried by wfdb-python "
        "(Open Data Commons Attribution 1.0).",
        "method": "Beats by band-pass, slope and adaptive threshold (Hamilton and Tompkins 1986) in integers; of several signals the most believable.",
        "headline": {
            "metric": "mean absolute error (/min)",
            **{name: told["mae"][name] for name in ("value", "low", "high")},
            "how": f"{found['mae'].n} minutes of one annotated record, every 30 s; 95 % bootstrap interval over minutes (too narrow for that)",
            "baseline_name": "the marked rate 30 s before",
            "baseline_value": told["persistence_mae"]["value"],
        },
        "figures": told,
        "intervals": {
            "method": f"{half:.3g} /min either side: the 90% quantile of errors on the same record, at least {NARROWEST:g}",
            "coverage": f"{found['coverage'].value:.3f} on the minutes the width was made from",
        },
        "intended_use": USE,
        "limits": LIMITS,
        "model": model,
    }  # fmt: skip
