"""Challenges: what a report says of itself is computed again, and a quorum that lied is shown to the contract.

given a report whose nodes were honest
  it holds, with the terms of its model or without them
given a report that three of four nodes doctored
  it is refuted by its own rows, whoever of them was changed, alone or in a bundle, and all who signed are suspended
  a day later it stays, and so it does when it is refuted already
given a doctored report whose rows nobody can open, or whose model has no terms, or foreign ones
  that is said instead
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from oracle.adapters.journal import SqliteExplanations, SqliteSignedRounds
from oracle.errors import Denied, RevertedError, VerificationError
from oracle.formats.bundles import bundle_digest, bundled
from oracle.formats.envelope import parse_header
from oracle.formats.merkle import digest_leaf, explanation_leaves, proof, root
from oracle.formats.typed_data import Domain, digest, report_digest
from oracle.records import Channel, Features, Prediction, Readings, Report
from oracle.reports import challenge, terms
from oracle.reports.challenge import What
from oracle.reports.disclose import disclose
from oracle.reports.posted import Posting, postings
from oracle.reports.predict import Node, predict
from oracle.stages.explain import explain
from oracle.stages.post import post, post_bundle, report_fields
from oracle.twins.additive import Additive, Interval, Term

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

WINDOW_S = 86_400
MODEL = Additive(
    link="identity", base_e6=1_000_000,
    terms=(
        Term("heart_rate", (60_000_000,), (0, 500_000), 20_000, 70_000_000, None, 40_000_000, 200_000_000),
        Term("temperature", (), (0,), 100_000, 37_000_000, -250_000, 30_000_000, 42_000_000),
    ),
    interval=Interval("margin", (), (5,), (5,), around=True), least_present=1, tolerance_percent=100, widest_e6=10**9,
)  # fmt: skip


@dataclass(frozen=True)
class Rated:
    """A kind whose model is a sum of two terms."""

    model_digest: bytes
    name: str = "rated"
    schema: str = "unit/1"
    unit: str = "/min"
    window: int = 2
    category: int = 1
    channels: Sequence[Channel] = (Channel("heart_rate", "/min", 0, 350), Channel("temperature", "Cel", 15, 46))

    def features(self, readings: Readings) -> Features:
        """The means."""
        return Features(MODEL.names, np.array([readings.of(name)[1].mean() for name in MODEL.names]))

    def predict(self, features: Features) -> Prediction:
        """As the model says."""
        return MODEL.predict(features)


@dataclass
class Court:
    """A twin with data, nodes that may lie about it, and its owner, who looks."""

    stage: Stage
    twin: Twin
    custodians: Any
    kind: Rated
    kept: SqliteExplanations

    def honest(self) -> Prediction:
        """What the data say."""
        posted = predict(self.nodes(), self.stage.hospital, self.kind, self.twin.twin_id)
        assert posted.seen is not None
        return posted.seen.explanation.prediction

    def nodes(self) -> list[Node]:
        return [
            Node(
                one, self.stage.chain, self.twin.edge.store, self.custodians, SqliteSignedRounds(":memory:"), os.urandom
            )
            for one in self.stage.node_signers
        ]

    def report(self, told: Prediction, *, round_: int = 9) -> Report:
        """A report of what is told, whether it is so or not."""
        return Report(
            self.twin.twin_id, self.kind.model_digest, round_, self.stage.now_s(), int(told.status), told.score_e6,
            told.low_e6, told.high_e6, bytes([1] * 32), root(explanation_leaves(told)),
            self.stage.chain.read("PredictionOracle", "configDigest"),
        )  # fmt: skip

    def signed(self, digest_: bytes, by: Sequence[int] = (0, 1, 2)) -> list[bytes]:
        return [self.stage.node_signers[at].sign_digest(digest_) for at in by]

    def domain(self) -> Domain:
        return Domain(self.stage.chain.chain_id, self.stage.chain.address("PredictionOracle"))

    def lie(self, told: Prediction, *, shown: bool = True, round_: int = 9) -> Posting:
        """Three nodes post it; and disclose its rows, as nodes do."""
        report = self.report(told, round_=round_)
        post(report, self.signed(report_digest(self.domain(), report)), self.stage.chain, self.stage.hospital)
        if shown:
            self.show(told)
        return self.posting()

    def show(self, told: Prediction) -> None:
        store, chain = self.twin.edge.store, self.stage.chain
        newest = chain.events("DataAnchor", "BatchAnchored", twinId=self.twin.twin_id)[-1]
        beside = parse_header(store.get(newest.args["batch"]["digest"])).context
        assert disclose(explain(told, unit="/min"), beside, self.custodians, store, self.kept, os.urandom)

    def posting(self) -> Posting:
        """The newest."""
        return postings(self.stage.chain, self.twin.edge.store, self.twin.twin_id, model=self.kind.model_digest)[-1]

    def rows(self, posting: Posting) -> Any:
        """As the twin's owner opens them."""
        return challenge.rows_of(
            self.stage.chain, self.twin.edge.store, self.custodians, self.twin.patient, self.kind, posting.report,
            self.kept, purpose=1, random_bytes=os.urandom,
        )  # fmt: skip

    def fault(self, posting: Posting) -> challenge.Fault | None:
        return challenge.fault_in(self.stage.chain, posting.report, self.rows(posting), MODEL)

    def suspended(self) -> list[bool]:
        return [
            not self.stage.chain.read("PredictionOracle", "isSigner", one.address) for one in self.stage.node_signers
        ]


