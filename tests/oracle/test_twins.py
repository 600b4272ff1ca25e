"""One battery for every kind of twin, and the arithmetic that all of them rest on."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from importlib import resources
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from oracle import twins
from oracle.errors import InputError
from oracle.readings import check
from oracle.records import E6, Features, Readings, Status
from oracle.stages.ingest import collect
from oracle.stages.model import predict
from oracle.twins import BUILT_IN, TwinKind, kinds
from oracle.twins.shipped import Shipped

HOUR_MS = 3_600_000
KINDS = kinds()
HOURLY = {"heart_rate", "respiration_rate", "mean_arterial", "systolic_arterial", "diastolic_arterial", "urine"}
USUAL = {
    "age": 60, "male": 1, "height": 175, "weight": 80, "alp": 80, "alt": 40, "ast": 60, "albumin": 3, "urea_nitrogen": 20,
    "bilirubin": 0.9, "cholesterol": 150, "creatinine": 1, "diastolic_arterial": 58, "inspired_oxygen": 0.4, "coma_scale": 14,
    "glucose": 127, "bicarbonate": 23, "haematocrit": 30, "heart_rate": 86, "potassium": 4.1, "lactate": 2.1,
    "mean_arterial": 77, "ventilated": 1, "magnesium": 2, "diastolic_cuff": 56, "mean_cuff": 75, "systolic_cuff": 116,
    "sodium": 139, "arterial_co2": 39, "arterial_o2": 121, "platelets": 172, "respiration_rate": 19,
    "arterial_saturation": 97, "systolic_arterial": 116, "temperature": 37.1, "troponin_i": 2.6, "troponin_t": 0.2,
    "urine": 70, "leukocytes": 11.4, "ph": 7.38,
}  # fmt: skip


def stay() -> Readings:
    """Two days of an invented stay: vital signs each hour, everything else each eighth, wandering within its range."""
    rows = []
    for hour in range(48):
        for channel in KINDS["icu2012"].channels:
            if hour % 8 == 0 or channel.name in HOURLY:
                wander = 1 + 0.01 * ((hour * 7) % 5) if channel.name in HOURLY else 1
                rows.append((hour * HOUR_MS, channel.name, round(USUAL[channel.name] * wander, 3)))
    return collect(rows, "icu/1")


def pulse(*, beats_per_minute: float = 72.0, seconds: int = 90, noise: float = 0.0) -> Readings:
    """A pulse at 100 Hz whose rate is known, with noise from a fixed seed."""
    draw = np.random.default_rng(1)
    rows = []
    for step in range(seconds * 100):
        phase = (step / 100 * beats_per_minute / 60) % 1
        wave = 512 + 200 * math.exp(-((phase - 0.3) ** 2) / 0.005) + 40 * math.exp(-((phase - 0.6) ** 2) / 0.01)
        rows.append((step * 10, "ppg", float(round(np.clip(wave + noise * draw.normal(), 0, 1023)))))
    return collect(rows, "pulse/1")


def rhythm(*, beats_per_minute: float = 72.0, seconds: int = 70) -> Readings:
    """An electrocardiogram and a pulse wave at 125 Hz whose rate is known: P, QRS and T as bells."""
    rows = []
    for step in range(seconds * 125):
        phase = (step / 125 * beats_per_minute / 60) % 1
        bells = ((0.2, 0.15, 0.0008), (0.3, 1.2, 0.00008), (0.55, 0.3, 0.002))
        rows.append((step * 8, "ecg_1", sum(high * math.exp(-((phase - at) ** 2) / wide) for at, high, wide in bells)))
        rows.append((step * 8, "ppg", math.exp(-((phase - 0.5) ** 2) / 0.005)))
    return collect(rows, "rhythm/1")


EXAMPLES = {"icu2012": stay, "pulse": pulse, "rhythm": rhythm}


@pytest.fixture(params=sorted(BUILT_IN))
def kind(request: pytest.FixtureRequest) -> TwinKind:
    """Each kind in turn."""
    return KINDS[request.param]


@pytest.fixture
def readings(kind: TwinKind) -> Readings:
    """Readings the kind can answer for."""
    return check(EXAMPLES[kind.name](), kind.channels)


def test_kind_is_well_formed(kind: TwinKind) -> None:
    """Names are unique, ranges not empty, the category one bit, and a card with its figures is there."""
    names = [channel.name for channel in kind.channels]

    assert len(set(names)) == len(names) <= 255
    assert all(channel.low < channel.high and channel.unit for channel in kind.channels)
    assert int(kind.category).bit_count() == 1 and kind.window > 0 and kind.batch_ms > 0
    assert kind.card["data"] and kind.card["limits"] and "Not a medical device" in kind.card["intended_use"]
    headline = kind.card["headline"]
    assert set(headline) == {"metric", "value", "low", "high", "how", "baseline_name", "baseline_value"}
    assert headline["low"] <= headline["value"] <= headline["high"]


def test_kind_digests_are_of_the_shipped_bytes(kind: TwinKind) -> None:
    """The digests on the chain are the SHA-256 of the two files."""
    folder = resources.files("oracle.artifacts") / "models"
    card = (folder / f"{kind.name}.json").read_bytes()

    assert kind.model_digest == hashlib.sha256((folder / f"{kind.name}.onnx").read_bytes()).digest()
    assert kind.model_digest == hashlib.sha256(kind.model_bytes).digest()
    assert kind.card_digest == hashlib.sha256(card).digest() and kind.card == json.loads(card)


def test_kind_features_have_one_order(kind: TwinKind, readings: Readings) -> None:
    """Whatever was measured, features are the model's, in the model's order."""
    asked = tuple(term["feature"] for term in kind.card["model"]["terms"])
    short = replace(
        readings, time_ms=readings.time_ms[:1], channel=readings.channel[:1], value_e6=readings.value_e6[:1]
    )

    assert kind.features(readings).names == kind.features(short).names == asked


def test_kind_does_not_depend_on_channel_numbers(kind: TwinKind, readings: Readings) -> None:
    """The order in which channels are listed changes nothing."""
    n = len(readings.channels)
    turned = replace(readings, channels=readings.channels[::-1], channel=(n - 1 - readings.channel).astype(np.uint8))

    np.testing.assert_array_equal(kind.features(turned).values, kind.features(readings).values)


def test_kind_does_not_depend_on_the_date(kind: TwinKind, readings: Readings) -> None:
    """A recording replayed at another time gives the same features."""
    moved = replace(readings, time_ms=readings.time_ms + 1_700_000_000_123)

    np.testing.assert_array_equal(kind.features(moved).values, kind.features(readings).values)


def test_kind_answers_and_adds_up(kind: TwinKind, readings: Readings) -> None:
    """Base and contributions sum to the margin exactly, the link gives the score, the interval holds it."""
    features = kind.features(readings)
    made = predict(kind, features)

    assert made.status is Status.ANSWER, made.reason
    assert made.base_e6 + sum(part.contribution_e6 for part in made.contributions) == made.margin_e6
    margin = made.margin_e6 / E6
    score = 1 / (1 + math.exp(-margin)) if kind.card["model"]["link"] == "logistic" else margin
    assert abs(made.score_e6 / E6 - score) <= 1e-6
    assert made.low_e6 <= made.score_e6 <= made.high_e6
    assert tuple(part.feature for part in made.contributions) == features.names


def test_kind_is_deterministic_and_leaves_inputs_alone(kind: TwinKind, readings: Readings) -> None:
    """Twice the same from two instances, and nothing given was changed."""
    before = [column.copy() for column in (readings.time_ms, readings.channel, readings.value_e6)]
    features = kind.features(readings)
    values = features.values.copy()
    other = kinds()[kind.name]

    assert kind.predict(features) == other.predict(other.features(readings))
    np.testing.assert_array_equal(features.values, values)
    for column, kept in zip((readings.time_ms, readings.channel, readings.value_e6), before, strict=True):
        np.testing.assert_array_equal(column, kept)


def test_kind_graph_agrees_with_its_explanation(kind: TwinKind, readings: Readings) -> None:
    """The ONNX graph and the integers give one score, also with values missing or far out, seed 7."""
    shipped = Shipped.named(kind.name)
    features = kind.features(readings)
    draw = np.random.default_rng(7)
    for _ in range(200):
        values = features.values * draw.uniform(0.5, 1.5, len(features.values))
        optional = np.array([term.missing_e6 is not None for term in shipped.additive.terms])
        values[optional & (draw.random(len(values)) < 0.3)] = np.nan
        tried = Features(features.names, values)
        made = replace(shipped.additive, tolerance_percent=10**6, least_present=0, widest_e6=10**12).predict(tried)
        assert made.status is Status.ANSWER
        assert abs(shipped.score(tried) - made.score_e6 / E6) <= 1e-5


def test_kind_gives_a_reason_for_no_answer(kind: TwinKind, readings: Readings) -> None:
    """One reading is too little, and that is said."""
    short = replace(
        readings, time_ms=readings.time_ms[:1], channel=readings.channel[:1], value_e6=readings.value_e6[:1]
    )
    made = predict(kind, kind.features(short))

    assert made.status is Status.NO_ANSWER and made.reason
    assert (made.score_e6, made.low_e6, made.high_e6, made.contributions) == (0, 0, 0, ())


def test_kind_refuses_foreign_features(kind: TwinKind, readings: Readings) -> None:
    """Features in another order are refused, not guessed."""
    features = kind.features(readings)
    turned = Features(features.names[::-1], features.values[::-1].copy())

    assert kind.predict(turned).status is Status.NO_ANSWER


def test_kind_refuses_values_far_from_its_training(kind: TwinKind, readings: Readings) -> None:
    """A value beyond the stated range gives a NoAnswer that names the feature."""
    features = kind.features(readings)
    values = features.values.copy()
    values[0] = 1e6

    assert features.names[0] in kind.predict(Features(features.names, values)).reason


def test_kind_early_warning_is_incomplete_and_says_why(kind: TwinKind, readings: Readings) -> None:
    """Neither kind measures SpO2 by oximeter or consciousness, so neither pretends to a total."""
    warning = kind.early_warning(readings)

    assert warning.total is None and {"oxygen saturation", "consciousness"} <= set(warning.missing)
    assert "pulse" not in warning.missing


def test_kinds_refuses_an_entry_point_that_takes_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package cannot replace a built-in kind."""
    intruder = EntryPoint("pulse", "elsewhere:Pulse", twins.GROUP)
    monkeypatch.setattr(twins, "entry_points", lambda group: [intruder])

    with pytest.raises(InputError) as refused:
        kinds()

    assert refused.value.kind == "kind_taken"


