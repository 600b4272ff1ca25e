"""Reasons in words: every language whole, the patient's line easy to read, hints only where they may be given."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from oracle.errors import InputError
from oracle.records import Features, Status
from oracle.twins import BUILT_IN, kinds
from oracle.twins.heart_failure import HeartFailure
from oracle.twins.reasons import LANGUAGES, feature_words, hint, monotone, reasons, words
from oracle.twins.shipped import Shipped, ShippedKind

from ..examples import EXAMPLES

KINDS = kinds()
PLACES = re.compile(r"\{(\w+)\}")
EASY = 8  # school years, Flesch and Kincaid 1975


def told(name: str, language: str = "en") -> Any:
    """The reasons of a kind's example."""
    kind = KINDS[name]
    assert isinstance(kind, ShippedKind)
    features = kind.features(EXAMPLES[name]())
    return reasons(kind, features, kind.predict(features), language=language)


def grade(text: str) -> float:
    """Flesch-Kincaid grade; a syllable is a run of vowels, a silent e at the end is none."""
    sentences = max(1, len(re.findall(r"[.!?:]+(?:\s|$)", text)))
    found = re.findall(r"[a-z]+", text.lower())
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word)))) for word in found)
    return 0.39 * len(found) / sentences + 11.8 * syllables / max(1, len(found)) - 15.59


def test_grade_tells_hard_from_easy() -> None:
    """A nursery sentence is below the second year, an abstract's far above the twelfth."""
    assert grade("The cat sat on the mat. It was a red cat.") < 2
    assert grade("Sequential deterioration of haemodynamic parameters necessitates vasopressor administration.") > 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_says_everything(language: str) -> None:
    """The same keys, and the same values put in."""
    ours, theirs = words("en"), words(language)

    assert theirs.keys() == ours.keys() and all(theirs.values())
    for key, text in ours.items():
        assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(theirs[key])), key
    assert language == "en" or re.search("[\u0600-\u06ff]", theirs["none.patient"])


