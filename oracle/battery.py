"""One battery of behaviour for every kind of twin, those of other packages too.

``for check in CHECKS: check(kind, readings)`` with readings that the kind can answer for. A check that fails raises
:class:`Unfit` with what was expected; :data:`CHECKS` lists all of them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .errors import InputError, VerificationError
from .formats.merkle import explanation_leaves, proof
from .formats.readings import check as check_readings
from .records import E6, Features, Prediction, Readings, Status
from .stages.explain import explain, opened
from .stages.model import predict
from .twins import TwinKind
from .twins.additive import linked
from .twins.shipped import Shipped, ShippedKind

Check = Callable[[TwinKind, Readings], None]
FACTOR = 1000  # a unit's commonest mistake: milli or kilo
OTHER_PROCESS = """
import json, sys
import numpy as np
told = json.load(sys.stdin)
sys.path[:0] = told["path"]
from importlib import import_module
from oracle.records import Readings
kind = getattr(import_module(told["module"]), told["name"])()
readings = Readings(told["schema"], tuple(told["channels"]), np.array(told["time_ms"], np.int64),
                    np.array(told["channel"], np.uint8), np.array(told["value_e6"], np.int64))
print(repr(kind.predict(kind.features(readings))), kind.model_digest.hex(), kind.card_digest.hex())
"""


class Unfit(VerificationError):
    """A kind of twin does not keep what every kind promises."""


def it_is_well_formed(kind: TwinKind, readings: Readings) -> None:
    """Names are unique, ranges not empty, units there, the category one bit; what it may propose has an envelope."""
    names = [channel.name for channel in kind.channels]
    _must(0 < len(set(names)) == len(names) <= 255, "channels have unique names, 255 at most")
    _must(all(len(name) <= 32 and name.isascii() for name in names), "a channel's name has at most 32 ASCII characters")
    _must(all(one.low < one.high and one.unit for one in kind.channels), "each channel has a unit and a range")
    _must(int(kind.category).bit_count() == 1, "the category is one bit")
    _must(kind.window > 0 and kind.batch_ms > 0 and bool(kind.answers), "window, batch_ms and answers are given")
    _must(all(one.low < one.high and one.interval_s > 0 for one in kind.feedback), "feedback lies in an envelope")
    _must(len({one.code for one in kind.feedback}) == len(kind.feedback), "feedback has unique codes")
    check_readings(readings, kind.channels)


def its_card_is_honest(kind: TwinKind, readings: Readings) -> None:
    """A figure with its interval, how it was measured, a baseline, the data, limits, and that it is no medical device."""
    card, head = kind.card, kind.card["headline"]
    _must(bool(card["data"] and card["limits"]), "the card tells the data and the limits")
    _must("Not a medical device" in card["intended_use"], "the intended use says: Not a medical device")
    _must(
        set(head) == {"metric", "value", "low", "high", "how", "baseline_name", "baseline_value"}
        and head["low"] <= head["value"] <= head["high"],
        "the headline has a figure in its interval, how it was measured, and a baseline",
    )


def its_digests_are_of_its_bytes(kind: TwinKind, readings: Readings) -> None:
    """What is registered on the chain is the SHA-256 of the model as it runs; the same for a new instance."""
    _must(kind.model_digest == hashlib.sha256(kind.model_bytes).digest(), "model_digest is the SHA-256 of model_bytes")
    again = type(kind)()
    _must(
        (again.model_digest, again.card_digest) == (kind.model_digest, kind.card_digest),
        "a new instance has the same digests",
    )


def its_features_have_one_order(kind: TwinKind, readings: Readings) -> None:
    """Whatever was measured, features are the model's, in the model's order, and named for people."""
    asked = tuple(term["feature"] for term in kind.card["model"]["terms"])
    _must(kind.features(readings).names == kind.features(_first(readings)).names == asked, "features are the model's")
    _must(len(set(asked)) == len(asked), "features have unique names")
    _must(not any("_" in name for name in asked), "features are named for people, without underscores")


def it_answers_and_adds_up(kind: TwinKind, readings: Readings) -> None:
    """Base and contributions sum to the margin exactly, the link gives the score, the interval holds it."""
    features = kind.features(readings)
    made = _answer(kind, features)
    total = made.base_e6 + sum(part.contribution_e6 for part in made.contributions)
    _must(total == made.margin_e6, "base and contributions sum to the margin")
    _must(linked(kind.card["model"]["link"], made.margin_e6) == made.score_e6, "the link of the margin is the score")
    _must(made.low_e6 <= made.score_e6 <= made.high_e6, "the interval holds the score")
    _must(tuple(part.feature for part in made.contributions) == features.names, "every feature has its contribution")


def its_explanation_opens_and_refuses_tampering(kind: TwinKind, readings: Readings) -> None:
    """Each contribution opens against the report's root; one millionth more, another value or name, and it does not."""
    explanation = explain(_answer(kind, kind.features(readings)), unit=kind.unit)
    told, leaves = explanation.prediction, explanation_leaves(explanation.prediction)
    for index in range(len(told.contributions) + 1):
        opened(explanation.root, told, index, proof(leaves, leaves[index]))
    part = told.contributions[0]
    for lie in (
        replace(part, contribution_e6=part.contribution_e6 + 1),
        replace(part, value_e6=(part.value_e6 or 0) + 1),
        replace(part, feature=part.feature + "?"),
    ):
        tampered = replace(told, contributions=(lie, *told.contributions[1:]))
        _refuses(partial(opened, explanation.root, tampered, 1, proof(leaves, leaves[1])), "bad_explanation")


