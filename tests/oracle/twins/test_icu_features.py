"""What an intensive-care model is told about a stay, checked by hand."""

from __future__ import annotations

import math

from oracle.stages.ingest import collect
from oracle.twins.icu_features import NAMES, stay_features

HOUR_MS = 3_600_000


def test_icu_features_are_the_textbook_statistics() -> None:
    """Last, lowest, highest, mean, spread and count, checked on a stay small enough to do by hand."""
    hours = [(0, 80.0), (10, 100.0), (40, 60.0), (47, 90.0), (49, 300.0)]  # the last is after the first two days
    made = stay_features(collect([(h * HOUR_MS, "heart_rate", v) for h, v in hours], "icu/1"))
    told = dict(zip(NAMES, made.values, strict=True))

    assert [
        told[f"heart rate, {name}"]
        for name in ("last", "lowest", "highest", "mean", "mean after 36 h", "spread", "count")
    ] == [90, 60, 100, 82.5, 75, 12.5, 4]
    assert told["pH, count"] == 0 and math.isnan(told["pH, last"])


def test_icu_prefers_the_arterial_line() -> None:
    """Pressure is the arterial line's where there is one, else the cuff's."""
    cuff = (0, "mean_cuff", 70.0)
    index = NAMES.index("mean pressure, last")

    assert stay_features(collect([cuff], "icu/1")).values[index] == 70
    assert stay_features(collect([cuff, (1, "mean_arterial", 80.0)], "icu/1")).values[index] == 80


def test_icu_ratios_are_quotients_of_features_and_missing_without_them() -> None:
    """Ratios are the quotient to a millionth; one without its parts is missing."""
    rows = [
        (0, "age", 50.0),
        (0, "urea_nitrogen", 30.0),
        (0, "creatinine", 1.5),
        (1, "coma_scale", 12.0),
        (1, "urine", 9.0),
    ]
    made = stay_features(collect(rows, "icu/1"))
    told = dict(zip(NAMES, made.values, strict=True))

    assert told["urea nitrogen per creatinine, last"] == 20 and told["coma scale per year of age, last"] == 0.24
    assert math.isnan(told["urine per kg, total"]) and math.isnan(told["oxygenation per respiration rate"])
