"""What everybody sends about bundles of reports, and reports that may be refuted; and what comes of it; reviewed."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.cast import World
from tests.contracts.explanations import HONEST, RATE, TERMS, Bundle, in_order, opened, root_of
from tests.contracts.reports import ALONE
from tests.contracts.strangers import PLACE, REPORT, STRANGERS_KEY, Entry, Sends

ROW = "(uint16,string,bool,int64,int64)"
TERM = "(uint16,string,bool,int64,int64,int64,int64,int64)"
WRONG = tuple(row._replace(contribution=row.contribution + 1) for row in HONEST)


def bundle_by(*signers: LocalAccount | int) -> Sends:
    """Another bundle of one report, signed with keys or by nodes."""

    def arguments(w: World) -> tuple[Any, ...]:
        bundle = Bundle(w.quorum, (w.quorum.report(3),))
        return tuple(bundle.fields().values()), bundle.sign(*signers)

    return arguments


def refutation_by(*signers: LocalAccount | int) -> Sends:
    """A report whose explanation does not add up, signed with keys or by nodes."""

    def arguments(w: World) -> tuple[Any, ...]:
        report = w.quorum.report(1, explanationRoot=root_of(WRONG))
        return report, ALONE, b"".join(w.quorum.sign(signer, report) for signer in signers), in_order(WRONG)

    return arguments


def false_term(w: World) -> tuple[Any, ...]:
    """A row that no report has, against a term that no model has."""
    return w.quorum.report(1), ALONE, b"", opened(HONEST, RATE, TERMS[2])


def wrong_term(w: World) -> tuple[Any, ...]:
    """A row that a quorum signed, against the model's term for it."""
    rows = tuple(WRONG[1] if row == RATE else row for row in HONEST)
    report = w.quorum.report(1, explanationRoot=root_of(rows))
    return report, ALONE, w.quorum.signatures(report), opened(rows, WRONG[1], TERMS[2])


ENTRIES = {
    "PredictionOracle.postBundle((bytes32,bytes32,bytes32),bytes)": Entry(
        bundle_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=bundle_by(0, 1, 2), carried="a quorum's signatures say all that happens",
    ),
    f"PredictionOracle.settle({REPORT},bytes32[])": Entry(
        lambda w: (w.quorum.report(1), []), "BundleUnknown",
        carries=lambda w: (w.posted.reports[0], []), carried="a quorum signed the bundle; anyone may keep what is in it",
    ),
    f"PredictionOracle.refuteSum({REPORT},{PLACE},bytes,{ROW}[])": Entry(
        refutation_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=refutation_by(0, 1, 2), carried="a quorum signed what contradicts itself; anyone may show it",
    ),
    f"PredictionOracle.refuteTerm({REPORT},{PLACE},bytes,({ROW},bytes32[],{TERM},bytes32[]))": Entry(
        false_term, "RowsNotInReport",
        carries=wrong_term, carried="a quorum signed what the model's terms contradict; anyone may show it",
    ),
}  # fmt: skip
