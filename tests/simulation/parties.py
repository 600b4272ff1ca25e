"""Who takes part in a simulated hospital besides its nodes: custodians, devices, a gateway, the network between nodes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from oracle.adapters.box import SqliteBox
from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.keys import LocalSigner
from oracle.batches import edge as gateway
from oracle.custody.endpoints import Endpoints
from oracle.custody.release import LocalCustodian
from oracle.errors import MedtwinError, StorageError
from oracle.formats.bundles import Bundle
from oracle.formats.receipts import encode
from oracle.records import (
    E6,
    Batch,
    Category,
    Channel,
    Contribution,
    Features,
    Observation,
    Outgoing,
    Prediction,
    Readings,
    Status,
)

from .endpoint import Endpoint
from .luck import Crash, FlakyDisk

if TYPE_CHECKING:
    from .world import World

HEART = Channel("heart_rate", "/min", 0, 350)
DAY_S = 86_400
LONG_S = 10**7


@cache
def key(name: str) -> LocalSigner:
    """The same key for a name in every run."""
    return LocalSigner(hashlib.sha256(name.encode()).digest())


NODES = 4
SIGNERS = {f"node-{number}": key(f"node-{number}") for number in range(NODES + 1)}
"""One more than report at a time: rotations change them."""
KEEPERS = {f"custodian-{number}": key(f"custodian-{number}") for number in range(3)}
GATEWAY = key("gateway")
MOST_BYTES = 1_000_000


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

    def jump(self) -> None:
        """Its clock is set anew."""
        self.skew_s = self.world.rng.choice((0, -DAY_S, -60, 60, DAY_S))

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

    def release(self, request: Any, items: Any, proofs: Any = ()) -> Any:
        """As over a network: a dead custodian is one that does not answer."""
        world = self.world
        before = world.allows(request.twin_id, request.grantee)
        try:
            released = self.custodian.release(request, items, proofs)
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


def hasty(counted: Sequence[Any], *_: Any) -> list[Any]:
    """A canary: what counts if nothing is in the epochs that have not arrived."""
    return [one for _, one in counted]


class Leaky(SqliteBox):
    """A canary: a box that loses the fifth batch it took."""

    taken = 0

    def take(self, *args: Any, **kwargs: Any) -> None:
        """Says that it has it."""
        self.taken += 1
        if self.taken != 5:
            super().take(*args, **kwargs)


class Hub:
    """The gateway's process, as its devices reach it: dies, comes back with what its box holds."""

    def __init__(self, world: World) -> None:
        self.world, self.skew_s = world, 0
        self.overheard: list[tuple[Batch, bytes]] = []
        self.box: Any = Leaky(":memory:") if world.canary == "drops" else SqliteBox(":memory:")
        self.start()

    def jump(self) -> None:
        """Its clock is set anew."""
        self.skew_s = self.world.rng.choice((0, -600, 60, 600))

    def start(self) -> None:
        """A fresh process."""
        world = self.world
        self.gateway = gateway.Gateway(
            Endpoint(world.ledger, world.luck("gateway")), world.store,
            FlakyDisk(self.box, ("take", "close", "finish", "set_aside"), world.weather), GATEWAY,
            clock_s=lambda: int(world.now_s) + (0 if world.weather.calm else self.skew_s),
            most_bytes=MOST_BYTES, depth=world.deepest,
        )  # fmt: skip

    def take(self, outgoing: Outgoing) -> None:
        """As over a network: the batch, or the answer to it, may be lost."""
        world = self.world
        if world.weather.strikes("store"):
            raise StorageError("the gateway does not answer")
        self.overheard.append((outgoing.batch, outgoing.signature))
        try:
            gateway.take(self.gateway, outgoing)
        except Crash:
            self.start()
            raise StorageError("the gateway does not answer") from None
        if world.weather.strikes("store"):
            raise StorageError("the gateway does not answer")

    def turn(self) -> None:
        """One turn, if it lives through it."""
        try:
            gateway.turn(self.gateway)
        except Crash:
            self.start()
        except MedtwinError as error:
            self.world.found.trace.update(f"gateway {error.kind}\n".encode())


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

    def ask(self, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
        """Ask everybody else."""
        return self._world.asked(self._name, bundle, signature)


def public_key(keeper: Keeper, world: World, twin: int) -> bytes:
    """A custodian's key for a twin, fetched in good weather."""
    world.weather.calm = True
    try:
        return keeper.public_key(twin)
    finally:
        world.weather.calm = False
