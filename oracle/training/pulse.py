"""Train the heart rate 30 s ahead on HeartPy's third example; the set is tiny, and the card says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..records import Features, Readings, Status, to_e6
from ..twins.additive import Additive
from ..twins.beats import find_beats
from ..twins.pulse import AHEAD_MS, HELD_OUT_FROM_MS, LEAST_BEATS, MOST_REJECTED_PERCENT, NAMES, example, of_beats
from ..twins.rates import LOOK_MS
from .figures import Floats

STEP_MS = 5_000
TARGET_MS = 5_000  # either side of the moment 30 s ahead
RIDGES = (1.0, 10.0, 100.0, 1_000.0)  # the best over the blocked folds of the training part is taken
ACCEPTED = {  # what may reach the model where its range is not a matter of training
    "heart rate of 60 s": (40, 180), "sdnn": (0, 300), "rmssd": (0, 300), "intervals": (LEAST_BEATS, 200),
    "rejected intervals": (0, MOST_REJECTED_PERCENT),
}  # fmt: skip
BLOCKS = 5
COVER = 0.9
CENTRE = 80.0  # /min; the base that contributions are told against, no more than a convention
TOLERANCE_PERCENT = 50
WIDEST = 40.0
SEED, RESAMPLES = 2016, 2000
DATA = (
    "The example photoplethysmograms of HeartPy 1.2.7 (P. van Gent, TU Delft; its licence file is MIT, its package metadata says GPL-3.0): "
    "the first 480 s of data3.csv train, its last 200 s and all of data2.csv are held out."
)
LIMITS = [
    "No significant gain over persistence: the 95 % bootstrap interval of the difference of the two errors holds 0 (see 'gain').",
    "The held-out windows were evaluated twice in all: the first design (mean absolute error 3.30 /min on the windows it answered) refused "
    "every window of data2.csv; the level of the heart rate was then let in with weight one, and this card is the second evaluation.",
    "Demonstration scale: one person trains, two recordings test, windows overlap; no claim beyond these recordings.",
    "The level of the heart rate enters with weight one, so 40 to 180 /min are accepted although the person trained on had 94 to 102.",
    "Resting adults, one kind of sensor; motion is refused rather than corrected.",
    "The interval is conformal on one person's residuals, so its level is not promised for another person.",
]


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows of features, the heart rate 30 s later, and when each ends (ms)."""

    x: Floats
    y: Floats
    end_ms: Floats


def train(data: Path) -> dict[str, Any]:
    """The card, with everything the graph and the explanation are made from; `data` is not needed."""
    third, second = windows(example("data3.csv")), windows(example("data2.csv"))
    early = third.end_ms + AHEAD_MS + TARGET_MS <= HELD_OUT_FROM_MS
    late = third.end_ms - LOOK_MS >= HELD_OUT_FROM_MS
    x, y = third.x[early], third.y[early]
    ridge = min(RIDGES, key=lambda ridge: float((_residuals(x, y, ridge) ** 2).mean()))
    rank = min(len(y), int(np.ceil(COVER * (len(y) + 1))))
    half = float(np.sort(np.abs(_residuals(x, y, ridge)))[rank - 1])
    stated = _stated(x, fit(x, y, ridge), half)
    held = Windows(
        np.vstack([third.x[late], second.x]), np.concatenate([third.y[late], second.y]),
        np.concatenate([third.end_ms[late], second.end_ms]),
    )  # fmt: skip
    return _card(stated, held, len(y), int(late.sum()), half)


