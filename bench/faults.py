"""Reports while everything breaks: ``python -m bench.faults N`` writes ``bench/results/faults.json``.

Separate processes (see :mod:`bench.clinic`); devices publish the next batch when the last one's report stands. Beside
them four hands break things at random: nodes and custodians, the chain, the store, and one node that lies. What it
costs is read from the chain at the end, and each report is computed again. Then more nodes lie than the oracle allows for.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.adapters.process import free_port
from oracle.batches.publish import Edge, publish, resume
from oracle.errors import MedtwinError
from oracle.formats.merkle import digest_leaf, root
from oracle.ports import Signer
from oracle.records import Category, Prediction, Purpose, Readings
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import node_folder, open_custodians, threshold_of
from oracle.stages.features import features
from oracle.stages.ingest import split
from oracle.stages.model import predict as run_model
from oracle.stages.verify import verify
from oracle.twins import kinds

from .chaos import ANSWERS, LIES
from .clinic import ETHER, Clinic, await_true, chain_answers, clinic, readiness

RESULTS = Path(__file__).parent / "results" / "faults.json"
TWINS, DEPTH = 40, 12
LOST_AFTER_S = 900.0
CANARY_S = 25.0
EVERY_S = (4.0, 16.0)
LASTS_S = (2.0, 8.0)
LIES_S = (10.0, 30.0)
BACK_S = 20 * DAY_S
LOOK_S = 0.5
TRAITOR = "node-4"


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
    asked = argparse.ArgumentParser(prog="bench.faults", description="Reports while everything breaks.")
    asked.add_argument("reports", type=int, nargs="?", default=1_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--twins", type=int, default=TWINS)
    asked.add_argument(
        "--depth", type=int, default=DEPTH, help="blocks until a batch counts, and the deepest reorganisation"
    )
    asked.add_argument("--minutes", type=float, default=0, help="publish nothing more after so long; 0: all of it")
    asked.add_argument("--short", action="store_true", help="do not wait until alerts would tell of too many liars")
    asked.add_argument("--out", type=Path, default=RESULTS)
    chosen = asked.parse_args()
    kind = kinds()["pulse"]
    with (
        tempfile.TemporaryDirectory(prefix="medtwin-faults-") as folder,
        clinic(Path(folder), kind, depth=chosen.depth) as scene,
    ):
        with scene.at_once():
            patients = [_patient(scene, number) for number in range(chosen.twins)]
        stop, began = threading.Event(), time.perf_counter()
        each = -(-chosen.reports // chosen.twins)
        at_work = [threading.Thread(target=_report, args=(scene, one, each, stop)) for one in patients]
        chaos = Chaos(scene, random.Random(chosen.seed), patients, chosen.reports)
        backup = Path(folder) / "backup"
        if chosen.minutes:
            threading.Timer(60 * chosen.minutes, stop.set).start()
        for thread in at_work:
            thread.start()
        _copied(scene, "node-2", backup)
        with chaos.going_on():
            for thread in at_work:
                thread.join()
        seconds = round(time.perf_counter() - began)
        found = judge(scene, patients, _posts(scene))
        found |= {"signed_twice": scene.ear.twice(but=_liar(scene)), **chaos.found()}
        found["copies"] = _copies(scene, patients, backup)
        canaries = _canaries(scene, patients)
        found["beyond_f"] = _beyond(scene, patients, short=chosen.short)
        found |= {
            "canary_caught": all(canaries.values()), "canaries": canaries, "seconds": seconds,
            "twins": chosen.twins, "depth": chosen.depth, "seed": chosen.seed,
        }  # fmt: skip
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    bad = [name for name in ("lost", "doubled", "wrong", "signed_twice") if found[name]]
    bad += [name for name in ("copies", "beyond_f", "canaries") if not all(found[name].values())]
    if bad:
        sys.exit(f"not as it must be: {', '.join(bad)}")


# -- people and devices ------------------------------------------------------------------


def _patient(scene: Clinic, number: int) -> Patient:
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


def _publish(patient: Patient) -> None:
    """The next batch, until it is on the chain."""
    readings = next(patient.source)
    patient.published.append(readings)
    _insist(lambda: list(publish(patient.edge, [readings])), lambda: list(resume(patient.edge)))


def _report(scene: Clinic, patient: Patient, count: int, stop: threading.Event) -> None:
    """Publish, wait for the report, publish the next."""
    for number in range(len(patient.published) + 1, count + 1):
        if stop.is_set():
            return
        _publish(patient)
        began = time.monotonic()
        while _round(scene, patient) < number:
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


def _round(scene: Clinic, patient: Patient) -> int:
    """The newest round that no reorganisation of this campaign can take back."""
    asked = (patient.edge.twin_id, scene.kind.model_digest)
    try:
        final = max(0, scene.chain.head().number - scene.settings.depth)
        return int(scene.chain.read("PredictionOracle", "latest", *asked, block=final).round)
    except MedtwinError:
        return 0


# -- what breaks -------------------------------------------------------------------------


class Chaos:
    """Hands that break things while devices are at work: one fault of each hand at a time.

    What recovery takes is counted from the end of a fault to the next report that stands on the chain, while the
    other hands go on breaking.
    """

    def __init__(self, scene: Clinic, rng: random.Random, patients: Sequence[Patient], reports: int) -> None:
        self._scene, self._patients, self._reports = scene, patients, reports
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._ended: list[tuple[str, float]] = []
        self._posted: list[float] = []
        self._broken: list[str] = []
        nodes = [name for name in scene.node_ports if name != TRAITOR]
        self._hands = [
            lambda dice: self._process(dice, nodes + [one for one in scene.services if one.startswith("custodian")]),
            lambda dice: self._chain(dice, nodes),
            lambda dice: self._store(dice, nodes),
            lambda dice: self._links(dice),
            lambda dice: self._lie(dice),
        ]
        self._dice = [random.Random(rng.random()) for _ in self._hands]

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Break until the work is done."""
        threads = [threading.Thread(target=self._break, args=one) for one in zip(self._hands, self._dice, strict=True)]
        threads.append(threading.Thread(target=self._watch))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def found(self) -> dict[str, Any]:
        """How often each fault came, and what recovery from it took (s)."""
        took = defaultdict[str, list[float]](list)
        for what, ended in self._ended:
            after = next((at for at in self._posted if at > ended), None)
            took[what].append(after - ended if after else float("nan"))
        table = {
            what: {"times": len(all_s), "p50_s": _round1(statistics.median(seen)) if seen else None,
                   "max_s": _round1(max(seen)) if seen else None}
            for what, all_s in sorted(took.items())
            for seen in [[one for one in all_s if one == one]]
        }  # fmt: skip
        return {"faults_injected": len(self._ended), "recovery": table, "harness_failures": self._broken}

    # -- inside ----------------------------------------------------------------------

    def _break(self, hand: Callable[[random.Random], str], dice: random.Random) -> None:
        while not self._stop.wait(dice.uniform(*EVERY_S)):
            try:
                what = hand(dice)
            except Exception as error:  # the harness's own failure must be seen, and must not stop the breaking
                self._broken.append(repr(error)[:200])
            else:
                self._ended.append((what, time.monotonic()))

    def _watch(self) -> None:
        """When reports came to stand."""
        known = 0
        while not self._stop.wait(LOOK_S):
            try:
                count = len(self._scene.chain.events("PredictionOracle", "PredictionPosted"))
            except MedtwinError:
                continue
            if count > known:
                self._posted.append(time.monotonic())
            if count // 25 > known // 25:
                print(f"{count} reports, {len(self._ended)} faults", file=sys.stderr, flush=True)
            known = max(known, count)

    def _last(self, dice: random.Random) -> None:
        self._stop.wait(dice.uniform(*LASTS_S))

    def _process(self, dice: random.Random, names: list[str]) -> str:
        name = dice.choice(names)
        service, role = self._scene.own(name), name.partition("-")[0]
        what = dice.choice(("kill", "kill", "freeze", "disk full", "clock ahead", "clock back"))
        if what == "kill":
            service.signal(signal.SIGKILL)
            self._last(dice)
            service.start()
        elif what == "freeze":
            service.signal(signal.SIGSTOP)
            self._last(dice)
            service.signal(signal.SIGCONT)
        elif what == "disk full":
            service.fill_disk(True)
            self._last(dice)
            service.fill_disk(False)
        else:
            service.jump(dice.choice((60, 3_600)) * (1 if what == "clock ahead" else -1))
            self._last(dice)
            service.jump(0)
        return f"{role}: {what}"

    def _chain(self, dice: random.Random, nodes: list[str]) -> str:
        what = dice.choice(("reset", "hang", "slow", *ANSWERS, *LIES, "reorg 3", "reorg deep", "restart", "frozen"))
        chain = self._scene.services["chain"]
        if what.startswith("reorg"):
            blocks = 3 if what == "reorg 3" else self._scene.settings.depth
            self._scene.rpc("anvil_reorg", blocks, [])
            return f"chain: reorganised, {blocks} blocks"
        if what == "restart":
            chain.signal(signal.SIGTERM)
            chain.start()
            await_true(lambda: chain_answers(self._scene.url), "anvil, started again")
        elif what == "frozen":
            chain.signal(signal.SIGSTOP)
            self._last(dice)
            chain.signal(signal.SIGCONT)
        else:
            self._through(dice, f"{dice.choice(nodes)} chain", what)
            what = f"a node's endpoint, {what}"
        return f"chain: {what}"

    def _store(self, dice: random.Random, nodes: list[str]) -> str:
        what, store = dice.choice(("kill", "freeze", "slow", "flip", "reset", "hang")), self._scene.services["ipfs"]
        if what == "kill":
            store.signal(signal.SIGKILL)
            self._last(dice)
            store.start()
        elif what == "freeze":
            store.signal(signal.SIGSTOP)
            self._last(dice)
            store.signal(signal.SIGCONT)
        else:
            self._through(dice, f"{dice.choice(nodes)} store", what)
            what = f"a node's link, {'wrong bytes' if what == 'flip' else what}"
        return f"IPFS: {what}"

    def _links(self, dice: random.Random) -> str:
        """Two sides that do not hear each other, or one node alone."""
        nodes = sorted(self._scene.node_ports)
        side = set(dice.sample(nodes, dice.choice((1, 2))))
        between = [
            self._scene.proxies[f"{one} {other}"] for one in nodes for other in nodes
            if one != other and (one in side) != (other in side)
        ]  # fmt: skip
        mode = dice.choice(("reset", "hang"))
        for proxy in between:
            proxy.mode = mode
        self._stop.wait(dice.uniform(*LIES_S))
        for proxy in between:
            proxy.mode = "ok"
        return "network: partition between nodes"

    def _lie(self, dice: random.Random) -> str:
        """The same key tells the truth and lies in turn; near the end it signs two reports of a round, and is suspended."""
        done = sum(len(one.seconds) for one in self._patients)
        lie = "equivocate" if done > 0.8 * self._reports else dice.choice(("wrong", "replay", "silent"))
        self._replace(TRAITOR, lie)
        self._stop.wait(dice.uniform(*LIES_S))
        if lie != "equivocate":
            self._replace(TRAITOR, "")
        return f"Byzantine node: {lie}"

    def _replace(self, name: str, lies: str) -> None:
        self._scene.services[name].signal(signal.SIGKILL)
        self._scene.services[name] = self._scene.start_node(name, lies=lies)

    def _through(self, dice: random.Random, name: str, mode: str) -> None:
        self._scene.proxies[name].mode = mode
        self._last(dice)
        self._scene.proxies[name].mode = "ok"


