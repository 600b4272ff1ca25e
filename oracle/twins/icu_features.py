"""Features of an intensive-care stay, in integers of one millionth so that every node computes the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..records import E6, Features, Readings

HOUR_MS = 3_600_000
STAY_MS = 48 * HOUR_MS  # the model looks at the first two days
LATE_MS = 36 * HOUR_MS  # "late" is what comes after

Ints = NDArray[np.int64]
STATISTICS: dict[str, Callable[[Ints], int]] = {
    "first": lambda values: int(values[0]),
    "last": lambda values: int(values[-1]),
    "lowest": lambda values: int(values.min()),
    "highest": lambda values: int(values.max()),
    "mean": lambda values: _mean(values),
    "spread": lambda values: _mean(np.abs(values - _mean(values))),  # mean absolute deviation
    "total": lambda values: int(values.sum()),
    "count": lambda values: len(values) * E6,
    "change": lambda values: int(values[-1] - values[0]),
}
PLAN: dict[str, str] = {
    "age": "first",
    "male": "first",
    "height": "first",
    "weight": "first last",
    "coma_scale": "last lowest highest mean late_mean change spread count",
    "heart_rate": "last lowest highest mean late_mean spread count",
    "pressure_mean": "last lowest highest mean late_mean late_lowest spread count",
    "pressure_systolic": "last lowest mean late_mean spread",
    "pressure_diastolic": "lowest mean late_mean",
    "mean_arterial": "count",
    "temperature": "last lowest highest mean late_mean spread count",
    "respiration_rate": "last highest mean late_mean spread",
    "urine": "total late_total late_mean count",
    "ventilated": "count late_count",
    "inspired_oxygen": "last highest mean count",
    "arterial_o2": "last lowest mean",
    "arterial_co2": "last lowest mean highest",
    "arterial_saturation": "last lowest",
    "ph": "last lowest mean count",
    "urea_nitrogen": "last highest mean change",
    "creatinine": "last highest lowest mean count",
    "bicarbonate": "last lowest mean change",
    "lactate": "last highest lowest mean count change",
    "sodium": "last lowest highest mean change",
    "potassium": "last highest mean count",
    "magnesium": "last highest",
    "glucose": "last highest mean lowest count",
    "leukocytes": "last highest lowest mean",
    "haematocrit": "last lowest mean",
    "platelets": "last lowest mean count",
    "bilirubin": "last highest mean count",
    "albumin": "last lowest mean",
    "alp": "highest",
    "alt": "highest",
    "ast": "highest last",
    "cholesterol": "last",
    "troponin_i": "highest",
    "troponin_t": "highest last",
}
LATE = " after 36 h"
RATIOS = {  # name -> numerator and denominator, each a feature above
    "oxygenation (O2 pressure per inspired share), last": ("arterial O2, last", "inspired oxygen, last"),
    "oxygenation, lowest": ("arterial O2, lowest", "inspired oxygen, mean"),
    "oxygenation, mean": ("arterial O2, mean", "inspired oxygen, mean"),
    "shock index, last": ("heart rate, last", "systolic pressure, last"),
    "shock index, mean": ("heart rate, mean", "systolic pressure, mean"),
    "shock index, mean after 36 h": ("heart rate, mean after 36 h", "systolic pressure, mean after 36 h"),
    "diastolic per systolic pressure, mean": ("diastolic pressure, mean", "systolic pressure, mean"),
    "systolic pressure per year of age, mean": ("systolic pressure, mean", "age"),
    "urine per kg, total": ("urine, total", "weight, first"),
    "urine per kg, total after 36 h": ("urine, total after 36 h", "weight, first"),
    "urine per urea nitrogen": ("urine, total", "urea nitrogen, last"),
    "urine after 36 h per urea nitrogen": ("urine, total after 36 h", "urea nitrogen, last"),
    "urea nitrogen per creatinine, last": ("urea nitrogen, last", "creatinine, last"),
    "urea nitrogen per albumin, last": ("urea nitrogen, last", "albumin, last"),
    "urea nitrogen per platelets, last": ("urea nitrogen, last", "platelets, last"),
    "coma scale per year of age, last": ("coma scale, last", "age"),
    "coma scale per year of age, mean after 36 h": ("coma scale, mean after 36 h", "age"),
    "respiration rate per coma scale, after 36 h": ("respiration rate, mean after 36 h", "coma scale, mean after 36 h"),
    "heart rate per coma scale, after 36 h": ("heart rate, mean after 36 h", "coma scale, mean after 36 h"),
    "oxygenation per respiration rate": ("oxygenation (O2 pressure per inspired share), last", "respiration rate, mean after 36 h"),
    "lactate per bicarbonate, last": ("lactate, last", "bicarbonate, last"),
    "bicarbonate per arterial CO2, last": ("bicarbonate, last", "arterial CO2, last"),
}  # fmt: skip
WORDS = {  # channels whose name is not yet what people say
    "pressure_mean": "mean pressure", "pressure_systolic": "systolic pressure", "pressure_diastolic": "diastolic pressure",
    "mean_arterial": "arterial line pressure", "arterial_o2": "arterial O2", "arterial_co2": "arterial CO2", "ph": "pH",
    "alp": "alkaline phosphatase", "alt": "alanine transaminase", "ast": "aspartate transaminase",
    "troponin_i": "troponin I", "troponin_t": "troponin T",
}  # fmt: skip
ONCE = ("age", "male", "height")  # told at admission only
MERGED = {  # the arterial line where there is one, else the cuff
    "pressure_mean": ("mean_arterial", "mean_cuff"),
    "pressure_systolic": ("systolic_arterial", "systolic_cuff"),
    "pressure_diastolic": ("diastolic_arterial", "diastolic_cuff"),
}
PAIRS = tuple((source, rule) for source, rules in PLAN.items() for rule in rules.split())


def _named(source: str, rule: str) -> str:
    """A feature as people say it: ``heart rate, mean after 36 h``."""
    word = WORDS.get(source, source.replace("_", " "))
    if source in ONCE:
        return word
    return f"{word}, {rule.removeprefix('late_')}{LATE if rule.startswith('late_') else ''}"


PLAIN = tuple(_named(source, rule) for source, rule in PAIRS)
NAMES = PLAIN + tuple(RATIOS)


def stay_features(readings: Readings) -> Features:
    """One row; NaN where the stay does not tell, the count of nothing is 0."""
    columns = _columns(readings)
    nothing = np.empty(0, np.int64), np.empty(0, np.int64)
    plain = [_one(columns.get(source, nothing), rule) for source, rule in PAIRS]
    known = dict(zip(PLAIN, plain, strict=True))
    for name, (above, below) in RATIOS.items():
        known[name] = _ratio(known[above], known[below])
    values = [float("nan") if value is None else value / E6 for value in known.values()]
    return Features(NAMES, np.array(values, np.float64))


def _columns(readings: Readings) -> dict[str, tuple[Ints, Ints]]:
    """Values of each channel in the first two days, and those of the last 12 h of these."""
    start = int(readings.time_ms[0])
    inside = readings.time_ms < start + STAY_MS
    late = readings.time_ms >= start + LATE_MS
    columns: dict[str, tuple[Ints, Ints]] = {}
    for index, name in enumerate(readings.channels):
        rows = inside & (readings.channel == index)
        columns[name] = readings.value_e6[rows], readings.value_e6[rows & late]
    for name, sources in MERGED.items():
        found = [columns[source] for source in sources if source in columns and len(columns[source][0])]
        if found:
            columns[name] = found[0]
    return columns


def _one(column: tuple[Ints, Ints], rule: str) -> int | None:
    values = column[1] if rule.startswith("late_") else column[0]
    statistic = rule.removeprefix("late_")
    if len(values) == 0:
        return 0 if statistic == "count" else None
    return STATISTICS[statistic](values)


def _ratio(above: int | None, below: int | None) -> int | None:
    return None if above is None or not below else above * E6 // below


def _mean(values: Ints) -> int:
    return int(values.sum()) // len(values)