def windows(recording: Readings) -> Windows:
    """Every 5 s, the features of the minute before and the mean rate 25 to 35 s after; poor signal is left out."""
    time_ms, value = recording.time_ms, recording.value_e6 // 10**6
    kept: list[tuple[Floats, float, int]] = []
    for end in range(LOOK_MS, int(time_ms[-1]) - AHEAD_MS - TARGET_MS, STEP_MS):
        look = (time_ms > end - LOOK_MS) & (time_ms <= end)
        ahead = (time_ms > end + AHEAD_MS - LOOK_MS // 2) & (time_ms <= end + AHEAD_MS + TARGET_MS)
        features = of_beats(find_beats(time_ms[look], value[look]), end)
        target = find_beats(time_ms[ahead], value[ahead]).rate_e6(
            end + AHEAD_MS - TARGET_MS, end + AHEAD_MS + TARGET_MS
        )
        good = features.values[5] >= LEAST_BEATS and features.values[6] <= MOST_REJECTED_PERCENT
        if target is not None and good and not np.isnan(features.values).any():
            kept.append((features.values, target / 10**6, end))
    return Windows(
        np.array([k[0] for k in kept]), np.array([k[1] for k in kept]), np.array([k[2] for k in kept], np.float64)
    )


def fit(x: Floats, y: Floats, ridge: float) -> Floats:
    """Weights of the two rises; the heart rate of the minute itself has weight one, and there is no constant."""
    rises = x[:, 1:3]
    return np.asarray(np.linalg.solve(rises.T @ rises + ridge * np.eye(2), rises.T @ (y - x[:, 0])))


def _residuals(x: Floats, y: Floats, ridge: float) -> Floats:
    """Errors over contiguous folds, with a gap so that no window touches the fold it is judged by."""
    residual = np.empty(len(y))
    gap = (LOOK_MS + AHEAD_MS + TARGET_MS) // STEP_MS
    for block in np.array_split(np.arange(len(y)), BLOCKS):
        rest = np.ones(len(y), bool)
        rest[max(0, block[0] - gap) : block[-1] + 1 + gap] = False
        residual[block] = y[block] - x[block, 0] - x[block, 1:3] @ fit(x[rest], y[rest], ridge)
    return residual


def _stated(x: Floats, weights: Floats, half: float) -> dict[str, Any]:
    slopes = [1.0, *(float(weight) for weight in weights)]
    terms = []
    for name, slope, column in zip(NAMES, slopes + [0.0] * (len(NAMES) - 3), x.T, strict=True):
        low, high = ACCEPTED.get(name, (float(column.min()), float(column.max())))
        terms.append(
            {
                "feature": name, "edges_e6": [], "steps_e6": [0], "slope_e6": to_e6(slope),
                "centre_e6": 0 if slope != 1 else to_e6(CENTRE), "missing_e6": None, "low_e6": to_e6(low), "high_e6": to_e6(high),
            }
        )  # fmt: skip
    around = {"by": "margin", "edges_e6": [], "low_e6": [to_e6(half)], "high_e6": [to_e6(half)], "around": True}
    return {
        "link": "identity", "base_e6": to_e6(CENTRE), "terms": terms, "interval": around, "least_present": len(NAMES),
        "tolerance_percent": TOLERANCE_PERCENT, "widest_e6": to_e6(WIDEST),
    }  # fmt: skip


def _card(stated: dict[str, Any], held: Windows, trained: int, same_person: int, half: float) -> dict[str, Any]:
    model = Additive.of(stated)
    made = [model.predict(Features(NAMES, values)) for values in held.x]
    answered = np.array([one.status is Status.ANSWER for one in made])
    error = np.array([one.score_e6 / 1e6 for one in made])[answered] - held.y[answered]
    last = (held.x[:, 0] + held.x[:, 1] - held.y)[answered]
    headline, gain = _mean_of(np.abs(error)), _mean_of(np.abs(last) - np.abs(error))
    return {
        "name": "pulse",
        "schema": "pulse/1",
        "title": "Heart rate 30 s ahead from the last minute of a photoplethysmogram",
        "unit": "/min",
        "link": "score = margin = base + the sum of all contributions",
        "data": DATA,
        "method": "The mean heart rate of the minute plus ridge-weighted rises of its last 10 and 30 s; beats found by a moving average.",
        "headline": {
            "metric": "mean absolute error (/min)",
            **headline,
            "how": f"{len(error)} held-out overlapping windows of 2 recordings, 95 % bootstrap interval (too narrow for that)",
            "baseline_name": "persistence of the last 10 s",
            "baseline_value": round(float(np.abs(last).mean()), 3),
        },
        "gain": {"over": "persistence of the last 10 s", **gain},
        "mean_of_the_minute": round(float(np.abs(held.x[answered, 0] - held.y[answered]).mean()), 3),
        "calibration": {"mean_error": round(float(error.mean()), 3), "rmse": round(float(np.sqrt((error**2).mean())), 3)},
        "intervals": {
            "method": f"cross-conformal half width {half:.3g} /min: the {COVER:.0%} quantile of absolute residuals over 5 contiguous folds",
            "coverage": f"{np.mean(np.abs(error) <= half):.3f} of {len(error)} held-out windows",
            "mean_width": round(2 * half, 3),
        },
        "answered": {"trained_windows": trained, "held_out_windows": len(made), "answered": int(answered.sum()),
                     "of_the_person_trained_on": same_person},
        "intended_use": "Demonstration and tests with real signals. Not a medical device; not for care.",
        "limits": LIMITS,
        "model": stated,
    }  # fmt: skip


def _mean_of(values: Floats) -> dict[str, float]:
    """A mean with its percentile 95 % bootstrap interval over windows."""
    draw = np.random.default_rng(SEED)
    again = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(again, (0.025, 0.975))
    return {"value": round(float(values.mean()), 3), "low": round(float(low), 3), "high": round(float(high), 3)}
