"""The reasons behind a report, computed again from data that one was allowed to see."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from oracle.adapters.journal import SqliteSignedRounds
from oracle.errors import CustodyDenied, VerificationError
from oracle.records import Purpose
from oracle.reports.predict import Node, predict
from oracle.reports.why import why

from .test_predict import Mean


@pytest.fixture
def reported(stage: Any, twin: Any, custodians: Any, recorded: Any, tmp_path: Path) -> Mean:
    """A kind of twin with one report on the chain."""
    kind = Mean()
    stage.chain.write(stage.hospital, "ModelRegistry", "register", kind.model_digest, bytes([7] * 32), bytes(32), True)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", kind.model_digest)
    twin.allow(stage.chain.address("PredictionOracle"))
    twin.publish(recorded(heart=70.0))
    nodes = [
        Node(
            signer, stage.chain, twin.edge.store, custodians, SqliteSignedRounds(tmp_path / f"w{at}.sqlite"), os.urandom
        )
        for at, signer in enumerate(stage.node_signers)
    ]
    predict(nodes, stage.hospital, kind, twin.twin_id)
    return kind


def asked(stage: Any, twin: Any, custodians: Any, reader: Any, kind: Mean) -> Any:
    """What somebody is told."""
    return why(
        stage.chain, twin.edge.store, custodians, reader, kind, twin_id=twin.twin_id, purpose=int(Purpose.CARE),
        random_bytes=os.urandom,
    )  # fmt: skip


def test_why_is_for_those_allowed_and_holds_against_the_root(
    stage: Any, twin: Any, custodians: Any, reported: Mean, stranger: Any
) -> None:
    """A stranger opens nothing; allowed, they get the very explanation; a model that says otherwise is refused."""
    with pytest.raises(CustodyDenied):
        asked(stage, twin, custodians, stranger, reported)
    twin.allow(stranger.address)
    report, features, explanation = asked(stage, twin, custodians, stranger, reported)

    assert explanation.root == report.explanation_root and features.names == ("heart_rate",)
    assert sum(part.contribution_e6 for part in explanation.prediction.contributions) == report.score_e6
    other = Mean(model_digest=reported.model_digest, change={"contributions": (), "margin_e6": 0, "base_e6": 0})
    with pytest.raises(VerificationError) as caught:
        asked(stage, twin, custodians, stranger, other)
    assert caught.value.kind == "bad_explanation" and "not those of round 1" in caught.value.sentence
