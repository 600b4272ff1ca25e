"""What a stranger tries with bundles of reports, and with reports that may be refuted; reviewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.explanations import HONEST, RATE, TERMS, Bundle, in_order, opened, root_of
from tests.contracts.reports import ALONE
from tests.contracts.strangers import DIGEST, PLACE, REPORT, STRANGERS_KEY, Entry, World

ROW = "(uint16,string,bool,int64,int64)"
TERM = "(uint16,string,bool,int64,int64,int64,int64,int64)"
WRONG = tuple(row._replace(contribution=row.contribution + 1) for row in HONEST)


def bundle_by(*keys: LocalAccount | int) -> Callable[[World], tuple[Any, ...]]:
    """A bundle of one report, signed with keys or by nodes."""

    def arguments(w: World) -> tuple[Any, ...]:
        bundle = Bundle(w.quorum, (w.quorum.report(1),))
        return tuple(bundle.fields().values()), bundle.sign(*keys)

    return arguments


def refutation_by(*keys: LocalAccount | int) -> Callable[[World], tuple[Any, ...]]:
    """A report whose explanation does not add up, signed with keys or by nodes."""

    def arguments(w: World) -> tuple[Any, ...]:
        report = w.quorum.report(1, explanationRoot=root_of(WRONG))
        return report, ALONE, [w.quorum.sign(key, report) for key in keys], in_order(WRONG)

    return arguments


def false_term(w: World) -> tuple[Any, ...]:
    """A row that no report has, against a term that no model has."""
    return w.quorum.report(1), ALONE, [], opened(HONEST, RATE, TERMS[2])


ENTRIES = {
    "ModelRegistry.registerTerms(bytes32,bytes32,uint8)": Entry(lambda w: (w.model, DIGEST, 1), "ModelNotInState"),
    "PredictionOracle.postBundle((bytes32,bytes32,bytes32),bytes[])": Entry(
        bundle_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=bundle_by(0, 1, 2), carried="a quorum's signatures say all that happens",
    ),
    f"PredictionOracle.settle({REPORT},bytes32[])": Entry(lambda w: (w.quorum.report(1), []), "BundleUnknown"),
    f"PredictionOracle.refuteSum({REPORT},{PLACE},bytes[],{ROW}[])": Entry(
        refutation_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=refutation_by(0, 1, 2), carried="a quorum signed what contradicts itself; anyone may show it",
    ),
    f"PredictionOracle.refuteTerm({REPORT},{PLACE},bytes[],({ROW},bytes32[],{TERM},bytes32[]))": Entry(
        false_term, "RowsNotInReport"
    ),
}  # fmt: skip
