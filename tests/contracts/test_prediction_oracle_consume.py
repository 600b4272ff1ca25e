"""PredictionOracle: what contracts may act on.

consume
  given a report within the limits
    it gives it
  given none
    it refuses
  at the greatest age
    it accepts up to it and refuses a second more
  at the greatest width
    it accepts up to it and refuses a millionth more
  given no answer
    it refuses
  given the model was withdrawn
    it refuses
  given the twin is retired
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import now_s, view_at
from tests.contracts.devices import Recorder
from tests.contracts.reports import NO_ANSWER, Quorum
from tests.contracts.reverts import reverts_with

DAY_S = 86_400
WIDEST = 2**47 - 1, -(2**47)


@pytest.fixture(autouse=True)
def three_batches(recorder: Recorder, quorum: Quorum, patient: Any) -> None:
    """Data enough for three rounds."""
    for sequence in (1, 2, 3):
        recorder.record(sequence, patient)


def test_consume_within_limits_gives_the_report(
    oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any
) -> None:
    """The last report, as posted, and the number of the configuration that signed it."""
    quorum.post(quorum.report(1), stranger)
    last = quorum.report(2, score=5, low=5, high=5)
    quorum.post(last, stranger)

    assert oracle.consume(twin, model, 3_600, 0) == (2, *last[3:8], oracle.configNumber())


def test_consume_without_report_is_refused(oracle: Any, twin: int, model: bytes) -> None:
    """Nothing is not a prediction of nothing."""
    with reverts_with("PredictionMissing", twin, model):
        oracle.consume(twin, model, DAY_S, 2**48 - 1)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_consume_at_greatest_age(
    oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any, offset: int
) -> None:
    """Not older than the consumer said; the age is the data's, not the post's."""
    report = quorum.report(1, asOf=now_s() - 1_000)
    quorum.post(report, stranger)
    view_at(report.asOf + 3_600 + offset)

    if offset <= 0:
        assert oracle.consume(twin, model, 3_600, 2**48 - 1)[0] == 1
    else:
        with reverts_with("PredictionStale", report.asOf, report.asOf + 1):
            oracle.consume(twin, model, 3_600, 2**48 - 1)


@pytest.mark.parametrize("numbers", [(110_000, 180_000, 290_000), (-7, 0, 7), (WIDEST[1], 0, WIDEST[0])])
def test_consume_at_greatest_width(
    oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any, numbers: tuple[int, int, int]
) -> None:
    """Not wider than the consumer said, over the whole range of numbers."""
    low, score, high = numbers
    quorum.post(quorum.report(1, low=low, score=score, high=high), stranger)

    assert oracle.consume(twin, model, DAY_S, high - low)[0] == 1
    with reverts_with("PredictionTooWide", low, high, high - low - 1):
        oracle.consume(twin, model, DAY_S, high - low - 1)


def test_consume_of_no_answer_is_refused(oracle: Any, quorum: Quorum, twin: int, model: bytes, stranger: Any) -> None:
    """The last word counts, even if the one before was an answer."""
    quorum.post(quorum.report(1), stranger)
    quorum.post(quorum.report(2, status=NO_ANSWER, score=0, low=0, high=0), stranger)

    with reverts_with("PredictionWithheld", twin, model):
        oracle.consume(twin, model, DAY_S, 2**48 - 1)


def test_consume_of_withdrawn_model_is_refused(
    oracle: Any, quorum: Quorum, models: Any, twin: int, model: bytes, approver: Any, stranger: Any
) -> None:
    """A model found wrong stops being acted on at once; the record stays readable."""
    quorum.post(quorum.report(1), stranger)
    models.withdraw(model, b"\x01" * 32, {"from": approver})

    with reverts_with("ModelNotApproved", model):
        oracle.consume(twin, model, DAY_S, 2**48 - 1)

    assert oracle.latest(twin, model)[0] == 1


def test_consume_for_retired_twin_is_refused(
    oracle: Any, quorum: Quorum, twins: Any, twin: int, model: bytes, patient: Any, stranger: Any
) -> None:
    """Nobody acts on a twin that is closed."""
    quorum.post(quorum.report(1), stranger)
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        oracle.consume(twin, model, DAY_S, 2**48 - 1)
