"""A hospital in a bottle: devices publish, owners grant and revoke, nodes report, custodians release, things break."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.journal import SqliteOutbox, SqliteSignedRounds
from oracle.adapters.keys import LocalSigner
from oracle.batches.publish import Edge, publish, resume
from oracle.custody.endpoints import Endpoints
from oracle.custody.release import LocalCustodian
from oracle.errors import MedtwinError, StorageError
from oracle.formats import merkle
from oracle.formats.receipts import encode
from oracle.formats.typed_data import Domain, report_digest
from oracle.records import (
    E6,
    Category,
    Channel,
    Contribution,
    Features,
    Observation,
    Prediction,
    Purpose,
    Readings,
    Report,
    Status,
)
from oracle.reports.predict import Node
from oracle.reports.quorum import Member

from .chain import ADDRESSES, CHAIN_ID, Endpoint, Ledger, Transaction, allowed
from .luck import Crash, FlakyDisk, FlakyStore, Luck, Network, Weather

HEART = Channel("heart_rate", "/min", 0, 350)
ORACLE = ADDRESSES["PredictionOracle"]
ASKED = (int(Category.VITALS), int(Purpose.CARE))
START_S = 1_700_000_000
NODES, CUSTODIANS, THRESHOLD = 4, 3, 2
ROUNDS = 120
"""Turns of the world before it is healed."""
HEALING = 60
PATIENCE_S = 10.0
CANARIES = ("forgets", "no receipt", "deaf", "twice")


def key(name: str) -> LocalSigner:
    """The same key for a name in every run."""
    return LocalSigner(hashlib.sha256(name.encode()).digest())


SIGNERS = {f"node-{number}": key(f"node-{number}") for number in range(NODES)}
KEEPERS = {f"custodian-{number}": key(f"custodian-{number}") for number in range(CUSTODIANS)}


class Mean:
    """A model small enough to be computed again by hand: the mean heart rate of the last two batches."""

    name, schema, unit, window = "mean", "sim/1", "/min", 2
    category, channels, model_digest = Category.VITALS, (HEART,), hashlib.sha256(b"mean").digest()

    def features(self, readings: Readings) -> Features:
        """One feature."""
        return Features(("mean",), np.array([readings.value_e6.sum() // len(readings)], float))

    def predict(self, features: Features) -> Prediction:
        """The feature itself."""
        value = int(features.values[0])
        part = Contribution("mean", value, value)
        return Prediction(Status.ANSWER, value, value - E6, value + E6, 0, value, (part,), "")


@dataclass(slots=True)
class Found:
    """What is wrong at the end of a seed; all empty in a sound run."""

    violations: list[str] = field(default_factory=list)
    reports: int = 0
    releases: int = 0
    trace: Any = field(default_factory=hashlib.sha256)


class Keeper:
    """A custodian's process: dies, comes back with what its disk holds; every release is checked from outside."""

    def __init__(self, world: World, name: str, canary: str) -> None:
        self.world, self.name, self.canary = world, name, canary
        self.state = SqliteCustodianState(":memory:", KEEPERS[name])
        self.address = KEEPERS[name].address
        self.lucks = [world.luck(name), world.luck(name)]
        self.lucks[1].behind = world.rng.choice((0, 0, 1, 2))
        self.lucks[1].lying = world.rng.random() < 0.2
        for luck in self.lucks if canary == "deaf" else ():
            luck.lying = True
        self.skew_s = world.rng.choice((0, 0, 0, -600, 600))
        self.start()

    def start(self) -> None:
        """A fresh process."""
        world = self.world
        state: Any = FlakyDisk(self.state, ("append",), world.weather)
        if self.canary == "no receipt":
            state = Forgetful(self.state)
        endpoints = Endpoints([Endpoint(world.ledger, luck) for luck in self.lucks], self.clock_s, depth=world.depth)
        self.custodian = LocalCustodian(
            state, KEEPERS[self.name], endpoints, clock=self.clock_s, random_bytes=world.rng.randbytes
        )

    def clock_s(self) -> int:
        """Its clock, which may be off."""
        return int(self.world.now_s) + (0 if self.world.weather.calm else self.skew_s)

    def public_key(self, twin_id: int) -> bytes:
        """The key for a twin."""
        return self.custodian.public_key(twin_id)

    def release(self, request: Any, items: Any) -> Any:
        """As over a network: a dead custodian is one that does not answer."""
        world = self.world
        before = world.allows(request.twin_id, request.grantee)
        try:
            released = self.custodian.release(request, items)
        except Crash:
            self.start()
            raise StorageError("the custodian does not answer", kind="custodian_unreachable") from None
        if not before and not world.allows(request.twin_id, request.grantee):
            world.violation("released without consent")
        kept = next(iter(self.state.receipts(released.receipt.number)), (b"", b""))
        if kept[0] != encode(released.receipt):
            world.violation("released without a durable receipt")
        world.found.releases += 1
        return released


