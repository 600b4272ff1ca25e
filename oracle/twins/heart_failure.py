"""The kind ``heart_failure_299``: a record of somebody with heart failure, and the risk of dying during follow-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..records import Category, Channel, Features, Readings, TwinClass
from ..stages.ingest import collect
from . import Recording
from .shipped import ShippedKind
from .tables import lines

DAY_MS = 86_400_000
WORDS: Mapping[str, str] = {  # channel, which is the data set's column -> feature
    "age": "age", "anaemia": "anaemia", "creatinine_phosphokinase": "creatine phosphokinase", "diabetes": "diabetes",
    "ejection_fraction": "ejection fraction", "high_blood_pressure": "high blood pressure", "platelets": "platelets",
    "serum_creatinine": "serum creatinine", "serum_sodium": "serum sodium", "sex": "male", "smoking": "smoking",
}  # fmt: skip
SHOWN = 2
NOTE = "record {} of Chicco and Jurman 2020 (UCI, CC BY 4.0); the model was fitted to it, so it shows how it works, not how well"


class HeartFailure(ShippedKind):
    """What a clinic knows on the day; each value once, the newest counts."""

    name = "heart_failure_299"
    schema = "heart_failure/1"
    unit = "1"
    answers = "risk of death during follow-up of some months"
    category = Category.LABORATORY
    channels: tuple[Channel, ...] = (
        Channel("age", "a", 18, 120, "30525-0"),
        Channel("anaemia", "1", 0, 1),
        Channel("creatinine_phosphokinase", "U/L", 1, 100_000, "2157-6"),
        Channel("diabetes", "1", 0, 1),
        Channel("ejection_fraction", "%", 5, 90, "10230-1"),
        Channel("high_blood_pressure", "1", 0, 1),
        Channel("platelets", "/uL", 1_000, 2_500_000, "777-3"),
        Channel("serum_creatinine", "mg/dL", 0.1, 30, "2160-0"),
        Channel("serum_sodium", "mmol/L", 90, 200, "2951-2"),
        Channel("sex", "1", 0, 1),
        Channel("smoking", "1", 0, 1),
    )
    batch_ms = DAY_MS
    window = 30
    twin_class = TwinClass.PATIENT
    actionable = ("smoking",)
    no_answer_when = ("fewer of the eleven values are known than the card asks for",)

    def features(self, readings: Readings) -> Features:
        """The newest value of each channel."""
        return Features(tuple(WORDS.values()), np.array([latest(readings, name) for name in WORDS]))

    def recordings(self, data_dir: Path) -> Iterator[Recording]:
        """The first and second record of the set."""
        for number, row in enumerate(lines(data_dir / self.name, ("*.csv", "*.csv.xz"), SHOWN), 1):
            values = ((0, name, float(row[name])) for name in WORDS)
            yield Recording(f"record {number}", collect(values, self.schema), NOTE.format(number))


def latest(readings: Readings, channel: str) -> float:
    """The newest value of a channel; NaN if it was never measured."""
    _, values = readings.of(channel)
    return round(float(values[-1]), 6) if len(values) else float("nan")
