"""PredictionOracle: posting. Consuming, and the nodes and their faults, have files of their own.

post
  given three of four nodes signed
    it keeps and logs the report, whoever sends it
  given all four signed
    it accepts
  given two signed
    it refuses
  when a node signs twice or the order is not ascending
    it refuses
  when an unknown key or nobody signed
    it refuses
  when a signed field differs
    it refuses each
  when the domain is another
    it refuses
  when the config is another oracle's
    it refuses
  when the round is not after the last
    it refuses the same, an older one and round 0
  when rounds are left out
    it accepts
  when the answer's numbers do not hold
    it refuses each way, and never clamps
  when the answer's numbers are extreme
    it keeps them exactly
  when there is no answer
    it accepts zeros only
  when the time is after now
    it accepts now and refuses a second later
  given the model is not approved or withdrawn
    it refuses
  given the twin is retired
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message

from tests.contracts.clock import now_s
from tests.contracts.devices import Recorder
from tests.contracts.events import expected, logged
from tests.contracts.reports import CARD, NO_ANSWER, Quorum
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import recovered, typed

ZERO = "0x" + "0" * 40
WIDEST = 2**47 - 1, -(2**47)


@pytest.fixture(autouse=True)
def three_batches(recorder: Recorder, quorum: Quorum, patient: Any) -> None:
    """Data enough for three rounds."""
    for sequence in (1, 2, 3):
        recorder.record(sequence, patient)


def test_post_by_quorum_is_kept(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """One slot kept, all of it logged, under the digest that wallets compute."""
    report = quorum.report(1)
    digest = _hash_eip191_message(typed(oracle, "Report", report._asdict()))

    tx = quorum.post(report, stranger)

    assert logged(tx) == [
        expected("PredictionPosted", twinId=twin, model=model, round=1, reportDigest=digest, report=report)
    ]
    assert oracle.latest(twin, model) == (1, *report[3:8], 1)
    assert bytes(oracle.reportDigest(report)) == digest


def test_post_by_all_is_kept(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """More than enough is enough; and every three of four are."""
    quorum.post(quorum.report(1), stranger, by=(0, 1, 2, 3))
    quorum.post(quorum.report(2), stranger, by=(0, 2, 3))
    quorum.post(quorum.report(3), stranger, by=(1, 2, 3))

    assert oracle.latest(twin, model)[0] == 3


@pytest.mark.parametrize("by", [(), (0,), (1, 3)])
def test_post_by_fewer_is_refused(
    oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any, by: tuple[int, ...]
) -> None:
    """With f + 1 = 2, two different reports of one round could both be valid."""
    with reverts_with("QuorumNotMet", len(by), 3):
        quorum.post(quorum.report(1), stranger, by=by)

    assert oracle.latest(twin, model)[0] == 0


@pytest.mark.parametrize("by", [(0, 0, 1), (0, 1, 1), (1, 0, 2), (0, 2, 1), (2, 2, 2), (0, 1, 2, 2), (0, 1, 2, 0)])
def test_post_by_same_node_twice_is_refused(quorum: Quorum, stranger: Any, by: tuple[int, ...]) -> None:
    """Strictly ascending, so that nobody counts twice."""
    first = next(place for place in range(1, len(by)) if by[place] <= by[place - 1])
    previous, signer = (quorum.nodes[by[place]].address for place in (first - 1, first))

    with reverts_with("SignersNotAscending", previous, signer):
        quorum.post(quorum.report(1), stranger, by=by)


def test_post_by_unknown_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """A key that is no node's, and signatures that are nobody's (the zero address is no node)."""
    report = quorum.report(1)
    good = quorum.signatures(report, (0, 1))
    unknown = Account.from_key(b"\x0f" * 32)

    with reverts_with("UnknownSigner", unknown.address):
        oracle.post(report, good + quorum.sign(unknown, report), {"from": stranger})
    whole = quorum.signatures(report)
    for signatures in (bytes(65) + good, whole + b"\x01", whole + whole[-64:]):
        with reverts_with("UnknownSigner", ZERO):
            oracle.post(report, signatures, {"from": stranger})
    with reverts_with("QuorumNotMet", 2, 3):
        oracle.post(report, whole[:-1], {"from": stranger})


@pytest.mark.parametrize("change", [
    {"asOf": 1}, {"score": 180_001}, {"low": 110_001}, {"high": 290_001}, {"inputsRoot": b"\x01" * 32},
    {"explanationRoot": b"\x01" * 32}, {"round": 2}, {"status": NO_ANSWER, "score": 0, "low": 0, "high": 0},
])  # fmt: skip
def test_post_of_other_fields_is_refused(
    oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any, change: dict[str, Any]
) -> None:
    """What is posted is what was signed."""
    report = quorum.report(1)
    signatures, changed = quorum.signatures(report), report._replace(**change)

    with reverts_with("UnknownSigner", recovered(signatures[:65], oracle, "Report", changed._asdict())):
        oracle.post(changed, signatures, {"from": stranger})

    assert oracle.latest(twin, model)[0] == 0


@pytest.mark.parametrize("domain", [{"chainId": 1}, {"verifyingContract": ZERO}, {"version": "2"}, {"name": "Other"}])
def test_post_of_other_domain_is_refused(oracle: Any, quorum: Quorum, stranger: Any, domain: dict[str, Any]) -> None:
    """Signatures for another chain or contract are unknown keys' here."""
    report = quorum.report(1)
    signatures = quorum.signatures(report, **domain)

    with reverts_with("UnknownSigner", recovered(signatures[:65], oracle, "Report", report._asdict())):
        oracle.post(report, signatures, {"from": stranger})


