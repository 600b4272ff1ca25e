"""Features of an intensive-care stay, in integers of one millionth so that every node computes the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..records import E6, Features, Readings

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
STAY_MS = 48 * HOUR_MS  # the model looks at the first two days
WINDOWS = {  # prefix of a rule -> from and to when, in hours, and what people say
    "early_": (0, 24, " before 24 h"),
    "second_": (24, 48, " after 24 h"),
    "late_": (36, 48, " after 36 h"),
    "end_": (42, 48, " after 42 h"),
}

Ints = NDArray[np.int64]
STATISTICS: dict[str, Callable[[Ints], int | None]] = {
    "first": lambda values: int(values[0]),
    "last": lambda values: int(values[-1]),
    "lowest": lambda values: int(values.min()),
    "highest": lambda values: int(values.max()),
    "mean": lambda values: _mean(values),
    "spread": lambda values: _mean(np.abs(values - _mean(values))),  # mean absolute deviation
    "total": lambda values: int(values.sum()),
    "count": lambda values: len(values) * E6,
    "change": lambda values: int(values[-1] - values[0]),
    "step": lambda values: _mean(np.abs(np.diff(values))) if len(values) > 1 else None,  # between neighbours in time
    "growth": lambda values: _ratio(int(values[-1]), int(values[0])) if len(values) > 1 else None,
}
TIMED: dict[str, Callable[[Ints, Ints], int | None]] = {  # of minutes since the start, and values
    "hours since last": lambda minutes, values: (STAY_MS // MINUTE_MS - int(minutes[-1])) * E6 // 60,
    "slope": lambda minutes, values: _slope(minutes, values),  # per hour, least squares
    "shift": lambda minutes, values: _shift(minutes, values),  # mean of the second day less that of the first
}
SHARES = {  # source -> bounds of the values that count, and what people say
    "urine": (0, 30 * E6 - 1, "share under 30 mL"),
    "respiration_rate": (24 * E6 + 1, 10**12, "share over 24 /min"),
    "coma_scale": (15 * E6, 10**12, "share at 15"),
    "pressure_systolic": (0, 90 * E6 - 1, "share under 90 mmHg"),
}
PLAN: dict[str, str] = {
    "age": "first",
    "male": "first",
    "height": "first",
    "weight": "first last change",
    "coma_scale": "last lowest highest mean late_mean change spread count end_mean step hours_since_last shift share",
    "heart_rate": "last lowest highest mean late_mean spread count step second_highest",
    "pressure_mean": "last lowest highest mean late_mean late_lowest spread count",
    "pressure_systolic": "last lowest mean late_mean spread first step share shift",
    "pressure_diastolic": "lowest mean late_mean",
    "mean_arterial": "count",
    "temperature": "last lowest highest mean late_mean spread count end_mean step",
    "respiration_rate": "last highest mean late_mean spread slope shift share",
    "urine": "total late_total late_mean count early_total share",
    "ventilated": "count late_count",
    "inspired_oxygen": "last highest mean count step shift",
    "arterial_o2": "last lowest mean",
    "arterial_co2": "last lowest mean highest",
    "arterial_saturation": "last lowest",
    "ph": "last lowest mean count",
    "urea_nitrogen": "last highest mean change growth second_mean",
    "creatinine": "last highest lowest mean count growth",
    "bicarbonate": "last lowest mean change hours_since_last second_mean",
    "lactate": "last highest lowest mean count change second_mean first",
    "sodium": "last lowest highest mean change growth",
    "potassium": "last highest mean count",
    "magnesium": "last highest growth",
    "glucose": "last highest mean lowest count second_mean hours_since_last",
    "leukocytes": "last highest lowest mean",
    "haematocrit": "last lowest mean",
    "platelets": "last lowest mean count growth hours_since_last",
    "bilirubin": "last highest mean count",
    "albumin": "last lowest mean first",
    "alp": "highest first",
    "alt": "highest",
    "ast": "highest last",
    "cholesterol": "last",
    "troponin_i": "highest first",
    "troponin_t": "highest last",
}
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
    window, statistic = _parts(rule)
    told = SHARES[source][2] if statistic == "share" else statistic
    return f"{word}, {told}{WINDOWS[window][2] if window else ''}"


def _parts(rule: str) -> tuple[str, str]:
    """Window, or nothing for both days, and statistic."""
    window = next((prefix for prefix in WINDOWS if rule.startswith(prefix)), "")
    return window, rule.removeprefix(window).replace("_", " ")


PLAIN = tuple(_named(source, rule) for source, rule in PAIRS)
NAMES = PLAIN + tuple(RATIOS)


def stay_features(readings: Readings) -> Features:
    """One row; NaN where the stay does not tell, the count of nothing is 0."""
    columns = _columns(readings)
    nothing = np.empty(0, np.int64), np.empty(0, np.int64)
    plain = [_one(columns.get(source, nothing), source, rule) for source, rule in PAIRS]
    known = dict(zip(PLAIN, plain, strict=True))
    for name, (above, below) in RATIOS.items():
        known[name] = _ratio(known[above], known[below])
    values = [float("nan") if value is None else value / E6 for value in known.values()]
    return Features(NAMES, np.array(values, np.float64))


def _columns(readings: Readings) -> dict[str, tuple[Ints, Ints]]:
    """Minutes and values of each channel in the first two days."""
    start = int(readings.time_ms[0])
    inside = readings.time_ms < start + STAY_MS
    minutes = (readings.time_ms - start) // MINUTE_MS
    columns: dict[str, tuple[Ints, Ints]] = {}
    for index, name in enumerate(readings.channels):
        rows = inside & (readings.channel == index)
        columns[name] = minutes[rows], readings.value_e6[rows]
    for name, sources in MERGED.items():
        found = [columns[source] for source in sources if source in columns and len(columns[source][0])]
        if found:
            columns[name] = found[0]
    return columns


def _one(column: tuple[Ints, Ints], source: str, rule: str) -> int | None:
    window, statistic = _parts(rule)
    minutes, values = column
    if window:
        start, end, _ = WINDOWS[window]
        rows = (minutes >= 60 * start) & (minutes < 60 * end)
        minutes, values = minutes[rows], values[rows]
    if len(values) == 0:
        return 0 if statistic == "count" else None
    if statistic == "share":
        low, high, _ = SHARES[source]
        return int(((values >= low) & (values <= high)).sum()) * E6 // len(values)
    return TIMED[statistic](minutes, values) if statistic in TIMED else STATISTICS[statistic](values)


def _slope(minutes: Ints, values: Ints) -> int | None:
    away = len(minutes) * minutes - int(minutes.sum())  # from the mean time, times their number
    width = int((away.astype(object) ** 2).sum()) if len(minutes) > 2 else 0
    if not width:
        return None
    return int((away.astype(object) * values.astype(object)).sum()) * 60 * len(minutes) // width


def _shift(minutes: Ints, values: Ints) -> int | None:
    second = minutes >= 24 * 60
    return _mean(values[second]) - _mean(values[~second]) if 0 < int(second.sum()) < len(values) else None


def _ratio(above: int | None, below: int | None) -> int | None:
    return None if above is None or not below else above * E6 // below


def _mean(values: Ints) -> int:
    return int(values.sum()) // len(values)
