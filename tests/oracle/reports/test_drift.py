"""Drift monitors: quiet while nothing changes, heard when it does, and not forgotten by a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.adapters.drift_memory import SqliteDriftMemory
from oracle.errors import InputError
from oracle.records import Features, Status
from oracle.reports.drift import BINS, REFERENCE, SUSPENDED, Policy, State, Watched, place, stability
from oracle.twins import kinds
from oracle.twins.glucose import NAMES
from oracle.wiring import watched_kinds

KIND: Any = kinds()["cgm_t1d_30"]


def rows(count: int, *, level: float = 150.0, seed: int = 4) -> list[Features]:
    """Made rows of glucose around a level, with changes of some mg/dL, of people whom forecasts have helped."""
    draw = np.random.default_rng(seed)
    return [
        Features(NAMES, np.array([draw.normal(level, 15), *draw.normal(0, 6, len(NAMES) - 2), 2.0]))
        for _ in range(count)
    ]


def watched(policy: Policy = Policy.SUSPEND, *, memory: Any = None) -> tuple[Watched, list[str]]:
    """A watched kind, with a memory of its own if none is given, and what it says."""
    said: list[str] = []
    return Watched(KIND, memory or SqliteDriftMemory(":memory:", State), policy, said.append), said


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a node whose model was suspended after a shift."""
    path = tmp_path_factory.mktemp("node") / "drift.sqlite"
    first, _ = watched(memory=SqliteDriftMemory(path, State))
    ask(first, rows(REFERENCE + 50))
    second, said = watched(memory=SqliteDriftMemory(path, State))  # restarted in between
    ask(second, rows(300, level=210.0, seed=5))
    assert said
    return path


def ask(kind: Watched, asked: list[Features]) -> list[Any]:
    """The answers."""
    return [kind.predict(one) for one in asked]


def test_stability_is_the_textbooks() -> None:
    """Two bins of equal shares become 0.3 and 0.7: (0.3-0.5) ln(0.3/0.5) + (0.7-0.5) ln(0.7/0.5) = 0.1695."""
    assert stability(np.array([50, 50]), np.array([30, 70])) == pytest.approx(0.169460, abs=1e-6)
    assert stability(np.array([5, 5]), np.array([500, 500])) == 0
    assert np.isfinite(stability(np.array([10, 0]), np.array([0, 10])))


def test_place_has_bins_for_below_above_and_missing() -> None:
    """Ten inside the training range, three for the rest."""
    term = KIND.shipped.additive.terms[0]
    low, high = term.low_e6 / 1e6, term.high_e6 / 1e6

    assert [place(term, one) for one in (low, high, low - 1, high + 1, float("nan"))] == [
        0,
        BINS - 1,
        BINS,
        BINS + 1,
        BINS + 2,
    ]


def test_steady_inputs_are_let_be() -> None:
    """Seven hundred rows of one population: nothing is said, and every answer is the kind's own."""
    kind, said = watched()
    asked = rows(700)

    assert ask(kind, asked) == [KIND.predict(one) for one in asked]
    assert said == []


def test_shifted_inputs_suspend_the_model() -> None:
    """Glucose 60 mg/dL higher: heard within 300 rows, then no answer with the reason, whatever is asked."""
    kind, said = watched()
    ask(kind, rows(REFERENCE + 100))
    answers = ask(kind, rows(300, level=210.0, seed=5))

    assert said and said[0].startswith("event=drifted model=cgm_t1d_30 policy=suspend what=")
    assert answers[-1].status is Status.NO_ANSWER and answers[-1].reason == SUSPENDED
    assert kind.predict(rows(1, seed=9)[0]).status is Status.NO_ANSWER
    assert kind.name == "cgm_t1d_30" and kind.channels == KIND.channels  # for the rest it is the kind


def test_policy_tell_says_so_and_goes_on() -> None:
    """The event is told, answers go on."""
    kind, said = watched(Policy.TELL)
    ask(kind, rows(REFERENCE + 100))
    answers = ask(kind, rows(300, level=210.0, seed=5))

    assert said and "policy=tell" in said[0]
    assert all(one.reason != SUSPENDED for one in answers)


def test_more_missing_values_are_a_drift_too() -> None:
    """A sensor that begins to lose the older readings moves the stability index, though no value changed."""
    kind, said = watched()
    ask(kind, rows(REFERENCE + 100))
    poorer = [
        Features(NAMES, np.where(np.isin(np.arange(len(NAMES)), (5, 6, 7)), np.nan, one.values))
        for one in rows(300, seed=6)
    ]
    ask(kind, poorer)

    assert said and "PSI=" in said[0]


def test_restart_does_not_forget(suspended: Path) -> None:
    """A monitor opened anew goes on where it was: suspended stays so, and the rows before the restart count."""
    memory = SqliteDriftMemory(suspended, State)
    kind, _ = watched(memory=memory)

    assert kind.predict(rows(1, seed=9)[0]).reason == SUSPENDED
    assert memory.load(KIND.model_digest).rows == REFERENCE + 50 + 300 + 1


def test_same_row_gets_the_same_answer_before_and_after_a_suspension(suspended: Path) -> None:
    """A node that computes a round again after a restart must sign the same; and it is not counted twice."""
    memory = SqliteDriftMemory(suspended, State)
    kind, _ = watched(memory=memory)
    asked, before = rows(REFERENCE + 50)[-1], memory.load(KIND.model_digest).rows

    assert kind.predict(asked) == KIND.predict(asked)
    assert memory.load(KIND.model_digest).rows == before


def test_resume_lets_the_model_answer_with_a_new_reference() -> None:
    """A person looked; what comes now is usual."""
    memory = SqliteDriftMemory(":memory:", State)
    kind, _ = watched(memory=memory)
    ask(kind, rows(REFERENCE + 100))
    assert ask(kind, rows(300, level=210.0, seed=5))[-1].reason == SUSPENDED and kind.drifted
    memory.resume(KIND.model_digest)
    again, said = watched(memory=memory)

    assert all(one.status is Status.ANSWER for one in ask(again, rows(50, level=210.0, seed=7))) and said == []
    assert again.predict(rows(300, level=210.0, seed=5)[-1]).status is Status.ANSWER  # also who was given none before
    assert not again.drifted


def test_memory_holds_no_feature_of_anybody() -> None:
    """Counts and scores only: no value that was asked about stands in the file, and rows are salted digests."""
    memory = SqliteDriftMemory(":memory:", State)
    kind, _ = watched(memory=memory)
    asked = rows(5)
    ask(kind, asked)
    database = memory._database
    state = json.loads(database.execute("SELECT state FROM drift").fetchone()[0])

    assert set(state) == {"rows", "reference", "blocks", "scores", "reason"}
    assert all(isinstance(one, int) for counts in state["reference"] for one in counts)
    assert not any(f"{value:.4f}"[:7] in json.dumps(state) for one in asked for value in one.values)


def test_unknown_policy_is_refused(tmp_path: Path) -> None:
    """And the ones there are, named."""
    with pytest.raises(InputError, match="no policy") as caught:
        watched_kinds(tmp_path, [KIND], "pray", print)
    assert "suspend" in caught.value.hint
    assert watched_kinds(tmp_path, [KIND], "tell", print)[0].model_digest == KIND.model_digest
