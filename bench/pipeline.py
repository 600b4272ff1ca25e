"""Readings a second from a device to the chain, how that grows, and how fast a revocation locks."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psutil
from hexbytes import HexBytes

from oracle.adapters.box import SqliteBox
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.edge import Gateway, take, turn
from oracle.batches.fetch import fetch
from oracle.batches.publish import Edge, prepare, send
from oracle.errors import CustodyDenied
from oracle.ports import Signer
from oracle.records import Category, Channel, Purpose, TwinClass
from oracle.rights.consent import DAY_S, grant, revoke
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.serve.demo.world import THRESHOLD, World

from .loop import Loop
from .measure import Figure, against, interleaved
from .speed import readings

STEP_MS = 10
CHANNELS = (Channel("heart_rate", "/min", 0, 400), Channel("resp_rate", "/min", 0, 400))
SIZES = (3_000, 10_000)
GROWTH = (1_000, 10_000, 100_000, 1_000, 10_000, 100_000, 1_000_000, 1_000, 10_000, 100_000, 1_000, 10_000)
PROPORTIONAL_FROM = 10_000
"""Readings; below, a batch is smaller too, and costs nearly the same."""
LOOP = "one transaction per reading"


@dataclass(slots=True)
class Device:
    """A paired device that always has more readings to publish."""

    owner: Signer
    edge: Edge
    next_ms: int
    gas: int = 0
    ages: list[float] = field(default_factory=list)

    def publish(self, count: int, size: int) -> int:
        """Publish `count` readings in batches of `size`: check, seal, sign, store, anchor."""
        for _ in range(count // size):
            made = readings(size, start_ms=self.next_ms, step_ms=STEP_MS)
            self.next_ms += size * STEP_MS
            began = time.perf_counter()
            mined = send(self.edge, prepare(self.edge, made))
            self.ages.append(time.perf_counter() - began)
            self.gas += mined.gas if mined else 0
        return count


def device(scene: World) -> Device:
    """A new twin and its device; its outbox and store are files with durable writes."""
    owner, signer, chain = scene.person("owner"), new_signer(), scene.chain
    twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(chain, owner, twin_id)
    now_s = chain.head().time_s
    pair(chain, owner, signer, twin_id, now_s + 365 * DAY_S)
    outbox = SqliteOutbox(scene.folder / f"{signer.address}.sqlite", signer.address, chain.address("DataAnchor"))
    keys = {one.address: one.public_key(twin_id) for one in scene.custodians}
    edge = Edge(
        chain, scene.store, outbox, signer, scene.hospital, twin_id,
        CHANNELS, int(Category.VITALS), keys, THRESHOLD, os.urandom,
    )  # fmt: skip
    return Device(owner, edge, (now_s - 10 * DAY_S) * 1000)


@dataclass(slots=True)
class Through:
    """The same device in front of a gateway, which posts one root for all that came."""

    device: Device
    gateway: Gateway

    def publish(self, batches: int, size: int) -> int:
        """Seal and sign as the device does; take, store and post as the gateway does."""
        for _ in range(batches):
            made = readings(size, start_ms=self.device.next_ms, step_ms=STEP_MS)
            self.device.next_ms += size * STEP_MS
            outgoing = prepare(self.device.edge, made)
            take(self.gateway, outgoing)
            self.device.edge.outbox.done(outgoing.batch.sequence)
        before = self.gateway.chain.read("EpochAnchor", "headOf", self.gateway.signer.address)[0]
        turn(self.gateway)
        assert self.gateway.chain.read("EpochAnchor", "headOf", self.gateway.signer.address)[0] == before + 1
        return batches * size


def through(scene: World) -> Through:
    """A gateway paired with a ward's twin, its box a file with durable writes."""
    owner, signer, chain = scene.person("ward"), scene.person("gateway"), scene.chain
    ward = new_twin_id(TwinClass.WARD, os.urandom)
    mint(chain, owner, ward)
    pair(chain, owner, signer, ward, chain.head().time_s + 365 * DAY_S)
    box = SqliteBox(scene.folder / f"{signer.address}.box.sqlite")
    gateway = Gateway(chain, scene.store, box, signer, lambda: int(time.time()) + DAY_S, most_bytes=2**30)
    return Through(device(scene), gateway)


def throughput(scene: World, loop: Loop, *, batches: int, transactions: int, rounds: int) -> Iterator[Figure]:
    """Readings a second of the whole pipeline, beside the loop on the same chain."""
    source, relayed = device(scene), through(scene)

    def ours(size: int) -> Callable[[], int]:
        return lambda: source.publish(batches * size, size)

    loop.put(1)
    source.publish(sum(SIZES), sum(SIZES))  # what is set up once is not timed
    relayed.publish(1, SIZES[0])
    arms = {f"ours {size}": ours(size) for size in SIZES}
    arms["ours, a gateway"] = lambda: relayed.publish(batches, SIZES[-1])
    rates = interleaved({**arms, LOOP: lambda: loop.put(transactions)}, rounds)
    for size in SIZES:
        mine = {"ours": rates[f"ours {size}"], LOOP: rates[LOOP]}
        yield against(
            f"to the chain, batches of {size:,}", "readings/s", mine, LOOP,
            goal=100, stretch=400, of="ratio",
            how=f"{batches} batches a round: checked, sealed for 3 custodians, signed, stored and anchored, one after"
            f" the other; the loop sends {transactions} signed transactions that log a reading and check nothing,"
            f" {loop.how}",
        )  # fmt: skip
    yield against(
        f"through a gateway, batches of {SIZES[-1]:,}", "readings/s",
        {"ours": rates["ours, a gateway"], LOOP: rates[LOOP]}, LOOP, goal=100, stretch=400, of="ratio",
        how=f"the same {batches} batches a round, sealed and signed by the device, checked, kept and stored by the"
        " gateway, and posted as one epoch; device and gateway in one process",
    )  # fmt: skip


