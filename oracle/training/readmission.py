"""Readmission within 30 days, on the encounters of UCI's "Diabetes 130-US hospitals"; split by patient throughout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from .figures import Floats
from .gam import StepModel
from .judged import Bools, Figure
from .risk import Recipe, Records, card_of, judge
from .tables import numbers, read_table

NAME = "readmission_diabetes130"
PATTERNS = ("*.csv.xz", "encounters*.csv")
COUNTS = {
    "time_in_hospital": "days in hospital", "num_lab_procedures": "laboratory tests", "num_procedures": "procedures",
    "num_medications": "medications", "number_outpatient": "outpatient visits in the year before",
    "number_emergency": "emergency visits in the year before", "number_inpatient": "inpatient stays in the year before",
    "number_diagnoses": "diagnoses",
}  # fmt: skip
GONE = ("11", "13", "14", "19", "20", "21")  # discharged dead or to a hospice: cannot come back
DRUGS = (
    "metformin",
    "glimepiride",
    "glipizide",
    "glyburide",
    "pioglitazone",
    "rosiglitazone",
    "repaglinide",
    "insulin",
)
CODES = {
    "admission_type_id": "admission type",
    "discharge_disposition_id": "discharge to",
    "admission_source_id": "admitted from",
}
GROUPS = {  # first digits of ICD-9, as in Strack et al. 2014
    "circulatory": ((390, 460), (785, 786)), "respiratory": ((460, 520), (786, 787)), "digestive": ((520, 580), (787, 788)),
    "diabetes": ((250, 251),), "injury": ((800, 1000),), "musculoskeletal": ((710, 740),),
    "genitourinary": ((580, 630), (788, 789)), "neoplasms": ((140, 240),), "mental": ((290, 320),),
    "heart failure": ((428, 429),), "kidney failure": ((584, 587),), "ischaemic heart": ((410, 415),),
}  # fmt: skip
SPECIALTIES = (
    "InternalMedicine", "Emergency/Trauma", "Family/GeneralPractice", "Cardiology", "Surgery-General", "Nephrology",
    "Orthopedics", "Orthopedics-Reconstructive", "Radiologist", "Psychiatry", "Pulmonology", "PhysicalMedicineandRehabilitation",
    "Gastroenterology", "ObstetricsandGynecology", "Oncology", "Hematology/Oncology", "Surgery-Vascular", "Urology",
    "Surgery-Cardiovascular/Thoracic", "Surgery-Neuro", "Neurology", "Endocrinology", "Pediatrics", "?",
)  # fmt: skip
COLUMNS = (
    "patient_nbr", "race", "gender", "age", *CODES, "payer_code", "medical_specialty", *COUNTS, "diag_1", "diag_2", "diag_3",
    "max_glu_serum", "A1Cresult", *DRUGS, "change", "diabetesMed", "readmitted",
)  # fmt: skip
RACES = ("AfricanAmerican", "Asian", "Caucasian", "Hispanic")  # as recorded; judged by, never a feature
FOLDS = 5


def fitted(x: Floats, y: Floats) -> StepModel:
    """Boosted stumps; penalised steps would not pay for their time on so many rows."""
    return StepModel(stumps_share=1.0, rounds=800, rate=0.1, features_share=0.2, least=50, seeds=2).fit(x, y)


RECIPE = Recipe(
    name=NAME,
    title="Readmission to hospital within 30 days of discharge, of people with diabetes",
    data='UCI "Diabetes 130-US hospitals for years 1999-2008" (Strack et al. 2014, CC BY 4.0): one half of its encounters, '
    "without discharges by death or to a hospice.",
    method="Generalised additive model of boosted stumps, slope and intercept by cross-fitting over whole patients.",
    baseline_name="number of inpatient stays in the year before",
    fit=fitted,
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
    return card_of(RECIPE, records, [folds])


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of the trained model on every encounter in ``data/readmission_diabetes130``."""
    return judge(cards[NAME], read(data), since)


def read(data: Path) -> Records:
    """Features and outcome of each encounter that could be followed by another."""
    rows = read_table(data / NAME, PATTERNS, COLUMNS)
    rows = rows[~rows["discharge_disposition_id"].isin(GONE)].reset_index(drop=True)
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
    found = {
        "age": numbers(rows["age"].str.extract(r"\[(\d+)-")[0]) + 5,
        "female": np.where(rows["gender"].isin(("Female", "Male")), rows["gender"] == "Female", np.nan).astype(
            np.float64
        ),
    }
    found |= {word: numbers(rows[name]) for name, word in COUNTS.items()}
    visits = [found[COUNTS[name]] for name in ("number_outpatient", "number_emergency", "number_inpatient")]
    found["visits of any kind in the year before"] = np.sum(visits, axis=0)
    found["medications per day in hospital"] = found["medications"] / np.maximum(found["days in hospital"], 1)
    for name, word in CODES.items():
        for code in range(1, 31):
            chosen = _is(rows[name], str(code))
            if name != "admission_type_id" or code <= 8:
                found[f"{word} {code}"] = chosen
    for specialty in SPECIALTIES:
        found[f"specialty {specialty if specialty != '?' else 'not told'}"] = _is(rows["medical_specialty"], specialty)
    for payer in ("MC", "MD", "HM", "SP", "BC", "CP", "UN", "CM", "?"):
        found[f"payer {payer if payer != '?' else 'not told'}"] = _is(rows["payer_code"], payer)
    return found | _diagnoses(rows) | _treatment(rows)


def _diagnoses(rows: pd.DataFrame) -> dict[str, Floats]:
    """Groups of the first diagnosis, and of any of the three."""
    codes = [numbers(rows[f"diag_{rank}"]) for rank in (1, 2, 3)]
    found = {}
    for name, ranges in GROUPS.items():
        inside = [np.any([(code >= low) & (code < high) for low, high in ranges], axis=0) for code in codes]
        found[f"first diagnosis {name}"] = inside[0].astype(np.float64)
        found[f"any diagnosis {name}"] = np.any(inside, axis=0).astype(np.float64)
    found |= {
        f"{word} diagnosis, ICD-9 number": code for word, code in zip(("first", "second", "third"), codes, strict=True)
    }
    found["first diagnosis is a contact for other reasons (V)"] = np.asarray(
        rows["diag_1"].str.startswith("V"), np.float64
    )
    return found


def _treatment(rows: pd.DataFrame) -> dict[str, Floats]:
    found = {
        "medication changed": _is(rows["change"], "Ch"),
        "diabetes medication": _is(rows["diabetesMed"], "Yes"),
        "A1c measured": np.asarray(rows["A1Cresult"].isin((">7", ">8", "Norm")), np.float64),
        "A1c above 8": _is(rows["A1Cresult"], ">8"),
        "glucose measured": np.asarray(rows["max_glu_serum"].isin((">200", ">300", "Norm")), np.float64),
    }
    for drug in DRUGS:
        found[f"{drug} given"] = 1 - _is(rows[drug], "No")
    found["insulin raised"], found["insulin lowered"] = _is(rows["insulin"], "Up"), _is(rows["insulin"], "Down")
    return found


def _is(column: pd.Series, value: str) -> Floats:
    return np.asarray(column == value, np.float64)