class Forgetful:
    """A canary: custody that keeps no receipt."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def append(self, entries: Any) -> Any:
        """Answers, and writes nothing."""
        return [entry.make(0, True) for entry in entries]


class Amnesia:
    """A canary: a node that does not remember what it signed."""

    def knows(self, twin_id: int, model: bytes, round_: int) -> bool:
        """It says so."""
        return True

    def floor(self) -> int:
        """It was never restored."""
        return 0

    def remember(self, twin_id: int, model: bytes, round_: int, digest: bytes) -> bytes:
        """Whatever is asked."""
        return digest


class World:
    """One seed."""

    def __init__(self, seed: int, canary: str = "") -> None:
        self.rng = random.Random(seed)
        self.weather = Weather(self.rng)
        self.now_s = float(START_S)
        self.found = Found()
        self.canary = canary
        self.depth = self.rng.choice((0, 1, 2, 3))
        self.deepest = self.rng.choice((0, self.depth, self.depth, 6)) if canary != "forgets" else 6
        owners = {number: key(f"owner-{number}") for number in range(1, self.rng.choice((2, 2, 3)))}
        self.owners = owners
        devices = {key(f"device-{twin}-{one}").address: twin for twin in owners for one in range(2)}
        rules = set() if canary == "twice" else {"round"}
        self.ledger = Ledger(
            [one.address for one in SIGNERS.values()],
            {twin: one.address for twin, one in owners.items()},
            devices,
            rules,
        )
        self.store = FlakyStore(self.weather)
        self.network = Network(self.weather, lambda: self.now_s, list(SIGNERS))
        self.keepers = [Keeper(self, name, canary) for name in KEEPERS]
        self.journals = {name: SqliteSignedRounds(":memory:") for name in SIGNERS}
        self.members: dict[str, Member] = {}
        self.busy: set[str] = set()
        self.liar = self.rng.choice((*SIGNERS, "", "", "", ""))
        self.signed: dict[tuple[str, int, bytes, int], bytes] = {}
        self.observed: dict[tuple[str, int, bytes, int], Report] = {}
        self.sums: dict[bytes, tuple[int, int]] = {}
        self.edges = [self._edge(twin, one) for twin in owners for one in range(2)]
        for twin in owners:
            self._own("grant", twin, ORACLE, *ASKED, 10**7)
        self.ledger.mine(START_S)

    # -- parts -----------------------------------------------------------------------

    def luck(self, name: str) -> Luck:
        """A party's luck with its own endpoint."""
        return Luck(self.weather, lambda: self.meanwhile(name), lambda: self.ledger.mine(int(self.now_s)))

    def member(self, name: str) -> Member:
        """A running node; a dead one is started again on what its disk holds."""
        if name not in self.members:
            signed: Any = FlakyDisk(self.journals[name], ("remember",), self.weather)
            if self.canary == "forgets":
                signed = Amnesia()
            node = Node(
                SIGNERS[name],
                Endpoint(self.ledger, self.luck(name)),
                self.store,
                self.keepers,
                signed,
                self.rng.randbytes,
            )
            self.members[name] = Member(
                node,
                SIGNERS[name],
                [Mean()],
                Post(self, name),
                clock_s=lambda: self.now_s,
                depth=self.depth,
                patience_s=PATIENCE_S,
            )
        return self.members[name]

    def _edge(self, twin: int, number: int) -> Edge:
        device = key(f"device-{twin}-{number}")
        keys = {one.address: _public(one, self, twin) for one in self.keepers}
        return Edge(
            Endpoint(self.ledger, self.luck(f"device-{twin}-{number}")), self.store,
            SqliteOutbox(":memory:", device.address, "sim"), device, device, twin, (HEART,), int(Category.VITALS),
            keys, THRESHOLD, self.rng.randbytes, depth=self.deepest,
        )  # fmt: skip

    def _own(self, function: str, twin: int, *args: Any) -> None:
        self.ledger.made += 1
        self.ledger.pool.append(Transaction(self.ledger.made, self.owners[twin].address, function, (twin, *args)))

    def allows(self, twin: int, grantee: str) -> bool:
        """The truth, at the newest block."""
        tip = self.ledger.blocks[-1]
        return allowed(tip.state, self.ledger.owners, twin, grantee, *ASKED, tip.head.time_s)

    def violation(self, what: str) -> None:
        """Note it once."""
        if what not in self.found.violations:
            self.found.violations.append(what)

    # -- what happens ----------------------------------------------------------------

    def run(self) -> Found:
        """Bad weather, then calm, then the verdict."""
        for _ in range(ROUNDS):
            self.step()
        self.heal()
        self.judge()
        return self.found

    def step(self) -> None:
        """Somebody does something."""
        rng = self.rng
        self.now_s += rng.expovariate(1 / 12)
        choices = {
            "node": 8, "deliver": 6, "publish": 3, "mine": 4, "revoke": 0.3, "grant": 0.4, "reorg": 0.5, "kill": 0.4,
            "part": 0.3, "lie": 1.0 if self.liar else 0.0,
        }  # fmt: skip
        what = rng.choices(list(choices), list(choices.values()))[0]
        self.found.trace.update(f"{self.now_s:.6f} {what}\n".encode())
        getattr(self, f"_{what}")()

    def meanwhile(self, name: str) -> None:
        """The rest of the world goes on while `name` waits for an answer."""
        if len(self.busy) < 3:
            self.busy.add(name)
            self.step()
            self.busy.discard(name)

    def _node(self) -> None:
        name = self.rng.choice(list(SIGNERS))
        self.turn(name)

    def turn(self, name: str) -> None:
        """One turn of a node, if it is not in the middle of one."""
        if name in self.busy:
            return
        self.busy.add(name)
        try:
            happened = self.member(name).turn()
            self.found.trace.update(
                "".join(f"{name} {one.event} {one.place[2]} {one.kind[:20]}\n" for one in happened).encode()
            )
        except Crash:
            self.members.pop(name, None)
        except MedtwinError as error:
            self.found.trace.update(f"{name} {error.kind}\n".encode())
        finally:
            self.busy.discard(name)

    def _deliver(self) -> None:
        for name, observations in self.network.arrived():
            for one in observations:
                if name in self.members:
                    try:
                        self.members[name].receive(one)
                    except Crash:
                        self.members.pop(name, None)
                    except MedtwinError:
                        pass

    def _publish(self, edge: Edge | None = None) -> None:
        edge = edge or self.rng.choice(self.edges)
        name = f"device-{edge.device.address}"
        if name in self.busy:
            return
        self.busy.add(name)
        values = np.array([self.rng.randrange(40 * E6, 180 * E6) for _ in range(3)], np.int64)
        end_ms = self.ledger.blocks[-1].head.time_s * 1000
        readings = Readings(
            "sim/1",
            ("heart_rate",),
            np.array([end_ms - 2, end_ms - 1, end_ms], np.int64),
            np.zeros(3, np.uint8),
            values,
        )
        try:
            for _ in resume(edge) if self.rng.random() < 0.2 else publish(edge, [readings]):
                pass
        except (Crash, MedtwinError):
            pass
        finally:
            self.busy.discard(name)
        last = edge.outbox.last()
        if last and last.batch.end_s == end_ms // 1000:
            self.sums.setdefault(last.batch.digest, (int(values.sum()), 3))

    def _mine(self) -> None:
        self.ledger.mine(int(self.now_s))

    def _revoke(self) -> None:
        self._own("revoke", self.rng.choice(list(self.owners)), ORACLE)

    def _grant(self) -> None:
        self._own("grant", self.rng.choice(list(self.owners)), ORACLE, *ASKED, self.rng.choice((60, 10**7)))

    def _reorg(self) -> None:
        if self.deepest and not self.weather.calm:
            self.weather.faults["reorg"] += 1
            self.ledger.reorganise(self.rng.randint(1, self.deepest), self.rng)

    def _kill(self) -> None:
        if not self.weather.calm:
            self.weather.faults["crash"] += 1
            if self.rng.random() < 0.5:
                self.members.pop(self.rng.choice(list(SIGNERS)), None)
            else:
                self.rng.choice(self.keepers).start()

    def _part(self) -> None:
        self.weather.faults["partition"] += 1
        self.network.apart = {name: self.rng.randrange(2) for name in SIGNERS}

    def _lie(self) -> None:
        """A node of bad faith: another score, the same round, and not the same to everybody."""
        own = [one for place, one in self.observed.items() if place[0] == self.liar]
        if not own or self.weather.calm:
            return
        self.weather.faults["lie"] += 1
        report = self.rng.choice(own)
        lies = {
            "score": {"score_e6": report.score_e6 + 1}, "thousand": {"score_e6": 0, "low_e6": 0, "high_e6": 0},
            "round": {"round": report.round + self.rng.choice((-1, 1, 1000))}, "config": {"config": bytes(32)},
            "inputs": {"inputs_root": bytes(32)}, "replay": {},
        }  # fmt: skip
        for name in SIGNERS:
            lie = replace(report, **self.rng.choice(list(lies.values())))
            digest = report_digest(Domain(CHAIN_ID, ORACLE), lie)
            signer = self.rng.choice((self.liar, self.liar, "node-0"))  # sometimes in another's name
            forged = Observation(lie, SIGNERS[signer].address, SIGNERS[self.liar].sign_digest(digest))
            self.network.send(self.liar, name, [forged])

    def notice(self, name: str, observations: Sequence[Observation]) -> None:
        """Look at what a node of good faith signed: one report a round, however often it died in between."""
        for one in observations:
            report = one.report
            place = (name, report.twin_id, report.model, report.round)
            digest = report_digest(Domain(CHAIN_ID, ORACLE), report)
            if self.signed.setdefault(place, digest) != digest:
                self.violation("a node signed two reports of one round")
            self.observed[place] = report

    # -- the end ---------------------------------------------------------------------

    def heal(self) -> None:
        """Good weather: everything is started again, and each twin gets one more batch."""
        self.weather.calm = True
        self.network.apart = {}
        self.liar, liar = "", self.liar
        for keeper in self.keepers:
            keeper.lucks[1].lying = self.canary == "deaf"
        self.ledger.mine(int(self.now_s))
        for twin in self.owners:
            self._own("grant", twin, ORACLE, *ASKED, 10**7)
        self.ledger.mine(int(self.now_s))
        for edge in self.edges:
            self.now_s += 12
            self.ledger.mine(int(self.now_s))
            list(resume(edge))
            self._publish(edge)
        for _ in range(HEALING):
            self.now_s += 6
            self.ledger.mine(int(self.now_s))
            for name in SIGNERS:
                if name != liar:
                    self.turn(name)
                    self._deliver()

    def judge(self) -> None:
        """Once each, true, and none missing."""
        posts = [event for block in self.ledger.blocks for event in block.events if event.name == "PredictionPosted"]
        counts = Counter((event.args["twinId"], event.args["round"]) for event in posts)
        self.found.reports = len(counts)
        if any(count > 1 for count in counts.values()):
            self.violation("a round was posted twice")
        batches: dict[int, list[bytes]] = {}
        for block in self.ledger.blocks:
            for event in block.events:
                if event.name == "BatchAnchored":
                    batches.setdefault(event.args["twinId"], []).append(event.args["batch"]["digest"])
        if self.deepest <= self.depth:  # deeper than what counts as final, what was read may be gone
            for event in posts:
                self._check(event.args["report"], batches[event.args["twinId"]])
        state = self.ledger.blocks[-1].state
        for twin in self.owners:
            if state.latest.get((twin, Mean.model_digest), 0) != state.batches.get(twin, 0):
                self.violation("a round was not posted after all was well again")

    def _check(self, report: Any, digests: list[bytes]) -> None:
        window = digests[max(0, report.round - 2) : report.round]
        total, count = (sum(column) for column in zip(*(self.sums[one] for one in window), strict=True))
        if report.score_e6 != total // count or report.inputs_root != merkle.root(
            [merkle.digest_leaf(one) for one in window]
        ):
            self.violation("a report is wrong")


class Post:
    """A node's way to its peers."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name

    def send(self, observations: Sequence[Observation]) -> None:
        """Hand to everybody else."""
        self._world.notice(self._name, observations)
        for name in SIGNERS:
            if name != self._name and observations:
                self._world.network.send(self._name, name, observations)


def _public(keeper: Keeper, world: World, twin: int) -> bytes:
    """A custodian's key for a twin, fetched in good weather."""
    world.weather.calm = True
    try:
        return keeper.public_key(twin)
    finally:
        world.weather.calm = False
