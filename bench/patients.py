"""Patients and their devices in the fault runs: each publishes its next batch when the report on the last one stands."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.publish import Edge, publish, resume
from oracle.errors import MedtwinError
from oracle.ports import Signer
from oracle.records import Category, Purpose, Readings
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import open_custodians, threshold_of
from oracle.stages.ingest import split

from .clinic import ETHER, Clinic

LOST_AFTER_S = 900.0
BACK_S = 20 * DAY_S


@dataclass(slots=True)
class Patient:
    """A twin, its device, and what was published in the clear, to compute every report again."""

    owner: Signer
    edge: Edge
    source: Iterator[Readings]
    published: list[Readings] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lost: int = 0


def admitted(scene: Clinic, number: int) -> Patient:
    chain, kind = scene.chain, scene.kind
    owner, device, sender = new_signer(), new_signer(), new_signer()
    for signer in (owner, sender):
        scene.rpc("anvil_setBalance", signer.address, hex(100 * ETHER))
    twin_id = new_twin_id(kind.twin_class, os.urandom)
    mint(chain, owner, twin_id)
    pair(chain, owner, device, twin_id, chain.head().time_s + 180 * DAY_S)
    grant(chain, owner, twin_id, chain.address("PredictionOracle"), categories=Category(kind.category),
          purposes=Purpose.CARE, days=30)  # fmt: skip
    custodians = open_custodians(scene.settings)
    edge = Edge(
        chain, scene.store, SqliteOutbox(scene.folder / f"{device.address}.sqlite", device.address, "faults"), device,
        sender, twin_id, kind.channels, int(kind.category), {one.address: one.public_key(twin_id) for one in custodians},
        threshold_of(custodians), os.urandom, depth=scene.settings.depth,
    )  # fmt: skip
    return Patient(owner, edge, _endless(scene, number))


def _endless(scene: Clinic, number: int) -> Iterator[Readings]:
    """The kind's recordings over and over, each time later, beginning in the past."""
    recordings = list(scene.kind.recordings(scene.settings.data))
    end_ms = (scene.chain.head().time_s - BACK_S) * 1000
    while True:
        for recording in recordings[number % 2 :] + recordings[: number % 2]:
            for batch in split(recording.readings, interval_ms=scene.kind.batch_ms, most=20_000):
                end_ms += 1_000
                moved = replace(batch, time_ms=batch.time_ms - int(batch.time_ms[0]) + end_ms)
                end_ms = int(moved.time_ms[-1])
                yield moved


def publish_next(patient: Patient) -> None:
    """The next batch, until it is on the chain."""
    readings = next(patient.source)
    patient.published.append(readings)
    _insist(lambda: list(publish(patient.edge, [readings])), lambda: list(resume(patient.edge)))


def report_on(scene: Clinic, patient: Patient, count: int, stop: threading.Event) -> None:
    """Publish, wait for the report, publish the next."""
    for number in range(len(patient.published) + 1, count + 1):
        if stop.is_set():
            return
        publish_next(patient)
        began = time.monotonic()
        while newest_round(scene, patient) < number:
            if time.monotonic() - began > LOST_AFTER_S:
                patient.lost += 1
                break
            time.sleep(1.0)
            _insist(lambda: list(resume(patient.edge)))
        patient.seconds.append(time.monotonic() - began)


def _insist(first: Callable[[], object], again: Callable[[], object] | None = None) -> None:
    """What a device's service does: what was sealed is in the outbox, so it is sent until it is there."""
    try:
        first()
    except MedtwinError:
        if again:
            time.sleep(0.5)
            _insist(again, again)


def newest_round(scene: Clinic, patient: Patient) -> int:
    """The newest round that no reorganisation of this campaign can take back."""
    asked = (patient.edge.twin_id, scene.kind.model_digest)
    try:
        final = max(0, scene.chain.head().number - scene.settings.depth)
        return int(scene.chain.read("PredictionOracle", "latest", *asked, block=final).round)
    except MedtwinError:
        return 0
