"""From sealed batches to a posted report: four nodes, one of which may lie, and each signs a round once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from oracle.adapters.journal import SqliteSignedRounds
from oracle.batches.anchored import HIDDEN_AFTER_S, anchored_batches
from oracle.errors import ChainError, CustodyDenied, Denied, NotFound, StorageError, VerificationError
from oracle.formats.merkle import digest_leaf, explanation_leaves, root
from oracle.records import Channel, Contribution, Features, Prediction, Readings, Status
from oracle.reports.posted import latest_report
from oracle.reports.predict import HIDDEN, Node, Posted, observe, predict

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

HEART = Channel("heart_rate", "/min", 0, 350)
TEMPERATURE = Channel("temperature", "Cel", 15, 46)


@dataclass
class Mean:
    """A kind of twin whose answer is the mean heart rate; `wrong` shifts it, `silent` withholds it."""

    name: str = "mean"
    schema: str = "unit/1"
    unit: str = "/min"
    window: int = 2
    category: int = 1
    channels: Sequence[Channel] = (HEART, TEMPERATURE)
    model_digest: bytes = field(default_factory=lambda: hashlib.sha256(os.urandom(9)).digest())
    silent: str = ""
    change: dict[str, Any] = field(default_factory=dict)

    def features(self, readings: Readings) -> Features:
        """One number."""
        return Features(("heart_rate",), np.array([readings.of("heart_rate")[1].mean()]))

    def predict(self, features: Features) -> Prediction:
        """The number itself, explained by itself."""
        if self.silent:
            return replace(Prediction(Status.NO_ANSWER, 0, 0, 0, 0, 0, (), self.silent), **self.change)
        score = int(features.values[0] * 1e6)
        part = Contribution("heart_rate", score, score)
        return replace(Prediction(Status.ANSWER, score, score - 1, score + 1, 0, score, (part,), ""), **self.change)


@pytest.fixture
def kind(stage: Stage) -> Mean:
    """The kind, its model registered and approved."""
    made = Mean()
    stage.chain.write(stage.hospital, "ModelRegistry", "register", made.model_digest, bytes([7] * 32), bytes(32), False)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", made.model_digest)
    return made


@pytest.fixture
def nodes(stage: Stage, twin: Twin, custodians: Any, tmp_path: Path) -> list[Node]:
    """Four nodes, each with its own memory; the twin's owner lets the oracle see vitals for care."""
    twin.allow(stage.chain.address("PredictionOracle"))
    return [
        Node(
            signer, stage.chain, twin.edge.store, custodians, SqliteSignedRounds(tmp_path / f"n{at}.sqlite"), os.urandom
        )
        for at, signer in enumerate(stage.node_signers)
    ]


@pytest.fixture
def batches(twin: Twin, recorded: Callable[..., Readings]) -> Iterator[list[Readings]]:
    """Three batches of rising heart rate."""
    made = []
    for heart in (60.0, 80.0, 100.0):
        made.append(recorded(heart=heart))
        twin.publish(made[-1])
        twin.stage.travel(10)
    yield made


def run(stage: Stage, twin: Twin, kind: Any, nodes: Sequence[Node]) -> Posted:
    """One round."""
    return predict(nodes, stage.hospital, kind, twin.twin_id)


def posted(stage: Stage) -> int:
    """How many reports stand on the chain."""
    return len(stage.chain.events("PredictionOracle", "PredictionPosted"))


def test_predict_posts_the_windows_answer_once(stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any) -> None:
    """The last two batches, no others; run again it returns the same report and sends nothing."""
    first = run(stage, twin, kind, nodes)
    again = run(stage, twin, kind, nodes)
    expected = int(np.mean([part.of("heart_rate")[1] for part in batches[1:]]) * 1e6)
    events = stage.chain.events("DataAnchor", "BatchAnchored", twinId=twin.twin_id)
    digests = [event.args["batch"]["digest"] for event in events]

    assert (first.report.round, first.report.status, first.absent) == (3, Status.ANSWER, {})
    assert abs(first.report.score_e6 - expected) <= 1
    assert first.report.inputs_root == root([digest_leaf(one) for one in digests[1:]])
    assert first.report.as_of_s == events[-1].args["batch"]["end"]
    assert first.seen is not None
    assert first.report.explanation_root == root(explanation_leaves(first.seen.explanation.prediction))
    assert (again.report, again.mined, posted(stage)) == (first.report, None, 1)
    assert latest_report(stage.chain, twin.edge.store, twin.twin_id, kind.model_digest) == first.report


def test_a_kind_of_another_schema_asks_no_custodian(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any, custodians: Any
) -> None:
    """What a model could not read is not opened: no key is asked for, so no receipt is written."""
    before = [len(list(one.receipts())) for one in custodians]
    other = Mean(schema="unit/2", model_digest=kind.model_digest)

    with pytest.raises(VerificationError) as caught:
        run(stage, twin, other, nodes)
    assert caught.value.kind == "wrong_schema"
    assert [len(list(one.receipts())) for one in custodians] == before


