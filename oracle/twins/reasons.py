"""Why, in words: a line for a clinician and one for the patient, from templates that can be translated.

The templates are JSON in ``oracle/artifacts/words/``, a file a language; pages may read them too. ``feature.NAME`` has
the words of a feature, or of all whose names begin so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

from ..errors import InputError
from ..records import E6, Contribution, Features, Prediction, Status
from ..stages.explain import PROBABILITY, SENTENCE_FEATURES, quantity
from .additive import Term
from .shipped import ShippedKind

LANGUAGES = ("ar", "en")
RATE = "/min"


@dataclass(frozen=True, slots=True)
class Reasons:
    """One prediction in words; `hint` is empty unless a feature is somebody's to change and the model monotone in it."""

    clinician: str
    patient: str
    hint: str


@cache
def words(language: str) -> Mapping[str, str]:
    """The templates of a language.

    Raises
    ------
    InputError
        There are none.
    """
    if language not in LANGUAGES:
        raise InputError(f"there are no words in {language!r}", hint=f"known: {', '.join(LANGUAGES)}", kind="no_words")
    folder = resources.files("oracle.artifacts") / "words"
    found: dict[str, str] = json.loads((folder / f"{language}.json").read_text("utf-8"))
    return found


def reasons(kind: ShippedKind, features: Features, prediction: Prediction, *, language: str = "en") -> Reasons:
    """Both lines of a prediction, and a hint where there is one."""
    say = words(language)
    if prediction.status is Status.NO_ANSWER:
        return Reasons(say["none.clinician"].format(reason=prediction.reason), say["none.patient"], "")
    strongest = [part for part in prediction.contributions if part.contribution_e6]
    strongest = sorted(strongest, key=lambda part: -abs(part.contribution_e6))[:SENTENCE_FEATURES]
    numbers = (prediction.score_e6, prediction.low_e6, prediction.high_e6)
    score, low, high = (quantity(value, kind.unit) for value in numbers)
    told = ", ".join(_clinical(part, say) for part in strongest) or say["nothing"]
    clinician = say["sentence.clinician"].format(
        answers=kind.answers, score=score, low=low, high=high, reasons=told, base=f"{prediction.base_e6 / E6:.3g}"
    )
    plain = "" if len(strongest) < 2 else " ".join(dict.fromkeys(_plain(part, say) for part in strongest))
    score, low, high = (_everyday(value, kind) for value in numbers)
    patient = say["sentence.patient"].format(
        about=say.get(f"about.{kind.name}", f"{kind.answers}:"), score=score, low=low, high=high, reasons=plain
    )
    return Reasons(clinician, patient.strip(), hint(kind, features, prediction, language=language))


def hint(kind: ShippedKind, features: Features, prediction: Prediction, *, language: str = "en") -> str:
    """What would lower the score, of what somebody could change; empty if the model is not monotone in it, or disagrees."""
    terms = {term.feature: term for term in kind.shipped.additive.terms}
    best, said = prediction.score_e6, ""
    for name in kind.actionable:
        place = features.names.index(name)
        if features.values[place] != 1 or not monotone(terms[name]):
            continue
        values = features.values.copy()
        values[place] = 0
        other = kind.predict(Features(features.names, values))
        if other.status is Status.ANSWER and other.score_e6 < best:
            best = other.score_e6
            said = words(language)["hint.patient"].format(
                feature=feature_words(name, words(language)), score=_everyday(best, kind)
            )
    return said


def monotone(term: Term) -> bool:
    """Whether a term only rises, or only falls, with its feature."""
    steps = [after - before for before, after in pairwise(term.steps_e6)]
    ways = [*steps, term.slope_e6]
    return all(way >= 0 for way in ways) or all(way <= 0 for way in ways)


def feature_words(feature: str, say: Mapping[str, str]) -> str:
    """A feature as people say it: its own words, those of how its name begins, or that it is one more thing."""
    found = say.get(f"feature.{feature}")
    if found:
        return found
    begins = [key for key in say if re.match(rf"{re.escape(key)}[ ,]", f"feature.{feature}")]
    return say[max(begins, key=len, default="feature.other")]


def _clinical(part: Contribution, say: Mapping[str, str]) -> str:
    template = say["part.clinician" if part.value_e6 is not None else "part.clinician.missing"]
    sign = "+" if part.contribution_e6 > 0 else "-"
    value = "" if part.value_e6 is None else f"{part.value_e6 / E6:.4g}"
    return template.format(feature=part.feature, value=value, sign=sign, size=f"{abs(part.contribution_e6) / E6:.3g}")


def _plain(part: Contribution, say: Mapping[str, str]) -> str:
    known = "" if part.value_e6 is not None else ".missing"
    way = "up" if part.contribution_e6 > 0 else "down"
    told = say[f"part.patient{known}.{way}"].format(feature=feature_words(part.feature, say))
    return told[0].upper() + told[1:]


def _everyday(value_e6: int, kind: ShippedKind) -> str:
    """Risks as people in a hundred, rates and glucose as whole numbers."""
    if kind.shipped.additive.link == "logistic":
        return f"{100 * value_e6 / E6:.0f}"
    if kind.unit == PROBABILITY:
        return quantity(value_e6, kind.unit)
    return f"{value_e6 / E6:.0f}" + ("" if kind.unit == RATE or kind.unit.startswith("{") else f" {kind.unit}")
