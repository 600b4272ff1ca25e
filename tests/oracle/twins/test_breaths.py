"""Breaths made by formula, whose volume, pressures and timing are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.errors import InputError, NotFound
from oracle.records import Status
from oracle.twins import kinds
from oracle.twins.ventilator import breaths_of, read_pb840, ventilator_features

from ..examples import ventilated

KIND = kinds()["ventilator"]


def told(**changes: float) -> dict[str, float]:
    """Features of made breaths by name."""
    features = ventilator_features(ventilated(**changes))  # type: ignore[arg-type]
    return dict(zip(features.names, features.values, strict=True))


def test_breath_has_the_volume_and_pressures_it_was_made_with() -> None:
    """480 mL in a second against a lung of 50 mL/cm[H2O] and 10 cm[H2O] s/L on 5: a peak of 5 + 9.6 + 4.8 = 19.4 cm[H2O]."""
    found = told()

    assert found["respiration rate"] == pytest.approx(60 / 3.5, rel=0.01)
    assert found["tidal volume inspired"] == pytest.approx(480, rel=0.01)
    assert found["tidal volume expired"] == pytest.approx(480, rel=0.04)
    assert found["peak pressure"] == pytest.approx(19.4, abs=0.3)
    assert found["end-expiratory pressure"] == pytest.approx(5, abs=0.01)


def test_driving_pressure_is_told_only_after_a_hold() -> None:
    """With a hold of half a second it is volume over compliance, 9.6; without one, or a short one, it is not told at all."""
    held = told(hold_ms=500)

    assert held["plateau pressure"] == pytest.approx(14.6, abs=0.05)
    assert held["driving pressure"] == pytest.approx(480 / 50, abs=0.05)
    for short in (0, 200):
        assert str(told(hold_ms=short)["driving pressure"]) == "nan"


def test_hints_of_asynchrony_are_counted_and_absent_in_quiet_breaths() -> None:
    """A bump with a dip in each expiration is an ineffective effort; a breath a third breathed out is stacked; else none."""
    quiet, efforts = told(), told(effort=True)
    quick, stacked = told(expiration_ms=400), told(expiration_ms=400, tau_s=1.0)  # 63 % and 33 % breathed out

    assert (quiet["ineffective efforts"], quiet["double triggered breaths"]) == (0, 0)
    assert efforts["ineffective efforts"] == efforts["breaths"]
    assert quick["double triggered breaths"] == 0
    assert stacked["double triggered breaths"] == stacked["breaths"]


def test_too_few_breaths_give_no_answer() -> None:
    """Two whole breaths are not enough, and the reason says so."""
    made = KIND.predict(KIND.features(ventilated(seconds=11)))

    assert made.status is Status.NO_ANSWER and "2 whole breaths" in made.reason


def test_file_of_a_ventilator_is_read_and_a_damaged_one_refused(tmp_path: Path) -> None:
    """Marks are skipped, lines are 20 ms apart; a line that is no pair of numbers is named; no file is said."""
    good, bad = tmp_path / "ventilator_a.csv", tmp_path / "ventilator_b.csv"
    good.write_text("2016-05-05-13-25-36.9\nBS, S:1,\n0.03, 5.77\n52.14, 6.62\nBE\n")
    bad.write_text("BS, S:1,\n0.03; 5.77\n")

    assert read_pb840(good).time_ms.tolist() == [0, 0, 20, 20]
    assert breaths_of(read_pb840(good), -1) == []
    with pytest.raises(InputError, match="line 2"):
        read_pb840(bad)
    with pytest.raises(NotFound):
        next(iter(KIND.recordings(tmp_path)))
