"""Kinds of twins on real records: the twin computes what training computed, and what is shown is plausible and answered."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from oracle.formats.readings import check
from oracle.records import Readings
from oracle.stages.ingest import collect
from oracle.stages.model import predict
from oracle.training import attendances, glucose, heart_failure, machine, readmission
from oracle.twins import kinds
from oracle.twins.glucose import NEEDED
from oracle.twins.machine import DAY

KINDS = kinds()
TABLES = ("cgm_t1d_30", "cgm_t1d_60", "heart_failure_299", "machine_temperature", "nhs_ae", "readmission_diabetes130")
FOLDERS = {"cgm_t1d_30": "cgm_t1d", "cgm_t1d_60": "cgm_t1d"}


@pytest.mark.parametrize("name", [pytest.param(one, marks=pytest.mark.of_set(FOLDERS.get(one, one))) for one in TABLES])
def test_recordings_are_plausible_and_answered(name: str, data: Path) -> None:
    """At least two, each within its channels' ranges, with where it comes from; each gets an answer or a reason."""
    kind = KINDS[name]
    shown = list(kind.recordings(data))

    assert len(shown) >= 2
    for one in shown:
        check(one.readings, kind.channels)
        made = predict(kind, kind.features(one.readings))
        assert one.note and (made.contributions or made.reason)


@pytest.mark.of_set("cgm_t1d")
def test_glucose_twin_computes_what_training_did(data: Path) -> None:
    """The last readings of each person's first file, at 100 moments: the same row as in the training table."""
    trained = glucose.windows(data, 30)
    person = trained.people[0]
    told = {tuple(np.round(row, 6)) for row in trained.x[trained.people == person]}
    found = 0
    whole = next(KINDS["cgm_t1d_30"].recordings(data)).readings
    for stop in range(4, len(whole)):
        row = KINDS["cgm_t1d_30"].features(_until(whole, stop)).values
        if not np.isnan(row[:NEEDED]).any():
            found += any(np.array_equal(row[:-1], np.array(one), equal_nan=True) for one in told)

    assert found >= 10


@pytest.mark.of_set("machine_temperature")
def test_machine_twin_computes_what_training_did(data: Path) -> None:
    """At twelve moments the four deviations are those of the training table, within 1e-5."""
    kind, recording = KINDS["machine_temperature"], machine.read(data)
    usual = [(one["middle"], one["spread"]) for one in kind.card["usual"]]
    trained = machine.features(recording.degrees, usual)
    for end in range(DAY, 12_000, 1_000):
        values = recording.degrees[end - DAY : end]
        twin = collect([(step, "temperature", value) for step, value in enumerate(values)], kind.schema)
        np.testing.assert_allclose(kind.features(twin).values, trained[end - 1], atol=1e-5)


@pytest.mark.of_set("nhs_ae")
def test_demand_twin_computes_what_training_did(data: Path) -> None:
    """The last month of a department, from its own months and the change of all, as in the training table."""
    kind, panel = KINDS["nhs_ae"], attendances.read(data)
    trained = attendances.rows_of(panel)
    last = len(panel.months) - 1
    for one in kind.recordings(data):
        where = int(np.flatnonzero(panel.organisations == one.name.split()[1])[0])
        row = trained.x[(trained.month == last) & (trained.organisation == where)][0]
        months = np.unique(one.readings.time_ms)
        earlier = _until(one.readings, int((one.readings.time_ms < months[-1]).sum()))
        np.testing.assert_allclose(kind.features(earlier).values, row, atol=1e-5)


@pytest.mark.parametrize(
    "trained",
    [pytest.param(one, marks=pytest.mark.of_set(one.NAME), id=one.NAME) for one in (heart_failure, readmission)],
)
def test_records_twin_computes_what_training_did(trained: ModuleType, data: Path) -> None:
    """The shown records of heart failure and of readmission are rows of the training tables."""
    kind, rows = KINDS[trained.NAME], trained.read(data).x[:2_000]
    for one in kind.recordings(data):
        row = kind.features(one.readings).values
        assert any(np.allclose(row, known, atol=1e-6, equal_nan=True) for known in rows), one.name


def _until(readings: Readings, stop: int) -> Readings:
    return Readings(
        readings.schema, readings.channels, readings.time_ms[:stop], readings.channel[:stop], readings.value_e6[:stop]
    )
