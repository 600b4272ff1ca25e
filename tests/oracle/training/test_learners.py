"""Every kind that learns from a table: the same battery for all, then what is special to each. No real data here."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from oracle.errors import InputError, NotFound
from oracle.records import E6, Features, Status
from oracle.serve.cli import train as command
from oracle.training import attendances, glucose, heart_failure, machine, readmission
from oracle.training.artefact import write
from oracle.training.gam import StepModel
from oracle.training.learners import LEARNERS, evaluate, learner
from oracle.training.reported import reported
from oracle.twins.additive import Additive
from oracle.twins.shipped import Shipped

from .. import learning

MAKE: dict[str, Callable[..., Path]] = {
    "cgm_t1d": learning.glucose,
    "heart_failure_299": learning.heart_failure,
    "machine_temperature": learning.machine,
    "nhs_ae": learning.attendances,
    "readmission_diabetes130": learning.encounters,
}
COLUMN = {
    "cgm_t1d": "channel", "heart_failure_299": "ejection_fraction", "machine_temperature": "value",
    "nhs_ae": "attendances", "readmission_diabetes130": "diag_2",
}  # fmt: skip
MAIN = {"cgm_t1d": "rmse", "nhs_ae": "mase"}

QUICK: dict[str, Any] = {
    "stumps_share": 0.5, "penalty": 0.1, "rounds": 15, "rate": 0.3, "features_share": 0.5, "least": 10, "seeds": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Little boosting and few resamples: what is tested here is not how good a model is."""

    for module in (heart_failure, readmission):
        settings = (QUICK, {**QUICK, "penalty": 0.05})[: len(module.RECIPE.settings)]
        quick = replace(module.RECIPE, make=StepModel, settings=settings, neighbours=60, stride=20)
        monkeypatch.setattr(module, "RECIPE", quick)
    monkeypatch.setattr(heart_failure, "SEEDS", range(1))
    monkeypatch.setattr("oracle.training.judged.RESAMPLES", 40)
    with threadpool_limits(limits=1):
        yield


def trained(kind: str, data: Path, out: Path) -> Path:
    """The kind's models, written into a folder."""
    for name, make in LEARNERS[kind].makes.items():
        write(out, name, reported(kind, make(data)))
    return out


@pytest.mark.parametrize("kind", MAKE)
def test_training_twice_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    """Same data, same graph and card."""
    data = MAKE[kind](tmp_path / "data")

    once, again = (trained(kind, data, tmp_path / name) for name in ("a", "b"))

    assert [one.read_bytes() for one in sorted(once.iterdir())] == [one.read_bytes() for one in sorted(again.iterdir())]


@pytest.mark.parametrize("kind", MAKE)
def test_evaluate_fits_nothing_and_its_figures_are_finite(kind: str, tmp_path: Path) -> None:
    """Other records of the same layout, judged by the trained model: finite, intervals around nothing absurd."""
    models = trained(kind, MAKE[kind](tmp_path / "data"), tmp_path / "models")
    other = MAKE[kind](tmp_path / "other", seed=99)
    before = {path.name: path.read_bytes() for path in models.iterdir()}

    found = evaluate(kind, other, models=models)

    assert MAIN.get(kind, "auroc") in found and "answered" in found
    for name, one in found.items():
        assert math.isfinite(one.value) and one.n > 0, name
        assert one.low is None or one.high is None or one.low <= one.high, name
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before


