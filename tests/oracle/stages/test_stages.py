"""The steps of a report, each alone: verify, model, explain, sign, post."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oracle.adapters.journal import SqliteSignedRounds
from oracle.adapters.memory import new_signer
from oracle.errors import Denied, RevertedError, VerificationError
from oracle.formats.merkle import explanation_leaves, root
from oracle.records import (
    AnchoredBatch,
    Batch,
    Channel,
    Contribution,
    Features,
    Observation,
    Prediction,
    Readings,
    Report,
    Status,
)  # fmt: skip
from oracle.stages.explain import explain, quantity
from oracle.stages.model import predict
from oracle.stages.post import agree, post
from oracle.stages.sign import sign
from oracle.stages.verify import verify, window

HEART = Channel("heart_rate", "/min", 0, 350)
REPORT = Report(257, bytes([1] * 32), 3, 10, 1, 5, 4, 6, bytes(32), bytes(32), bytes(32))
PARTS = (
    Contribution("heart_rate", 72, 5), Contribution("age", None, -9), Contribution("lactate", 1, 0),
    Contribution("ph_low", 7, 2), Contribution("urine", 3, 1),
)  # fmt: skip
GOOD = Prediction(Status.ANSWER, 10, 9, 11, 3, 2, PARTS, "")
SILENT = Prediction(Status.NO_ANSWER, 0, 0, 0, 0, 0, (), "too_few_readings")


def anchored(index: int) -> AnchoredBatch:
    """A batch of which only the index matters."""
    return AnchoredBatch(Batch(1, index, bytes(32), bytes(32), bytes(32), 1, 0, 0), "0x", index, 1, 1)


def readings(*times: int, schema: str = "unit/1", value: int = 70_000_000) -> Readings:
    """Heart rate at some times."""
    count = len(times)
    return Readings(schema, ("heart_rate",), np.array(times), np.zeros(count, np.uint8), np.full(count, value))


# -- verify ------------------------------------------------------------------------------


@pytest.mark.parametrize(("round_", "size", "expected"), [
    (1, 1, [1]), (3, 1, [3]), (3, 2, [2, 3]), (3, 3, [1, 2, 3]), (2, 9, [1, 2]), (9, 4, [6, 7, 8, 9]),
])  # fmt: skip
def test_window_picks_the_rounds_batches(round_: int, size: int, expected: list[int]) -> None:
    """Indices (round - size, round], ascending, however they were told, and none after the round."""
    told = [anchored(index) for index in (4, 3, 9, 1, 2, 8, 5, 7, 6, 10)]

    assert [one.index for one in window(told, round_, size)] == expected


def test_window_refuses_a_gap() -> None:
    """A missing batch is said, never skipped."""
    with pytest.raises(VerificationError, match="batch 2") as caught:
        window([anchored(1), anchored(3)], 3, 3)

    assert caught.value.kind == "missing_batch"


@pytest.mark.parametrize(("parts", "kind"), [
    ([readings(1, 2), readings(2, 3)], ""), ([readings(2, 3), readings(1, 2)], ""),
    ([readings(2, 1)], "clock_backwards"), ([readings(0), readings(9, 3)], "clock_backwards"), ([], "empty"), ([readings(1, schema="unit/2")], "wrong_schema"),
    ([readings(1), readings(2, schema="unit/2")], "mixed_schema"), ([readings(1, value=-1)], "implausible"),
    ([replace(readings(1), channels=("mood",))], "unknown_channel"),
])  # fmt: skip
def test_verify_joins_in_order_and_refuses_disorder(parts: list[Readings], kind: str) -> None:
    """Batches of several devices are merged by time; disorder within one is refused, as all ingest would refuse."""
    if not kind:
        assert verify(parts, (HEART,), "unit/1").time_ms.tolist() == [1, 2, 2, 3]
        return
    with pytest.raises(VerificationError) as caught:
        verify(parts, (HEART,), "unit/1")

    assert caught.value.kind == kind


# -- model -------------------------------------------------------------------------------


def told(prediction: Prediction) -> Prediction:
    """The prediction after the step's checks."""
    kind = SimpleNamespace(predict=lambda _: prediction)
    return predict(kind, Features((), np.empty(0)))


def test_model_passes_what_adds_up() -> None:
    """An answer whose parts sum to the margin, and an explicit NoAnswer."""
    assert told(GOOD) is GOOD
    assert told(SILENT) is SILENT


@pytest.mark.parametrize("bad", [
    replace(GOOD, margin_e6=3), replace(GOOD, base_e6=4), replace(GOOD, contributions=PARTS[:1]), replace(GOOD, low_e6=11),
    replace(GOOD, high_e6=9), replace(GOOD, score_e6=12), replace(GOOD, high_e6=1 << 47), replace(GOOD, low_e6=-(1 << 48)),
    replace(GOOD, contributions=(Contribution("a", 1, 1 << 63), Contribution("b", 1, -1 - (1 << 63)))),
    replace(SILENT, reason=""), replace(SILENT, score_e6=1), replace(SILENT, low_e6=-1), replace(SILENT, margin_e6=1),
])  # fmt: skip
def test_model_that_breaks_its_contract_is_refused(bad: Prediction) -> None:
    """Sums, intervals, ranges, and a withheld answer that carries a number or no reason."""
    with pytest.raises(VerificationError) as caught:
        told(bad)

    assert caught.value.kind == "bad_prediction"


