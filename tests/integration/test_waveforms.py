"""The rhythm of real PhysioNet records, and breaths of a real ventilator, beside an independent detector."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from oracle.errors import InputError, NotFound
from oracle.records import E6, Status
from oracle.stages.model import predict
from oracle.training import ventilator
from oracle.twins import kinds, waveforms
from oracle.twins.ecg import matched, qrs
from oracle.twins.rhythm import asystole, of_record, trains_of
from oracle.twins.ventilator import breaths_of, read_pb840

KIND = kinds()["rhythm"]
AAMI_MS = 150  # ANSI/AAMI EC57
pytestmark = pytest.mark.of_set(waveforms.FOLDER)


def test_beats_of_record_100_are_those_that_people_marked(data: Path) -> None:
    """Sensitivity and positive predictivity of at least 0.999 over 30 min; XQRS of wfdb, run on 5 min, agrees."""
    record = waveforms.read(data, "100")
    lead, marked = record.signals[0], record.beats_ms
    assert marked is not None and len(marked) == 2273  # as PhysioNet counts them
    found, agreement = qrs(lead.time_ms, np.rint(lead.value * E6).astype(np.int64))
    same = matched(marked, found, AAMI_MS)

    assert same / len(marked) >= 0.999 and same / len(found) >= 0.999 and agreement >= 95
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from wfdb.processing import xqrs_detect

        theirs = xqrs_detect(lead.value[: 300 * 360], 360, verbose=False)
    mine = found[(found > 1_000) & (found < 300_000)]
    assert matched(mine, np.rint(theirs / 0.36).astype(np.int64), AAMI_MS) >= len(mine) - 1


def test_false_asystole_alarm_is_recognised_as_false(data: Path) -> None:
    """Record a103l of the 2015 challenge: its header says false alarm; the alarm came 300 s after the start."""
    record = waveforms.read(data, "a103l")
    assert record.comments == ("Asystole", "False alarm")

    verdict = asystole(of_record(record, 240_000, 300_001), 300_000)
    assert verdict.asystole is False and "without a beat" in verdict.reason


def test_pressure_and_electrocardiogram_have_the_same_rate(data: Path) -> None:
    """Record 03700181: in each of nine minutes two independent detectors differ by less than 2 /min."""
    whole = of_record(waveforms.read(data, "03700181"))
    for end in range(60_000, 600_000, 60_000):
        rates = {one.channel: one.rate_e6(end - 60_000) for one in trains_of(whole, end - 60_000, end)}
        ecg, pressure = rates["ecg_1"], rates["arterial_pressure"]
        assert ecg is not None and pressure is not None and abs(ecg - pressure) < 2 * E6


def test_recordings_are_answered(data: Path) -> None:
    """What the demonstration shows is real; the clean record is answered, the one of the noisy alarm is not."""
    shown = list(KIND.recordings(data))

    assert [one.name for one in shown] == ["record 100", "record a103l"]
    clean, noisy = (predict(KIND, KIND.features(one.readings)) for one in shown)
    assert clean.status is Status.ANSWER, clean.reason
    assert noisy.status is Status.NO_ANSWER and "no signal is good" in noisy.reason


def test_damaged_or_absent_records_are_refused_with_the_reason(data: Path, tmp_path: Path) -> None:
    """No record, no such record, a header that is not one."""
    with pytest.raises(NotFound, match="no WFDB record"):
        waveforms.records(tmp_path)
    with pytest.raises(NotFound, match="no record nothing"):
        waveforms.read(data, "nothing")
    (tmp_path / waveforms.FOLDER).mkdir()
    (tmp_path / waveforms.FOLDER / "torn.hea").write_text("torn 1 250 1000\ntorn.dat 212 200 11")
    with pytest.raises(InputError, match="cannot be read"):
        waveforms.read(tmp_path, "torn")


def test_ventilator_file_has_the_breaths_that_its_marks_say(data: Path) -> None:
    """Sixteen breaths, each within 0.2 s of the ventilator's own mark; holds give a driving pressure, the others none."""
    path = data / waveforms.FOLDER / "ventilator_pb840.csv"
    starts, marked = np.array([one.start_ms for one in breaths_of(read_pb840(path), -1)]), ventilator.marks(path)

    assert len(marked) == 16 and matched(marked, starts, 200) == len(starts) == 15  # the sixteenth is cut
    held = [one for one in breaths_of(read_pb840(path), -1) if one.driving_e6 is not None]
    assert [round((one.expiration_ms - one.start_ms) / 1000, 1) for one in held] == [1.6, 1.6, 1.6, 1.5, 3.7]
    assert all(one.peak_e6 > (one.plateau_e6 or 0) > one.peep_e6 for one in held)