@pytest.mark.parametrize("kind", MAKE)
def test_graph_and_card_agree(kind: str, tmp_path: Path) -> None:
    """The ONNX graph gives the card's score for a row in the middle of the training range."""
    models = trained(kind, MAKE[kind](tmp_path / "data"), tmp_path / "models")
    for card_path in sorted(models.glob("*.json")):
        shipped = Shipped(card_path.with_suffix(".onnx").read_bytes(), card_path.read_bytes())
        middle = [(term.low_e6 + term.high_e6) // 2 / E6 for term in shipped.additive.terms]
        features = Features(shipped.additive.names, np.array(middle))
        said = shipped.additive.predict(features)

        assert said.status is Status.NO_ANSWER or shipped.score(features) == pytest.approx(said.score_e6 / E6, abs=1e-3)


@pytest.mark.parametrize("kind", MAKE)
def test_missing_column_is_named(kind: str, tmp_path: Path) -> None:
    """A file without what is needed is refused with the column's name."""
    data = MAKE[kind](tmp_path)
    for path in [*(data / kind).glob("*.csv"), *(data / kind).glob("*.csv.xz")]:
        path.unlink()
    learning.write_table(data / kind / "bad.csv.xz", ("patient", "another"), [(1, 2)])

    with pytest.raises(InputError, match=COLUMN[kind]):
        next(iter(LEARNERS[kind].makes.values()))(data)


@pytest.mark.parametrize("kind", MAKE)
def test_missing_folder_is_not_found(kind: str, tmp_path: Path) -> None:
    """No records at all."""
    with pytest.raises(NotFound):
        evaluate(kind, tmp_path, models=trained(kind, MAKE[kind](tmp_path / "data"), tmp_path / "models"))


@pytest.mark.parametrize("make", [learning.heart_failure, learning.encounters])
def test_shuffled_outcomes_give_chance(make: Callable[..., Path], tmp_path: Path) -> None:
    """Nothing leaks: without a signal the cross-validated AUROC is about a half, with one it is well above."""
    module = heart_failure if make is learning.heart_failure else readmission

    noise = module.train(make(tmp_path / "noise", shuffled=True))["headline"]["value"]
    signal = module.train(make(tmp_path / "signal"))["headline"]["value"]

    assert 0.4 < noise < 0.6
    assert signal > 0.7


def test_follow_up_time_is_refused_as_a_feature(tmp_path: Path) -> None:
    """``time`` ends with the death it would foretell; so is the outcome itself."""
    data = learning.heart_failure(tmp_path)

    for name in ("time", "DEATH_EVENT"):
        with pytest.raises(InputError, match="cannot be a feature"):
            heart_failure.read(data, ("age", name))
    assert not {"time", "DEATH_EVENT"} & set(heart_failure.read(data).names)


def test_deaths_and_hospices_are_left_out(tmp_path: Path) -> None:
    """Who died cannot come back."""
    records = readmission.read(learning.encounters(tmp_path, n=200))

    assert len(records.y) == 196
    assert not [name for name in records.names if ("patient" in name and "in" not in name) or name == "encounter_id"]


def test_glucose_looks_at_the_past_only(tmp_path: Path) -> None:
    """A reading after the moment changes no feature of an earlier row; nothing bridges a gap."""
    whole = glucose.windows(learning.glucose(tmp_path / "a", people=1), 30)
    short = glucose.windows(learning.glucose(tmp_path / "b", people=1, readings=300), 30)

    assert len(short.y) < len(whole.y)
    np.testing.assert_allclose(short.x[:100, 0], whole.x[:100, 0], atol=40)  # other noise, same wave
    assert (whole.x[:, 0] >= glucose.LOW).all() and (whole.x[:, 0] <= glucose.HIGH).all()


def test_glucose_beats_persistence_on_a_wave(tmp_path: Path) -> None:
    """People left out of a smooth wave are foreseen far better than by their last value."""
    card = glucose.train(learning.glucose(tmp_path), 30)

    assert card["headline"]["value"] < 0.7 * card["headline"]["baseline_value"]


def test_attendances_are_scored_from_the_month_asked_for(tmp_path: Path) -> None:
    """``--from`` moves the start, earlier months stay history; a month that never comes is refused."""
    data = learning.attendances(tmp_path / "data")
    cards = {"nhs_ae": attendances.train(data)}

    late = attendances.evaluate(data, cards, "2017-10")["mase"]
    longer = attendances.evaluate(data, cards)["mase"]

    assert late.n == 3 * 12 and longer.n == 12 * 12
    assert late.value < attendances.evaluate(data, cards, "2017-10")["naive_mase"].value
    for wrong in ("2031-01", "soon"):
        with pytest.raises(InputError):
            attendances.evaluate(data, cards, wrong)


def test_attendances_scale_is_of_earlier_months_only(tmp_path: Path) -> None:
    """Doubling the judged months doubles the errors, not the scale they are divided by."""
    panel = attendances.read(learning.attendances(tmp_path))
    rows = attendances.rows_of(panel)
    late = rows.of(rows.month >= 20)
    wilder = attendances.Panel(panel.months, panel.organisations, np.vstack([panel.rate[:20], panel.rate[20:] * 2]))

    calm = attendances._figures(panel, late, np.zeros(len(late.y)), 20)["naive_mase"].value
    wild = attendances._figures(wilder, late, np.zeros(len(late.y)), 20)["naive_mase"].value

    assert wild > 2 * calm


def test_machine_failure_is_warned_of_before_its_middle(tmp_path: Path) -> None:
    """A slow rise sets the alarm off within the day before; quiet months nearly never do."""
    data = learning.machine(tmp_path / "data")
    card = machine.train(data)

    assert card["failures"][0]["warned_hours_before"] is not None
    assert 0 < card["failures"][0]["warned_hours_before"] <= 24
    assert card["figures"]["false_alarms_per_month"]["value"] < 3


def test_alarm_after_the_failure_is_no_warning() -> None:
    """What begins at the middle of the window or later came too late."""
    time_s = np.arange(0.0, 100.0)
    recording = machine.Recording(time_s, time_s, ((10.0, 30.0),))

    assert machine.warnings(recording, np.array([20.0])) == [(20.0, None)]
    assert machine.warnings(recording, np.array([11.0])) == [(20.0, 9 / 3600)]


def test_unknown_kind_and_kind_without_outcomes_are_refused(tmp_path: Path) -> None:
    """Each says what there is."""
    with pytest.raises(InputError, match="nothing learns"):
        learner("horoscope")
    with pytest.raises(InputError, match="no outcomes"):
        evaluate("pulse", tmp_path)


@pytest.mark.parametrize("name", sorted({name for one in LEARNERS.values() if one.shipped for name in one.makes}))
def test_shipped_card_says_what_a_reader_needs(name: str) -> None:
    """Headline with interval, how and baseline; data, method, limits; no medical device; the graph beside it."""
    shipped = Shipped.named(name)
    head = shipped.card["headline"]

    assert head["low"] <= head["value"] <= head["high"] and head["how"] and head["baseline_name"]
    assert all(shipped.card[part] for part in ("title", "data", "method", "limits"))
    assert "Not a medical device" in shipped.card["intended_use"]
    assert Additive.of(json.loads(json.dumps(shipped.card["model"]))) == shipped.additive


def test_training_without_onnx_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The extra is named before anything is computed."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "oracle.training.artefact")

    with pytest.raises(InputError) as refused:
        command.train("heart_failure_299", out=tmp_path, data=tmp_path)

    assert "onnx" in refused.value.sentence and "medtwin[train]" in refused.value.hint