# -- explain -----------------------------------------------------------------------------


def test_explain_names_the_strongest_and_roots_all() -> None:
    """Three strongest by size, direction in words, zero never named; the root is over every part."""
    explanation = explain(GOOD, unit="1")

    assert explanation.root == root(explanation_leaves(GOOD))
    assert explanation.sentence == "age lowers it; heart rate raises it; ph low raises it."
    assert explain(replace(GOOD, contributions=PARTS[2:3]), unit="1").sentence == "nothing stands out."
    assert explain(SILENT, unit="1").sentence == "No answer: too_few_readings."


def test_explain_of_another_contribution_has_another_root() -> None:
    """Nobody can show other reasons for the same report."""
    roots = {explain(GOOD, unit="1").root}
    for at, part in enumerate(PARTS):
        for change in ({"contribution_e6": 77}, {"value_e6": 77}, {"feature": "x"}):
            parts = (*PARTS[:at], replace(part, **change), *PARTS[at + 1 :])  # type: ignore[arg-type]
            roots.add(explain(replace(GOOD, contributions=parts), unit="1").root)
    roots.add(explain(replace(GOOD, contributions=PARTS[::-1]), unit="1").root)

    assert len(roots) == 1 + 3 * len(PARTS) + 1
    unknown, zero = (
        explain(replace(GOOD, contributions=(Contribution("a", value, 1),)), unit="1") for value in (None, 0)
    )
    assert unknown.root != zero.root


@pytest.mark.parametrize(("value", "unit", "expected"), [(123_456, "1", "12.3 %"), (72_000_000, "/min", "72 /min")])
def test_quantity_is_what_people_say(value: int, unit: str, expected: str) -> None:
    """Shares in percent, the rest with its unit."""
    assert quantity(value, unit) == expected


# -- sign and post -----------------------------------------------------------------------


def test_sign_at_most_once_a_round_also_after_reopening(tmp_path: Path) -> None:
    """Another report of the same (twin, model, round) is denied; other rounds, twins and models are not."""
    signer, path = new_signer(), tmp_path / "signed.sqlite"
    first = sign(REPORT, bytes([1] * 32), signer, SqliteSignedRounds(path))
    assert sign(REPORT, bytes([1] * 32), signer, SqliteSignedRounds(path)) == first

    with pytest.raises(Denied) as caught:
        sign(REPORT, bytes([2] * 32), signer, SqliteSignedRounds(path))
    assert caught.value.kind == "already_signed"
    for change in ({"round": 4}, {"twin_id": 513}, {"model": bytes(32)}):
        sign(replace(REPORT, **change), bytes([2] * 32), signer, SqliteSignedRounds(path))  # type: ignore[arg-type]


def observed(signer: int, report: Report = REPORT) -> Observation:
    """A node's observation; the signature names it."""
    return Observation(report, f"0x{signer:040x}", bytes([signer]))


OTHER = replace(REPORT, score_e6=6)


def test_agree_takes_the_quorums_report_by_ascending_signer() -> None:
    """Exactly as many signatures as needed, ascending as numbers, whatever the order told or a liar's report."""
    told = [observed(9), observed(1, OTHER), observed(255), observed(16)]

    assert agree(told, 3) == (REPORT, [bytes([9]), bytes([16]), bytes([255])])
    assert agree(told[::-1], 3) == agree(told, 3)
    assert agree(told, 2)[1] == [bytes([9]), bytes([16])]


@pytest.mark.parametrize("told", [
    [], [observed(1)], [observed(1), observed(2)], [observed(1)] * 4,
    [observed(1), observed(2), observed(3, OTHER), observed(4, OTHER)],
])  # fmt: skip
def test_agree_without_a_quorum_is_denied(told: list[Observation]) -> None:
    """Too few, one counted often, or divided."""
    with pytest.raises(Denied) as caught:
        agree(told, 3)

    assert caught.value.kind == "no_quorum"


class Board:
    """A chain of which only the oracle's latest round matters."""

    def __init__(self, round_: int, error: Exception | None = None) -> None:
        self.round, self.error, self.sent = round_, error, 0

    def read(self, *_: Any) -> Any:
        """The latest round."""
        return SimpleNamespace(round=self.round)

    def write(self, *_: Any) -> str:
        """Counts what is sent."""
        self.sent += 1
        if self.error:
            raise self.error
        return "mined"


def test_post_sends_once_and_yields_to_who_was_faster() -> None:
    """A round that stands is not sent; one overtaken in between is no error; another refusal is."""
    signer: Any = new_signer()
    fresh, there = Board(2), Board(3)
    assert post(REPORT, [], fresh, signer) == "mined"  # type: ignore[arg-type, comparison-overlap]
    assert post(REPORT, [], there, signer) is None  # type: ignore[arg-type]
    assert (fresh.sent, there.sent) == (1, 0)
    overtaken = Board(2, RevertedError("PredictionOracle", "post", "RoundNotAfter", {}))
    assert post(REPORT, [], overtaken, signer) is None  # type: ignore[arg-type]

    with pytest.raises(RevertedError, match="ModelNotApproved"):
        post(REPORT, [], Board(2, RevertedError("PredictionOracle", "post", "ModelNotApproved", {})), signer)  # type: ignore[arg-type]
