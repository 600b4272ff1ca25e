"""A hospital in a bottle: devices publish, owners grant and revoke, nodes report, custodians release, things break."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from oracle.adapters.index import EventIndex, IndexedChain
from oracle.adapters.journal import SqliteOutbox, SqliteSignedRounds
from oracle.batches import anchored, ask, fetch
from oracle.batches.anchored import HIDDEN_AFTER_S
from oracle.batches.publish import Edge, publish, resume
from oracle.errors import MedtwinError
from oracle.formats.bundles import Bundle
from oracle.formats.epochs import unpack_manifest
from oracle.formats.typed_data import Domain, report_digest
from oracle.ports import Chain
from oracle.records import E6, Batch, Category, Deployment, Observation, Purpose, Readings, Report
from oracle.reports import bundling
from oracle.reports.bundling import Bundler
from oracle.reports.predict import Node
from oracle.reports.quorum import Member

from .bundles import Proposer, asked, blind, patient, watch
from .endpoint import Endpoint
from .ledger import ADDRESSES, CHAIN_ID, START_S, Block, Ledger, allowed
from .liar import lie
from .luck import Crash, FlakyDisk, FlakyStore, InTurn, LateStore, Luck, Network, Weather, own_memory
from .parties import (
    GATEWAY,
    HEART,
    KEEPERS,
    LONG_S,
    NODES,
    SIGNERS,
    Amnesia,
    Hub,
    Keeper,
    Mean,
    Post,
    hasty,
    key,
    public_key,
)
from .rogue import ROGUE, Rogue
from .verdict import heal, judge

ORACLE = ADDRESSES["PredictionOracle"]
ASKED = (int(Category.VITALS), int(Purpose.CARE))
THRESHOLD = 2
INDEXED = 0.1
"""Seeds in which one of the nodes has an index."""
ROUNDS = 120
"""Turns of the world before it is healed."""
PATIENCE_S = 10.0
LONGEST_DELAY_S = HIDDEN_AFTER_S - 100.0
CANARIES = ("forgets", "no receipt", "deaf", "twice", "drops", "hasty", "blind", "patient")
"""Planted faults; "drops" is a gateway that lets go of batches that it did not post, "hasty" are nodes that count on
without the epochs that have not arrived, "blind" are nodes that sign bundles without comparing, "patient" ones leave a
round to its proposer again and again."""


@dataclass(slots=True)
class Found:
    """What is wrong at the end of a seed; all empty in a sound run."""

    violations: list[str] = field(default_factory=list)
    reports: int = 0
    bundled: int = 0
    raced: int = 0
    releases: int = 0
    trace: Any = field(default_factory=hashlib.sha256)


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
        self.store = FlakyStore(self.weather)
        self.stores = {name: LateStore(self.store, lambda: self.now_s) for name in SIGNERS}
        self.has_gateway = canary in ("drops", "hasty") or self.rng.random() < 0.5
        self.ledger = Ledger(
            [one.address for one in list(SIGNERS.values())[:NODES]],
            {twin: one.address for twin, one in owners.items()},
            set() if canary == "twice" else {"round"},
            self._listed,
            [GATEWAY.address, ROGUE.address] if self.has_gateway else [],
        )
        self.devices = {key(f"device-{twin}-{one}").address: twin for twin in owners for one in range(2)}
        self.hub = Hub(self)
        self.network = Network(self.weather, lambda: self.now_s, list(SIGNERS))
        self.keepers = [Keeper(self, name, canary) for name in KEEPERS]
        self.journals = {name: SqliteSignedRounds(":memory:") for name in SIGNERS}
        self.members: dict[str, Member] = {}
        self.busy: set[str] = set()
        self.liar = self.rng.choice(list(SIGNERS) if canary in ("blind", "patient") else (*SIGNERS, "", "", "", ""))
        self.bundle = self.rng.choice((1, 2) if canary == "blind" else (0, 0, 1, 2))
        self.proposer = Proposer(self)
        self.began: dict[str, Block] = {}
        self.ledger.watch = lambda sender, function, args: watch(self, sender, function, args[0])
        self.signed: dict[tuple[str, int, bytes, int], bytes] = {}
        self.observed: dict[tuple[str, int, bytes, int], Report] = {}
        self.sums: dict[bytes, tuple[int, int]] = {}
        self.indexed = self.rng.choice(list(SIGNERS)) if self.rng.random() < INDEXED else ""
        if self.indexed:
            known = Deployment(CHAIN_ID, self.ledger.blocks[0].head.hash, 0, dict(ADDRESSES))
            self.index = EventIndex("sqlite://", known)
        self.edges = [self._edge(twin, one) for twin in owners for one in range(2)]
        self.ledger.submit(owners[1].address, "pair", GATEWAY.address, 1, START_S + LONG_S)
        self.rogue = Rogue(self) if self.has_gateway and self.rng.random() < 0.5 else None
        self.allow_all()
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
            node = Node(SIGNERS[name], self._chain(name), self.stores[name], self.keepers, signed, self.rng.randbytes)
            self.members[name] = Member(
                node,
                SIGNERS[name],
                [Mean()],
                Post(self, name),
                clock_s=lambda: self.now_s,
                depth=self.depth,
                patience_s=PATIENCE_S,
                bundle=self.bundle,
            )
        return self.members[name]

    def _chain(self, name: str) -> Chain:
        endpoint = Endpoint(self.ledger, self.luck(name))
        return IndexedChain(endpoint, self.index) if name == self.indexed else endpoint

    def _edge(self, twin: int, number: int) -> Edge:
        device = key(f"device-{twin}-{number}")
        keys = {one.address: public_key(one, self, twin) for one in self.keepers}
        return Edge(
            Endpoint(self.ledger, self.luck(f"device-{twin}-{number}")), self.store,
            SqliteOutbox(":memory:", device.address, "sim"), device, device, twin, (HEART,), int(Category.VITALS),
            keys, THRESHOLD, self.rng.randbytes, depth=self.deepest,
            relay=self.hub if number and self.has_gateway else None,
        )  # fmt: skip

    def asked(self, name: str, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
        """A node's question to the others."""
        return asked(self, name, bundle, signature)

    def _listed(self, manifest: bytes) -> list[tuple[Batch, bytes]] | None:
        block = self.store.blocks.get(manifest)
        return unpack_manifest(block) if block else None

    def allow_all(self) -> None:
        """Each device is paired with its twin, and the oracle may look."""
        for device, twin in self.devices.items():
            if self.ledger.state.paired_twin(device) is None:
                self.ledger.submit(self.owners[twin].address, "pair", device, twin, START_S + LONG_S)
        for twin, owner in self.owners.items():
            self.ledger.submit(owner.address, "grant", twin, ORACLE, *ASKED, LONG_S)

    def _anybody(self) -> tuple[int, str]:
        twin = self.rng.choice(list(self.owners))
        return twin, self.owners[twin].address

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
        with (
            own_memory(lambda: self.now_s),
            patch.object(ask, "ThreadPoolExecutor", InTurn),
            patch.object(fetch, "ThreadPoolExecutor", InTurn),
            patch.object(anchored, "_certain", hasty if self.canary == "hasty" else anchored._certain),
            patch.object(bundling, "signed_alike", blind if self.canary == "blind" else bundling.signed_alike),
            patch.object(Bundler, "is_left", patient if self.canary == "patient" else Bundler.is_left),
        ):
            for _ in range(ROUNDS):
                self.step()
            heal(self)
        judge(self)
        return self.found

    def step(self) -> None:
        """Somebody does something."""
        rng = self.rng
        self.now_s += rng.expovariate(1 / 12)
        choices = {
            "node": 8, "deliver": 6, "publish": 3, "mine": 4, "revoke": 0.3, "grant": 0.4, "reorg": 0.5, "kill": 0.4,
            "part": 0.3, "lie": 1.0 if self.liar else 0.0, "propose": 1.0 if self.liar else 0.0,
            "gateway": 2 if self.has_gateway else 0, "unpair": 0.2,
            "pair": 0.3, "rotate": 0.1, "jump": 0.2,
            "rogue": 0.4 if self.rogue else 0, "inspect": 0.3 if self.rogue else 0,
        }  # fmt: skip
        what = rng.choices(list(choices), list(choices.values()))[0]
        self.found.trace.update(f"{self.now_s:.6f} {what}\n".encode())
        self.act(what)

    def act(self, what: str, *args: Any) -> None:
        """Somebody does this."""
        getattr(self, f"_{what}")(*args)

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
            if name == self.indexed and self.rng.random() < 0.5:
                self.index.follow(Endpoint(self.ledger, self.luck(name)))
            self.began[SIGNERS[name].address] = self.ledger.blocks[-1]
            happened = self.member(name).turn()
            self.found.trace.update(
                "".join(f"{name} {one.event} {one.place[2]} {one.kind[:20]}\n" for one in happened).encode()
            )
        except Crash:
            self.members.pop(name, None)
        except MedtwinError as error:
            self.found.trace.update(f"{name} {error.kind}\n".encode())
            if error.kind == "other_nodes":  # whoever runs it starts it again, with the new file
                self.members.pop(name, None)
        finally:
            self.began.pop(SIGNERS[name].address, None)
            self.busy.discard(name)
            self._delay("BundlePosted")

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
        lazy = edge is None and self.rng.random() < 0.2  # it only tries again what it has
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
            for _ in resume(edge) if lazy else publish(edge, [readings]):
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
        twin, owner = self._anybody()
        self.ledger.submit(owner, "revoke", twin, ORACLE)

    def _grant(self) -> None:
        twin, owner = self._anybody()
        self.ledger.submit(owner, "grant", twin, ORACLE, *ASKED, self.rng.choice((60, LONG_S)))

    def _unpair(self) -> None:
        device = self.rng.choice(list(self.devices))
        self.ledger.submit(self.owners[self.devices[device]].address, "unpair", device)

    def _pair(self) -> None:
        device = self.rng.choice(list(self.devices))
        twin = self.devices[device]
        until_s = int(self.now_s) + self.rng.choice((120, LONG_S))
        self.ledger.submit(self.owners[twin].address, "pair", device, twin, until_s)

    def _rotate(self) -> None:
        free = [one.address for one in SIGNERS.values() if one.address not in self.ledger.state.suspended]
        self.weather.faults["rotation"] += 1
        self.ledger.submit("", "rotate", self.rng.sample(free, NODES))

    def _gateway(self) -> None:
        if "gateway" not in self.busy:
            self.busy.add("gateway")
            self.hub.turn()
            self.busy.discard("gateway")
            self._delay("EpochAnchored")

    def _jump(self) -> None:
        self.weather.faults["clock"] += 1
        self.rng.choice([*self.keepers, self.hub]).jump()

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
                self.rng.choice([*self.keepers, self.hub]).start()

    def _rogue(self) -> None:
        if self.rogue:
            self.rogue.post()

    def _inspect(self) -> None:
        if self.rogue and "inspector" not in self.busy:
            self.busy.add("inspector")
            self.rogue.inspect()
            self.busy.discard("inspector")

    def _delay(self, kind: str) -> None:
        """The newest manifest takes its time to some nodes, but less than what is taken for hidden."""
        named = [one for block in self.ledger.blocks for one in block.events if one.name == kind]
        if not named or named[-1].block < len(self.ledger.blocks) - 3 or self.weather.calm or self.rng.random() < 0.3:
            return
        manifests = [(one.args.get("epoch") or one.args)["manifest"] for one in named]
        first = named[
            manifests.index(manifests[-1])
        ]  # one that is posted again has been on its way since the first time
        until_s = first.time_s + self.rng.uniform(10, LONGEST_DELAY_S)
        for late in [self.stores[name].late for name in SIGNERS if self.rng.random() < 0.5]:
            late.setdefault(manifests[-1], until_s)

    def _part(self) -> None:
        self.weather.faults["partition"] += 1
        self.network.apart = {name: self.rng.randrange(2) for name in SIGNERS}

    def _propose(self) -> None:
        if self.liar not in self.busy:
            self.proposer.propose()

    def _stall(self) -> None:
        if self.liar:
            self.proposer.stall()

    def _lie(self) -> None:
        lie(self)

    def notice(self, name: str, observations: Sequence[Observation]) -> None:
        """Look at what a node of good faith signed: one report a round, however often it died in between."""
        for one in observations:
            report = one.report
            place = (name, report.twin_id, report.model, report.round)
            digest = report_digest(Domain(CHAIN_ID, ORACLE), report)
            if self.signed.setdefault(place, digest) != digest:
                self.violation("a node signed two reports of one round")
            self.observed[place] = report
