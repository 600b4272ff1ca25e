"""All that is due in one pass: each round once, and one twin's trouble is its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from oracle.adapters.journal import SqliteOutbox, SqliteSignedRounds
from oracle.adapters.memory import new_signer
from oracle.batches.anchored import batched_twins
from oracle.batches.publish import Edge, publish
from oracle.errors import RevertedError
from oracle.records import Category, Channel, Contribution, Features, Prediction, Purpose, Readings, Status, TwinClass
from oracle.reports.due import NotReported, due, report_all
from oracle.reports.posted import posted_report
from oracle.reports.predict import Node, Posted, predict
from oracle.rights.consent import DAY_S, grant, revoke
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.stages.post import post_many

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

MANY = 3


@dataclass(frozen=True)
class Mean:
    """The mean heart rate."""

    name: str = "mean"
    schema: str = "unit/1"
    unit: str = "/min"
    window: int = 1
    category: int = 1
    channels: Sequence[Channel] = (Channel("heart_rate", "/min", 0, 350), Channel("temperature", "Cel", 15, 46))
    model_digest: bytes = field(default_factory=lambda: hashlib.sha256(os.urandom(9)).digest())

    def features(self, readings: Readings) -> Features:
        """One number."""
        return Features(("heart_rate",), np.array([readings.of("heart_rate")[1].mean()]))

    def predict(self, features: Features) -> Prediction:
        """The number itself."""
        score = int(features.values[0] * 1e6)
        return Prediction(Status.ANSWER, score, score, score, 0, score, (Contribution("heart_rate", score, score),), "")


@dataclass
class Ward:
    """Several twins that let the oracle look, with a batch each, and nodes."""

    stage: Stage
    kind: Mean
    twins: list[int]
    owners: dict[int, Any]
    nodes: list[Node]
    expected: dict[int, int]

    def due(self) -> list[Any]:
        """What is due."""
        chain, store = self.stage.chain, self.nodes[0].store
        return due(chain, store, {self.kind.model_digest: self.kind}, list(batched_twins(chain, store)))

    def report(self, places: Sequence[Any], at_once: int = 4) -> list[Posted | NotReported]:
        """One pass."""
        kinds = {self.kind.model_digest: self.kind}
        return list(report_all(self.nodes, self.stage.hospital, kinds, places, at_once=at_once))

    def on_chain(self) -> dict[int, list[int]]:
        """Scores posted, by twin, in all rounds."""
        found: dict[int, list[int]] = {twin: [] for twin in self.twins}
        for event in self.stage.chain.events("PredictionOracle", "PredictionPosted", model=self.kind.model_digest):
            found[event.args["twinId"]].append(event.args["report"]["score"])
        return found


@pytest.fixture
def ward(stage: Stage, twin: Twin, custodians: Any, recorded: Callable[..., Readings], tmp_path: Path) -> Ward:
    """Twins whose only batch has a heart rate of about 60, 61 and so on."""
    kind, chain = Mean(), stage.chain
    chain.write(stage.hospital, "ModelRegistry", "register", kind.model_digest, bytes([7] * 32), bytes(32), False)
    chain.write(stage.hospital, "ModelRegistry", "approve", kind.model_digest)
    twins, owners, oracle = list[int](), dict[int, Any](), chain.address("PredictionOracle")
    expected: dict[int, int] = {}
    for number in range(MANY):
        owner, device, twin_id = stage.person(), new_signer(), new_twin_id(TwinClass.PATIENT, os.urandom)
        mint(chain, owner, twin_id)
        pair(chain, owner, device, twin_id, stage.now_s() + DAY_S)
        grant(chain, owner, twin_id, oracle, categories=Category.VITALS, purposes=Purpose.CARE, days=1)
        keys = {one.address: one.public_key(twin_id) for one in custodians}
        outbox = SqliteOutbox(tmp_path / f"{number}.sqlite", device.address, "test")
        edge: Edge = replace(twin.edge, device=device, twin_id=twin_id, outbox=outbox, custodians=keys)
        readings = recorded(heart=60.0 + number)
        list(publish(edge, [readings]))
        expected[twin_id] = int(sum(readings.of("heart_rate")[1]) / len(readings.of("heart_rate")[1]) * 1e6)
        twins.append(twin_id)
        owners[twin_id] = owner
    nodes = [
        Node(one, chain, twin.edge.store, custodians, SqliteSignedRounds(tmp_path / f"n{at}.sqlite"), os.urandom)
        for at, one in enumerate(stage.node_signers)
    ]
    return Ward(stage, kind, twins, owners, nodes, expected)


def test_one_pass_reports_on_every_twin_once(ward: Ward) -> None:
    """As reported one by one; a second pass over the same list finds all of it done."""
    places = ward.due()
    alone = predict(ward.nodes, ward.stage.hospital, ward.kind, ward.twins[0])
    first, again = ward.report(places), ward.report(places)

    assert {twin for twin, *_ in places} == set(ward.twins) and ward.due() == []
    assert ward.on_chain() == {twin: [score] for twin, score in ward.expected.items()}
    assert all(isinstance(one, Posted) for one in (*first, *again))
    mined = [one.mined for one in (*first, *again) if isinstance(one, Posted) and one.mined]
    assert len(mined) == MANY - 1 and alone.mined
    assert posted_report(ward.stage.chain, ward.nodes[0].store, *places[0]).round == 1


def test_one_twin_that_says_no_holds_up_no_other(ward: Ward) -> None:
    """Its owner revokes after the list was made: custodians refuse, the others are reported on."""
    places, gone = ward.due(), ward.twins[2]
    revoke(ward.stage.chain, ward.owners[gone], gone, ward.stage.chain.address("PredictionOracle"))
    found = ward.report(places)

    failed = [one for one in found if isinstance(one, NotReported)]
    assert [(one.place[0], one.error.kind) for one in failed] == [(gone, failed[0].error.kind)]
    assert {twin for twin, scores in ward.on_chain().items() if scores} == set(ward.twins) - {gone}
    assert gone not in {twin for twin, *_ in ward.due()}


def test_what_the_contract_refuses_stands_in_its_place(ward: Ward) -> None:
    """A forged signature among good ones costs its own report, no other's."""
    reports = [one for one in (predict_only(ward, twin) for twin in ward.twins[:3])]
    reports[1] = (reports[1][0], [bytes(65)] * 3)
    outcomes = post_many(reports, ward.stage.chain, ward.stage.hospital)

    assert isinstance(outcomes[1], RevertedError)
    assert [len(ward.on_chain()[twin]) for twin in ward.twins[:3]] == [1, 0, 1]
    assert post_many(reports[:1], ward.stage.chain, ward.stage.hospital) == [None]


def predict_only(ward: Ward, twin: int) -> Any:
    """A report that a quorum signed and nobody posted."""
    from oracle.reports.predict import agreed

    made = agreed(ward.nodes, ward.kind, twin, 1, 3)
    return made.report, made.signatures