def approved(stage: Stage, *, told: Additive | None = MODEL) -> Rated:
    """A registered kind, with these terms."""
    made = Rated(hashlib.sha256(os.urandom(9)).digest())
    stage.chain.write(stage.hospital, "ModelRegistry", "register", made.model_digest, bytes([7] * 32), bytes(32), False)
    if told is not None:
        terms.register(stage.chain, stage.hospital, made.model_digest, told)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", made.model_digest)
    return made


@pytest.fixture
def court(stage: Stage, twin: Twin, custodians: Any, anchored: Any) -> Court:
    """The oracle may see vitals."""
    twin.allow(stage.chain.address("PredictionOracle"))
    return Court(stage, twin, custodians, approved(stage), SqliteExplanations(":memory:"))


def doctored(honest: Prediction, how: str) -> Prediction:
    """A lie that one of the contract's checks sees, and none before it."""
    rate, temperature = honest.contributions
    lower = replace(rate, contribution_e6=rate.contribution_e6 - 1)
    return {
        "sum": replace(honest, contributions=(lower, temperature)),
        "score": replace(honest, score_e6=honest.score_e6 + 1, high_e6=honest.high_e6 + 1),
        "term": replace(honest, contributions=(lower, replace(temperature, contribution_e6=temperature.contribution_e6 + 1))),
        "base": replace(honest, base_e6=honest.base_e6 + 1, contributions=(lower, temperature)),
    }[how]  # fmt: skip


FAULTS = [
    ("sum", What.SUM, ""), ("score", What.SCORE, ""), ("term", What.TERM, "heart_rate"), ("base", What.TERM, "base"),
]  # fmt: skip


def test_an_honest_report_holds(court: Court, stage: Stage) -> None:
    """Computed again from the data, as nothing was disclosed; also where no terms are registered; a look leaves receipts."""
    for kind, judged in ((court.kind, True), (approved(stage, told=None), False)):
        court.kind = kind
        court.honest()
        posting, before = court.posting(), len(list(court.custodians[0].receipts()))

        assert court.fault(posting) is None
        assert challenge.has_terms(stage.chain, posting.report) == judged
        assert len(list(court.custodians[0].receipts())) > before
    assert court.suspended() == [False] * 4


@pytest.mark.parametrize(("how", "what", "feature"), FAULTS)
def test_a_doctored_report_is_refuted(court: Court, stage: Stage, how: str, what: What, feature: str) -> None:
    """The newest report says so, those who signed are out, the fourth stays; it cannot be done again."""
    honest = court.honest()
    posting = court.lie(doctored(honest, how))
    fault = court.fault(posting)
    assert fault is not None
    assert (fault.what, fault.feature) == (what, feature)

    mined = challenge.refute(stage.chain, court.twin.patient, posting, fault)

    told = [event for event in mined.events if event.name == "PredictionRefuted"]
    assert [(one.args["reportDigest"], one.args["fault"]) for one in told] == [(posting.digest, what)]
    assert court.suspended() == [True, True, True, False]
    assert court.posting() == replace(posting, refuted=True)
    assert [one.refuted for one in postings(stage.chain, court.twin.edge.store, court.twin.twin_id)] == [False, True]
    with pytest.raises(Denied) as caught:
        challenge.refute(stage.chain, court.twin.patient, court.posting(), fault)
    assert caught.value.kind == "already_refuted"