def test_language_that_nobody_wrote_is_refused() -> None:
    """No silent English."""
    with pytest.raises(InputError, match="no words"):
        words("tlh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_kind_has_both_lines(name: str, language: str) -> None:
    """Every kind says something to a clinician and to the patient, with nothing left to fill in."""
    found = told(name, language)

    assert found.clinician and found.patient
    assert not PLACES.search(found.clinician + found.patient)


def test_kind_of_another_package_says_what_it_answers() -> None:
    """Nobody wrote words about it: the patient's line begins with the kind's own."""

    class Elsewhere(HeartFailure):
        name = "elsewhere"
        answers = "risk elsewhere"

    kind = Elsewhere(Shipped.named("heart_failure_299"))
    features = kind.features(EXAMPLES["heart_failure_299"]())

    assert reasons(kind, features, kind.predict(features)).patient.startswith("risk elsewhere: ")


@pytest.mark.parametrize("name", [name for name in sorted(BUILT_IN) if name not in {"machine_temperature", "nhs_ae"}])
def test_patients_line_is_easy_to_read(name: str) -> None:
    """At most the eighth school year, for whatever an answer and every feature's words may say."""
    say = words("en")
    kind = KINDS[name]
    lines = [told(name).patient, say["none.patient"], say["hint.patient"].format(feature="smoking", score=9)]
    stems = {feature_words(term["feature"], say) for term in kind.card["model"]["terms"]}
    lines += [say["part.patient.missing.up"].format(feature=stem) for stem in sorted(stems)]

    assert {line: grade(line) for line in lines if grade(line) > EASY} == {}


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_feature_has_words(name: str) -> None:
    """None of them is one more thing in a record."""
    say = words("en")
    features = [term["feature"] for term in KINDS[name].card["model"]["terms"]]

    assert [one for one in features if feature_words(one, say) == say["feature.other"]] == []


def test_patient_is_not_told_the_same_thing_twice() -> None:
    """Two features with the same words make one sentence."""
    kind = KINDS["pulse"]
    assert isinstance(kind, ShippedKind)
    values = np.array([72.0, 9.0, 3.0, 20.0, 20.0, 70.0, 0.0])
    names = kind.shipped.additive.names
    said = reasons(kind, Features(names, values), kind.predict(Features(names, values))).patient.split(". ")

    assert len(said) == len(set(said)) > 2


def test_clinician_reads_the_numbers_that_add_up() -> None:
    """The strongest contribution stands there with the feature's value and its size."""
    kind = KINDS["heart_failure_299"]
    made = kind.predict(kind.features(EXAMPLES["heart_failure_299"]()))
    strongest = max(made.contributions, key=lambda part: abs(part.contribution_e6))
    line = told("heart_failure_299").clinician

    assert strongest.value_e6 is not None
    assert f"{strongest.feature} {strongest.value_e6 / 1e6:.4g}" in line
    assert f"{abs(strongest.contribution_e6) / 1e6:.3g}" in line


def test_no_answer_is_told_to_both() -> None:
    """The clinician reads the reason, the patient that nothing need be done; no hint."""
    kind = KINDS["cgm_t1d_30"]
    assert isinstance(kind, ShippedKind)
    features = kind.features(EXAMPLES["cgm_t1d_30"]())
    empty = Features(features.names, np.full(len(features.values), np.nan))
    found = reasons(kind, empty, kind.predict(empty))

    assert "cannot be told" in found.clinician and "need not do anything" in found.patient and found.hint == ""


def smoker(steps: list[int]) -> tuple[HeartFailure, Features]:
    """A heart-failure kind in which smoking has these steps, and somebody who smokes."""
    shipped = Shipped.named("heart_failure_299")
    card = json.loads(json.dumps(shipped.card))
    term = next(one for one in card["model"]["terms"] if one["feature"] == "smoking")
    term.update({"steps_e6": steps, "edges_e6": [500_000, 700_000][: len(steps) - 1], "slope_e6": 0})
    made = Shipped(shipped.model_bytes, json.dumps(card).encode())
    made.score = lambda features: made.additive.predict(features).score_e6 / 1e6  # type: ignore[method-assign]
    kind = HeartFailure(made)
    features = kind.features(EXAMPLES["heart_failure_299"]())
    values = features.values.copy()
    values[features.names.index("smoking")] = 1
    return kind, Features(features.names, values)


@pytest.mark.parametrize(("steps", "given"), [
    ([-200_000, 400_000], True),  # smoking raises the risk: without it, less
    ([400_000, -200_000], False),  # the data say that smoking protects: nobody is told to smoke
    ([0, 900_000, 400_000], False),  # up and down: not monotone
    ([0], False),  # it does not matter
])  # fmt: skip
def test_hint_is_given_only_where_the_model_is_monotone_and_agrees(steps: list[int], given: bool) -> None:
    """A hint names smoking and asks to talk with the care team, or there is none."""
    kind, features = smoker(steps)
    made = kind.predict(features)
    assert made.status is Status.ANSWER, made.reason
    said = hint(kind, features, made)

    assert bool(said) is given
    assert not given or ("smoking" in said and "care team" in said)


def test_hint_is_never_about_what_nobody_can_change() -> None:
    """Age is monotone in many models, and in no list of what can be changed."""
    for kind in KINDS.values():
        assert isinstance(kind, ShippedKind)
        assert not {"age", "male", "female"} & set(kind.actionable)
        assert set(kind.actionable) <= {term["feature"] for term in kind.card["model"]["terms"]}


def test_monotone_knows_ups_downs_and_slopes() -> None:
    """A rising slope spoils falling steps."""
    term = Shipped.named("heart_failure_299").additive.terms[0]

    assert monotone(replace(term, steps_e6=(0, 1, 1), slope_e6=0)) and monotone(
        replace(term, steps_e6=(2, 1), slope_e6=-1)
    )
    assert not monotone(replace(term, steps_e6=(2, 1), slope_e6=1)) and not monotone(replace(term, steps_e6=(0, 2, 1)))
