"""ModelRegistry: models and the consents they were trained under.

mark
  given a revoked consent of the lineage
    it marks the model, and stops one that said so
    it marks the model, and lets one that said so go on
  given the consent stands, ran out or is of another
    it refuses
  when the consent is not in the lineage
    it refuses, also a proof of an inner node
  given the model is marked, unknown or without lineage
    it refuses
PredictionOracle
  given a model that a mark stopped
    it takes no report of it and gives none out
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak

from tests.contracts.clock import now_s, view_at
from tests.contracts.consents import CARE, VITALS, Scope
from tests.contracts.events import expected, logged
from tests.contracts.reports import CARD, MODEL, Quorum
from tests.contracts.reverts import reverts_with

OTHER = b"\x99" * 32


def leaf(twin: int, grantee: Any, serial: int) -> bytes:
    """As OpenZeppelin's StandardMerkleTree defines it."""
    return keccak(keccak(encode(["uint256", "address", "uint32"], [twin, str(grantee), serial])))


def node(one: bytes, other: bytes) -> bytes:
    """The same for two children."""
    return keccak(min(one, other) + max(one, other))


@pytest.fixture
def trained(models: Any, consents: Any, twin: int, approver: Any, patient: Any, researcher: Any) -> list[bytes]:
    """A consent, a model trained under it that stops when marked, and the proof."""
    consents.grant(twin, researcher, Scope(VITALS, CARE, now_s(), now_s() + 1_000), {"from": patient})
    models.register(MODEL, CARD, node(leaf(twin, researcher, 1), OTHER), True, {"from": approver})
    models.approve(MODEL, {"from": approver})
    return [OTHER]


def test_mark_stops_a_model(
    models: Any, consents: Any, trained: list[bytes], twin: int, patient: Any, researcher: Any, stranger: Any
) -> None:
    """Anybody shows it; one reading more and one word less."""
    consents.revoke(twin, researcher, {"from": patient})

    tx = models.mark(MODEL, twin, researcher, 1, trained, {"from": stranger})

    assert logged(tx) == [expected("ModelMarked", model=MODEL, twinId=twin, grantee=researcher, serial=1)]
    assert models.modelOf(MODEL)[4]
    assert not models.isApproved(MODEL)


def test_mark_lets_a_model_go_on(
    models: Any, consents: Any, trained: list[bytes], twin: int, patient: Any, researcher: Any, approver: Any
) -> None:
    """What was fixed at registration decides."""
    root = models.modelOf(MODEL)[7]
    models.register(OTHER, CARD, root, False, {"from": approver})
    models.approve(OTHER, {"from": approver})
    consents.revoke(twin, researcher, {"from": patient})

    models.mark(OTHER, twin, researcher, 1, trained, {"from": patient})

    assert models.modelOf(OTHER)[4]
    assert models.isApproved(OTHER)


def test_mark_for_a_consent_that_stands_is_refused(
    models: Any, trained: list[bytes], twin: int, researcher: Any, stranger: Any
) -> None:
    """Nobody stops a model by a claim; what ran out was not revoked."""
    for _ in range(2):
        with reverts_with("ConsentNotRevoked", twin, researcher, 1):
            models.mark(MODEL, twin, researcher, 1, trained, {"from": stranger})
        view_at(now_s() + 2_000)


def test_mark_outside_the_lineage_is_refused(
    models: Any, consents: Any, trained: list[bytes], twin: int, patient: Any, researcher: Any, stranger: Any
) -> None:
    """Another serial, another grantee, another path, none."""
    consents.revoke(twin, researcher, {"from": patient})
    root = bytes(models.modelOf(MODEL)[7])
    attempts = [(researcher, 2, trained), (stranger, 1, trained), (researcher, 1, []), (researcher, 1, [root]),
                (researcher, 1, [*trained, OTHER])]  # fmt: skip

    for grantee, serial, proof in attempts:
        with reverts_with("NotInLineage", MODEL, leaf(twin, grantee, serial)):
            models.mark(MODEL, twin, grantee, serial, proof, {"from": stranger})


def test_mark_twice_or_without_lineage_is_refused(
    models: Any, consents: Any, trained: list[bytes], twin: int, patient: Any, researcher: Any, approver: Any
) -> None:
    """A mark is for good; a model of public data has nobody to lose."""
    consents.revoke(twin, researcher, {"from": patient})
    models.mark(MODEL, twin, researcher, 1, trained, {"from": patient})
    with reverts_with("ModelIsMarked", MODEL):
        models.mark(MODEL, twin, researcher, 1, trained, {"from": patient})
    models.register(OTHER, CARD, bytes(32), True, {"from": approver})

    for model in (OTHER, b"\x98" * 32):
        with reverts_with("NotInLineage", model, leaf(twin, researcher, 1)):
            models.mark(model, twin, researcher, 1, trained, {"from": patient})


def test_reports_of_a_stopped_model_are_refused(
    models: Any, consents: Any, oracle: Any, trained: list[bytes], twin: int, patient: Any, researcher: Any,
    nodes: Any, recorder: Any,
) -> None:  # fmt: skip
    """Neither a new one nor the last."""
    quorum = Quorum(oracle, nodes, twin, MODEL)
    recorder.record(1, patient)
    quorum.post(quorum.report(1), patient)
    assert oracle.consume(twin, MODEL, 1_000, 2**47)[0] == 1
    consents.revoke(twin, researcher, {"from": patient})
    models.mark(MODEL, twin, researcher, 1, trained, {"from": patient})

    with reverts_with("ModelNotApproved", MODEL):
        oracle.consume(twin, MODEL, 1_000, 2**47)
    recorder.record(2, patient)
    later = quorum.report(2)
    with reverts_with("ModelNotApproved", MODEL):
        quorum.post(later, patient)
