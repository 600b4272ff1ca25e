"""A model as the package ships it: an ONNX graph, a card, and the check that both say the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NotFound, VerificationError
from ..records import E6, Features, Prediction, Readings, Status
from .additive import Additive, no_answer
from .news2 import News2, news2

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

AGREEMENT = 1e-3  # most that the graph's score may differ from the explained one, in the model's unit


@dataclass(frozen=True, slots=True)
class Feedback:
    """A command that a kind may propose to a device; a clinician sends it, within this envelope, or nobody does.

    Parameters
    ----------
    code : int
        Of `DeviceLoop`'s command.
    name, unit : str
        What is set, and its UCUM unit.
    low, high : float
        The widest envelope worth registering; a device keeps its own limits.
    interval_s : int
        Shortest time between two commands.
    """

    code: int
    name: str
    unit: str
    low: float
    high: float
    interval_s: int


class Shipped:
    """One model and its card.

    Parameters
    ----------
    model_bytes : bytes
        ONNX; one input ``features`` (1, n_features) of float64 with NaN for missing, one output ``score`` (1, 1).
    card_bytes : bytes
        JSON; its part ``model`` is what explains a prediction.
    """

    def __init__(self, model_bytes: bytes, card_bytes: bytes) -> None:
        self.model_bytes = model_bytes
        self.model_digest = hashlib.sha256(model_bytes).digest()
        self.card_bytes = card_bytes
        self.card_digest = hashlib.sha256(card_bytes).digest()
        self.card: dict[str, Any] = json.loads(card_bytes)
        self.additive = Additive.of(self.card["model"])

    @classmethod
    def named(cls, name: str) -> Shipped:
        """Read ``name.onnx`` and ``name.json`` from the package's artefacts."""
        folder = resources.files("oracle.artifacts") / "models"
        try:
            return cls((folder / f"{name}.onnx").read_bytes(), (folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            raise NotFound(
                f"the model {name} is not in this installation",
                hint="train it: medtwin train KIND --data FOLDER --out FOLDER",
                kind="missing_model",
            ) from None

    def predict(self, features: Features) -> Prediction:
        """The explained prediction, given only if the ONNX graph gives the same score."""
        prediction = self.additive.predict(features)
        if prediction.status is Status.NO_ANSWER:
            return prediction
        difference = abs(self.score(features) - prediction.score_e6 / E6)
        if not difference <= AGREEMENT:
            return no_answer(f"the graph and its explanation differ by {difference:.3g}")
        return prediction

    def score(self, features: Features) -> float:
        """The score as the ONNX graph computes it."""
        (score,) = self._session.run(["score"], {"features": np.asarray(features.values, np.float64)[None, :]})
        return float(score[0, 0])

    @cached_property
    def _session(self) -> InferenceSession:
        import onnxruntime  # here, because it takes longer to load than everything else

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(self.model_bytes, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own classes have no common base
            raise VerificationError(
                f"the model {self.model_digest.hex()[:8]} is not a graph that can be run: {type(error).__name__}",
                hint="only ONNX is run, never a pickle; install the package again",
                kind="bad_model",
            ) from error


class ShippedKind:
    """What kinds with a shipped model have in common; each names its model, its channels and its features."""

    name: str
    no_answer_when: tuple[str, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    unit: str
    answers: str
    actionable: tuple[str, ...] = ()
    """Features of 0 or 1 that somebody could change to 0; only for these a hint is given."""

    def __init__(self, shipped: Shipped | None = None) -> None:
        self.shipped = shipped or Shipped.named(self.name)
        self.model_bytes = self.shipped.model_bytes
        self.model_digest = self.shipped.model_digest
        self.card = self.shipped.card
        self.card_digest = self.shipped.card_digest

    def predict(self, features: Features) -> Prediction:
        """The answer with its parts, or why there is none."""
        return self.shipped.predict(features)

    def early_warning(self, readings: Readings) -> News2:
        """NEWS2 as far as the twin tells; here nothing."""
        return news2()
