"""The part of a report that is the same wherever it is computed: verify, features, model, explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..errors import VerificationError
from ..records import Explanation, Features, Prediction, Readings
from ..stages.explain import explain
from ..stages.features import features
from ..stages.model import predict as run_model
from ..stages.verify import verify
from ..twins import Kind, TwinKind, kinds
from ..twins.additive import no_answer


@dataclass(frozen=True, slots=True)
class Reasoned:
    """What a model says of a window, why, and the readings and features behind it."""

    prediction: Prediction
    explanation: Explanation
    recording: Readings
    features: Features


Reason = Callable[[Kind, Sequence[Readings]], Reasoned]
"""Computes here or elsewhere, with the same result."""


def reason(kind: Kind, parts: Sequence[Readings]) -> Reasoned:
    """The opened batches of a window to a prediction with its reasons; value in, value out."""
    recording = verify(parts, kind.channels, kind.schema)
    row = features(kind, recording)
    prediction = run_model(kind, row)
    return Reasoned(prediction, explain(prediction, unit=kind.unit), recording, row)


def unanswered(kind: Kind, why: str) -> Reasoned:
    """No answer, where there is nothing that a model could be asked about."""
    prediction, nothing = no_answer(why), np.zeros(0, np.int64)
    recording = Readings(
        kind.schema, tuple(one.name for one in kind.channels), nothing, nothing.astype(np.uint8), nothing
    )
    return Reasoned(prediction, explain(prediction, unit=kind.unit), recording, Features((), np.zeros(0)))


def reason_named(name: str, model_digest: bytes, parts: Sequence[Readings]) -> Reasoned:
    """The same on a worker, which is told the kind's name and has it installed.

    Raises
    ------
    VerificationError
        ``other_model``: what is installed there is not what the node computes with.
    """
    return reason(_installed(name, model_digest), parts)


@cache
def _installed(name: str, model_digest: bytes) -> TwinKind:
    found = kinds().get(name)
    if found is None or found.model_digest != model_digest:
        raise VerificationError(
            f"this worker has another model for {name}, or none",
            hint="give workers the same package as the node",
            kind="other_model",
        )
    return found
