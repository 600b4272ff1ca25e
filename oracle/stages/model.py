"""Features to a prediction that adds up, or to an explicit NoAnswer."""

from __future__ import annotations

from typing import Protocol

from ..errors import VerificationError
from ..records import Features, Prediction, Status

SCORE_LIMIT = 1 << 47  # a report has int48
PART_LIMIT = 1 << 63  # an explanation has int64


class Predicts(Protocol):
    """The part of a twin kind this step needs."""

    def predict(self, features: Features) -> Prediction: ...


def predict(kind: Predicts, features: Features) -> Prediction:
    """The kind's prediction, checked: parts sum to the margin, the interval holds the score.

    Raises
    ------
    VerificationError
        The model broke its contract; nothing of it may be signed.
    """
    prediction = kind.predict(features)
    if prediction.status is Status.NO_ANSWER:
        numbers = (prediction.score_e6, prediction.low_e6, prediction.high_e6, prediction.base_e6, prediction.margin_e6)
        if not prediction.reason or any(numbers):
            raise VerificationError("the model gave no answer and no reason, or a number", kind="bad_prediction")
        return prediction
    widest = max(map(abs, (prediction.low_e6, prediction.high_e6)))
    if widest >= SCORE_LIMIT or any(abs(part.contribution_e6) >= PART_LIMIT for part in prediction.contributions):
        raise VerificationError("the model's numbers are too large for a report", kind="bad_prediction")
    total = prediction.base_e6 + sum(part.contribution_e6 for part in prediction.contributions)
    if total != prediction.margin_e6:
        raise VerificationError(
            f"contributions sum to {total}, not to the margin {prediction.margin_e6}", kind="bad_prediction"
        )
    if not prediction.low_e6 <= prediction.score_e6 <= prediction.high_e6:
        raise VerificationError("the score is outside its own interval", kind="bad_prediction")
    return prediction
