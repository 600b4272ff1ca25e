"""The first acts: the stage, twins and devices, publishing, predictions."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from ...adapters.journal import SqliteOutbox
from ...adapters.memory import new_signer
from ...batches.publish import Edge, Published, publish
from ...errors import InputError
from ...ports import Signer
from ...records import E6, Category, Purpose, Readings, Status
from ...reports.predict import Posted, Seen, predict
from ...rights.consent import DAY_S, grant
from ...rights.mint import mint, new_twin_id
from ...rights.pair import pair
from ...stages.explain import quantity
from ...stages.ingest import split
from ...twins import Recording, TwinKind
from ...twins.reasons import reasons
from ...twins.shipped import ShippedKind
from .facts import Facts
from .show import Show, short
from .world import FAULTY, THRESHOLD, World

PATIENTS = 2
MOST_READINGS_A_BATCH = 20_000
CALIBRATION_DAYS = 180
CARE_DAYS = 90


@dataclass(slots=True)
class Patient:
    """One twin with its owner, its device and what the device recorded."""

    label: str
    owner: Signer
    device: Signer
    twin_id: int
    recording: Recording
    edge: Edge
    published: list[Published] = field(default_factory=list)
    sealed_at: float = 0.0


def introduce(scene: World, kind: TwinKind, show: Show, facts: Facts) -> None:
    """Register and approve the model; say what stands."""
    chain = scene.chain
    chain.write(scene.hospital, "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False)
    chain.write(scene.hospital, "ModelRegistry", "approve", kind.model_digest)
    scene.store.put(kind.model_bytes)
    scene.names.update({chain.address("PredictionOracle"): "oracle", "0x" + kind.model_digest.hex(): "oracle"})
    quorum = chain.read("PredictionOracle", "quorum")
    facts.chain = {"name": scene.opened.name, "id": chain.chain_id, "contracts": scene.contracts}
    facts.store = scene.store.describe()
    facts.source = {"name": kind.name, "note": kind.card["data"]}
    facts.model = {
        "digest": "0x" + kind.model_digest.hex(),
        "card": "0x" + kind.card_digest.hex(),
        **kind.card["headline"],
    }
    show.done(f"chain: {scene.opened.name}, id {chain.chain_id}; {len(scene.contracts)} contracts, no owner, no proxy")
    show.done(f"store: {scene.store.describe()}; a block's CID is its SHA-256 on the chain")
    show.done(
        f"custodians: {len(scene.custodians)} with separate keys, any {THRESHOLD} open a batch, one alone nothing"
    )
    show.done(f"oracle nodes: {len(scene.nodes)} with separate keys, {FAULTY} may lie, {quorum} must sign")
    show.done(f"model [bold]{kind.name}[/]: {short(kind.model_digest)} registered and approved")
    show.say(f"[dim]data: {kind.card['data']}[/]")


def twins(scene: World, kind: TwinKind, show: Show, facts: Facts) -> list[Patient]:
    """Each patient mints a twin; device and owner both sign the pairing."""
    patients = []
    for number, recording in enumerate(islice(kind.recordings(scene.data), PATIENTS), 1):
        owner, device = scene.person(f"patient {number}"), new_signer()
        twin_id = new_twin_id(kind.twin_class, os.urandom)
        scene.names.update({device.address: f"device {number}", hex(twin_id): f"twin {number}"})
        facts.gas["mint"] = mint(scene.chain, owner, twin_id).gas
        until = scene.chain.head().time_s + CALIBRATION_DAYS * DAY_S
        facts.gas["pair"] = pair(scene.chain, owner, device, twin_id, until).gas
        outbox = SqliteOutbox(
            scene.folder / f"outbox-{number}.sqlite", device.address, scene.chain.address("DataAnchor")
        )
        keys = {one.address: one.public_key(twin_id) for one in scene.custodians}
        edge = Edge(
            scene.chain, scene.store, outbox, device, scene.hospital, twin_id,
            kind.channels, int(kind.category), keys, THRESHOLD, os.urandom,
        )  # fmt: skip
        patients.append(Patient(f"patient {number}", owner, device, twin_id, recording, edge))
        facts.twins.append(hex(twin_id))
    if len(patients) < PATIENTS:
        raise InputError(f"{kind.name} has {len(patients)} recordings, the story needs {PATIENTS}")
    show.table(
        ("who", "twin (ERC-721)", "owner", "device", "recording"),
        [
            (p.label, short(p.twin_id), short(p.owner.address), short(p.device.address), p.recording.name)
            for p in patients
        ],
    )
    show.say(f"[dim]{patients[0].recording.note}[/]")
    return patients


def publication(scene: World, kind: TwinKind, patients: list[Patient], show: Show, facts: Facts) -> None:
    """Replay each recording as if it had just ended, batch by batch."""
    now_ms = scene.chain.head().time_s * 1000
    cut = {
        patient.label: list(
            split(_ending_at(patient.recording.readings, now_ms), interval_ms=kind.batch_ms, most=MOST_READINGS_A_BATCH)
        )
        for patient in patients
    }
    gas = []
    with show.progress("sealing and anchoring", sum(map(len, cut.values()))) as bar:
        for patient in patients:
            for published in _publish(patient, cut[patient.label]):
                bar.advance(bar.task_ids[0])
                gas.append(published.mined.gas if published.mined else 0)
    facts.gas["anchor"] = int(statistics.median(gas))
    facts.batches = len(gas)
    facts.readings = sum(one.outgoing.batch.readings for p in patients for one in p.published)
    show.table(
        ("who", "batches", "readings", "sealed", "last CID digest"),
        [
            (
                p.label,
                str(len(p.published)),
                f"{sum(one.outgoing.batch.readings for one in p.published):,}",
                f"{sum(len(one.outgoing.block) for one in p.published) / 1024:,.0f} KiB",
                short(p.published[-1].outgoing.batch.digest),
            )
            for p in patients
        ],
        right=("batches", "readings", "sealed"),
    )
    show.say("[dim]replayed as if each recording had just ended; the readings themselves are unchanged[/]")
    show.done("every batch: device signature, pairing, calibration, order and time checked on the chain")


def predictions(scene: World, kind: TwinKind, patients: list[Patient], show: Show, facts: Facts) -> list[Posted]:
    """Consent first, then four nodes work on their own and three signatures post."""
    oracle = scene.chain.address("PredictionOracle")
    posted = []
    with show.progress("four nodes fetch, verify, compute, explain, sign", len(patients)) as bar:
        for patient in patients:
            mined = grant(
                scene.chain, patient.owner, patient.twin_id, oracle,
                categories=Category(kind.category), purposes=Purpose.CARE, days=CARE_DAYS,
            )  # fmt: skip
            facts.gas["grant"] = mined.gas
            one = predict(scene.nodes, scene.hospital, kind, patient.twin_id)
            facts.seconds["time_to_alert"] = round(time.perf_counter() - patient.sealed_at, 3)
            posted.append(one)
            bar.advance(bar.task_ids[0])
    for patient, one in zip(patients, posted, strict=True):
        _tell(kind, patient, one, show, facts)
    return posted


def _tell(kind: TwinKind, patient: Patient, one: Posted, show: Show, facts: Facts) -> None:
    assert one.seen is not None and one.mined is not None  # this run posted it
    report = one.report
    warning = kind.early_warning(one.seen.readings)
    answered = report.status == Status.ANSWER
    why = _why(kind, one.seen)
    score = [value / E6 for value in (report.score_e6, report.low_e6, report.high_e6)]
    facts.gas["post_prediction"] = one.mined.gas
    facts.predictions.append(
        {
            "twin": hex(report.twin_id),
            "status": "answer" if answered else "no_answer",
            "score": score[0] if answered else None,
            "interval": score[1:] if answered else None,
            "unit": kind.unit,
            "model": "0x" + report.model.hex(),
            "model_digest": "0x" + report.model.hex(),
            "round": report.round,
            "reason": one.seen.explanation.sentence,
            **why,
            "news2": {"score": warning.total, "complete": warning.complete, "missing": list(warning.missing)},
        }
    )
    if answered:
        told, low, high = (quantity(value, kind.unit) for value in (report.score_e6, report.low_e6, report.high_e6))
        show.done(f"{patient.label}, {kind.answers}: [bold]{told}[/] ({low} to {high})")
    else:
        show.done(f"{patient.label}: [bold]no answer[/]")
    for reader, line in why.items():
        show.say(f"  {reader.replace('_', ' ')}: {line}")
    show.say(f"  NEWS2: {warning}")
    show.say(f"  [dim]round {report.round}, 3 of 4 signatures, {one.mined.gas:,} gas[/]")


def _why(kind: TwinKind, seen: Seen) -> dict[str, str]:
    """The reasons in words, by reader; a kind without templates has one sentence for all."""
    if not isinstance(kind, ShippedKind):
        return {"why": seen.explanation.sentence}
    told = reasons(kind, kind.features(seen.readings), seen.explanation.prediction)
    return {"to_a_clinician": told.clinician, "to_the_patient": told.patient}


def _publish(patient: Patient, batches: list[Readings]) -> Iterator[Published]:
    for batch in batches:
        patient.sealed_at = time.perf_counter()
        for published in publish(patient.edge, [batch]):
            patient.published.append(published)
            yield published


def _ending_at(readings: Readings, now_ms: int) -> Readings:
    """The same recording, moved in time so that it ends now: a replay."""
    moved = readings.time_ms - readings.time_ms[-1] + now_ms
    return replace(readings, time_ms=moved)
