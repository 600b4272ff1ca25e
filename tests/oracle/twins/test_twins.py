"""What is special about some kinds of twins, how kinds are found, and a battery that can fail."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib import resources
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from oracle import battery, twins
from oracle.errors import InputError
from oracle.formats.readings import check
from oracle.records import Category, Channel, Features, Prediction, Readings, Status
from oracle.stages.ingest import collect
from oracle.stages.model import predict
from oracle.twins import BUILT_IN, TwinKind, kinds
from oracle.twins.icu import Icu
from oracle.twins.pulse import Pulse

from ..examples import EXAMPLES, pulse

KINDS = kinds()
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "developer.md"


@pytest.fixture(params=sorted(BUILT_IN))
def kind(request: pytest.FixtureRequest) -> TwinKind:
    """Each kind in turn."""
    return KINDS[request.param]


@pytest.mark.parametrize("check_", battery.CHECKS, ids=lambda one: one.__name__)
def test_kind_passes_the_battery(kind: TwinKind, check_: battery.Check) -> None:
    """Every check of oracle/battery.py, for every kind, on a recording made by formula."""
    check_(kind, EXAMPLES[kind.name]())


def test_kind_digests_are_of_the_shipped_files(kind: TwinKind) -> None:
    """The digests on the chain are the SHA-256 of the two files of the package."""
    folder = resources.files("oracle.artifacts") / "models"
    card = (folder / f"{kind.name}.json").read_bytes()

    assert kind.model_digest == hashlib.sha256((folder / f"{kind.name}.onnx").read_bytes()).digest()
    assert kind.card_digest == hashlib.sha256(card).digest() and kind.card == json.loads(card)


# -- the battery itself ---------------------------------------------------------------------


def test_guide_kind_passes_the_battery() -> None:
    """The refrigerator of the developer's guide, as it is printed there."""
    text = GUIDE.read_text("utf-8").split("```python medtwin_fridge.py\n")[1].split("```")[0]
    module = ModuleType("medtwin_fridge")
    exec(compile(text, "medtwin_fridge.py", "exec"), module.__dict__)
    fridge = module.Fridge()
    recording = next(fridge.recordings(Path()))

    for one in battery.CHECKS:
        if one is not battery.it_says_the_same_in_another_process:  # it lives in no file that could be imported
            one(fridge, recording.readings)


class Odd(Pulse):
    """A pulse with one fault, named by `fault`."""

    fault = ""

    def features(self, readings: Readings) -> Features:
        """As a pulse's, but for the fault."""
        made = super().features(readings)
        if self.fault == "order":
            return made if len(readings) > 1 else Features(made.names[::-1], made.values[::-1])
        if self.fault == "date":
            return Features(made.names, made.values + readings.time_ms[0] % 7)
        if self.fault == "chance":
            return Features(made.names, made.values + np.random.random())
        if self.fault == "inputs":
            readings.value_e6[0] += 1
        return made

    def predict(self, features: Features) -> Prediction:
        """As a pulse's, but for the fault."""
        if self.fault == "anything goes" and not np.isnan(features.values).any():
            features = Features(self.shipped.additive.names, np.array([72.0, 0, 0, 20, 20, 70, 0]))
        return super().predict(features)


