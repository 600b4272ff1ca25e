"""What a fault run cost: each report computed again from what was published, and faults of the harness's own planted in it."""

from __future__ import annotations

import signal
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from oracle.formats.merkle import digest_leaf, root
from oracle.records import Prediction, Readings
from oracle.stages.features import features
from oracle.stages.model import predict as run_model
from oracle.stages.verify import verify

from .clinic import Clinic
from .patients import Patient, newest_round, publish_next

CANARY_S = 25.0


def posts_of(scene: Clinic) -> list[dict[str, Any]]:
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
            expected = again(scene, patient.published[first:round_])
            inputs = root([digest_leaf(one) for one in anchored[first:round_]])
            wrong += sum(not same(one, expected, inputs) for one in found)
        wrong += sum(map(len, by_twin[twin_id].values()))  # rounds without data
    seconds = [second for patient in patients for second in patient.seconds]
    return {
        "reports": reports, "lost": lost, "doubled": doubled, "wrong": wrong,
        "seconds_p50": round(statistics.median(seconds), 1), "seconds_max": round(max(seconds), 1),
    }  # fmt: skip


def again(scene: Clinic, window: Sequence[Readings]) -> Prediction:
    return run_model(scene.kind, features(scene.kind, verify(window, scene.kind.channels, scene.kind.schema)))


def same(report: dict[str, Any], expected: Prediction, inputs: bytes) -> bool:
    told = (report["status"], report["score"], report["low"], report["high"], report["inputsRoot"])
    return told == (int(expected.status), expected.score_e6, expected.low_e6, expected.high_e6, inputs)


def canaries_caught(scene: Clinic, patients: Sequence[Patient]) -> dict[str, bool]:
    """Whether the harness sees a missing, a doubled and an altered report, and a quorum that is not there."""
    posts = posts_of(scene)
    changed = [{**posts[0], "score": posts[0]["score"] + 1}, *posts[1:]]
    seen = {
        "missing": judge(scene, patients, posts[1:])["lost"] > judge(scene, patients, posts)["lost"],
        "doubled": judge(scene, patients, [*posts, posts[0]])["doubled"] > 0,
        "altered": judge(scene, patients, changed)["wrong"] > 0,
    }
    for name in ("node-1", "node-2"):
        scene.services[name].signal(signal.SIGSTOP)
    patient = patients[0]
    rounds = newest_round(scene, patient)
    publish_next(patient)
    time.sleep(CANARY_S)
    seen["no_quorum"] = newest_round(scene, patient) == rounds  # two of four are none
    for name in ("node-1", "node-2"):
        scene.services[name].signal(signal.SIGCONT)
    return seen
