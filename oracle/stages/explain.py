"""Say why: contributions as a tree whose root goes on the chain, and a sentence."""

from __future__ import annotations

from ..merkle import explanation_leaves, root
from ..records import E6, Explanation, Prediction, Status

SENTENCE_FEATURES = 3
PROBABILITY = "1"  # UCUM's unit of a share


def quantity(value_e6: int, unit: str) -> str:
    """A model's number as people say it: a probability in percent, else with its unit."""
    value = value_e6 / E6
    return f"{100 * value:.1f} %" if unit == PROBABILITY else f"{value:.3g} {unit}"


def explain(prediction: Prediction, *, unit: str) -> Explanation:
    """The explanation of a prediction; every leaf can be opened against its root."""
    leaves = explanation_leaves(prediction)
    return Explanation(root=root(leaves), prediction=prediction, sentence=sentence(prediction, unit=unit))


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
