"""What a node must not forget: a copy of its memory signs nothing that the lost part may have signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from oracle.adapters.failover import FailoverStore
from oracle.adapters.journal import SqliteSignedRounds
from oracle.adapters.memory import MemoryStore
from oracle.adapters.peer_http import CONFIG, HttpPeers
from oracle.errors import Denied, StorageError, VerificationError
from oracle.formats.wire import pack_observations
from oracle.records import Readings
from oracle.reports.onlooker import Onlooker
from oracle.reports.predict import Node, predict
from oracle.reports.quorum import Member, config_digest
from oracle.serve.node import Metrics, Running, service
from tests.simulation.parties import Mean

if TYPE_CHECKING:
    from ..conftest import Stage, Twin


class UnitMean(Mean):
    """The simulation's small model, for the unit tests' twin."""

    schema = "unit/1"

    @property
    def channels(self) -> Any:  # type: ignore[override]
        """As the twin has them."""
        from ..conftest import HEART, TEMPERATURE

        return (HEART, TEMPERATURE)


@pytest.fixture
def nodes(stage: Stage, twin: Twin, custodians: list[Any], tmp_path: Path) -> list[Node]:
    """Four nodes with consent and an approved model."""
    kind = UnitMean()
    stage.chain.write(stage.hospital, "ModelRegistry", "register", kind.model_digest, b"\1" * 32, bytes(32), False)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", kind.model_digest)
    twin.allow(stage.chain.address("PredictionOracle"))
    return [
        Node(signer, stage.chain, twin.edge.store, custodians, memory(tmp_path, at), stage_random)
        for at, signer in enumerate(stage.node_signers)
    ]


def memory(folder: Path, number: int) -> SqliteSignedRounds:
    """A node's file."""
    return SqliteSignedRounds(folder / f"signed-{number}.sqlite")


def stage_random(count: int) -> bytes:
    """The operating system's."""
    import os

    return os.urandom(count)


def member(node: Node, stage: Stage) -> Member:
    """The node among no peers."""
    return Member(node, stage.hospital, [UnitMean()], HttpPeers(()), clock_s=lambda: 0.0)


def test_an_old_copy_is_noticed_and_a_restored_one_signs_only_what_is_new(
    stage: Stage, twin: Twin, nodes: list[Node], recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """The chain has its signature, its memory does not: it refuses. Restored, it signs rounds of later batches only."""
    from dataclasses import replace

    twin.publish(recorded())
    posted = predict(nodes[:3], stage.hospital, UnitMean(), twin.twin_id)
    old = replace(nodes[0], signed=SqliteSignedRounds(tmp_path / "old.sqlite"))
    with pytest.raises(Denied) as caught:
        member(old, stage).turn()
    assert caught.value.kind == "old_memory"
    assert member(nodes[0], stage).turn() == [] and posted.mined

    twin.publish(recorded(heart=80))
    restored = SqliteSignedRounds(tmp_path / "restored.sqlite")
    restored.restored(stage.chain.head().number)
    happened = member(replace(nodes[0], signed=restored), stage).turn()
    assert [(one.event, one.kind) for one in happened] == [("not_observed", "before_restore")]
    twin.publish(recorded(heart=90))
    happened = member(replace(nodes[0], signed=restored), stage).turn()
    assert [(one.event, one.place[2]) for one in happened] == [("observed", 3)]


def test_without_a_key_a_node_looks_on(
    stage: Stage, twin: Twin, nodes: list[Node], recorded: Callable[..., Readings]
) -> None:
    """It says once what is due; nothing is asked of custodians, signed or sent."""
    twin.publish(recorded())
    before = stage.chain.head().number, [len(list(one.receipts())) for one in nodes[0].custodians]
    looking = Onlooker(member(nodes[0], stage))
    first, second = looking.turn(), looking.turn()

    assert [(one.event, one.place[:1]) for one in first] == [("due", (twin.twin_id,))] and second == []
    assert looking.open_rounds == 1
    assert before == (stage.chain.head().number, [len(list(one.receipts())) for one in nodes[0].custodians])


def test_nodes_of_another_configuration_are_not_listened_to(stage: Stage, nodes: list[Node]) -> None:
    """Other models, gateways or rules: 409, counted; the same: heard."""
    config = config_digest(stage.chain.deployment, [UnitMean()]).hex()
    assert config != config_digest(stage.chain.deployment, []).hex()
    running = Running(member(nodes[0], stage), Metrics())
    web = TestClient(service(running, "0x" + "1" * 40, "ab" * 32, config))
    body = pack_observations([])

    assert web.post("/v1/observations", content=body, headers={CONFIG: config}).status_code == 204
    assert web.post("/v1/observations", content=body, headers={CONFIG: "00"}).status_code == 409
    assert 'outcome="other_config"} 1.0' in web.get("/metrics").text
    assert web.get("/v1/identity").json()["config"] == config


class Broken(MemoryStore):
    """A store that does not answer."""

    def put(self, block: bytes) -> bytes:
        """Never."""
        raise StorageError("silent")

    def get(self, digest: bytes) -> bytes:
        """Never."""
        raise StorageError("silent")


def test_several_stores_are_as_many_copies() -> None:
    """One that is silent or rotten is passed over; all silent is told; erasing erases in all."""
    first, second = MemoryStore(), MemoryStore()
    both = FailoverStore([Broken(), first, second])
    digest = both.put(b"block")
    assert first.has(digest) and second.has(digest)
    first.blocks[digest] = b"rot"
    assert both.get(digest) == b"block"
    second.blocks[digest] = b"rot"
    with pytest.raises(VerificationError):
        both.get(digest)
    both.remove(digest)
    assert not both.has(digest)
    with pytest.raises(StorageError):
        FailoverStore([Broken()]).put(b"block")