FAULTS = {
    "order": battery.its_features_have_one_order, "date": battery.it_ignores_the_date,
    "chance": battery.it_is_deterministic_and_leaves_inputs_alone, "inputs": battery.it_is_deterministic_and_leaves_inputs_alone,
    "anything goes": battery.it_refuses_what_it_was_not_made_for,
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_battery_catches_a_planted_fault(fault: str) -> None:
    """Features out of order, that depend on the date or on chance, changed inputs, answers far from training."""
    odd = type("Odd", (Odd,), {"fault": fault})()

    with pytest.raises(battery.Unfit, match="not kept"):
        FAULTS[fault](odd, pulse())


def test_battery_catches_a_range_that_lets_wrong_units_pass() -> None:
    """A channel so wide that a thousandfold value passes, and a model that answers it all the same."""
    wide = type("Wide", (Odd,), {"fault": "anything goes", "channels": (Channel("ppg", "1", 0, 1e9),)})()

    with pytest.raises(battery.Unfit, match="ppg a thousand times too high"):
        battery.it_refuses_units_wrong_by_a_factor(wide, pulse())


def test_battery_catches_a_category_of_two() -> None:
    """One kind's data is of one category, as consents name them."""
    both = type("Both", (Pulse,), {"category": Category.VITALS | Category.WAVEFORM})()

    with pytest.raises(battery.Unfit, match="one bit"):
        battery.it_is_well_formed(both, pulse())


# -- finding kinds --------------------------------------------------------------------------


def test_kinds_refuses_an_entry_point_that_takes_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package cannot replace a built-in kind."""
    intruder = EntryPoint("pulse", "elsewhere:Pulse", twins.GROUP)
    monkeypatch.setattr(twins, "entry_points", lambda group: [intruder])

    with pytest.raises(InputError) as refused:
        kinds()

    assert refused.value.kind == "kind_taken"


def test_kinds_names_an_entry_point_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken package is named, not swallowed."""
    monkeypatch.setattr(twins, "entry_points", lambda group: [EntryPoint("broken", "no_such_module:Kind", group)])

    with pytest.raises(InputError, match="broken") as refused:
        kinds()

    assert refused.value.kind == "broken_kind"


def test_kinds_adds_installed_kinds_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in entry points are not loaded twice; others are added."""
    found = [EntryPoint(name, value, twins.GROUP) for name, value in BUILT_IN.items()]
    found.append(EntryPoint("mine", "oracle.twins.pulse:Pulse", twins.GROUP))
    monkeypatch.setattr(twins, "entry_points", lambda group: found)

    assert set(kinds()) == {*BUILT_IN, "mine"}


# -- single kinds ---------------------------------------------------------------------------


def test_pulse_recordings_are_short_and_plausible() -> None:
    """Two real recordings that fit a story: fewer than 60 batches together, and both answered."""
    kind = KINDS["pulse"]
    shown = list(kind.recordings(Path("not needed")))

    batches = sum((one.readings.time_ms[-1] - one.readings.time_ms[0]) // kind.batch_ms + 1 for one in shown)
    assert len(shown) >= 2 and batches < 60
    for one in shown:
        check(one.readings, kind.channels)
        assert "MIT" in one.note
        assert predict(kind, kind.features(one.readings)).status is Status.ANSWER


@pytest.mark.parametrize("level", [0.0, 512.0])
def test_pulse_gives_no_answer_without_beats(level: float) -> None:
    """A flat line has no beats, and the reason says so."""
    flat = collect([(step * 10, "ppg", level) for step in range(6_000)], "pulse/1")
    kind = KINDS["pulse"]

    assert "intervals between beats" in kind.predict(kind.features(flat)).reason


def test_glucose_in_another_unit_is_refused() -> None:
    """Millimoles per litre sent as mg/dL: 7.8 is no glucose that anybody lives with."""
    kind, made = KINDS["cgm_t1d_30"], EXAMPLES["cgm_t1d_30"]()

    with pytest.raises(InputError, match="outside 20 to 600"):
        check(replace(made, value_e6=made.value_e6 * 10 // 180), kind.channels)


def test_pulse_gives_no_answer_on_noise() -> None:
    """Noise alone, seed 3, is not a pulse."""
    draw = np.random.default_rng(3)
    noise = collect([(step * 10, "ppg", float(draw.integers(0, 1024))) for step in range(6_000)], "pulse/1")
    kind = KINDS["pulse"]

    assert kind.predict(kind.features(noise)).status is Status.NO_ANSWER


def test_kind_early_warning_is_incomplete_and_says_why(kind: TwinKind) -> None:
    """No kind measures SpO2 by oximeter or consciousness, so none pretends to a total."""
    warning = kind.early_warning(EXAMPLES[kind.name]())

    assert warning.total is None and {"oxygen saturation", "consciousness"} <= set(warning.missing)
    assert ("pulse" in warning.missing) is (kind.name not in {"icu2012", "pulse", "rhythm"})


@pytest.mark.parametrize("name", ["icu2012", "pulse", "rhythm", "ventilator"])
def test_kind_card_says_how_often_its_held_out_data_were_looked_at(name: str) -> None:
    """Whoever reads the limits learns that the held-out figures were not the first."""
    assert any("were evaluated" in limit and "in all" in limit for limit in KINDS[name].card["limits"])


def test_intensive_care_comparators_say_what_the_data_lack() -> None:
    """qSOFA is whole; SOFA lacks the circulation, as no catecholamine is recorded, and counts the other organs."""
    found = Icu().comparators(EXAMPLES["icu2012"]())

    assert found["qsofa"].total == 1  # a coma scale of 14
    assert found["sofa"].total is None and found["sofa"].missing == ("circulation",)
    assert found["sofa"].points == {"respiration": 1, "coagulation": 0, "liver": 0, "consciousness": 1, "kidneys": 0}


def test_comparators_leave_out_what_two_readings_make_impossible() -> None:
    """An arterial pressure of 300 mmHg told beside room air is of another hour: respiration is missing, nothing is raised."""
    told = collect([(0, "arterial_o2", 300.0), (0, "inspired_oxygen", 0.21), (3_600_000, "urine", 100.0)], Icu.schema)

    assert "respiration" in Icu().comparators(told)["sofa"].missing