def test_kinds_names_an_entry_point_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken package is named, not swallowed."""
    monkeypatch.setattr(twins, "entry_points", lambda group: [EntryPoint("broken", "no_such_module:Kind", group)])

    with pytest.raises(InputError, match="broken") as refused:
        kinds()

    assert refused.value.kind == "broken_kind"


def test_kinds_adds_installed_kinds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in entry points are not loaded twice; others are added."""
    found = [EntryPoint(name, value, twins.GROUP) for name, value in BUILT_IN.items()]
    found.append(EntryPoint("mine", "oracle.twins.pulse:Pulse", twins.GROUP))
    monkeypatch.setattr(twins, "entry_points", lambda group: found)

    assert set(kinds()) == {*BUILT_IN, "mine"}


def test_pulse_recordings_are_short_and_plausible() -> None:
    """Two real recordings that fit a story: fewer than 60 batches together, and both answered."""
    kind = KINDS["pulse"]
    shown = list(kind.recordings(Path("not needed")))

    batches = sum((one.readings.time_ms[-1] - one.readings.time_ms[0]) // kind.batch_ms + 1 for one in shown)
    assert len(shown) >= 2 and batches < 60
    for one in shown:
        check(one.readings, kind.channels)
        assert "MIT" in one.note
        assert predict(kind, kind.features(one.readings)).status is Status.ANSWER


@pytest.mark.parametrize("level", [0.0, 512.0])
def test_pulse_gives_no_answer_without_beats(level: float) -> None:
    """A flat line has no beats, and the reason says so."""
    flat = collect([(step * 10, "ppg", level) for step in range(6_000)], "pulse/1")
    kind = KINDS["pulse"]

    assert "intervals between beats" in kind.predict(kind.features(flat)).reason


def test_pulse_gives_no_answer_on_noise() -> None:
    """Noise alone, seed 3, is not a pulse."""
    draw = np.random.default_rng(3)
    noise = collect([(step * 10, "ppg", float(draw.integers(0, 1024))) for step in range(6_000)], "pulse/1")
    kind = KINDS["pulse"]

    assert kind.predict(kind.features(noise)).status is Status.NO_ANSWER


def test_kind_features_are_named_for_people(kind: TwinKind) -> None:
    """No feature shows an identifier's underscore, and names are unique."""
    names = [term["feature"] for term in kind.card["model"]["terms"]]

    assert len(set(names)) == len(names) and not any("_" in name for name in names)


def test_kind_card_says_how_often_its_held_out_data_were_looked_at(kind: TwinKind) -> None:
    """Whoever reads the limits learns that the held-out figures were not the first."""
    assert any("were evaluated" in limit and "in all" in limit for limit in kind.card["limits"])
