"""Say why: contributions as a tree whose root goes on the chain, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import VerificationError
from ..formats.merkle import explanation_leaves, root
from ..formats.merkle import verify as under
from ..records import E6, Explanation, Prediction, Status

SENTENCE_FEATURES = 3
PROBABILITY = "1"  # UCUM's unit of a share


def quantity(value_e6: int, unit: str) -> str:
    """A model's number as people say it: a probability in percent, else with its unit."""
    value = value_e6 / E6
    return f"{100 * value:.1f} %" if unit == PROBABILITY else f"{value:.3g} {unit.strip('{}')}"


def explain(prediction: Prediction, *, unit: str) -> Explanation:
    """The explanation of a prediction; every leaf can be opened against its root."""
    leaves = explanation_leaves(prediction)
    return Explanation(root=root(leaves), prediction=prediction, sentence=sentence(prediction, unit=unit))


def opened(root_: bytes, prediction: Prediction, index: int, path: Sequence[bytes]) -> None:
    """See that one line of an explanation is what the report's root commits to; 0 is the base, features follow.

    Raises
    ------
    VerificationError
        It is not: somebody changed the name, the value or the contribution.
    """
    leaves = explanation_leaves(prediction)
    if not 0 <= index < len(leaves) or not under(root_, path, leaves[index]):
        named = ["base", *(part.feature for part in prediction.contributions)][max(0, index) :][:1] or ["nothing"]
        raise VerificationError(
            f"line {index} of the explanation, {named[0]}, is not the one that was reported",
            hint="ask for the explanation again, from a node",
            kind="bad_explanation",
        )


def sentence(prediction: Prediction, *, unit: str) -> str:
    """Plain words: the strongest contributions, up or down, or why there is no answer."""
    if prediction.status is Status.NO_ANSWER:
        return f"No answer: {prediction.reason}."
    strongest = sorted(prediction.contributions, key=lambda part: -abs(part.contribution_e6))
    parts = [
        f"{part.feature.replace('_', ' ')} {'raises' if part.contribution_e6 > 0 else 'lowers'} it"
        for part in strongest[:SENTENCE_FEATURES]
        if part.contribution_e6
    ]
    return f"{'; '.join(parts) or 'nothing stands out'}."
