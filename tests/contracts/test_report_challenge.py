"""ReportChallenge, and what PredictionOracle does of its word: reports that are refuted.

refuteSum
  given contributions that do not add up to the margin
    it marks the report, whoever sends it, suspends who signed it, and consumers are refused
  given rows that are no base and features, each once
    it marks the report
  given a score that is not the margin under the model's link
    it marks the report
  given a score within rounding of the logistic, or a model without a link
    it refuses
  given a report that adds up
    it refuses
  given no answer
    it refuses
  when rows are left out, changed, in another order, none or too many
    it refuses
refuteTerm
  given a contribution that the model's term does not give
    it marks the report
  given another feature's name, a value the model has no answer for, or a value that must be known
    it marks the report
  given the contribution is the term's
    it refuses each row
  when the term is of another range, feature or kind
    it refuses
  when row or term is in neither tree
    it refuses
either
  at the end of the window
    it accepts a second before, refuses at it and after it
  given a report that was posted late
    it counts the window from when it was posted
  given a report of a bundle
    it marks that one alone, settled or not
  given a later report in the slot
    it marks the report, and leaves the slot
  given fewer signatures than a quorum, or others'
    it refuses
  given other nodes took over since
    it suspends those who signed
  when it is refuted again
    it refuses
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.contracts.clock import next_at, now_s
from tests.contracts.events import expected, logged
from tests.contracts.explanations import (
    AGE,
    BASE,
    HONEST,
    IDENTITY,
    LOGISTIC,
    RATE,
    ROWS,
    SCORE,
    SUM,
    TERM,
    TERMS,
    TERMS_ROOT,
    Bundle,
    Row,
    in_order,
    opened,
    refutation,
    root_of,
)
from tests.contracts.reports import ALONE, CARD, NO_ANSWER, Quorum, Report
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import key_of, recovered
from tests.contracts.test_prediction_oracle_bundles import rotate

OTHER_MODEL = b"\x13" * 32
WIDE, LONG_S = 10**6, 10**6
CROOKED = (BASE, RATE._replace(contribution=45_001), AGE)


@pytest.fixture
def linear(quorum: Quorum, models: Any, approver: Any) -> Quorum:
    """The same nodes, and a model whose terms are registered."""
    return of_link(quorum, models, approver, IDENTITY)


def of_link(quorum: Quorum, models: Any, approver: Any, link: int) -> Quorum:
    """A model with terms and this link, reported on by the same nodes."""
    models.register(OTHER_MODEL, CARD, bytes(32), False, {"from": approver})
    models.registerTerms(OTHER_MODEL, TERMS_ROOT, link, {"from": approver})
    models.approve(OTHER_MODEL, {"from": approver})
    return Quorum(quorum.oracle, quorum.nodes, quorum.twin, OTHER_MODEL)


def told(quorum: Quorum, rows: tuple[Row, ...], round_: int = 1, **changes: Any) -> Report:
    """A report with this explanation."""
    return quorum.report(round_, explanationRoot=root_of(rows), **changes)


def is_refuted(quorum: Quorum, tx: Any, report: Report, fault: int, by: tuple[int, ...] = (0, 1, 2)) -> bool:
    """Whether all happened that must, and nothing else."""
    oracle, digest = quorum.oracle, bytes(quorum.oracle.reportDigest(report))
    nodes = [quorum.nodes[one].address for one in by]
    facts = {"twinId": report.twinId, "model": report.model, "round": report.round, "reportDigest": digest}
    assert logged(tx) == [
        *(expected("NodeSuspended", signer=node) for node in nodes),
        expected("PredictionRefuted", **facts, fault=fault),
    ]
    assert [oracle.isSigner(node.address) for node in quorum.nodes] == [one not in by for one in range(4)]
    return bool(oracle.isRefuted(digest))


def test_refute_sum_that_does_not_add_up(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """A millionth is enough."""
    report = told(quorum, CROOKED)
    quorum.post(report, stranger)
    kept = oracle.latest(twin, model)

    tx = oracle.refuteSum(*refutation(quorum, report, CROOKED), {"from": stranger})

    assert is_refuted(quorum, tx, report, SUM)
    assert oracle.latest(twin, model) == (*kept[:2], 3, *kept[3:])
    with reverts_with("PredictionIsRefuted", twin, model, 1):
        oracle.consume(twin, model, LONG_S, WIDE)


@pytest.mark.parametrize("rows", [
    (RATE, AGE), (BASE, RATE), (BASE,), (BASE, RATE._replace(index=2), AGE), (BASE, RATE._replace(index=3), AGE),
    (BASE._replace(name="heart_rate"), RATE, AGE), (BASE._replace(known=False), RATE, AGE), (BASE, RATE, RATE, AGE),
])  # fmt: skip
def test_refute_rows_that_are_no_explanation(oracle: Any, quorum: Quorum, stranger: Any, rows: tuple[Row, ...]) -> None:
    """No base, a feature twice, one left out; where what is left numbers well, its sum tells."""
    report = told(quorum, rows)
    numbered = {row.index for row in rows} == set(range(len(rows))) and BASE in rows
    quorum.post(report, stranger)

    tx = oracle.refuteSum(*refutation(quorum, report, rows), {"from": stranger})

    assert is_refuted(quorum, tx, report, SUM if numbered else ROWS)


def test_refute_score_that_is_not_the_margins(oracle: Any, linear: Quorum, stranger: Any) -> None:
    """The sum is right, and the score is another number."""
    report = told(linear, HONEST, score=180_001)
    linear.post(report, stranger)

    tx = oracle.refuteSum(*refutation(linear, report, HONEST), {"from": stranger})

    assert is_refuted(linear, tx, report, SCORE)


@pytest.mark.parametrize("margin", [-70_000_000, -13_122_364, -2_197_225, -1, 0, 1, 2_197_225, 20_000_000, 63_999_999])
def test_refute_score_within_rounding_is_refused(
    oracle: Any, quorum: Quorum, models: Any, approver: Any, stranger: Any, margin: int
) -> None:
    """The nearest millionth of 1 / (1 + e^-margin), from Python's decimal, holds; the next on either side falls."""
    logistic = of_link(quorum, models, approver, LOGISTIC)
    share = 1 / (1 + (Decimal(-margin) / 10**6).exp())
    score = int((share * 10**6).to_integral_value())
    rows = (BASE._replace(value=margin, contribution=margin - 30_000), RATE, AGE)
    numbers = {"low": -10, "high": 10**6 + 10}

    for off in (0, -1, 1):
        report = told(logistic, rows, 1, score=score + off, **numbers)
        arguments = refutation(logistic, report, rows)
        if off == 0:
            with reverts_with("PredictionHolds", bytes(oracle.reportDigest(report))):
                oracle.refuteSum.call(*arguments, {"from": stranger})
        else:
            oracle.refuteSum.call(*arguments, {"from": stranger})


