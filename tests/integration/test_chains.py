"""The main job, unchanged, on four EVMs: Ganache (shanghai), eth-tester (prague), anvil (osaka) and geth (osaka).

Three come with set-up; geth is there where ``make chains`` built it. What ran is printed at the end of the session.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.fetch import OpenedBatch, fetch
from oracle.batches.publish import Edge, publish
from oracle.errors import CustodyDenied
from oracle.ports import Signer
from oracle.records import E6, Category, Purpose, Readings, Status
from oracle.reports.posted import latest_report
from oracle.reports.predict import predict
from oracle.rights.consent import DAY_S, grant, revoke
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.serve.demo.world import FAULTY, THRESHOLD, World, world
from oracle.twins import TwinKind, kinds
from tests.oracle.examples import pulse

from . import evms

BEATS = 72
MOST_ERROR = 5  # of the model on a clean wave whose rate is known (/min)
EVERY_ROW = evms.here()


@dataclass(frozen=True)
class Ward:
    """A patient with a twin and a device on one chain."""

    scene: World
    kind: TwinKind
    patient: Signer
    twin_id: int
    edge: Edge

    def ask(self, who: Signer) -> list[OpenedBatch]:
        """Everything of the twin, for research."""
        return fetch(
            self.scene.chain, self.scene.store, self.scene.custodians, who, twin_id=self.twin_id,
            purpose=int(Purpose.RESEARCH_HEALTH), category=self.edge.category, random_bytes=os.urandom,
        )  # fmt: skip

    def allow(self, who: str, purpose: Purpose) -> None:
        """The patient's consent, for a day."""
        category = Category(self.edge.category)
        grant(self.scene.chain, self.patient, self.twin_id, who, categories=category, purposes=purpose, days=1)


def admitted(scene: World, kind: TwinKind) -> Ward:
    """A model that is approved, a twin that is minted, a device that is paired."""
    chain, patient, device = scene.chain, scene.person("patient"), new_signer()
    chain.write(scene.hospital, "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False)
    chain.write(scene.hospital, "ModelRegistry", "approve", kind.model_digest)
    twin_id = new_twin_id(kind.twin_class, os.urandom)
    mint(chain, patient, twin_id)
    pair(chain, patient, device, twin_id, chain.head().time_s + DAY_S)
    edge = Edge(
        chain, scene.store, SqliteOutbox(scene.folder / "outbox.sqlite", device.address, chain.address("DataAnchor")),
        device, scene.hospital, twin_id, kind.channels, int(kind.category),
        {one.address: one.public_key(twin_id) for one in scene.custodians}, THRESHOLD, os.urandom,
    )  # fmt: skip
    return Ward(scene, kind, patient, twin_id, edge)


def until_now(readings: Readings, now_s: int) -> Readings:
    """The same recording, ended now."""
    return replace(readings, time_ms=readings.time_ms - readings.time_ms[-1] + now_s * 1000)


@pytest.mark.parametrize("name", EVERY_ROW)
def test_main_job_runs_unchanged(name: str, tmp_path: Path) -> None:
    """Deploy, mint, pair, anchor, consent, report, read, revoke; then nothing is released any more."""
    kind = kinds()["pulse"]
    with evms.started(name, tmp_path) as where, world(where, "embedded", tmp_path) as scene:
        assert evms.fork_of(scene.opened.web3) == evms.EVMS[name]
        ward, researcher = admitted(scene, kind), scene.person("researcher")
        readings = until_now(pulse(beats_per_minute=BEATS), scene.chain.head().time_s)
        assert [one.mined is not None for one in publish(ward.edge, [readings])] == [True]
        with pytest.raises(CustodyDenied):
            ward.ask(researcher)

        ward.allow(scene.chain.address("PredictionOracle"), Purpose.CARE)
        ward.allow(researcher.address, Purpose.RESEARCH_HEALTH)
        posted = predict(scene.nodes, scene.hospital, kind, ward.twin_id)
        opened = ward.ask(researcher)

        assert posted.mined is not None and len(scene.nodes) == 3 * FAULTY + 1
        assert latest_report(scene.chain, scene.store, ward.twin_id, kind.model_digest) == posted.report
        assert posted.report.status == Status.ANSWER and abs(posted.report.score_e6 / E6 - BEATS) < MOST_ERROR
        assert [list(one.readings.value_e6) for one in opened] == [list(readings.value_e6)]

        before = scene.chain.head().number
        assert revoke(scene.chain, ward.patient, ward.twin_id, researcher.address).mined.block == before + 1
        with pytest.raises(CustodyDenied):
            ward.ask(researcher)
        evms.RAN.append(f"{name} ({evms.EVMS[name]})")