def _round1(seconds: float) -> float:
    return round(seconds, 1)


def _liar(scene: Clinic) -> str:
    return scene.keys[TRAITOR].address


# -- copies, and too many liars ------------------------------------------------------------


def _copied(scene: Clinic, name: str, home: Path) -> None:
    """The node's memory and keys as they are now, elsewhere; of a database that is in use, as a backup takes it."""
    source = node_folder(scene.settings, scene.keys[name].address, scene.chain.deployment)
    target = home / source.relative_to(scene.settings.home)
    target.mkdir(parents=True)
    with (
        closing(sqlite3.connect(source / "signed.sqlite")) as there,
        closing(sqlite3.connect(target / "signed.sqlite")) as here,
    ):
        there.backup(here)
    shutil.copytree(scene.settings.home / "keys", home / "keys", dirs_exist_ok=True)


def _copies(scene: Clinic, patients: Sequence[Patient], backup: Path) -> dict[str, bool]:
    """A node from an old backup refuses; a clone beside its original signs the same or nothing."""
    clone, port = scene.folder / "clone", free_port()
    scene.services["node-2"].signal(signal.SIGKILL)
    scene.services["old copy"] = scene.start_node("node-2", home=backup, port=port)
    refused = _comes(lambda: "old copy" in readiness(port), 60)
    scene.services["old copy"].signal(signal.SIGKILL)
    _copied(scene, "node-2", clone)
    scene.services["node-2"].start()
    other = free_port()
    scene.services["clone"] = scene.start_node("node-2", home=clone, port=other)
    both = _comes(lambda: scene.ready("node-2") == readiness(other) == "ready", 60)
    before = [len(one.published) for one in patients]
    threads = [threading.Thread(target=_report, args=(scene, one, len(one.published) + 1, threading.Event()))
               for one in patients[:4]]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.services["clone"].signal(signal.SIGKILL)
    reported = all(_round(scene, one) > rounds for one, rounds in zip(patients[:4], before, strict=False))
    return {
        "old_backup_refused": refused,
        "clone_ran_beside": both and reported,
        "never_two_reports_of_a_round": scene.ear.twice(but=_liar(scene)) == 0,
    }