def test_refute_honest_report_is_refused(
    oracle: Any, quorum: Quorum, linear: Quorum, twin: int, model: bytes, stranger: Any
) -> None:
    """And of a model whose link nobody registered the score is not judged."""
    for one in (quorum, linear):
        report = told(one, HONEST)
        one.post(report, stranger)
        with reverts_with("PredictionHolds", bytes(oracle.reportDigest(report))):
            oracle.refuteSum(*refutation(one, report, HONEST), {"from": stranger})
    report = told(quorum, HONEST, 2, score=200_000)
    with reverts_with("PredictionHolds", bytes(oracle.reportDigest(report))):
        oracle.refuteSum(*refutation(quorum, report, HONEST), {"from": stranger})

    assert oracle.consume(twin, model, LONG_S, WIDE)[0] == 1


def test_refute_no_answer_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Its one row is its reason."""
    rows = (Row(0, "no readings", False, 0, 0),)
    report = told(quorum, rows, status=NO_ANSWER, low=0, score=0, high=0)

    with reverts_with("PredictionHolds", bytes(oracle.reportDigest(report))):
        oracle.refuteSum(*refutation(quorum, report, rows), {"from": stranger})


def test_refute_sum_by_other_rows_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """All of its rows, as they are, in their order."""
    report = told(quorum, HONEST)
    quorum.post(report, stranger)
    evidence, rows = refutation(quorum, report, HONEST)[:3], in_order(HONEST)

    for shown in (rows[:2], [*rows, RATE], in_order(CROOKED), [rows[2], rows[1], rows[0]]):
        with reverts_with("RowsNotInReport", report.explanationRoot):
            oracle.refuteSum(*evidence, shown, {"from": stranger})
    for count in (0, 257):
        with reverts_with("TooManyRows", count, 256):
            oracle.refuteSum.call(*evidence, [RATE] * count, {"from": stranger})


def refuted_term(quorum: Quorum, rows: tuple[Row, ...], row: Row, term: int, sender: Any) -> tuple[Any, Report]:
    """Post a report with these rows and refute one of them."""
    report = told(quorum, rows)
    quorum.post(report, sender)
    evidence = report, ALONE, quorum.signatures(report), opened(rows, row, TERMS[term])
    return quorum.oracle.refuteTerm(*evidence, {"from": sender}), report


def test_refute_term_that_is_not_the_models(linear: Quorum, stranger: Any) -> None:
    """All adds up, but the rate weighs less and the base more."""
    lighter = RATE._replace(contribution=44_999)
    rows = (BASE._replace(contribution=150_001), lighter, AGE)

    tx, report = refuted_term(linear, rows, lighter, 2, stranger)

    assert is_refuted(linear, tx, report, TERM)


@pytest.mark.parametrize(("row", "term"), [
    (RATE._replace(name="rate"), 2), (RATE._replace(value=39_999_999), 1), (BASE._replace(contribution=150_001), 0),
    (AGE._replace(contribution=0), 4), (AGE._replace(known=True, value=60_000_001), 3),
])  # fmt: skip
def test_refute_term_of_other_kinds(linear: Quorum, stranger: Any, row: Row, term: int) -> None:
    """Renamed, out of the range the model answers in, another base, another default, a slope."""
    rows = tuple(row if one.index == row.index else one for one in HONEST)

    tx, report = refuted_term(linear, rows, row, term, stranger)

    assert is_refuted(linear, tx, report, TERM)


@pytest.mark.parametrize(("row", "term"), [
    (BASE, 0), (RATE, 2), (AGE, 4), (AGE._replace(known=True, value=80_000_001, contribution=15_000), 3),
    (AGE._replace(known=True, value=80_001_000, contribution=15_000), 3),
    (AGE._replace(known=True, value=80_003_000, contribution=15_002), 3),
    (AGE._replace(known=True, value=49_999_000, contribution=0), 3),
    (AGE._replace(known=True, value=49_997_000, contribution=-2), 3),
    (RATE._replace(value=40_000_000, contribution=-20_000), 2),
])  # fmt: skip
def test_refute_term_that_holds_is_refused(linear: Quorum, stranger: Any, row: Row, term: int) -> None:
    """At the first value of a range, and halves rounded to even on both sides of zero."""
    rows = tuple(row if one.index == row.index else one for one in HONEST)
    digest = bytes(linear.oracle.reportDigest(told(linear, rows)))

    with reverts_with("PredictionHolds", digest):
        refuted_term(linear, rows, row, term, stranger)


@pytest.mark.parametrize(("row", "term"), [(RATE, 1), (RATE, 3), (AGE, 3), (BASE, 2)])
def test_refute_term_that_does_not_apply_is_refused(linear: Quorum, stranger: Any, row: Row, term: int) -> None:
    """A range the value is not in, another feature, one for values that are known."""
    with reverts_with("TermDoesNotApply", row.index):
        refuted_term(linear, HONEST, row, term, stranger)


def test_refute_term_of_no_tree_is_refused(oracle: Any, quorum: Quorum, linear: Quorum, stranger: Any) -> None:
    """A row that is not the report's, a term that is not the model's, a model without terms."""
    report, other = told(linear, HONEST), told(quorum, HONEST)
    row, path, term, term_path = opened(HONEST, RATE, TERMS[2])
    false_row, false_term = row._replace(contribution=1), term._replace(step=1)

    with reverts_with("RowsNotInReport", report.explanationRoot):
        oracle.refuteTerm(report, ALONE, b"", (false_row, path, term, term_path), {"from": stranger})
    with reverts_with("TermNotInModel", OTHER_MODEL):
        oracle.refuteTerm(report, ALONE, b"", (row, path, false_term, term_path), {"from": stranger})
    with reverts_with("TermNotInModel", quorum.model):
        oracle.refuteTerm(other, ALONE, b"", (row, path, term, term_path), {"from": stranger})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_refute_at_end_of_window(oracle: Any, quorum: Quorum, stranger: Any, offset: int) -> None:
    """A day from what the report is as of; then it is final."""
    report = told(quorum, CROOKED)
    quorum.post(report, stranger)
    end = report.asOf + 86_400
    assert oracle.finalAt(report, ALONE) == end
    arguments = refutation(quorum, report, CROOKED)
    next_at(end + offset)

    if offset < 0:
        oracle.refuteSum(*arguments, {"from": stranger})
    else:
        with reverts_with("PredictionFinal", bytes(oracle.reportDigest(report)), end):
            oracle.refuteSum(*arguments, {"from": stranger})


@pytest.mark.parametrize(("age", "late"), [(3_600, False), (3_601, True), (10**6, True)])
def test_refute_counts_from_a_late_post(oracle: Any, quorum: Quorum, stranger: Any, age: int, late: bool) -> None:
    """Nobody is final the moment it is posted by being old."""
    at = now_s() + 20
    report = told(quorum, CROOKED, asOf=at - age)
    next_at(at)
    quorum.post(report, stranger)

    assert oracle.finalAt(report, ALONE) == (at if late else report.asOf) + 86_400
    oracle.refuteSum(*refutation(quorum, report, CROOKED), {"from": stranger})


@pytest.mark.parametrize("settled", [True, False])
def test_refute_in_a_bundle(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any, settled: bool) -> None:
    """The one that is wrong falls; those beside it stand, though their signers are out."""
    bundle = Bundle(quorum, (told(quorum, HONEST), told(quorum, CROOKED, 2)))
    bundle.post(stranger)
    if settled:
        bundle.settle(1, stranger)
    wrong = bundle.reports[1]

    tx = oracle.refuteSum(wrong, bundle.place(1), bundle.sign(0, 1, 2), in_order(CROOKED), {"from": stranger})

    assert is_refuted(quorum, tx, wrong, SUM)
    for refused in (oracle.settle, lambda *arguments: oracle.consumeProven(*arguments[:2], LONG_S, WIDE)):
        with reverts_with("PredictionIsRefuted", twin, model, 2):
            refused(wrong, bundle.path(1), {"from": stranger})
    if settled:
        assert oracle.latest(twin, model)[2] == 3
    else:
        bundle.settle(0, stranger)
        assert oracle.consume(twin, model, LONG_S, WIDE)[0] == 1


def test_refute_an_overtaken_report(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """The newest stands; who signed the old one is out all the same."""
    old, new = told(quorum, CROOKED), told(quorum, HONEST, 2)
    quorum.post(old, stranger)
    quorum.post(new, stranger)
    kept = oracle.latest(twin, model)

    tx = oracle.refuteSum(*refutation(quorum, old, CROOKED), {"from": stranger})

    assert is_refuted(quorum, tx, old, SUM)
    assert oracle.latest(twin, model) == oracle.consume(twin, model, LONG_S, WIDE) == kept


def test_refute_without_the_quorum_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """One liar's own paper takes no report down."""
    report = told(quorum, CROOKED)
    quorum.post(report, stranger)
    _, _, votes, rows = refutation(quorum, report, CROOKED)
    first, second = (quorum.nodes[node].address for node in (0, 1))

    with reverts_with("QuorumNotMet", 2, 3):
        oracle.refuteSum(report, ALONE, votes[:130], rows, {"from": stranger})
    with reverts_with("SignersNotAscending", second, first):
        oracle.refuteSum(report, ALONE, votes[65:130] + votes[:65] + votes[130:], rows, {"from": stranger})
    with reverts_with("UnknownSigner", key_of(8).address):
        oracle.refuteSum(report, ALONE, votes[:130] + quorum.sign(key_of(8), report), rows, {"from": stranger})
    other = report._replace(config=b"\x66" * 32)
    with reverts_with("WrongConfig", other.config, bytes(oracle.configDigest())):
        oracle.refuteSum(other, ALONE, votes, rows, {"from": stranger})
    bundle = Bundle(quorum, (report,))
    with reverts_with("BundleUnknown", bundle.fields()["root"], report.config):
        oracle.refuteSum(report, bundle.place(0), bundle.sign(0, 1, 2), rows, {"from": stranger})
    bundle.post(stranger)
    nobody = recovered(votes[:65], oracle, "Bundle", bundle.fields())
    with reverts_with("UnknownSigner", nobody):
        oracle.refuteSum(report, bundle.place(0), votes, rows, {"from": stranger})
    assert not oracle.isRefuted(oracle.reportDigest(report))


def test_refute_after_rotation_suspends_the_old_nodes(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """Those who left and those who stayed; they never come back."""
    report = told(quorum, CROOKED)
    quorum.post(report, stranger)
    others = sorted((key_of(one) for one in (1, 2, 8, 9)), key=lambda key: int(key.address, 16))
    rotate(quorum, others, stranger)

    oracle.refuteSum(*refutation(quorum, report, CROOKED), {"from": stranger})

    guilty = {node.address for node in quorum.nodes[:3]}
    assert {key.address: bool(oracle.isSigner(key.address)) for key in others} == {
        key.address: key.address not in guilty for key in others
    }


def test_refute_again_is_refused(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """Refuted is refuted."""
    report = told(quorum, CROOKED)
    quorum.post(report, stranger)
    oracle.refuteSum(*refutation(quorum, report, CROOKED), {"from": stranger})

    with reverts_with("PredictionIsRefuted", twin, model, 1):
        oracle.refuteSum(*refutation(quorum, report, CROOKED, (1, 2, 3)), {"from": stranger})
