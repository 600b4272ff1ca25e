"""Leaks: what tells the outcome is refused, nobody stands on both sides of a split, and chance stays chance."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from oracle.errors import InputError
from oracle.training import attendances, glucose, heart_failure, icu2012, leaks, readmission
from oracle.training.gam import StepModel
from oracle.training.nested import nested
from oracle.training.risk import Records, card_of
from oracle.twins.icu_features import NAMES

from .. import learning


def planted(folder: Path, tell: Any) -> Path:
    """The heart-failure records with platelets replaced by what `tell` makes of the outcome."""
    (path,) = (learning.heart_failure(folder) / "heart_failure_299").iterdir()
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    place, outcome = head.index("platelets"), head.index("DEATH_EVENT")
    for row in rows:
        row[place] = tell(row[outcome])
    learning.write_table(path, head, rows)
    return folder


@pytest.mark.parametrize(
    "tell",
    [lambda died: died, lambda died: 1 - int(died), lambda died: 250_000 if died == "1" else ""],
    ids=["the outcome", "its opposite", "measured in the dead only"],
)
def test_planted_leak_is_caught(tell: Any, tmp_path: Path) -> None:
    """A column that is the outcome, under another name or by being there at all, stops the training and is named."""
    with pytest.raises(InputError, match="platelets alone tells the outcome") as refused:
        heart_failure.train(planted(tmp_path, tell))

    assert refused.value.kind == "leakage"


def test_leak_of_one_row_in_fifty_wrong_is_caught() -> None:
    """It need not be perfect."""
    draw = np.random.default_rng(1)
    y = draw.integers(0, 2, 1000).astype(float)
    almost = np.where(draw.random(1000) < 0.015, 1 - y, y)

    with pytest.raises(InputError, match="almost"):
        leaks.no_answer_among(("noise", "almost"), np.column_stack([draw.normal(size=1000), almost]), y)


def test_leak_into_the_intensive_care_features_is_caught() -> None:
    """The same guard stands before the model of deaths."""
    draw = np.random.default_rng(2)
    x, died = draw.normal(size=(200, len(NAMES))), draw.integers(0, 2, 200).astype(float)
    x[:, 7] = died

    with pytest.raises(InputError, match=NAMES[7]):
        card_of(icu2012.RECIPE, Records(NAMES, x, died, died, np.arange(200), {}), [])


def test_nobody_is_on_both_sides_of_readmissions_folds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every fold that training uses is checked, and leaves patients whole; folds by row are refused."""
    records = readmission.read(learning.encounters(tmp_path))
    seen: list[int] = []

    def checked(groups: Any, folds: Any) -> None:
        for fit, test in folds:
            assert not set(groups[fit]) & set(groups[test])
            seen.append(len(test))
        raise StopIteration

    monkeypatch.setattr(leaks, "apart", checked)
    with pytest.raises(StopIteration):
        readmission.train(tmp_path)
    monkeypatch.undo()

    assert sum(seen) == len(records.y) and len(seen) == readmission.FOLDS
    rows = np.arange(len(records.y))
    with pytest.raises(InputError, match="both sides"):
        leaks.apart(records.groups, [(rows[::2], rows[1::2])])


def test_a_person_is_never_fitted_to_before_being_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Glucose: each fit but the last, shipped one lacks exactly one person."""
    everyone = glucose.windows(learning.glucose(tmp_path), 30)
    fitted: list[set[Any]] = []
    once = glucose.fit
    monkeypatch.setattr(glucose, "fit", lambda rows: fitted.append(set(rows.people)) or once(rows))

    glucose.train(tmp_path, 30)

    people = set(everyone.people)
    assert [people - one for one in fitted[:-1]] == [{person} for person in sorted(people)]
    assert fitted[-1] == people


def test_a_month_is_never_fitted_to_before_being_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Attendances: each fit but the last lacks exactly one month."""
    fitted: list[set[Any]] = []
    once = attendances.fit
    monkeypatch.setattr(attendances, "fit", lambda rows: fitted.append(set(rows.month)) or once(rows))

    attendances.train(learning.attendances(tmp_path))

    assert [len(fitted[-1] - one) for one in fitted[:-1]] == [1] * len(fitted[-1])


def test_shuffled_deaths_give_chance_to_the_intensive_care_recipe() -> None:
    """The nested estimate of outcomes that follow nothing is an AUROC of about a half; of ones that do, far above."""
    settings = [{"stumps_share": 0.5, "rounds": 30, "rate": 0.3, "least": 10, "seeds": 1}]
    draw = np.random.default_rng(3)
    x = draw.normal(size=(800, 20))
    died = (x[:, 0] + x[:, 1] + draw.normal(scale=0.5, size=800) > 1).astype(float)

    with threadpool_limits(limits=1):
        told, chance = (
            nested(x, y, np.arange(800), settings, StepModel)["auroc"]["value"] for y in (died, draw.permutation(died))
        )

    assert told > 0.75 and 0.42 < chance < 0.58