def _beyond(scene: Clinic, patients: Sequence[Patient], *, short: bool) -> dict[str, bool]:
    """Two of four lie: nothing is posted, and an honest node says so."""
    for name in ("node-3", TRAITOR):
        scene.services[name].signal(signal.SIGKILL)
        scene.services[name] = scene.start_node(name, lies="wrong")
    patient = patients[-1]
    rounds = _round(scene, patient)
    _publish(patient)
    seen = {"in_metrics": _comes(lambda: _metric(scene, "medtwin_node_dissenting") > 0, 90)}
    if not short:
        seen["in_readyz"] = _comes(lambda: scene.ready("node-1").startswith("no quorum"), 120)
        seen["in_the_alert"] = _comes(lambda: _metric(scene, "medtwin_node_without_quorum_seconds") > 60, 90)
    return seen | {"nothing_posted": _round(scene, patient) == rounds}


def _metric(scene: Clinic, name: str) -> float:
    """Of the first node."""
    try:
        text = httpx.get(f"http://127.0.0.1:{scene.node_ports['node-1']}/metrics", timeout=5).text
    except httpx.HTTPError:
        return 0.0
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


def _comes(true: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_S)
    return True


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


def _canaries(scene: Clinic, patients: Sequence[Patient]) -> dict[str, bool]:
    """Whether the harness sees a missing, a doubled and an altered report, and a quorum that is not there."""
    posts = _posts(scene)
    changed = [{**posts[0], "score": posts[0]["score"] + 1}, *posts[1:]]
    seen = {
        "missing": judge(scene, patients, posts[1:])["lost"] > judge(scene, patients, posts)["lost"],
        "doubled": judge(scene, patients, [*posts, posts[0]])["doubled"] > 0,
        "altered": judge(scene, patients, changed)["wrong"] > 0,
    }
    for name in ("node-1", "node-2"):
        scene.services[name].signal(signal.SIGSTOP)
    patient = patients[0]
    rounds = _round(scene, patient)
    _publish(patient)
    time.sleep(CANARY_S)
    seen["no_quorum"] = _round(scene, patient) == rounds  # two of four are none
    for name in ("node-1", "node-2"):
        scene.services[name].signal(signal.SIGCONT)
    return seen


if __name__ == "__main__":
    main()
