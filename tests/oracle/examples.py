"""Recordings made by formula that each kind of twin can answer for; nothing in them was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from oracle.records import Readings
from oracle.stages.ingest import collect
from oracle.twins import kinds

HOUR_MS = 3_600_000
KINDS = kinds()
HOURLY = {"heart_rate", "respiration_rate", "mean_arterial", "systolic_arterial", "diastolic_arterial", "urine"}
USUAL = {
    "age": 60, "male": 1, "height": 175, "weight": 80, "alp": 80, "alt": 40, "ast": 60, "albumin": 3, "urea_nitrogen": 20,
    "bilirubin": 0.9, "cholesterol": 150, "creatinine": 1, "diastolic_arterial": 58, "inspired_oxygen": 0.4, "coma_scale": 14,
    "glucose": 127, "bicarbonate": 23, "haematocrit": 30, "heart_rate": 86, "potassium": 4.1, "lactate": 2.1,
    "mean_arterial": 77, "ventilated": 1, "magnesium": 2, "diastolic_cuff": 56, "mean_cuff": 75, "systolic_cuff": 116,
    "sodium": 139, "arterial_co2": 39, "arterial_o2": 121, "platelets": 172, "respiration_rate": 19,
    "arterial_saturation": 97, "systolic_arterial": 116, "temperature": 37.1, "troponin_i": 2.6, "troponin_t": 0.2,
    "urine": 70, "leukocytes": 11.4, "ph": 7.38,
}  # fmt: skip


def stay() -> Readings:
    """Two days of an invented stay: vital signs each hour, everything else each eighth, wandering within its range."""
    rows = []
    for hour in range(48):
        for channel in KINDS["icu2012"].channels:
            if hour % 8 == 0 or channel.name in HOURLY:
                wander = 1 + 0.01 * ((hour * 7) % 5) if channel.name in HOURLY else 1
                rows.append((hour * HOUR_MS, channel.name, round(USUAL[channel.name] * wander, 3)))
    return collect(rows, "icu/1")


def pulse(*, beats_per_minute: float = 72.0, seconds: int = 90, noise: float = 0.0) -> Readings:
    """A pulse at 100 Hz whose rate is known, with noise from a fixed seed."""
    draw = np.random.default_rng(1)
    rows = []
    for step in range(seconds * 100):
        phase = (step / 100 * beats_per_minute / 60) % 1
        wave = 512 + 200 * math.exp(-((phase - 0.3) ** 2) / 0.005) + 40 * math.exp(-((phase - 0.6) ** 2) / 0.01)
        rows.append((step * 10, "ppg", float(round(np.clip(wave + noise * draw.normal(), 0, 1023)))))
    return collect(rows, "pulse/1")


def rhythm(*, beats_per_minute: float = 72.0, seconds: int = 70) -> Readings:
    """An electrocardiogram and a pulse wave at 125 Hz whose rate is known: P, QRS and T as bells."""
    rows = []
    for step in range(seconds * 125):
        phase = (step / 125 * beats_per_minute / 60) % 1
        bells = ((0.2, 0.15, 0.0008), (0.3, 1.2, 0.00008), (0.55, 0.3, 0.002))
        rows.append((step * 8, "ecg_1", sum(high * math.exp(-((phase - at) ** 2) / wide) for at, high, wide in bells)))
        rows.append((step * 8, "ppg", math.exp(-((phase - 0.5) ** 2) / 0.005)))
    return collect(rows, "rhythm/1")


def glucose() -> Readings:
    """Sixteen hours that rise and fall slowly, a reading every five minutes."""
    return collect([(step * 300_000, "glucose", 140 + 40 * math.sin(step / 9)) for step in range(193)], "cgm/1")


def clinic() -> Readings:
    """A record of heart failure; each value once."""
    values = {
        "age": 62, "anaemia": 0, "creatinine_phosphokinase": 250, "diabetes": 1, "ejection_fraction": 38, "high_blood_pressure": 1,
        "platelets": 262_000, "serum_creatinine": 1.1, "serum_sodium": 137, "sex": 1, "smoking": 0,
    }  # fmt: skip
    return collect([(0, name, float(value)) for name, value in values.items()], "heart_failure/1")


def machine() -> Readings:
    """A day and an hour of a machine's temperature around what is usual for it, every five minutes."""
    usual = KINDS["machine_temperature"].card["usual"][0]
    rows = [
        (step * 300_000, "temperature", usual["middle"] + usual["spread"] * math.sin(step / 20)) for step in range(300)
    ]
    return collect(rows, "machine/1")


