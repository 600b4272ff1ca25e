"""Challenge: compute again what a report says of itself, and bring what is wrong before the contract.

The contract judges sums, scores and terms by the rows of the report's explanation, which it does not have: whoever may
see the data opens them and shows those that contradict the report. All who signed it are suspended then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ..errors import Denied, VerificationError
from ..formats.merkle import explanation_leaf, explanation_rows, proofs, root
from ..ports import Chain, Custodian, Explanations, Mined, Signer, Store
from ..records import Report, Status
from ..stages.post import report_fields
from ..twins import Kind
from ..twins.additive import Additive
from . import terms
from .disclose import Row, disclosed
from .posted import Posting
from .why import recomputed


class What(IntEnum):
    """As in ReportChallenge."""

    NONE, ROWS, SUM, SCORE, TERM = range(5)


SENTENCES = {
    What.ROWS: "its rows are not a base and the model's features, each once",
    What.SUM: "its contributions do not add up to its margin",
    What.SCORE: "its score is not what its margin gives",
    What.TERM: "the contribution of {feature} is not what the model's term gives",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the evidence for the contract's function that hears it."""

    what: What
    function: str
    evidence: Any
    feature: str = ""

    @property
    def sentence(self) -> str:
        """In words."""
        return SENTENCES[self.what].format(feature=self.feature)


def rows_of(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    kind: Kind,
    report: Report,
    kept: Explanations,
    *,
    purpose: int,
    random_bytes: Callable[[int], bytes],
) -> list[Row]:
    """The rows that the report is bound to: those disclosed with it, else those computed again from the data.

    Raises
    ------
    CustodyDenied
        The owner did not allow the signer to see the data.
    VerificationError
        ``unopened_explanation``: what was reported is not kept, and is not what the data say.
    """
    block = kept.find(report.explanation_root)
    if block is not None and store.has(block):
        rows = disclosed(chain, store, custodians, signer, block, purpose=purpose, random_bytes=random_bytes)
    else:
        _, explanation = recomputed(
            chain, store, custodians, signer, kind, report, purpose=purpose, random_bytes=random_bytes
        )
        rows = explanation_rows(explanation.prediction)
    if root([explanation_leaf(row) for row in rows]) != report.explanation_root:
        raise VerificationError(
            f"the reasons of round {report.round} are not kept, and those computed from the data are others",
            hint="the nodes or the data are wrong, or this is another version of the model; without the rows that were "
            "signed no contract can judge, so tell whoever runs the nodes",
            kind="unopened_explanation",
        )
    return rows


def has_terms(chain: Chain, report: Report) -> bool:
    """Whether the terms of the report's model are registered, so that each contribution can be judged."""
    return bytes(chain.read("ModelRegistry", "termsOf", report.model)[0]) != terms.NO_TERMS


def fault_in(chain: Chain, report: Report, rows: Sequence[Row], model: Additive | None) -> Fault | None:
    """The first fault that the contract would see, judged by its own views; None if the report holds.

    `model` is the one that reported, where it is a sum of terms.

    Raises
    ------
    VerificationError
        ``foreign_terms``: those registered for the model are others.
    """
    if report.status != Status.ANSWER:
        return None
    ordered = sorted(rows, key=explanation_leaf)
    said = (report.model, report.explanation_root)
    what = What(chain.read("ReportChallenge", "sumFault", *said, report.score_e6, ordered))
    if what is not What.NONE:
        return Fault(what, "refuteSum", ordered)
    if model is None or not has_terms(chain, report):
        return None
    terms.check(chain, report.model, model)
    openings = _openings(rows, terms.rows(model))
    found = chain.read_many([("ReportChallenge", "termFault", *said, opened) for opened in openings])
    wrong = [opened for opened, what in zip(openings, found, strict=True) if What(what) is What.TERM]
    return Fault(What.TERM, "refuteTerm", wrong[0], feature=wrong[0][0][1]) if wrong else None


def arguments(chain: Chain, posting: Posting, fault: Fault) -> tuple[Any, ...]:
    """What the contract's function is given.

    Raises
    ------
    Denied
        ``already_refuted``, ``report_final``: too late; ``signatures_unknown``: posted through another contract.
    """
    if posting.refuted:
        raise Denied(f"round {posting.report.round} is refuted already", kind="already_refuted")
    if chain.head().time_s >= posting.final_s:
        raise Denied(
            f"round {posting.report.round} can be refuted no more: its time was over at {posting.final_s}",
            hint="who acted on it can still be told; newer reports may be refuted within a day",
            kind="report_final",
        )
    if not posting.signatures:
        raise Denied(
            "the report was posted through another contract, so its signatures cannot be read from the transaction",
            hint="call PredictionOracle with the signatures it was posted with",
            kind="signatures_unknown",
        )
    return report_fields(posting.report), posting.place, posting.signatures, fault.evidence


def refute(chain: Chain, sender: Signer, posting: Posting, fault: Fault) -> Mined:
    """Bring it before the contract, which marks the report and suspends all who signed it. Denied as of :func:`arguments`."""
    return chain.write(sender, "PredictionOracle", fault.function, *arguments(chain, posting, fault))


def _openings(rows: Sequence[Row], known: Sequence[terms.Row]) -> list[Any]:
    """Each row with the term that applies to it, as the contract's Opened."""
    paths = proofs([explanation_leaf(row) for row in rows]) | proofs([terms.term_leaf(term) for term in known])
    return [
        (row, paths[explanation_leaf(row)], term, paths[terms.term_leaf(term)])
        for row in rows
        for term in known
        if row[0] == term[0] and row[2] == term[2] and term[3] <= row[3] < term[4]
    ]