def test_predict_with_fewer_batches_than_the_window_uses_what_there_is(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, anchored: Any
) -> None:
    """The first round has one batch."""
    assert run(stage, twin, kind, nodes).report.inputs_root == root([digest_leaf(anchored.batch.digest)])


def test_predict_follows_with_the_next_round(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any, recorded: Any
) -> None:
    """New data is a new round; the old report stays as it is in the events."""
    first = run(stage, twin, kind, nodes)
    twin.publish(recorded(heart=120))
    second = run(stage, twin, kind, nodes)

    assert (second.report.round, posted(stage)) == (4, 2)
    assert second.report.score_e6 > first.report.score_e6


class Lying:
    """A chain as one node pretends to see it."""

    def __init__(self, chain: Any, **says: Any) -> None:
        self._chain, self._says = chain, says

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def read(self, contract: str, function: str, *args: Any, **options: Any) -> Any:
        """What it says instead, or what is true."""
        return (
            self._says[function] if function in self._says else self._chain.read(contract, function, *args, **options)
        )


class BadSigner:
    """A node's key that signs requests well and reports badly."""

    def __init__(self, signer: Any, signature: bytes) -> None:
        self._signer, self._signature, self._count = signer, signature, 0
        self.address = signer.address

    def sign_digest(self, digest: bytes) -> bytes:
        """The first signature (the key request) is good; the second (the report) is not."""
        self._count += 1
        return self._signature if self._count == 2 else bytes(self._signer.sign_digest(digest))


@pytest.mark.parametrize("which", [0, 1, 3])
@pytest.mark.parametrize("lie", ["another report", "a bad signature", "no signature", "silence"])
def test_one_lying_node_of_four_changes_nothing(
    stage: Stage, twin: Twin, kind: Mean, nodes: list[Node], batches: Any, which: int, lie: str
) -> None:
    """Whatever one node does, the report of the other three is posted as it would have been."""
    honest, node = observe(nodes[(which + 1) % 4], kind, twin.twin_id, 3), nodes[which]
    if lie == "another report":
        nodes[which] = replace(node, chain=Lying(stage.chain, configDigest=bytes(32)))
    elif lie == "silence":
        nodes[which] = replace(node, custodians=[])
    else:
        signature = bytes(65) if lie == "no signature" else nodes[which - 1].signer.sign_digest(bytes(32))
        nodes[which] = replace(node, signer=BadSigner(node.signer, signature))
    told = run(stage, twin, kind, nodes)

    assert told.report == honest.observation.report
    assert told.mined is not None and posted(stage) == 1
    if "report" not in lie:
        assert set(told.absent) == {node.signer.address}


def test_two_silent_nodes_stop_the_round(stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any) -> None:
    """Two of four are fewer than the quorum of three: nothing is posted, and the reason is told."""
    silent = [replace(node, custodians=[]) for node in nodes[:2]]

    with pytest.raises(CustodyDenied):
        run(stage, twin, kind, [*silent, *nodes[2:]])
    assert posted(stage) == 0
    assert run(stage, twin, kind, nodes).mined is not None


def test_two_lying_nodes_stop_the_round(stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any) -> None:
    """Without three equal reports nothing is posted; how the nodes are divided is told."""
    liars = [
        replace(node, chain=Lying(stage.chain, configDigest=bytes([at] * 32))) for at, node in enumerate(nodes[:2])
    ]

    with pytest.raises(Denied, match=r"3 different ones with \[2, 1, 1\]") as caught:
        run(stage, twin, kind, [*liars, *nodes[2:]])
    assert caught.value.kind == "no_quorum"


def test_one_node_counted_four_times_is_no_quorum(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any
) -> None:
    """A signer has one voice."""
    with pytest.raises(Denied) as caught:
        run(stage, twin, kind, [nodes[0]] * 4)

    assert caught.value.kind == "no_quorum"


def test_a_key_that_is_no_node_gets_nothing(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any, stranger: Any
) -> None:
    """Custodians give the oracle's data to the oracle's nodes only; a stranger among them is left out."""
    told = run(stage, twin, kind, [replace(nodes[0], signer=stranger), *nodes[1:]])

    assert set(told.absent) == {stranger.address}


def test_a_node_signs_one_report_a_round_also_after_a_restart(
    stage: Stage, twin: Twin, kind: Mean, nodes: list[Node], batches: Any, tmp_path: Path
) -> None:
    """The same report may be signed again; another of the same round never, whatever happened in between."""
    first = observe(nodes[0], kind, twin.twin_id, 3)
    restarted = replace(nodes[0], signed=SqliteSignedRounds(tmp_path / "n0.sqlite"))
    assert observe(restarted, kind, twin.twin_id, 3).observation == first.observation
    other = Mean(model_digest=kind.model_digest, change={"low_e6": 0})

    with pytest.raises(Denied) as caught:
        observe(restarted, other, twin.twin_id, 3)
    assert caught.value.kind == "already_signed"
    assert observe(restarted, kind, twin.twin_id, 2).observation.report.round == 2