def test_post_of_other_config_is_refused(oracle: Any, quorum: Quorum, stranger: Any) -> None:
    """The set of nodes a node believes in is part of what it signs."""
    wrong = b"\x66" * 32

    with reverts_with("WrongConfig", wrong, bytes(oracle.configDigest())):
        quorum.post(quorum.report(1, config=wrong), stranger)


def test_post_of_old_round_is_refused(quorum: Quorum, stranger: Any) -> None:
    """Rounds only go forward; round 0 is before the first."""
    with reverts_with("RoundNotAfter", 0, 0):
        quorum.post(quorum.report(0), stranger)
    quorum.post(quorum.report(2), stranger)
    for round_ in (2, 1):
        with reverts_with("RoundNotAfter", round_, 2):
            quorum.post(quorum.report(round_), stranger)


def test_post_may_leave_rounds_out(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """A node that was down goes on with the newest data."""
    quorum.post(quorum.report(3), stranger)

    assert oracle.latest(twin, model)[0] == 3


@pytest.mark.parametrize(("status", "low", "score", "high"), [
    (1, 2, 1, 3), (1, 1, 4, 3), (1, 3, 2, 1), (1, 1, 1, 0), (1, -1, -2, 0), (0, 1, 2, 3), (0, 0, 0, 0), (3, 0, 0, 0),
    (2, 1, 2, 3), (2, 0, 1, 0), (2, -1, 0, 0), (2, 0, 0, 1),
])  # fmt: skip
def test_post_of_broken_answer_is_refused(
    quorum: Quorum, stranger: Any, status: int, low: int, score: int, high: int
) -> None:
    """An answer lies in its interval, a withheld one carries no number, and there is no third status."""
    with reverts_with("InvalidAnswer", status, low, score, high):
        quorum.post(quorum.report(1, status=status, low=low, score=score, high=high), stranger)


@pytest.mark.parametrize("numbers", [(0, 0, 0), (-5, -5, -5), (WIDEST[1], 0, WIDEST[0])])
def test_post_of_extreme_answer_is_kept(
    oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any, numbers: tuple[int, int, int]
) -> None:
    """Signs and the widest numbers survive packing into one slot."""
    low, score, high = numbers

    quorum.post(quorum.report(1, low=low, score=score, high=high), stranger)

    assert oracle.latest(twin, model)[3:] == (score, low, high, 1)


def test_post_of_no_answer_is_kept(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """Saying that there is no answer is a report like any other."""
    report = quorum.report(1, status=NO_ANSWER, score=0, low=0, high=0)

    quorum.post(report, stranger)

    assert oracle.latest(twin, model) == (1, report.asOf, NO_ANSWER, 0, 0, 0, 1)


@pytest.mark.parametrize("offset", [0, 1])
def test_post_of_future_is_refused(quorum: Quorum, stranger: Any, offset: int) -> None:
    """As of the block's own second at the latest."""
    block = now_s() + 1
    report = quorum.report(1, asOf=block + offset)

    if offset == 0:
        quorum.post(report, stranger)
    else:
        with reverts_with("InvalidTime", block + 1, block):
            quorum.post(report, stranger)


def test_post_of_unapproved_model_is_refused(
    quorum: Quorum, models: Any, model: bytes, approver: Any, stranger: Any
) -> None:
    """Unknown, only registered, or withdrawn: none may speak."""
    other = b"\x12" * 32
    with reverts_with("ModelNotApproved", other):
        quorum.post(quorum.report(1, model=other), stranger)
    models.register(other, CARD, bytes(32), False, {"from": approver})
    with reverts_with("ModelNotApproved", other):
        quorum.post(quorum.report(1, model=other), stranger)
    models.withdraw(model, b"\x01" * 32, {"from": approver})
    with reverts_with("ModelNotApproved", model):
        quorum.post(quorum.report(1), stranger)


def test_post_for_retired_twin_is_refused(quorum: Quorum, twins: Any, twin: int, patient: Any, stranger: Any) -> None:
    """A retired twin takes no more predictions."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        quorum.post(quorum.report(1), stranger)
