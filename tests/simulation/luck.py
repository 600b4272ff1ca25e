"""What can go wrong, drawn from the seed, and how often each was made to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from cachetools import LRUCache, TTLCache, cached

from oracle.adapters.memory import MemoryStore
from oracle.adapters.store import verified_block
from oracle.batches import anchored
from oracle.errors import ChainError, StorageError
from oracle.formats.wire import pack_observations, unpack_observations
from oracle.records import Observation
from oracle.reports import bundles


class Crash(BaseException):
    """The process dies at this instant; only what is durable is left."""


@dataclass(slots=True)
class Weather:
    """How bad it is in this seed; `calm` while everything heals."""

    rng: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    calm: bool = False
    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        most = {
            "crash": 0.01, "rpc": 0.02, "interrupt": 0.03, "late": 0.8, "store": 0.1, "rot": 0.05, "disk": 0.05,
            "loss": 0.3, "double": 0.5,
        }  # fmt: skip
        self.rates = {name: self.rng.choice((0.0, self.rng.random())) * rate for name, rate in most.items()}

    def strikes(self, name: str) -> bool:
        """Whether this fault happens now."""
        rate = self.rates[name]
        if not rate or self.calm or self.rng.random() >= rate:
            return False
        self.faults[name] += 1
        return True


@dataclass(slots=True)
class Luck:
    """One party's luck with its chain: what an :class:`~tests.simulation.endpoint.Endpoint` asks before it answers."""

    weather: Weather
    interrupt: Callable[[], None]
    mine: Callable[[], None]
    behind: int = 0
    lying: bool = False

    def call(self) -> None:
        """Before each call: die, get no answer, or let the rest of the world go on first."""
        if self.weather.strikes("crash"):
            raise Crash
        if self.weather.strikes("rpc"):
            raise ChainError("the chain stopped answering")
        if self.weather.strikes("interrupt"):
            self.interrupt()

    def sent(self) -> None:
        """After a transaction left: it is mined at once, later, or its sender dies before it knows."""
        if self.weather.strikes("crash"):
            raise Crash
        if not self.weather.strikes("late"):
            self.mine()

    def lag(self) -> int:
        """Blocks that this endpoint has not seen."""
        return 0 if self.weather.calm else self.behind

    def lies(self) -> bool:
        """Whether it says that everything is allowed."""
        return self.lying


class FlakyStore(MemoryStore):
    """Sometimes silent, sometimes with a flipped bit."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self.weather = weather

    def put(self, block: bytes) -> bytes:
        """Keep it, perhaps without saying so."""
        digest = super().put(block)
        if self.weather.strikes("store"):
            raise StorageError("the store does not answer")
        return digest

    def get(self, digest: bytes) -> bytes:
        """As stored; a flipped bit is noticed, as by every store."""
        if self.weather.strikes("store"):
            raise StorageError("the store does not answer")
        block = super().get(digest)
        if self.weather.strikes("rot"):
            at = self.weather.rng.randrange(len(block))
            rotten = block[:at] + bytes([block[at] ^ 1 << self.weather.rng.randrange(8)]) + block[at + 1 :]
            return verified_block(rotten, digest, self.describe())
        return block


class LateStore:
    """One node's way to the store: what others put in may take its time to arrive. `late` says until when (s)."""

    def __init__(self, store: FlakyStore, now_s: Callable[[], float]) -> None:
        self._store, self._now_s = store, now_s
        self.late: dict[bytes, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, digest: bytes) -> bytes:
        """As stored, once it is here."""
        if self._now_s() < self.late.get(digest, 0):
            self._store.weather.faults["awaited"] += 1
            raise StorageError("no peer has this block yet", kind="missing_block")
        return self._store.get(digest)


@contextmanager
def own_memory(now_s: Callable[[], float]) -> Iterator[None]:
    """What a process remembers of manifests is remembered for each party by itself, and by the simulated clock."""
    epochs, reports = (
        cached(LRUCache(anchored.LISTED), key=lambda store, domain, digest: (id(store), domain, digest))
        for _ in range(2)
    )
    with (
        patch.object(anchored, "_read", epochs(anchored._read.__wrapped__)),
        patch.object(bundles, "_read", reports(bundles._read.__wrapped__)),
        patch.object(anchored, "_hidden", TTLCache(anchored.LISTED, anchored.ASKED_AGAIN_S, now_s)),
        patch.object(anchored, "_awaited", TTLCache(anchored.LISTED, anchored.AWAITED_AGAIN_S, now_s)),
    ):
        yield


class FlakyDisk:
    """Any durable state whose writes may fail before or after they reached the disk."""

    def __init__(self, state: Any, writes: Sequence[str], weather: Weather) -> None:
        self._state, self._writes, self._weather = state, writes, weather

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._state, name)
        if name not in self._writes:
            return method

        def write(*args: Any) -> Any:
            if self._weather.strikes("disk"):
                raise StorageError("the disk is full")
            written = method(*args)
            if self._weather.strikes("crash"):
                raise Crash
            return written

        return write


class InTurn(Executor):
    """Instead of threads: what is to be done at once is done one after the other, so that a seed gives one run."""

    def __init__(self, *_: Any) -> None:
        pass

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it now."""
        done: Future[Any] = Future()
        try:
            done.set_result(task(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


@dataclass(slots=True)
class Network:
    """Messages between nodes: lost, doubled, delayed, out of order, cut by partitions."""

    weather: Weather
    now_s: Callable[[], float]
    names: Sequence[str]
    apart: dict[str, int] = field(default_factory=dict)
    flying: list[tuple[float, int, str, bytes]] = field(default_factory=list)
    sent: int = 0

    def send(self, sender: str, to: str, observations: Sequence[Observation]) -> None:
        """Put a message on its way, as the bytes that would travel."""
        rng = self.weather.rng
        if not self.weather.calm and self.apart.get(sender) != self.apart.get(to):
            return
        for _ in range(2 if self.weather.strikes("double") else 1):
            if not self.weather.strikes("loss"):
                self.sent += 1
                delay = rng.expovariate(1.0 if self.weather.calm else 0.2)
                self.flying.append((self.now_s() + delay, self.sent, to, pack_observations(observations)))

    def reaches(self, sender: str, to: str) -> bool:
        """Whether a question, or an answer, comes through at once."""
        apart = not self.weather.calm and self.apart.get(sender) != self.apart.get(to)
        return not apart and not self.weather.strikes("loss")

    def arrived(self) -> list[tuple[str, list[Observation]]]:
        """What has arrived by now."""
        now = self.now_s()
        here = sorted(one for one in self.flying if one[0] <= now)
        self.flying = [one for one in self.flying if one[0] > now]
        return [(to, unpack_observations(body)) for _, _, to, body in here]
