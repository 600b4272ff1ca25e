"""Small folders of made-up records, laid out as the real data sets are."""

from __future__ import annotations

import csv
import json
import lzma
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np

from oracle.training import readmission

Row = Sequence[object]


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> Path:
    """A CSV file, packed if its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = StringIO()
    csv.writer(text).writerows([columns, *rows])
    data = text.getvalue().encode()
    path.write_bytes(lzma.compress(data) if path.suffix == ".xz" else data)
    return path


def heart_failure(folder: Path, *, n: int = 200, seed: int = 1, shuffled: bool = False) -> Path:
    """Deaths that follow ejection fraction and creatinine; follow-up that is short for the dead."""
    draw = np.random.default_rng(seed)
    columns = (
        "age", "anaemia", "creatinine_phosphokinase", "diabetes", "ejection_fraction", "high_blood_pressure", "platelets",
        "serum_creatinine", "serum_sodium", "sex", "smoking", "time", "DEATH_EVENT",
    )  # fmt: skip
    failing, creatinine = draw.uniform(15, 70, n), draw.uniform(0.6, 4.0, n)
    odds = -0.08 * (failing - 38) + 1.2 * (creatinine - 1.8)
    died = (draw.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    if shuffled:
        died = draw.permutation(died)
    rows = [
        (
            int(draw.integers(40, 95)), int(draw.integers(2)), int(draw.integers(20, 2_000)), int(draw.integers(2)),
            round(failing[k], 1), int(draw.integers(2)), 250_000, round(creatinine[k], 2), int(draw.integers(120, 148)),
            int(draw.integers(2)), int(draw.integers(2)), 10 if died[k] else 200, died[k],
        )
        for k in range(n)
    ]  # fmt: skip
    write_table(folder / "heart_failure_299" / "some records.csv", columns, rows)
    return folder


def encounters(folder: Path, *, n: int = 600, seed: int = 2, shuffled: bool = False) -> Path:
    """Readmissions that follow earlier inpatient stays; some encounters end in death, one patient has several."""
    draw = np.random.default_rng(seed)
    stays = draw.poisson(1.0, n)
    back = draw.random(n) < 1 / (1 + np.exp(1.5 - 1.2 * stays))
    if shuffled:
        back = draw.permutation(back)
    rows = []
    for k in range(n):
        told: dict[str, object] = dict.fromkeys(readmission.COLUMNS, "No")
        told |= {name: int(draw.integers(1, 9)) for name in readmission.COUNTS}
        told |= {name: int(draw.integers(1, 8)) for name in readmission.CODES}
        told |= {
            "patient_nbr": 1_000 + k // 2, "race": "Caucasian", "gender": ("Female", "Male")[k % 2], "age": f"[{10 * (k % 9)}-{10 * (k % 9) + 10})",
            "number_inpatient": stays[k], "diag_1": ("428", "250.83", "V57", "?")[k % 4], "diag_2": "401", "diag_3": "E888",
            "discharge_disposition_id": 11 if k % 50 == 0 else 1, "readmitted": "<30" if back[k] else (">30", "NO")[k % 2],
        }  # fmt: skip
        rows.append([told[name] for name in readmission.COLUMNS])
    write_table(folder / "readmission_diabetes130" / "other.csv.xz", readmission.COLUMNS, rows)
    return folder


def glucose(folder: Path, *, people: int = 3, readings: int = 400, seed: int = 3) -> Path:
    """Waves with noise, every 5 min, one file a person, with a gap and some absurd values."""
    draw = np.random.default_rng(seed)
    start = datetime(2021, 3, 1)
    for person in range(people):
        phase = draw.uniform(0, 6)
        value = 150 + 60 * np.sin(np.arange(readings) / 14 + phase) + draw.normal(0, 2, readings)
        value[50], value[60] = 0.0, 10_000.0
        rows = [
            (
                f"P{person}",
                start + timedelta(minutes=5 * k + (500 if k > 200 else 0)),
                "glucose_mg_dl",
                round(value[k], 1),
            )
            for k in range(readings)
        ]
        rows += [(f"P{person}", "not a time", "glucose_mg_dl", 100), (f"P{person}", start, "steps", 4)]
        write_table(folder / "cgm_t1d" / f"P{person}.csv.xz", ("patient", "time", "channel", "value"), rows)
    return folder


def attendances(folder: Path, *, months: int = 24, organisations: int = 12, seed: int = 4) -> Path:
    """A yearly wave that all organisations share, with noise of their own; another type of department beside it."""
    draw = np.random.default_rng(seed)
    rows = []
    for place in range(organisations):
        level = draw.uniform(5_000, 20_000)
        for month in range(months):
            period = f"{2016 + month // 12}-{month % 12 + 1:02d}-01"
            count = level * (1 + 0.15 * np.sin(month / 12 * 2 * np.pi)) * (1 + draw.normal(0, 0.01))
            rows += [(period, f"R{place}", "1", round(count), 0, 0), (period, f"R{place}", "other", 50, 0, 0)]
    write_table(
        folder / "nhs_ae" / "months.csv", ("period", "org_code", "type", "attendances", "breaches", "admissions"), rows
    )
    return folder


def machine(folder: Path, *, days: int = 60, seed: int = 5) -> Path:
    """Quiet but for one slow rise before the middle of the one labelled window."""
    draw = np.random.default_rng(seed)
    n, start = days * 288, datetime(2013, 12, 1)
    value = 80 + draw.normal(0, 1, n)
    middle = int(0.7 * n)
    value[middle - 144 : middle] += np.linspace(0, 30, 144)
    rows = [(start + timedelta(minutes=5 * k), round(value[k], 3)) for k in range(n)]
    write_table(folder / "machine_temperature" / "r.csv", ("timestamp", "value"), rows)
    bounds = [str(rows[middle + shift][0]) for shift in (-288, 288)]
    (folder / "machine_temperature" / "w.json").write_text(json.dumps([bounds]), "utf-8")
    return folder