def department() -> Readings:
    """Fourteen months of a department of 300 attendances a day, with a season; all departments do the same."""
    rows = []
    for month in range(14):
        at, season = round(month * 30.44 * 86_400_000), math.sin(month * math.pi / 6)
        rows += [
            (at, "attendances_per_day", 300 * math.exp(0.03 * season)),
            (at, "change_of_all", 0.01 * math.cos(month)),
        ]
    return collect(rows, "demand/1")


def discharge() -> Readings:
    """A stay of five days, two of them the year before; home afterwards."""
    told = {
        "age": 65, "female": 1, "time_in_hospital": 5, "num_lab_procedures": 44, "num_procedures": 1, "num_medications": 16,
        "number_outpatient": 1, "number_emergency": 1, "number_inpatient": 2, "number_diagnoses": 8, "admission_type_id": 1,
        "discharge_disposition_id": 1, "admission_source_id": 7, "medical_specialty": 1, "payer_code": 1, "diag_1": 428,
        "diag_2": 250.02, "diag_3": 401, "diag_1_is_v": 0, "a1c": 2, "serum_glucose": 0, "insulin": 2, "medication_changed": 1,
        "diabetes_medication": 1, "metformin": 1,
    }  # fmt: skip
    return collect([(0, name, float(value)) for name, value in told.items()], "readmission/1")


def ventilated(
    *, hold_ms: int = 0, expiration_ms: int = 2_500, effort: bool = False, seconds: int = 70, tau_s: float = 0.4
) -> Readings:
    """Breaths of constant flow for a second at 50 Hz, breathed out with a time constant of `tau_s`.

    A lung of 50 mL/cm[H2O] behind 10 cm[H2O] s/L on 5 cm[H2O] PEEP; `effort` puts a bump of flow and a dip of pressure
    into every expiration.
    """
    rows, clock, cycle, volume_ml = [], 0, 1_000 + hold_ms + expiration_ms, 480
    while clock < seconds * 1_000:
        at = clock % cycle
        if at < 1_000:
            flow, inside = volume_ml * 0.06, volume_ml * at / 1_000
            pressure = 5 + inside / 50 + flow / 60 * 10
        elif at < 1_000 + hold_ms:
            flow, pressure = 0.0, 5 + volume_ml / 50
        else:
            out = (at - 1_000 - hold_ms) / 1_000
            flow, pressure = -volume_ml / tau_s * math.exp(-out / tau_s) * 0.06, 5.0
            if effort and 0.5 <= out < 0.8:
                wave = math.sin(math.pi * (out - 0.5) / 0.3)
                flow, pressure = flow + 12 * wave, pressure - 1.5 * wave
        rows += [(clock, "flow", round(flow, 4)), (clock, "airway_pressure", round(pressure, 4))]
        clock += 20
    return collect(rows, "ventilator/1")


EXAMPLES: Mapping[str, Callable[[], Readings]] = {
    "cgm_t1d_30": glucose, "cgm_t1d_60": glucose, "heart_failure_299": clinic, "icu2012": stay,
    "machine_temperature": machine, "nhs_ae": department, "pulse": pulse, "readmission_diabetes130": discharge,
    "rhythm": rhythm, "ventilator": ventilated,
}  # fmt: skip
