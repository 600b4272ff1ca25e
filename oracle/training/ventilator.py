"""How well breaths are found in a ventilator's flow, against the ventilator's own marks; nothing is learnt.

The file there is to measure with is under GPL-3.0. It is read where it lies; nothing of it is in this package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NotFound
from ..twins.additive import Additive
from ..twins.ecg import matched
from ..twins.ventilator import (
    FOLDER,
    NAMES,
    PATTERN,
    STEP_MS,
    breaths_of,
    read_pb840,
    ventilator_features,
)
from .figures import Floats
from .judged import Figure, answered, intervals, margins
from .measured import half_width, minutes, rounded, share, stated
from .risk import USE

NAME = "ventilator"
MATCH_MS = 200
EVERY_MS = 10_000
NARROWEST = 0.5  # /min either side: one file does not show how wrong a rate can be
CENTRE = 15.0  # /min
ACCEPTED = {
    "respiration rate": (3, 70), "tidal volume inspired": (50, 2_000), "tidal volume expired": (0, 2_500),
    "peak pressure": (0, 100), "end-expiratory pressure": (-5, 40), "plateau pressure": (0, 100), "driving pressure": (0, 80),
    "volume not breathed out": (-100, 100), "double triggered breaths": (0, 60), "ineffective efforts": (0, 60),
    "breaths": (3, 100),
}  # fmt: skip
NEEDED = ("respiration rate", "tidal volume inspired", "peak pressure", "end-expiratory pressure", "breaths")
LIMITS = [
    "One file of one ventilator, 93 s and 16 breaths: it shows that the arithmetic is right, not how often it is.",
    "Asynchrony is hinted at by simple rules (stacked breaths, bumps in expiratory flow); no clinician has judged them.",
    "Driving pressure needs an inspiratory hold; without one there is none, and it is never guessed from the peak.",
    "Volumes are not corrected for leaks, temperature, humidity or the circuit's compliance.",
    "The rules were written with this very file at hand; they were evaluated on it 2 times in all.",
]


def train(data: Path) -> dict[str, Any]:
    """The card: the rate as measured, and how far it was from the ventilator's marks."""
    x, y = windows(data)
    half = half_width(x[:, 0] - y, narrowest=NARROWEST)
    model = stated(NAMES, ACCEPTED, NEEDED, centre=CENTRE, half=half)
    return _card(model, judged(data, Additive.of(model)), half)


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Breaths and rates of every ventilator file in ``data/waveforms``."""
    return judged(data, Additive.of(cards[NAME]["model"]))


def judged(data: Path, model: Additive) -> dict[str, Figure]:
    """Figures against the marks; windows overlap, so no interval is told for errors."""
    x, y = windows(data)
    margin = margins(model, x)
    low, high = intervals(model, margin, margin)
    before = np.concatenate([y[:1], y[:-1]])
    pairs = [(marks(path), _starts(path)) for path in _files(data)]
    same = sum(matched(one, other, MATCH_MS) for one, other in pairs)
    return {
        "mae": Figure(float(np.abs(y - margin).mean()), None, None, len(y)),
        "persistence_mae": Figure(float(np.abs(y - before).mean()), None, None, len(y)),
        "coverage": Figure(float(((low <= y) & (y <= high)).mean()), None, None, len(y)),
        "answered": Figure(float(answered(model, x).mean()), None, None, len(y)),
        "sensitivity": share(same, sum(len(one) for one, _ in pairs)),
        "positive_predictivity": share(same, sum(len(other) for _, other in pairs)),
    }


def windows(data: Path) -> tuple[Floats, Floats]:
    """Features of each minute and the rate that the marks give, every 10 s."""
    x, y = [], []
    for path in _files(data):
        whole, marked = read_pb840(path), marks(path)
        for minute, rate in minutes(whole, marked, every_ms=EVERY_MS, until_ms=int(whole.time_ms[-1])):
            x.append(ventilator_features(minute).values)
            y.append(rate)
    return np.array(x), np.array(y)


def marks(path: Path) -> NDArray[np.int64]:
    """When the ventilator says that breaths begin (ms from the start of the file)."""
    found, step = [], 0
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("BS"):
            found.append(step * STEP_MS)
        elif re.match(r"^\s*-?\d+\.\d+\s*,", line):
            step += 1
    return np.array(found, np.int64)


def _starts(path: Path) -> NDArray[np.int64]:
    """Beginnings of the breaths found, and the end of the last one, which is the beginning of a breath not whole."""
    found = breaths_of(read_pb840(path), -1)
    return np.array([*(one.start_ms for one in found), *(one.end_ms for one in found[-1:])], np.int64)


def _files(data: Path) -> Iterable[Path]:
    paths = sorted((data / FOLDER).glob(PATTERN))
    if not paths:
        raise NotFound(
            f"there is no {PATTERN} in {data / FOLDER}", hint="name its parent with --data", kind="missing_data"
        )
    return paths


def _card(model: dict[str, Any], found: dict[str, Figure], half: float) -> dict[str, Any]:
    told = rounded(found)
    error = told["mae"]["value"]
    return {
        "name": NAME,
        "schema": f"{NAME}/1",
        "title": "Respiration rate, volumes, pressures and hints of asynchrony from a ventilator's flow and pressure",
        "unit": "/min",
        "link": "score = margin = base + the sum of all contributions; only the rate contributes, the rest is told beside it",
        "data": "No training data: rules written by hand. Measured on one Puritan Bennett 840 file of the ventMAP repository (GPL-3.0, not included).",
        "method": "A breath begins where flow passes 5 L/min after an expiration; volumes are sums of flow, pressures middles over breaths.",
        "headline": {
            "metric": "mean absolute error (/min)", "value": error, "low": error, "high": error,
            "how": f"{found['mae'].n} overlapping minutes of one file against the ventilator's own marks; too few for an interval",
            "baseline_name": "the marked rate 10 s before", "baseline_value": told["persistence_mae"]["value"],
        },
        "figures": told,
        "intervals": {
            "method": f"{half:.3g} /min either side: the 90% quantile of errors on the same file, at least {NARROWEST:g}",
            "coverage": f"{found['coverage'].value:.3f} on the minutes the width was made from",
        },
        "intended_use": USE,
        "limits": LIMITS,
        "model": model,
    }  # fmt: skip