def it_ignores_the_order_of_channels(kind: TwinKind, readings: Readings) -> None:
    """The numbers that a recording gives its channels change nothing."""
    n = len(readings.channels)
    turned = replace(readings, channels=readings.channels[::-1], channel=(n - 1 - readings.channel).astype(np.uint8))
    _same(kind.features(turned), kind.features(readings), "the order of channels")


def it_ignores_the_date(kind: TwinKind, readings: Readings) -> None:
    """A recording replayed at another time gives the same features."""
    moved = replace(readings, time_ms=readings.time_ms + 1_700_000_000_123)
    _same(kind.features(moved), kind.features(readings), "the date")


def it_ignores_a_channel_it_does_not_know(kind: TwinKind, readings: Readings) -> None:
    """A reading of a new channel is refused at ingest, and would change no feature if it came through."""
    more = replace(
        readings,
        channels=(*readings.channels, "mood"),
        time_ms=np.append(readings.time_ms, readings.time_ms[-1]),
        channel=np.append(readings.channel, len(readings.channels)).astype(np.uint8),
        value_e6=np.append(readings.value_e6, 3 * E6),
    )
    _refuses(lambda: check_readings(more, kind.channels), "unknown_channel")
    _same(kind.features(more), kind.features(readings), "an unknown channel")


def it_bears_missing_and_constant_channels(kind: TwinKind, readings: Readings) -> None:
    """Without any one channel, or with one that never changes, there is an answer that adds up or a reason."""
    for index in range(len(readings.channels)):
        mine = readings.channel == index
        if not mine.all():
            _fine(kind, _rows(readings, ~mine))
        still = np.where(mine, readings.value_e6[mine][:1].sum(), readings.value_e6)
        _fine(kind, replace(readings, value_e6=still))


