"""The kind ``readmission_diabetes130``: a hospital stay of somebody with diabetes, and the risk of coming back in 30 days.

Categories are sent as numbers: an admission's codes as the data set's own, the rest by their place in the tuples below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..records import Category, Channel, Features, Readings, TwinClass
from ..stages.ingest import collect
from . import Recording
from .heart_failure import latest
from .shipped import ShippedKind
from .tables import lines

Floats = NDArray[np.float64]
Read = Callable[[str], float | None]
DAY_MS = 86_400_000
COUNTS = {
    "time_in_hospital": "days in hospital", "num_lab_procedures": "laboratory tests", "num_procedures": "procedures",
    "num_medications": "medications", "number_outpatient": "outpatient visits in the year before",
    "number_emergency": "emergency visits in the year before", "number_inpatient": "inpatient stays in the year before",
    "number_diagnoses": "diagnoses",
}  # fmt: skip
DRUGS = (
    "metformin", "glimepiride", "glipizide", "glyburide", "pioglitazone", "rosiglitazone", "repaglinide", "insulin",
)  # fmt: skip
DOSES = ("No", "Steady", "Up", "Down")
CODES = {
    "admission_type_id": ("admission type", 8),
    "discharge_disposition_id": ("discharge to", 30),
    "admission_source_id": ("admitted from", 30),
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
PAYERS = ("MC", "MD", "HM", "SP", "BC", "CP", "UN", "CM", "?")
A1C, GLUCOSE = ("Norm", ">7", ">8"), ("Norm", ">200", ">300")
COUNTED = 200  # more visits, tests or drugs than anybody has
CHANNELS: tuple[Channel, ...] = (
    Channel("age", "a", 0, 120, "30525-0"),
    Channel("female", "1", 0, 1),
    *(Channel(name, "{count}" if name != "time_in_hospital" else "d", 0, COUNTED) for name in COUNTS),
    *(Channel(name, "{code}", 0, 40) for name in CODES),
    Channel("medical_specialty", "{code}", 0, len(SPECIALTIES)),
    Channel("payer_code", "{code}", 0, len(PAYERS)),
    *(Channel(f"diag_{rank}", "{code}", 1, 999.99) for rank in (1, 2, 3)),
    Channel("diag_1_is_v", "1", 0, 1),
    Channel("a1c", "{code}", 0, len(A1C)),
    Channel("serum_glucose", "{code}", 0, len(GLUCOSE)),
    *(Channel(drug, "{code}", 0, len(DOSES) - 1) for drug in DRUGS),
    Channel("medication_changed", "1", 0, 1),
    Channel("diabetes_medication", "1", 0, 1),
)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _place(known: Sequence[str], first: int = 1) -> Read:
    """The place of a word among those known, from `first`; 0 for anything else."""
    return lambda text: float(known.index(text) + first) if text in known else 0.0


def _decade(text: str) -> float | None:
    low = _number(text.strip("[)").split("-")[0])
    return None if low is None else low + 5  # the middle of ten years


COLUMNS: Mapping[str, tuple[str, Read]] = {  # channel -> column of the data set, and how to read it
    "age": ("age", _decade),
    "female": ("gender", lambda text: {"Female": 1.0, "Male": 0.0}.get(text)),
    **{name: (name, _number) for name in (*COUNTS, *CODES)},
    "medical_specialty": ("medical_specialty", _place(SPECIALTIES)),
    "payer_code": ("payer_code", _place(PAYERS)),
    **{f"diag_{rank}": (f"diag_{rank}", _number) for rank in (1, 2, 3)},
    "diag_1_is_v": ("diag_1", lambda text: float(text.startswith("V"))),
    "a1c": ("A1Cresult", _place(A1C)),
    "serum_glucose": ("max_glu_serum", _place(GLUCOSE)),
    **{drug: (drug, _place(DOSES, 0)) for drug in DRUGS},
    "medication_changed": ("change", lambda text: float(text == "Ch")),
    "diabetes_medication": ("diabetesMed", lambda text: float(text == "Yes")),
}
NEEDED = ("admission_type_id", "discharge_disposition_id", "admission_source_id", "number_inpatient")
SHOWN = 2
NOTE = "encounter {} of the UCI set Diabetes 130-US hospitals (CC BY 4.0); the model was fitted to it too"


class Readmission(ShippedKind):
    """What a hospital knows at discharge; each value once, the newest counts."""

    name = "readmission_diabetes130"
    schema = "readmission/1"
    unit = "1"
    answers = "risk of readmission within 30 days of discharge"
    category = Category.OPERATIONS
    channels: tuple[Channel, ...] = CHANNELS
    batch_ms = DAY_MS
    window = 30
    twin_class = TwinClass.PATIENT
    no_answer_when = (f"{', '.join(NEEDED)}: one of them is not known",)

    def features(self, readings: Readings) -> Features:
        """One row of what the model reads; all unknown without what every discharge has."""
        known = {one.name: np.array([latest(readings, one.name)]) for one in CHANNELS}
        told = features_of(known)
        missing = any(np.isnan(known[name][0]) for name in NEEDED)
        values = np.array([np.nan if missing else float(column[0]) for column in told.values()])
        return Features(tuple(told), np.round(values, 6))

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """The first encounters of grown-ups in the set."""
        shown = 0
        for row in lines(data_dir / self.name, ("*.csv.xz", "encounters*.csv")):
            values = encounter(row)
            if values["age"] < 18 or row["discharge_disposition_id"] != "1":
                continue
            rows = ((0, name, value) for name, value in values.items())
            yield Recording(
                f"encounter {row['encounter_id']}", collect(rows, self.schema), NOTE.format(row["encounter_id"])
            )
            shown += 1
            if shown == SHOWN:
                return


def encounter(row: Mapping[str, str]) -> dict[str, float]:
    """A row of the data set as channels; what it does not tell is left out."""
    told = {channel: read(row[column]) for channel, (column, read) in COLUMNS.items()}
    return {channel: value for channel, value in told.items() if value is not None}


def features_of(known: Mapping[str, Floats]) -> dict[str, Floats]:
    """Features of any number of stays, from their channels (n,); NaN where not known."""
    found = {"age": known["age"], "female": known["female"]}
    found |= {word: known[name] for name, word in COUNTS.items()}
    visits = [known[name] for name in ("number_outpatient", "number_emergency", "number_inpatient")]
    found["visits of any kind in the year before"] = np.sum(visits, axis=0)
    found["medications per day in hospital"] = known["num_medications"] / np.maximum(known["time_in_hospital"], 1)
    for name, (word, most) in CODES.items():
        found |= {f"{word} {code}": _is(known[name], code) for code in range(1, most + 1)}
    for place, specialty in enumerate(SPECIALTIES, 1):
        found[f"specialty {specialty if specialty != '?' else 'not told'}"] = _is(known["medical_specialty"], place)
    for place, payer in enumerate(PAYERS, 1):
        found[f"payer {payer if payer != '?' else 'not told'}"] = _is(known["payer_code"], place)
    return found | _diagnoses(known) | _treatment(known)


def _diagnoses(known: Mapping[str, Floats]) -> dict[str, Floats]:
    """Groups of the first diagnosis, and of any of the three; one that is not told is in no group."""
    codes = [known[f"diag_{rank}"] for rank in (1, 2, 3)]
    found = {}
    for name, ranges in GROUPS.items():
        inside = [np.any([(code >= low) & (code < high) for low, high in ranges], axis=0) for code in codes]
        found[f"first diagnosis {name}"] = inside[0].astype(np.float64)
        found[f"any diagnosis {name}"] = np.any(inside, axis=0).astype(np.float64)
    words = ("first", "second", "third")
    found |= {f"{word} diagnosis, ICD-9 number": code for word, code in zip(words, codes, strict=True)}
    found["first diagnosis is a contact for other reasons (V)"] = known["diag_1_is_v"]
    return found


def _treatment(known: Mapping[str, Floats]) -> dict[str, Floats]:
    found = {
        "medication changed": known["medication_changed"],
        "diabetes medication": known["diabetes_medication"],
        "A1c measured": _at_least(known["a1c"], 1),
        "A1c above 8": _is(known["a1c"], len(A1C)),
        "glucose measured": _at_least(known["serum_glucose"], 1),
    }
    found |= {f"{drug} given": _at_least(known[drug], 1) for drug in DRUGS}
    found["insulin raised"], found["insulin lowered"] = _is(known["insulin"], 2), _is(known["insulin"], 3)
    return found


def _is(column: Floats, code: int) -> Floats:
    return np.where(np.isnan(column), np.nan, column == code)


def _at_least(column: Floats, code: int) -> Floats:
    return np.where(np.isnan(column), np.nan, column >= code)