def test_a_node_whose_memory_fails_signs_nothing(
    stage: Stage, twin: Twin, kind: Mean, nodes: list[Node], batches: Any
) -> None:
    """Remembering comes before signing."""
    signatures: list[bytes] = []

    class Memory:
        def floor(self) -> int:
            return 0

        def remember(self, *_: Any) -> bytes:
            assert len(signatures) == 1  # the key request
            raise OSError("no space left")

    class Counting:
        address = nodes[0].signer.address

        def sign_digest(self, digest: bytes) -> bytes:
            signatures.append(digest)
            return nodes[0].signer.sign_digest(digest)

    with pytest.raises(OSError, match="no space"):
        observe(replace(nodes[0], signed=Memory(), signer=Counting()), kind, twin.twin_id, 3)  # type: ignore[arg-type]
    assert len(signatures) == 1


def test_no_answer_posts_zeros(stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any) -> None:
    """A model that withholds its answer says so on the chain, with no number and a reason under the root."""
    kind.silent = "too_few_readings"
    told = run(stage, twin, kind, nodes)
    report = told.report

    assert (report.status, report.score_e6, report.low_e6, report.high_e6) == (Status.NO_ANSWER, 0, 0, 0)
    assert told.seen is not None and "too_few_readings" in told.seen.explanation.sentence


@pytest.mark.parametrize("change", [
    {"margin_e6": 5}, {"low_e6": 10**12}, {"high_e6": -1}, {"high_e6": 1 << 47}, {"base_e6": 1},
])  # fmt: skip
def test_a_model_that_breaks_its_contract_is_not_signed(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any, change: dict[str, Any]
) -> None:
    """Parts that do not add up, a score outside its interval, a number no report can hold."""
    kind.change = change
    with pytest.raises(VerificationError) as caught:
        run(stage, twin, kind, nodes)

    assert caught.value.kind == "bad_prediction"
    assert posted(stage) == 0


def test_predict_without_batches_or_consent_is_refused(
    stage: Stage, twin: Twin, kind: Mean, nodes: Any, recorded: Any
) -> None:
    """Nothing to read, or nobody allowed it."""
    with pytest.raises(NotFound):
        run(stage, twin, kind, nodes)
    twin.publish(recorded())
    stage.chain.write(twin.patient, "ConsentRegistry", "revoke", twin.twin_id, stage.chain.address("PredictionOracle"))
    with pytest.raises(CustodyDenied) as caught:
        run(stage, twin, kind, nodes)
    assert "consent_revoked" in caught.value.sentence
    with pytest.raises(NotFound):
        latest_report(stage.chain, twin.edge.store, twin.twin_id, kind.model_digest)


def test_a_node_whose_chain_lags_is_left_out(stage: Stage, twin: Twin, kind: Mean, nodes: Any, batches: Any) -> None:
    """An endpoint that misses the last batch cannot make a node sign an older window under the new round."""

    class Lagging(Lying):
        def events(self, contract: str, name: str, **match: Any) -> Any:
            found = stage.chain.events(contract, name, **match)
            return found[:-1] if name == "BatchAnchored" else found

    class Dead(Lying):
        def events(self, *_: Any, **__: Any) -> Any:
            raise ChainError("nobody answers")

    for made in (Lagging, Dead):
        with pytest.raises((VerificationError, ChainError)):
            observe(replace(nodes[0], chain=made(stage.chain)), kind, twin.twin_id, 3)
    told = run(stage, twin, kind, [replace(nodes[0], chain=Lagging(stage.chain)), *nodes[1:]])
    assert set(told.absent) == {nodes[0].signer.address}


def test_a_block_that_never_arrives_is_no_answer_with_its_reason(
    stage: Stage, twin: Twin, kind: Any, nodes: list[Node], batches: list[Readings]
) -> None:
    """For five minutes nodes wait and post nothing; then all say the same of it, and name the inputs."""
    digest = stage.chain.events("DataAnchor", "BatchAnchored", twinId=twin.twin_id)[-1].args["batch"]["digest"]
    twin.edge.store.remove(digest)
    with pytest.raises(StorageError):
        run(stage, twin, kind, nodes)
    assert posted(stage) == 0

    stage.travel(HIDDEN_AFTER_S)
    told = run(stage, twin, kind, nodes)
    assert told.report.status == Status.NO_ANSWER and told.absent == {}
    assert told.seen and told.seen.explanation.prediction.reason == HIDDEN
    assert told.report.inputs_root == root([digest_leaf(one.batch.digest) for one in anchored(stage, twin)[-2:]])


def anchored(stage: Stage, twin: Twin) -> list[Any]:
    """The twin's batches."""
    return anchored_batches(stage.chain, twin.twin_id)
