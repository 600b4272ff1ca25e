"""Readmission within 30 days, on the encounters of UCI's "Diabetes 130-US hospitals"; split by patient throughout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from ..twins.readmission import CODES, COUNTS, DRUGS, features_of
from ..twins.readmission import COLUMNS as TOLD
from .account import data_sheet
from .figures import Floats
from .gam import StepModel
from .judged import Bools, Figure
from .nested import Setting
from .risk import Recipe, Records, card_of, judge
from .tables import read_table

NAME = "readmission_diabetes130"
PATTERNS = ("*.csv.xz", "*.csv")
GONE = ("11", "13", "14", "19", "20", "21")  # discharged dead or to a hospice: cannot come back
COLUMNS = (
    "patient_nbr", "race", "gender", "age", *CODES, "payer_code", "medical_specialty", *COUNTS, "diag_1", "diag_2", "diag_3",
    "max_glu_serum", "A1Cresult", *DRUGS, "change", "diabetesMed", "readmitted",
)  # fmt: skip
OUTCOMES = ("<30", ">30", "NO")  # days until the next stay; anything else is not known
RACES = ("AfricanAmerican", "Asian", "Caucasian", "Hispanic")  # as recorded; judged by, never a feature
FOLDS = 5


SETTINGS: tuple[Setting, ...] = (
    # four times the trees (800 rounds at half the rate, two seeds) had the same AUROC on the card's folds, 0.668
    {"stumps_share": 1.0, "rounds": 400, "rate": 0.2, "features_share": 0.2, "least": 50, "seeds": 1},
)


RECIPE = Recipe(
    name=NAME,
    title="Readmission to hospital within 30 days of discharge, of people with diabetes",
    data='UCI "Diabetes 130-US hospitals for years 1999-2008" (Strack et al. 2014, CC BY 4.0): one half of its encounters, '
    "without discharges by death or to a hospice.",
    method="Generalised additive model of boosted stumps, slope and intercept by cross-fitting over whole patients.",
    baseline_name="number of inpatient stays in the year before",
    make=StepModel,  # stumps alone: penalised steps would not pay for their time on so many rows
    settings=SETTINGS,
    neighbours=2_000,
    stride=250,
    least_present=20,
    limits=(
        "Hospitals of the United States, 1999 to 2008; care has changed since. All patients have diabetes.",
        "Administrative records: no vital signs, few laboratory values, no social circumstances.",
        "A patient's own earlier encounters are seen only through the counts of the year before.",
        "The settings were tried on the same folds a few times, so the cross-validated figures are slightly optimistic.",
    ),
)


def train(data: Path) -> dict[str, Any]:
    """The card, with the model fitted to all encounters and figures by folds of whole patients."""
    records = read(data)
    folds = list(GroupKFold(FOLDS).split(records.x, records.y, records.groups))
    return card_of(RECIPE, records, [folds]) | {"data_sheet": data_sheet(data / NAME, PATTERNS)}


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of the trained model on every encounter in ``data/readmission_diabetes130``."""
    return judge(cards[NAME], read(data), since)


def read(data: Path) -> Records:
    """Features and outcome of each encounter that could be followed by another."""
    rows = read_table(data / NAME, PATTERNS, COLUMNS)
    rows = rows[~rows["discharge_disposition_id"].isin(GONE) & rows["readmitted"].isin(OUTCOMES)].reset_index(drop=True)
    features = _features(rows)
    age, female = features["age"], features["female"]
    subgroups: dict[str, Bools] = {
        "female": female == 1, "male": female == 0, "age_under_65": age < 65, "age_65_and_over": age >= 65,
    }  # fmt: skip
    subgroups |= {f"race_{race.lower()}": np.asarray(rows["race"] == race) for race in RACES}
    y = np.asarray(rows["readmitted"] == "<30", np.float64)
    return Records(
        tuple(features), np.column_stack(list(features.values())), y, features[COUNTS["number_inpatient"]],
        np.asarray(rows["patient_nbr"]), subgroups,
    )  # fmt: skip


def _features(rows: pd.DataFrame) -> dict[str, Floats]:
    """What a twin of this kind computes, of all rows at once; each different text is read once."""
    known = {}
    for channel, (column, read_one) in TOLD.items():
        texts, place = np.unique(rows[column].to_numpy(str), return_inverse=True)
        known[channel] = np.array([read_one(str(text)) for text in texts], np.float64)[place]
    return features_of(known)
