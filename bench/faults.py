"""Reports while processes die: ``python -m bench.faults N`` writes ``bench/results/faults.json``.

Separate processes (see :mod:`bench.clinic`); devices publish the next batch when the last one's report stands. Every
few seconds something is killed, frozen, cut off or reorganised; what it costs is read from the chain at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.publish import Edge, publish, resume
from oracle.errors import MedtwinError
from oracle.formats.merkle import digest_leaf, root
from oracle.ports import Signer
from oracle.records import Category, Prediction, Purpose, Readings
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import open_custodians, threshold_of
from oracle.stages.features import features
from oracle.stages.ingest import split
from oracle.stages.model import predict as run_model
from oracle.stages.verify import verify
from oracle.twins import kinds

from .clinic import DEPTH, ETHER, Clinic, clinic

RESULTS = Path(__file__).parent / "results" / "faults.json"
TWINS = 6
LOST_AFTER_S = 180.0
CANARY_S = 25.0
EVERY_S = (2.0, 5.0)
LASTS_S = (2.0, 8.0)
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


def main() -> None:
    """Run the campaign and write what was found."""
    asked = argparse.ArgumentParser(prog="bench.faults", description="Reports while processes die.")
    asked.add_argument("reports", type=int, nargs="?", default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, default=RESULTS)
    chosen = asked.parse_args()
    reports, seed = chosen.reports, chosen.seed
    rng, kind = random.Random(seed), kinds()["pulse"]
    with tempfile.TemporaryDirectory(prefix="medtwin-faults-") as folder, clinic(Path(folder), kind) as scene:
        patients = [_patient(scene, number) for number in range(TWINS)]
        stop = threading.Event()
        began, each = time.perf_counter(), -(-reports // TWINS)
        at_work = [threading.Thread(target=_report, args=(scene, one, each, stop)) for one in patients]
        for thread in at_work:
            thread.start()
        faults = _break(scene, rng, lambda: any(thread.is_alive() for thread in at_work))
        for thread in at_work:
            thread.join()
        found = judge(scene, patients, _posts(scene))
        found |= {
            "faults_injected": faults.total(), "faults": dict(faults), "canary_caught": _canaries(scene, patients),
            "seconds": round(time.perf_counter() - began), "depth": DEPTH, "seed": seed,
        }  # fmt: skip
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    if found["lost"] or found["doubled"] or found["wrong"] or not found["canary_caught"]:
        sys.exit("a report was lost, doubled or wrong, or the harness does not bite")


# -- people and devices ------------------------------------------------------------------


def _patient(scene: Clinic, number: int) -> Patient:
    chain, kind = scene.chain, scene.kind
    owner, device, sender = new_signer(), new_signer(), new_signer()
    for signer in (owner, sender):
        scene.opened.fund(signer.address, ETHER)
    twin_id = new_twin_id(kind.twin_class, os.urandom)
    mint(chain, owner, twin_id)
    pair(chain, owner, device, twin_id, chain.head().time_s + 180 * DAY_S)
    grant(chain, owner, twin_id, chain.address("PredictionOracle"), categories=Category(kind.category),
          purposes=Purpose.CARE, days=30)  # fmt: skip
    custodians = open_custodians(scene.settings)
    edge = Edge(
        chain, scene.store, SqliteOutbox(scene.folder / f"{device.address}.sqlite", device.address, "faults"), device,
        sender, twin_id, kind.channels, int(kind.category), {one.address: one.public_key(twin_id) for one in custodians},
        threshold_of(custodians), os.urandom, depth=DEPTH,
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


def _report(scene: Clinic, patient: Patient, count: int, stop: threading.Event) -> None:
    """Publish, wait for the report, publish the next."""
    for number in range(1, count + 1):
        readings = next(patient.source)
        patient.published.append(readings)
        _insist(lambda: list(publish(patient.edge, [readings])), lambda: list(resume(patient.edge)))  # noqa: B023
        began = time.monotonic()
        while _round(scene, patient) < number:
            if time.monotonic() - began > LOST_AFTER_S or stop.is_set():
                patient.lost += 1
                break
            time.sleep(0.5)
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


def _round(scene: Clinic, patient: Patient) -> int:
    """The newest round that no reorganisation of this campaign can take back."""
    asked = (patient.edge.twin_id, scene.kind.model_digest)
    try:
        final = max(0, scene.chain.head().number - DEPTH)
        return int(scene.chain.read("PredictionOracle", "latest", *asked, block=final).round)
    except MedtwinError:
        return 0


# -- what breaks -------------------------------------------------------------------------


def _break(scene: Clinic, rng: random.Random, goes_on: Callable[[], bool]) -> Counter[str]:
    """One fault after another while devices are at work; never more than one node and one custodian at a time."""
    faults: Counter[str] = Counter()
    nodes = [name for name in scene.services if name.startswith("node")]
    keepers = [name for name in scene.services if name.startswith("custodian")]
    while goes_on():
        time.sleep(rng.uniform(*EVERY_S))
        what = rng.choice(("kill node", "freeze node", "kill custodian", "freeze custodian", "chain", "store", "reorg"))
        lasts_s = rng.uniform(*LASTS_S)
        name = rng.choice(keepers if what.endswith("custodian") else nodes)
        if what.startswith("kill"):
            scene.services[name].signal(signal.SIGKILL)
            time.sleep(lasts_s)
            scene.services[name].start()
        elif what.startswith("freeze"):
            scene.services[name].signal(signal.SIGSTOP)
            time.sleep(lasts_s)
            scene.services[name].signal(signal.SIGCONT)
        elif what == "reorg":
            scene.rpc("anvil_reorg", rng.randint(1, DEPTH), [])
        else:
            proxy, mode = scene.proxies[f"{name}'s {what}"], rng.choice(("reset", "hang", "429", "garbage"))
            what = f"{what} {mode}"
            proxy.mode = mode
            time.sleep(lasts_s)
            proxy.mode = "ok"
        faults[what] += 1
    return faults


# -- the verdict -------------------------------------------------------------------------


def _posts(scene: Clinic) -> list[dict[str, Any]]:
    return [event.args["report"] for event in scene.chain.events("PredictionOracle", "PredictionPosted")]


def judge(scene: Clinic, patients: Sequence[Patient], posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Lost, doubled, wrong: each report computed again here from what was published in the clear."""
    by_twin: dict[int, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for report in posts:
        by_twin[report["twinId"]][report["round"]].append(report)
    wrong = doubled = lost = reports = 0
    for patient in patients:
        twin_id = patient.edge.twin_id
        anchored = [
            one.args["batch"]["digest"] for one in scene.chain.events("DataAnchor", "BatchAnchored", twinId=twin_id)
        ]
        for round_ in range(1, len(patient.published) + 1):
            found = by_twin[twin_id].pop(round_, [])
            reports += bool(found)
            lost += not found
            doubled += max(0, len(found) - 1)
            first = max(0, round_ - scene.kind.window)
            expected = _again(scene, patient.published[first:round_])
            inputs = root([digest_leaf(one) for one in anchored[first:round_]])
            wrong += sum(not _same(one, expected, inputs) for one in found)
        wrong += sum(map(len, by_twin[twin_id].values()))  # rounds without data
    seconds = [second for patient in patients for second in patient.seconds]
    return {
        "reports": reports, "lost": lost, "doubled": doubled, "wrong": wrong,
        "seconds_p50": round(statistics.median(seconds), 1), "seconds_max": round(max(seconds), 1),
    }  # fmt: skip


def _again(scene: Clinic, window: Sequence[Readings]) -> Prediction:
    return run_model(scene.kind, features(scene.kind, verify(window, scene.kind.channels, scene.kind.schema)))


def _same(report: dict[str, Any], expected: Prediction, inputs: bytes) -> bool:
    told = (report["status"], report["score"], report["low"], report["high"], report["inputsRoot"])
    return told == (int(expected.status), expected.score_e6, expected.low_e6, expected.high_e6, inputs)


def _canaries(scene: Clinic, patients: Sequence[Patient]) -> bool:
    """Whether the harness sees a lost, a doubled and a wrong report, and a quorum that is not there."""
    posts = _posts(scene)
    changed = [{**posts[0], "score": posts[0]["score"] + 1}, *posts[1:]]
    seen = [
        judge(scene, patients, posts[1:])["lost"] > 0,
        judge(scene, patients, [*posts, posts[0]])["doubled"] > 0,
        judge(scene, patients, changed)["wrong"] > 0,
    ]
    for name in ("node-1", "node-2"):
        scene.services[name].signal(signal.SIGSTOP)
    patient = patients[0]
    list(resume(patient.edge))
    rounds = _round(scene, patient)
    _insist(lambda: list(publish(patient.edge, [next(patient.source)])), lambda: list(resume(patient.edge)))
    time.sleep(CANARY_S)
    seen.append(_round(scene, patient) == rounds)  # two of four are no quorum
    for name in ("node-1", "node-2"):
        scene.services[name].signal(signal.SIGCONT)
    return all(seen)


if __name__ == "__main__":
    main()
