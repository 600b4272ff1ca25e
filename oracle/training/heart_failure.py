"""Death during follow-up after heart failure, on the 299 records of Chicco and Jurman (2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ..errors import InputError
from .account import data_sheet
from .gam import BaggedStepModel
from .judged import Bools, Figure
from .nested import Setting
from .risk import Recipe, Records, card_of, judge
from .tables import numbers, read_table

NAME = "heart_failure_299"
PATTERNS = ("*.csv", "*.csv.xz")
OUTCOME = "DEATH_EVENT"
FEATURES = {  # column -> words
    "age": "age", "anaemia": "anaemia", "creatinine_phosphokinase": "creatine phosphokinase", "diabetes": "diabetes",
    "ejection_fraction": "ejection fraction", "high_blood_pressure": "high blood pressure", "platelets": "platelets",
    "serum_creatinine": "serum creatinine", "serum_sodium": "serum sodium", "sex": "male", "smoking": "smoking",
}  # fmt: skip
AFTERWARDS = {
    "time": "the length of follow-up, which ends with the death it would foretell",
    OUTCOME: "the outcome itself",
}
FOLDS, SEEDS = 5, range(5)


SETTINGS: tuple[Setting, ...] = tuple(
    {"stumps_share": 1.0, "rounds": 300, "rate": 15.0, "features_share": 0.3, "least": least} for least in (5, 3, 10)
)


RECIPE = Recipe(
    name=NAME,
    title="Risk of death during follow-up of some months after heart failure",
    data="299 records of the Institute of Cardiology and Allied Hospital Faisalabad, 2015 (Chicco and Jurman 2020, UCI, CC BY 4.0).",
    method="Generalised additive model: a random forest of 300 trees of one split each; slope and intercept by cross-fitting.",
    baseline_name="ejection fraction under 30 % and serum creatinine over 1.5 mg/dL, one point each",
    make=BaggedStepModel,  # few records: trees of one split follow the sample less than boosted ones
    settings=SETTINGS,
    neighbours=60,
    stride=10,
    least_present=8,
    limits=(
        "299 patients of two hospitals in Faisalabad; nothing is known of other places.",
        "Follow-up differs between patients and is not accounted for: the risk is of death within an unnamed time of 4 to 285 days.",
        "The column 'time' is the length of follow-up; models that use it reach far better figures and mean nothing.",
        "Some dozen settings were compared on other folds of the same records, so the cross-validated figures are slightly optimistic.",
    ),
)


def train(data: Path) -> dict[str, Any]:
    """The card, with the model fitted to all records and figures of 5 times 5 folds."""
    records = read(data)
    repeats = [
        list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(records.x, records.y)) for seed in SEEDS
    ]
    return card_of(RECIPE, records, repeats) | {"data_sheet": data_sheet(data / NAME, PATTERNS)}


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of the trained model on every record in ``data/heart_failure_299``."""
    return judge(cards[NAME], read(data), since)


def read(data: Path, columns: Sequence[str] = tuple(FEATURES)) -> Records:
    """Features and outcome of each record.

    Raises
    ------
    InputError
        `columns` names what is known only afterwards, or what a file lacks.
    """
    for name in columns:
        if name in AFTERWARDS:
            raise InputError(
                f"{name} cannot be a feature: it is {AFTERWARDS[name]}", hint="leave it out", kind="leakage"
            )
    rows = read_table(data / NAME, PATTERNS, (*columns, OUTCOME))
    rows = rows[rows[OUTCOME].isin(("0", "1", "0.0", "1.0"))].reset_index(drop=True)
    x = np.column_stack([numbers(rows[name]) for name in columns]).reshape(len(rows), len(columns))
    known = dict(zip(columns, x.T, strict=True))
    nobody = np.full(len(rows), np.nan)
    age, male = known.get("age", nobody), known.get("sex", nobody)
    subgroups: dict[str, Bools] = {
        "female": male == 0, "male": male == 1, "age_under_65": age < 65, "age_65_and_over": age >= 65,
    }  # fmt: skip
    failing, creatinine = known.get("ejection_fraction", nobody), known.get("serum_creatinine", nobody)
    baseline = (failing < 30).astype(np.float64) + (creatinine > 1.5)
    words = tuple(FEATURES.get(name, name) for name in columns)
    return Records(words, x, numbers(rows[OUTCOME]), baseline, np.arange(len(rows)), subgroups)
