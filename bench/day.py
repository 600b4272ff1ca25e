"""A day of a hospital as fast as it goes: ``python -m bench.day`` writes ``bench/results/day.json``.

A million readings of 24 hours from 200 devices, each sealed and signed by its device, through a broker with TLS, the
gateway, IPFS and the chain to the quorum's reports, while processes are killed ten times. At the end every batch must
stand once and as it was signed, and every report is computed again from what was published.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.adapters.mqtt import TAKEN, TOPICS
from oracle.adapters.process import free_port
from oracle.batches.anchored import batch_counts, followed_epochs, listed_in
from oracle.batches.publish import Edge, prepare
from oracle.errors import MedtwinError
from oracle.formats.merkle import digest_leaf, root
from oracle.formats.messages import pack_batch
from oracle.records import E6, Category, Outgoing, Purpose, Readings, Status, TwinClass
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import open_custodians, threshold_of
from oracle.twins import kinds

from .broker import Broker, connect, listens
from .broker import prepare as prepare_broker
from .chaos import Forked, Program
from .clinic import GATEWAY, PASSWORD, Clinic, await_true, clinic
from .verdict import again, same

RESULTS = Path(__file__).parent / "results" / "day.json"
READINGS, DEVICES, BATCHES = 1_000_000, 200, 6
DEPTH = 3
SAMPLE_S, AGAIN_S, LONGEST_S = 2.0, 20.0, 3_600.0
RESTARTS = (
    GATEWAY, "node-1", GATEWAY, "ipfs", "broker", "node-2", "custodian-1", GATEWAY, "node-3", "custodian-2",
)  # fmt: skip
MIDDLE, SPREAD = 86.0, 12.0
"""Of the temperatures, made up."""


@dataclass(slots=True)
class Device:
    """A machine: what it signed, and what of it the gateway has not said to have."""

    edge: Edge
    published: list[Readings] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    taken: int = 0
    offered_s: float = 0.0


def main() -> None:
    """Run the day and write what was found."""
    asked = argparse.ArgumentParser(prog="bench.day", description="A day of a hospital as fast as it goes.")
    asked.add_argument("readings", type=int, nargs="?", default=READINGS)
    asked.add_argument("--devices", type=int, default=DEVICES)
    asked.add_argument("--out", type=Path, default=RESULTS)
    chosen = asked.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="medtwin-day-") as name,
        clinic(Path(name), kinds()["machine_temperature"], depth=DEPTH, gateway=True) as scene,
    ):
        broker = _start(scene)
        with scene.at_once():
            devices = [_device(scene) for _ in range(chosen.devices)]
        memory = Memory(scene)
        found = _run(scene, broker, devices, chosen.readings)
        found |= judge(scene, devices) | {"memory_mib": memory.found(), "restarts": len(RESTARTS)}
    found["memory_flat"] = all(late <= 1.15 * early + 10 for early, late in found["memory_mib"].values())
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    bad = [name for name in ("lost", "doubled", "wrong", "unreported") if found[name]]
    if bad or not found["memory_flat"]:
        sys.exit(f"not as it must be: {', '.join(bad) or 'memory grows'}")


def _start(scene: Clinic) -> Broker:
    """The broker, and the gateway behind it."""
    broker, command = prepare_broker(scene.folder / "broker")
    scene.services["broker"] = Program(command, log=scene.folder / "broker.log")
    await_true(lambda: listens(broker.port), "the broker")
    port = free_port()
    environment = {**scene.settings.environment(password=PASSWORD), "OMP_NUM_THREADS": "1"}
    environment |= {"MEDTWIN_MQTT": broker.url, "MEDTWIN_MQTT_CA": str(broker.authority)}
    scene.services[GATEWAY] = Forked(
        ["edge", "run", "--as", GATEWAY, "--port", str(port), "--every", "2"],
        log=scene.folder / "gateway.log", environment=environment,
    )  # fmt: skip
    await_true(lambda: scene.told(f"http://127.0.0.1:{port}/readyz") == "ready", "the gateway")
    return broker


def _device(scene: Clinic) -> Device:
    chain, kind = scene.chain, scene.kind
    owner, device = new_signer(), new_signer()
    scene.rpc("anvil_setBalance", owner.address, hex(10**20))
    twin_id = new_twin_id(TwinClass.EQUIPMENT, os.urandom)
    mint(chain, owner, twin_id)
    pair(chain, owner, device, twin_id, chain.head().time_s + 180 * DAY_S)
    grant(chain, owner, twin_id, chain.address("PredictionOracle"), categories=Category(kind.category),
          purposes=Purpose.CARE, days=30)  # fmt: skip
    custodians = open_custodians(scene.settings)
    edge = Edge(
        chain, scene.store, SqliteOutbox(":memory:", device.address, "day"), device, device, twin_id, kind.channels,
        int(kind.category), {one.address: one.public_key(twin_id) for one in custodians}, threshold_of(custodians),
        os.urandom, clock_s=lambda: int(time.time()),
    )  # fmt: skip
    return Device(edge)


# -- the day -----------------------------------------------------------------------------


def _run(scene: Clinic, broker: Broker, devices: Sequence[Device], readings: int) -> dict[str, Any]:
    """Send all of it and wait until it stands; seconds until each step was done."""
    client, by_address = connect(broker, "ward"), {one.edge.device.address: one for one in devices}

    def told(*event: Any) -> None:
        message = event[2]
        device = by_address.get(message.topic.removeprefix(TAKEN))
        if device:
            device.taken = max(device.taken, int(message.payload))

    client.on_message = told
    client.on_connect = lambda *_: client.subscribe(TAKEN + "+", qos=1)
    client.subscribe(TAKEN + "+", qos=1)
    each, began = readings // len(devices), time.perf_counter()
    day_ms = int(time.time() - DAY_S) * 1000
    due = list(RESTARTS)
    total = BATCHES * len(devices)
    rng = np.random.default_rng(7)
    for number in range(BATCHES):
        for at, device in enumerate(devices):
            part = _part(scene, rng, each, number, day_ms)
            device.published.append(part)
            device.sent.append(prepare(device.edge, part))
            client.publish(TOPICS[0], pack_batch(device.sent[-1]), qos=1)
            device.offered_s = time.monotonic()
            if due and number * len(devices) + at >= total * 0.7 * (len(RESTARTS) - len(due) + 1) / len(RESTARTS):
                service = scene.services[due.pop(0)]
                service.signal(signal.SIGKILL)
                time.sleep(1)
                service.start()
        _offer_again(client, devices)
    seconds = {"sealed_and_sent": time.perf_counter() - began}
    for step, done in (("taken", _all_taken), ("anchored", _all_anchored), ("reported", _all_reported)):
        await_true(lambda done=done: done(scene, devices, client), f"{step}", LONGEST_S)  # type: ignore[misc]
        seconds[step] = time.perf_counter() - began
    client.loop_stop()
    client.disconnect()
    rounded = {step: round(one, 1) for step, one in seconds.items()}
    rate = round(len(devices) * each / seconds["anchored"])
    return {
        "readings": len(devices) * each,
        "devices": len(devices),
        "batches": total,
        "seconds": rounded,
        "readings_per_s": rate,
    }


def _part(scene: Clinic, rng: np.random.Generator, each: int, number: int, day_ms: int) -> Readings:
    """Four hours of a machine's temperature, made up: one every 17 s."""
    first, last = each * number // BATCHES, each * (number + 1) // BATCHES
    times = day_ms + np.arange(first, last, dtype=np.int64) * (DAY_S * 1000 // each)
    values = np.round(rng.normal(MIDDLE, SPREAD, last - first) * E6).astype(np.int64)
    names = tuple(channel.name for channel in scene.kind.channels)
    return Readings(scene.kind.schema, names, times, np.zeros(last - first, np.uint8), values)


def _offer_again(client: Any, devices: Sequence[Device]) -> None:
    """What a device does with batches that the gateway has not said to have."""
    for device in devices:
        if device.taken < len(device.sent) and time.monotonic() - device.offered_s > AGAIN_S:
            device.offered_s = time.monotonic()
            for outgoing in device.sent[device.taken :]:
                client.publish(TOPICS[0], pack_batch(outgoing), qos=1)


def _all_taken(scene: Clinic, devices: Sequence[Device], client: Any) -> bool:
    _offer_again(client, devices)
    time.sleep(1)
    return all(device.taken == len(device.sent) for device in devices)


def _all_anchored(scene: Clinic, devices: Sequence[Device], client: Any) -> bool:
    time.sleep(1)
    try:
        counts = batch_counts(scene.chain, [one.edge.twin_id for one in devices], scene.store)
    except MedtwinError:
        return False
    return all(counts[device.edge.twin_id] == len(device.sent) for device in devices)


def _all_reported(scene: Clinic, devices: Sequence[Device], client: Any) -> bool:
    time.sleep(2)
    model = scene.kind.model_digest
    latest = scene.chain.read_many([("PredictionOracle", "latest", one.edge.twin_id, model) for one in devices])
    return all(last.round == len(device.sent) for last, device in zip(latest, devices, strict=True))


# -- the verdict -------------------------------------------------------------------------


def judge(scene: Clinic, devices: Sequence[Device]) -> dict[str, Any]:
    """Batches lost, doubled or altered on the chain; reports wrong, and twins whose last batch has none."""
    chain = scene.chain
    stands = Counter(
        (one.device, one.batch.sequence, one.batch.digest)
        for event in followed_epochs(chain) for one in listed_in(chain, scene.store, event)
    )  # fmt: skip
    signed = {
        (device.edge.device.address, one.batch.sequence, one.batch.digest) for device in devices for one in device.sent
    }
    reports = defaultdict[int, list[dict[str, Any]]](list)
    for event in chain.events("PredictionOracle", "PredictionPosted"):
        reports[event.args["report"]["twinId"]].append(event.args["report"])
    wrong = unreported = twice = 0
    for device in devices:
        found = reports[device.edge.twin_id]
        unreported += len(device.sent) not in {one["round"] for one in found}
        twice += len(found) - len({one["round"] for one in found})
        for one in found:
            first = max(0, one["round"] - scene.kind.window)
            inputs = root([digest_leaf(sent.batch.digest) for sent in device.sent[first : one["round"]]])
            wrong += not same(one, again(scene, device.published[first : one["round"]]), inputs)
    return {
        "epochs": len(followed_epochs(chain)), "lost": len(signed - set(stands)),
        "doubled": sum(stands[one] - 1 for one in signed if stands[one]) + twice,
        "wrong": wrong + len(set(stands) - signed), "unreported": unreported,
        "reports": sum(map(len, reports.values())),
        "reports_without_answer": sum(one["status"] == Status.NO_ANSWER for found in reports.values() for one in found),
    }  # fmt: skip


class Memory:
    """What each process holds, looked at every few seconds."""

    def __init__(self, scene: Clinic) -> None:
        self._scene, self._seen = scene, defaultdict[tuple[str, int], list[float]](list)
        threading.Thread(target=self._look, daemon=True).start()

    def found(self) -> dict[str, tuple[float, float]]:
        """MiB of the life that each process ended with: in its second fifth, and in its last."""
        lives = {name: seen for (name, pid), seen in self._seen.items() if pid == self._scene.services[name].pid}
        return {
            name: (round(statistics.mean(seen[fifth : 2 * fifth]), 1), round(statistics.mean(seen[-fifth:]), 1))
            for name, seen in sorted(lives.items()) if (fifth := len(seen) // 5)
        }  # fmt: skip

    def _look(self) -> None:
        while True:
            for name, service in list(self._scene.services.items()):
                try:
                    status = Path(f"/proc/{service.pid}/status").read_text("utf-8")
                    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
                    self._seen[name, service.pid].append(kib / 1024)
                except (OSError, StopIteration):
                    continue
            time.sleep(SAMPLE_S)


if __name__ == "__main__":
    main()