def costs(scene: World, loop: Loop, *, batches: int = 5) -> Iterator[Figure]:
    """Gas of a reading, and how old the last one is when it is anchored."""
    size, source, relayed = SIZES[-1], device(scene), through(scene)
    source.publish(size, size)
    source.gas, source.ages = 0, []
    source.publish(batches * size, size)
    relayed.publish(1, size)  # the first also admits the gateway
    posted = scene.chain.head().number
    relayed.publish(batches, size)
    (epoch,) = scene.chain.events("EpochAnchor", "EpochAnchored", since=posted + 1)
    peer = loop.gas()
    for name, gas in (
        (f"gas of a reading, batches of {size:,}", source.gas / (batches * size)),
        (f"gas of a reading, {batches} such batches in an epoch", gas_of(scene, epoch.transaction) / (batches * size)),
    ):
        yield Figure(name, gas, "gas", peer=LOOP, theirs=peer, how="from receipts")
    yield Figure(
        "age of a batch's last reading when it is anchored", statistics.median(source.ages), "s",
        spread=(min(source.ages), max(source.ages)),
        how=f"from handing over {size:,} readings to the receipt; its first reading is older by what the batch spans",
    )  # fmt: skip


def gas_of(scene: World, transaction: bytes) -> int:
    """What a transaction used, as its receipt tells."""
    return int(scene.opened.web3.eth.get_transaction_receipt(HexBytes(transaction))["gasUsed"])


@dataclass(frozen=True, slots=True)
class Step:
    """So many readings, in how many seconds, and the memory of the process afterwards."""

    readings: int
    seconds: float
    memory_mb: float


def growth(scene: World, sizes: Sequence[int] = GROWTH) -> list[Step]:
    """From a thousand readings to a million, median times; memory is what the process holds at the end of each."""
    source, taken, held = device(scene), defaultdict[int, list[float]](list), defaultdict[int, list[float]](list)
    process = psutil.Process()
    for count in sizes:
        began = time.perf_counter()
        source.publish(count, min(count, SIZES[-1]))
        taken[count].append(time.perf_counter() - began)
        held[count].append(process.memory_info().rss / 1e6)
    return [Step(count, statistics.median(taken[count]), statistics.median(held[count])) for count in sorted(taken)]


def growing(steps: Sequence[Step]) -> Iterator[Figure]:
    """Exponent of time over readings (1 is proportional), and how memory changed."""
    large = [one for one in steps if one.readings >= PROPORTIONAL_FROM]
    most = steps[-1]
    yield Figure(
        f"time from {large[0].readings:,} to {most.readings:,} readings", exponent(large), "exponent", goal=1.05,
        how=f"batches of {SIZES[-1]:,} from one device, slope of the logarithms of median times;"
        f" the million took {most.seconds:.0f} s ({most.readings / most.seconds:,.0f} readings/s)",
    )  # fmt: skip
    yield Figure(
        f"time from {steps[0].readings:,} to {most.readings:,} readings", exponent(steps), "exponent", goal=1.05,
        how=f"the same; the thousand is one small batch, which took {steps[0].seconds:.3f} s",
    )  # fmt: skip
    yield Figure(
        f"memory after {most.readings:,} readings less after {large[0].readings:,}", most.memory_mb - large[0].memory_mb,
        "MB", how=f"of the whole process, which holds {most.memory_mb:.0f} MB then",
    )  # fmt: skip


def exponent(steps: Sequence[Step]) -> float:
    """Slope of the logarithms."""
    return statistics.linear_regression(
        [math.log(one.readings) for one in steps], [math.log(one.seconds) for one in steps]
    ).slope


def locking(scene: World) -> Iterator[Figure]:
    """A grantee fetches, is revoked and is refused: blocks and seconds from sending to locked."""
    chain, source, grantee = scene.chain, device(scene), scene.person("grantee")
    twin_id, owner = source.edge.twin_id, source.owner
    source.publish(SIZES[0], SIZES[0])
    grant(chain, owner, twin_id, grantee.address, categories=Category.VITALS, purposes=Purpose.CARE, days=1)
    asked = (twin_id, grantee.address, int(Category.VITALS), int(Purpose.CARE))

    def ask() -> int:
        opened = fetch(
            chain, scene.store, scene.custodians, grantee,
            twin_id=twin_id, purpose=int(Purpose.CARE), category=int(Category.VITALS), random_bytes=os.urandom,
        )  # fmt: skip
        return len(opened)

    assert ask() == 1
    head, began = chain.head().number, time.perf_counter()
    locked = revoke(chain, owner, twin_id, grantee.address).mined.block
    try:
        ask()
    except CustodyDenied:
        seconds = time.perf_counter() - began
    else:
        raise AssertionError("a revoked grantee was served")
    assert chain.read("ConsentRegistry", "isAllowed", *asked, block=head)
    assert not chain.read("ConsentRegistry", "isAllowed", *asked, block=locked)
    yield Figure("revocation to locked", locked - head, "blocks", goal=1, how="custodians refuse from that block on")
    yield Figure("revocation to refused", seconds, "s", how="from sending the revocation to the custodians' refusal")