def test_a_report_in_a_bundle_is_refuted(court: Court, stage: Stage) -> None:
    """The signatures are the bundle's; the other report of the bundle stays."""
    honest, chain = court.honest(), stage.chain
    court.show(honest)  # the rows are true of both; the score of one is not
    reports = [court.report(doctored(honest, "score"), round_=8), court.report(honest, round_=9)]
    leaves = [digest_leaf(report_digest(court.domain(), one)) for one in reports]
    bundle = {"root": root(leaves), "manifest": bytes([2] * 32), "config": reports[0].config}
    signatures = b"".join(court.signed(digest(court.domain(), "Bundle", bundle)))
    chain.write(stage.hospital, "PredictionOracle", "postBundle", tuple(bundle.values()), signatures)
    for report, leaf in zip(reports, leaves, strict=True):
        chain.write(stage.hospital, "PredictionOracle", "settle", report_fields(report), proof(leaves, leaf))
    _, wrong, right = postings(chain, court.twin.edge.store, court.twin.twin_id)
    assert (wrong.place, wrong.signatures) == ((bundle["manifest"], tuple(proof(leaves, leaves[0]))), signatures)

    fault = court.fault(wrong)
    assert fault is not None and court.fault(right) is None
    challenge.refute(chain, court.twin.patient, wrong, fault)

    assert [one.refuted for one in postings(chain, court.twin.edge.store, court.twin.twin_id)] == [False, True, False]
    assert court.suspended() == [True, True, True, False]


def test_a_report_in_a_bundle_is_refuted_where_it_is(court: Court, stage: Stage) -> None:
    """Nobody settled it: it is found by the bundle's list, shown as refuted, and no reader is given it by its proof."""
    honest, chain, store = court.honest(), stage.chain, court.twin.edge.store
    court.show(honest)
    reports = [court.report(doctored(honest, "score"), round_=8), court.report(honest, round_=9)]
    bundle, block = bundled(court.domain(), reports)
    store.put(block)
    post_bundle(bundle, court.signed(bundle_digest(court.domain(), bundle)), chain, stage.hospital)
    _, wrong, right = postings(chain, store, court.twin.twin_id)

    fault = court.fault(wrong)
    assert fault is not None and court.fault(right) is None
    challenge.refute(chain, court.twin.patient, wrong, fault)

    assert [one.refuted for one in postings(chain, store, court.twin.twin_id)] == [False, True, False]
    assert chain.read("PredictionOracle", "consumeProven", report_fields(right.report), right.place[1], 3_600, 2**40)
    with pytest.raises(RevertedError):
        chain.read("PredictionOracle", "consumeProven", report_fields(wrong.report), wrong.place[1], 3_600, 2**40)


def test_after_its_window_a_report_stays(court: Court, stage: Stage) -> None:
    """A second before the end it could be refuted; at the end it is told that it is too late, and nobody is suspended."""
    posting = court.lie(doctored(court.honest(), "sum"))
    assert posting.final_s == posting.report.as_of_s + WINDOW_S
    fault = court.fault(posting)
    assert fault is not None
    stage.travel(posting.final_s - 1 - stage.now_s())
    assert challenge.arguments(stage.chain, posting, fault)
    stage.travel(1)

    with pytest.raises(Denied) as caught:
        challenge.refute(stage.chain, court.twin.patient, posting, fault)
    assert caught.value.kind == "report_final"
    assert court.suspended() == [False] * 4


def test_rows_that_nobody_can_open_are_no_evidence(court: Court, recorded: Callable[..., Readings]) -> None:
    """The data say something else, but what was signed is not kept."""
    honest = court.honest()
    court.stage.travel(10)
    court.twin.publish(recorded())
    posting = court.lie(doctored(honest, "term"), shown=False, round_=2)

    with pytest.raises(VerificationError) as caught:
        court.rows(posting)
    assert caught.value.kind == "unopened_explanation"


def test_without_terms_contributions_are_not_judged(court: Court, stage: Stage) -> None:
    """Sum and score are all the same; and terms that are not the model's are told, not used."""
    court.kind = approved(stage, told=None)
    posting = court.lie(doctored(court.honest(), "term"))
    assert court.fault(posting) is None and not challenge.has_terms(stage.chain, posting.report)

    court.kind = approved(stage, told=replace(MODEL, base_e6=MODEL.base_e6 + 1))
    posting = court.lie(court.honest())
    with pytest.raises(VerificationError) as caught:
        court.fault(posting)
    assert caught.value.kind == "foreign_terms"
