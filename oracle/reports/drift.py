"""Drift: whether what a model is asked still looks like what it was asked at first, and what happens if not.

Two monitors run beside a model on one node: ADWIN (Bifet and Gavalda 2007, as in river) on its scores, and the population
stability index on each feature. By policy a drift is told, or it suspends the model: it answers "no answer" with the reason
until a person resumes it. Nodes see rounds in different orders, so for some rounds they may differ and no report has a
quorum: silence, never a wrong answer.

What is kept is counts and scores; no feature of anybody is written down.
"""

from __future__ import annotations

import enum
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..records import E6, Features, Prediction, Readings, Status
from ..stages.explain import explain
from ..twins import TwinKind
from ..twins.additive import Additive, Term, no_answer
from .reason import Reason, Reasoned

REFERENCE = 300  # first rows: what was usual; at ten bins the index of chance alone is about 0.06
BLOCK = 100  # rows between two looks at the last three blocks
STABLE = 0.25  # beyond it a population has shifted (a rule of thumb of credit scoring: Siddiqi 2006)
BINS = 10  # of equal width over the training range; below, above and missing make three more
SUSPENDED = "the model is suspended: what it is asked has drifted"


class Policy(enum.Enum):
    """What a drift does."""

    TELL = "tell"
    SUSPEND = "suspend"


@dataclass
class State:
    """What one model's monitors know: rows seen, counts by feature and bin, scores since the last drift."""

    rows: int = 0
    reference: list[list[int]] = field(default_factory=list)
    blocks: list[list[list[int]]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    reason: str = ""


class Memory(Protocol):
    """Where a node keeps the states of its models, durable before it returns; `seen` holds salted digests of rows."""

    def load(self, model: bytes) -> State: ...
    def answered(self, model: bytes, row: bytes) -> bool | None: ...
    def save(self, model: bytes, state: State, row: bytes, suspended: bool) -> None: ...
    def resume(self, model: bytes) -> None: ...


class Watched:
    """A kind of twin with its monitors; for the rest of the program it is the kind.

    Parameters
    ----------
    say : callable
        Told one event in words whenever something drifted.
    """

    def __init__(self, kind: TwinKind, memory: Memory, policy: Policy, say: Callable[[str], None]) -> None:
        self._kind, self._memory, self._policy, self._say = kind, memory, policy, say
        self._model = Additive.of(kind.card["model"])
        self._state = memory.load(kind.model_digest)
        self._adwin = adwin(self._state.scores)
        self._one_at_a_time = Lock()  # rows come from many twins at once

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)

    @property
    def drifted(self) -> bool:
        """Whether something drifted, also before a restart, and no person has resumed the model since."""
        return bool(self._state.reason)

    def predict(self, features: Features) -> Prediction:
        """The kind's answer, or none while the model is suspended; the same row gets the same answer again."""
        return self.judged(features, self._kind.predict(features))

    def judged(self, features: Features, made: Prediction) -> Prediction:
        """What becomes of an answer that was computed here or elsewhere."""
        digest = self._kind.model_digest
        row = hashlib.sha256(np.ascontiguousarray(features.values).tobytes()).digest()
        with self._one_at_a_time:
            before = self._memory.answered(digest, row)
            if before is None:
                reason = self._looked(features, made)
                if reason:
                    self._say(f"event=drifted model={self._kind.name} policy={self._policy.value} what={reason}")
                    self._state.reason = self._state.reason or reason
                before = bool(self._state.reason) and self._policy is Policy.SUSPEND
                self._memory.save(digest, self._state, row, before)
        return no_answer(SUSPENDED) if before else made

    def _looked(self, features: Features, made: Prediction) -> str:
        """Count one row; what drifted, in words without spaces, or nothing."""
        state = self._state
        told = ""
        if made.status is Status.ANSWER:
            score = bounded(made.margin_e6 - made.base_e6, self._model.widest_e6)
            state.scores.append(score)
            self._adwin.update(score)
            if self._adwin.drift_detected:
                told = "scores(ADWIN)"
                state.scores = state.scores[-int(self._adwin.width) :]
        places = [place(term, float(value)) for term, value in zip(self._model.terms, features.values, strict=True)]
        count_in(_block(state, len(places)), places)
        state.rows += 1
        if state.rows > REFERENCE and state.rows % BLOCK == 0:
            told = told or self._shifted()
        return told

    def _shifted(self) -> str:
        recent = np.sum(np.array(self._state.blocks[-REFERENCE // BLOCK :]), axis=0)
        worst = max(
            (stability(np.array(one), np.array(other)), term.feature)
            for one, other, term in zip(self._state.reference, recent, self._model.terms, strict=True)
        )
        return f"{worst[1].replace(' ', '_')}(PSI={worst[0]:.2f})" if worst[0] > STABLE else ""


def watched(compute: Reason) -> Reason:
    """Reasons computed elsewhere, judged here by the monitors of kinds that have them."""

    def judged(kind: Any, parts: Sequence[Readings]) -> Reasoned:
        found = compute(kind, parts)
        if not isinstance(kind, Watched):
            return found
        prediction = kind.judged(found.features, found.prediction)
        if prediction is found.prediction:
            return found
        return replace(found, prediction=prediction, explanation=explain(prediction, unit=kind.unit))

    return judged


def stability(expected: NDArray[np.int64], actual: NDArray[np.int64]) -> float:
    """Population stability index of two histograms; half a row stands in for an empty bin.

    References
    ----------
    Siddiqi 2006, Credit Risk Scorecards. The sum over bins of (a - e) ln(a / e), a and e being shares.
    """
    e, a = (np.maximum(one, 0.5) / np.maximum(one, 0.5).sum() for one in (expected, actual))
    return float(((a - e) * np.log(a / e)).sum())


def place(term: Term, value: float) -> int:
    """The bin of a value: ten over the training range, then below, above, missing."""
    if math.isnan(value):
        return BINS + 2
    low, high = term.low_e6 / E6, term.high_e6 / E6
    if value < low:
        return BINS
    if value > high:
        return BINS + 1
    return min(BINS - 1, int(BINS * (value - low) / (high - low))) if high > low else 0


def bounded(margin_e6: int, scale_e6: int) -> float:
    """A margin between 0 and 1, which is what ADWIN's bound is for."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, 4 * margin_e6 / scale_e6))))


def count_in(block: list[list[int]], places: Sequence[int]) -> None:
    """One row into a block of counts."""
    for counts, at in zip(block, places, strict=True):
        counts[at] += 1


def _block(state: State, features: int) -> list[list[int]]:
    """Where the next row is counted: the reference first, then blocks, of which the last three are kept."""
    fresh = [[0] * (BINS + 3) for _ in range(features)]
    if state.rows < REFERENCE:
        state.reference = state.reference or fresh
        return state.reference
    if state.rows % BLOCK == 0:
        state.blocks = [*state.blocks[-REFERENCE // BLOCK + 1 :], fresh]
    return state.blocks[-1]


def adwin(scores: Sequence[float]) -> Any:
    """River's ADWIN that has seen these scores; needs the extra ``medtwin[drift]``."""
    try:
        from river.drift import ADWIN
    except ModuleNotFoundError as error:
        raise InputError(
            f"watching for drift needs {error.name}, which is not installed",
            hint="pip install 'medtwin[drift]'",
            kind="missing_extra",
        ) from error
    made: Any = ADWIN()  # type: ignore[no-untyped-call]  # river is untyped here
    for score in scores:
        made.update(score)
    return made
