"""Hands that break things at random beside devices at work: processes, the chain, the store, links, and a node that lies."""

from __future__ import annotations

import random
import signal
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from oracle.errors import MedtwinError

from .chaos import ANSWERS, LIES
from .clinic import Clinic
from .patients import Patient

EVERY_S = (4.0, 16.0)
LASTS_S = (2.0, 8.0)
LIES_S = (10.0, 30.0)
LOOK_S = 0.5
TRAITOR = "node-4"


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
            what: {"times": len(all_s), "p50_s": tenths(statistics.median(seen)) if seen else None,
                   "max_s": tenths(max(seen)) if seen else None}
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
            self._scene.reorganise(blocks)
            return f"chain: reorganised, {blocks} blocks"
        if what == "restart":
            self._scene.restart_chain()
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
        between = [(one, other) for one in side for other in nodes if other not in side]
        mode = dice.choice(("reset", "hang"))
        for pair in between:
            self._scene.links.part(*pair, mode)
        self._stop.wait(dice.uniform(*LIES_S))
        for pair in between:
            self._scene.links.join(*pair)
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


def tenths(seconds: float) -> float:
    return round(seconds, 1)


def liar(scene: Clinic) -> str:
    return scene.keys[TRAITOR].address
