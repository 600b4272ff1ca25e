"""The portal's words.

given the languages
  each has the same keys, with the same values put in
given a patient's page
  it speaks of no machinery
given a word of the code that people are shown
  every refusal, category and purpose has one
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from oracle.records import Category, Purpose
from oracle.twins import kinds

FOLDER = Path(__file__).parents[3] / "oracle" / "serve" / "portal" / "web" / "locales"
RELEASE = Path(__file__).parents[3] / "oracle" / "custody" / "release.py"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))
PATIENTS = (
    "home", "patient", "twin", "readers", "stop", "door", "prediction", "signals", "looks", "allow", "guardians",
    "recovery", "recover", "erase", "earnings", "reason", "purpose", "data", "welcome", "invite", "heart", "offer",
)  # fmt: skip
MACHINERY = re.compile(r"\b(gas|tokens?|wallets?|hash(es)?|blocks?|blockchain|ledger|ethereum|transactions?)\b", re.I)
PLAIN = re.compile(r"\{([a-z]+)\}", re.ASCII)
COUNTED = re.compile(r"\{(\w+), plural")


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return found


def test_there_are_two_languages_at_least() -> None:
    assert {"ar", "en"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_says_everything(language: str) -> None:
    """A key that is missing would be shown in English, a value that is missing not at all."""
    ours, theirs = words("en"), words(language)
    assert theirs.keys() == ours.keys()
    for key, text in ours.items():
        assert set(PLAIN.findall(text)) == set(PLAIN.findall(theirs[key])), key
        assert set(COUNTED.findall(text)) == set(COUNTED.findall(theirs[key])), key
        assert theirs[key].count("{") == theirs[key].count("}"), key


def test_patients_pages_speak_of_no_machinery() -> None:
    said = {key: text for key, text in words("en").items() if key.partition(".")[0] in PATIENTS}
    del said["guardians.only_passkeys"]  # for those who came with a wallet
    assert len(said) > 100
    assert {key: text for key, text in said.items() if MACHINERY.search(re.sub(r"\{.*?\}", "", text))} == {}


def test_whatever_a_custodian_may_answer_has_words() -> None:
    reasons = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', RELEASE.read_text("utf-8"))) - {
        "bad_address",
        "not_owner",
        "older_than_chain",
    }
    known = words("en")
    assert {f"reason.{reason}" for reason in reasons} <= known.keys()
    assert {f"data.{one.name.lower()}" for one in Category if one.name} <= known.keys()
    assert {f"purpose.{one.name.lower()}" for one in Purpose if one.name} <= known.keys()


def test_every_shipped_kind_has_a_name() -> None:
    assert {f"kind.{name}" for name in kinds()} <= words("en").keys()