def it_refuses_units_wrong_by_a_factor(kind: TwinKind, readings: Readings) -> None:
    """A channel a thousand times too high is refused at ingest, or gets no answer; one too low never breaks it."""
    for index, name in enumerate(readings.channels):
        mine = readings.channel == index
        if not readings.value_e6[mine].any():
            continue
        high = replace(readings, value_e6=np.where(mine, readings.value_e6 * FACTOR, readings.value_e6))
        low = replace(readings, value_e6=np.where(mine, readings.value_e6 // FACTOR, readings.value_e6))
        _must(_turned_away(kind, high), f"{name} a thousand times too high is refused or gets no answer")
        _turned_away(kind, low)


def it_gives_a_reason_for_no_answer(kind: TwinKind, readings: Readings) -> None:
    """Features that are all unknown, and features in another order, give no answer, zero numbers and a reason."""
    features = kind.features(readings)
    unknown = Features(features.names, np.full(len(features.values), np.nan))
    turned = Features((*features.names[1:], features.names[0]), np.roll(features.values, -1))
    tried = [unknown, turned] if len(features.names) > 1 else [unknown]
    for one in tried:
        made = predict(kind, one)
        _must(made.status is Status.NO_ANSWER and bool(made.reason), "what it cannot judge gets a reason, no answer")
        _must((made.score_e6, made.low_e6, made.high_e6, made.contributions) == (0, 0, 0, ()), "and no numbers")
    _must(bool(kind.no_answer_when), "it tells in words when there is no answer")


def it_refuses_what_it_was_not_made_for(kind: TwinKind, readings: Readings) -> None:
    """A value far beyond the stated range gives no answer, and the reason names the feature."""
    features = kind.features(readings)
    for index, term in enumerate(kind.card["model"]["terms"]):
        if np.isnan(features.values[index]) or term["high_e6"] == term["low_e6"]:
            continue
        values = features.values.copy()
        values[index] = 1e9
        made = predict(kind, Features(features.names, values))
        _must(made.status is Status.NO_ANSWER and bool(made.reason), f"{features.names[index]} of 1e9 gets no answer")


def it_is_deterministic_and_leaves_inputs_alone(kind: TwinKind, readings: Readings) -> None:
    """Twice the same from two instances, whatever the global seed, and nothing given was changed."""
    columns: tuple[np.ndarray, ...] = (readings.time_ms, readings.channel, readings.value_e6)
    before = [column.copy() for column in columns]
    np.random.seed(1)
    features = kind.features(readings)
    values = features.values.copy()
    first = kind.predict(features)
    np.random.seed(2)
    other = type(kind)()
    _must(other.predict(other.features(readings)) == first, "two instances say the same, whatever the seed")
    _must(np.array_equal(features.values, values, equal_nan=True), "features are left alone")
    _must(all(np.array_equal(one, two) for one, two in zip(before, columns, strict=True)), "readings are left alone")


def it_says_the_same_in_another_process(kind: TwinKind, readings: Readings) -> None:
    """Loaded again by another interpreter, model, card and prediction are the same to the bit."""
    told = {
        "path": sys.path, "module": type(kind).__module__, "name": type(kind).__qualname__, "schema": readings.schema,
        "channels": readings.channels, "time_ms": readings.time_ms.tolist(), "channel": readings.channel.tolist(),
        "value_e6": readings.value_e6.tolist(),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS], input=json.dumps(told), capture_output=True, text=True, check=False
    )
    mine = f"{kind.predict(kind.features(readings))!r} {kind.model_digest.hex()} {kind.card_digest.hex()}"
    _must(done.stdout.strip() == mine, f"another process says {done.stdout[:200]}{done.stderr[-200:]}")


def its_graph_agrees_with_its_explanation(kind: TwinKind, readings: Readings) -> None:
    """The ONNX graph and the integers give one score within 1e-5, also with values missing or far out (seed 7)."""
    if not isinstance(kind, ShippedKind):
        return
    features, shipped = kind.features(readings), kind.shipped
    wide = replace(shipped.additive, tolerance_percent=10**9, least_present=0, widest_e6=10**15)
    draw = np.random.default_rng(7)
    optional = np.array([term.missing_e6 is not None for term in wide.terms])
    for _ in range(100):
        values = features.values * draw.uniform(0.5, 1.5, len(features.values))
        values[optional & (draw.random(len(values)) < 0.3)] = np.nan
        tried = Features(features.names, values)
        made = wide.predict(tried)
        _must(abs(shipped.score(tried) - made.score_e6 / E6) <= 1e-5, "graph and explanation agree")


def it_refuses_a_swapped_model(kind: TwinKind, readings: Readings) -> None:
    """A pickle in place of the graph is refused; a card whose base was moved gets no answer."""
    if not isinstance(kind, ShippedKind):
        return
    features = kind.features(readings)
    card = json.dumps(kind.card).encode()
    pickled = Shipped(b"\x80\x05}.", card)
    _refuses(lambda: pickled.predict(features), "bad_model")
    moved = json.loads(card)
    moved["model"]["base_e6"] += E6
    made = Shipped(kind.model_bytes, json.dumps(moved).encode()).predict(features)
    _must(made.status is Status.NO_ANSWER and bool(made.reason), "a card that the graph contradicts gets no answer")


CHECKS: tuple[Check, ...] = (
    it_is_well_formed, its_card_is_honest, its_digests_are_of_its_bytes, its_features_have_one_order,
    it_answers_and_adds_up, its_explanation_opens_and_refuses_tampering, it_ignores_the_order_of_channels,
    it_ignores_the_date, it_ignores_a_channel_it_does_not_know, it_bears_missing_and_constant_channels,
    it_refuses_units_wrong_by_a_factor, it_gives_a_reason_for_no_answer, it_refuses_what_it_was_not_made_for,
    it_is_deterministic_and_leaves_inputs_alone, it_says_the_same_in_another_process,
    its_graph_agrees_with_its_explanation, it_refuses_a_swapped_model,
)  # fmt: skip


def _must(kept: bool, promise: str) -> None:
    if not kept:
        raise Unfit(f"not kept: {promise}", kind="unfit")


def _refuses(action: Callable[[], Any], kind: str) -> None:
    try:
        action()
    except (InputError, VerificationError) as error:
        _must(error.kind == kind, f"it refuses with {kind}, not {error.kind}")
        return
    _must(False, f"it refuses with {kind}")


def _answer(kind: TwinKind, features: Features) -> Prediction:
    made = predict(kind, features)
    _must(made.status is Status.ANSWER, f"it answers for the readings given, not: {made.reason}")
    return made


def _fine(kind: TwinKind, readings: Readings) -> Prediction:
    made = predict(kind, kind.features(readings))
    _must(made.status is Status.ANSWER or bool(made.reason), "it answers or says why not")
    return made


def _turned_away(kind: TwinKind, readings: Readings) -> bool:
    try:
        check_readings(readings, kind.channels)
    except InputError:
        return True
    return _fine(kind, readings).status is Status.NO_ANSWER


def _same(one: Features, other: Features, what: str) -> None:
    _must(
        one.names == other.names and np.array_equal(one.values, other.values, equal_nan=True),
        f"{what} changes no feature",
    )


def _first(readings: Readings) -> Readings:
    return _rows(readings, np.arange(len(readings)) == 0)


def _rows(readings: Readings, chosen: np.ndarray) -> Readings:
    return replace(
        readings,
        time_ms=readings.time_ms[chosen],
        channel=readings.channel[chosen],
        value_e6=readings.value_e6[chosen],
    )
