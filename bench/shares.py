"""Where the time goes from readings to posted reports of many twins, and how long one alert takes.

What is counted is processor time of the program's own functions, each without what it calls of the others', and put
beside the seconds by the clock. Many twins are under way at the same time, so the clock does not stop for the chain.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

from oracle.adapters import chain as chains
from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.journal import SqliteOutbox, SqliteSignedRounds
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.adapters.store import EmbeddedStore
from oracle.batches.publish import Edge, publish
from oracle.formats import envelope, hpke, merkle, receipt_log, receipts, typed_data
from oracle.records import Category, Purpose, Readings, Report
from oracle.reports import reason as reasons
from oracle.reports.due import NotReported, due, report_all
from oracle.reports.predict import predict
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.serve.demo.world import THRESHOLD, World
from oracle.stages.ingest import split
from oracle.twins import TwinKind, kinds

from .measure import Figure

TWINS, ROUNDS, AT_ONCE = 24, 3, 16
PLACES: dict[str, tuple[Any, ...]] = {
    "prediction": (reasons.reason,),
    "hashing": (
        merkle.root, merkle.reading_leaves, merkle.proof, merkle.proofs, merkle.verify, receipt_log.leaf_hash,
        (receipt_log.Frontier, "add"), (receipt_log.Frontier, "root"),
    ),
    "sealing and opening": (
        envelope.seal, envelope.open_block, envelope.open_share, envelope.check_share,
        hpke.seal, hpke.open_sealed, hpke.new_key, hpke.public_key,
    ),
    "signatures": (
        typed_data.recover, typed_data.recovers_to, typed_data.batch_digest, typed_data.report_digest,
        typed_data.receipt_digest, receipts.request_digest,
        (LocalSigner, "sign_digest"), (LocalSigner, "sign_transaction"),
    ),
    "chain": tuple(
        (chains.Web3Chain, name)
        for name in ("head", "read_many", "write", "write_many", "events", "is_signed_by", "settle")
    ),
    "store": ((EmbeddedStore, "put"), (EmbeddedStore, "get"), (EmbeddedStore, "has")),
    "journals": (
        (SqliteOutbox, "add"), (SqliteOutbox, "done"), (SqliteOutbox, "last"), (SqliteSignedRounds, "remember"),
        (SqliteCustodianState, "append"), (SqliteCustodianState, "key"), (SqliteCustodianState, "is_used"),
    ),
}  # fmt: skip
"""Functions, and methods as (class, name), by what they are for."""
INHERENT = ("prediction", "hashing", "sealing and opening", "signatures")


@dataclass(frozen=True, slots=True)
class Split:
    """Seconds of the processor by place, all of the process's, and seconds by the clock."""

    by_place: Mapping[str, float]
    processor_s: float
    clock_s: float
    readings: int
    reports: int
    alert_s: float

    @property
    def inherent(self) -> float:
        """Processor seconds of what cannot be left out, a second by the clock."""
        return sum(self.by_place[name] for name in INHERENT) / self.clock_s

    @property
    def inherent_of_processor(self) -> float:
        """The same of the processor's seconds."""
        return sum(self.by_place[name] for name in INHERENT) / self.processor_s

    def shares(self) -> dict[str, float]:
        """Of the seconds by the clock."""
        found = {place: seconds / self.clock_s for place, seconds in self.by_place.items()}
        rest = (self.processor_s - sum(self.by_place.values())) / self.clock_s
        return {**found, "the rest": rest, "waiting": max(0.0, 1 - self.processor_s / self.clock_s)}


def split_of(scene: World, *, twins: int = TWINS, rounds: int = ROUNDS) -> Split:
    """Publish a batch of each twin and report on all, several times over, on the shipped recordings."""
    chain, kind = scene.chain, kinds()["pulse"]
    approve(scene, kind)
    edges = [edge_of(scene, kind) for _ in range(twins)]
    batches = batches_of(kind, chain.head().time_s)
    _round(scene, kind, edges, batches[0])  # what is set up once is not counted
    reports = 0
    with counted() as by_place:
        processor, clock = time.process_time(), time.perf_counter()
        for batch in batches[1 : rounds + 1]:
            reports += _round(scene, kind, edges, batch)
        processor, clock = time.process_time() - processor, time.perf_counter() - clock
    alerts = [_alert(scene, kind, edges[0], batch) for batch in batches[rounds + 1 : rounds + 4]]
    readings = twins * sum(len(batch) for batch in batches[1 : rounds + 1])
    return Split(dict(by_place), processor, clock, readings, reports, statistics.median(alerts))


def approve(scene: World, kind: TwinKind) -> None:
    """Let the nodes report by the kind's model."""
    scene.chain.write(
        scene.hospital, "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False
    )
    scene.chain.write(scene.hospital, "ModelRegistry", "approve", kind.model_digest)


def edge_of(scene: World, kind: TwinKind) -> Edge:
    """A new twin that lets the oracle look, and its device."""
    chain, owner, device = scene.chain, scene.person("owner"), new_signer()
    twin_id = new_twin_id(kind.twin_class, os.urandom)
    mint(chain, owner, twin_id)
    pair(chain, owner, device, twin_id, chain.head().time_s + 180 * DAY_S)
    oracle, scope = chain.address("PredictionOracle"), Category(kind.category)
    grant(chain, owner, twin_id, oracle, categories=scope, purposes=Purpose.CARE, days=1)
    scene.opened.fund(device.address, 10**18)
    outbox = SqliteOutbox(scene.folder / f"{device.address}.sqlite", device.address, oracle)
    keys = {one.address: one.public_key(twin_id) for one in scene.custodians}
    return Edge(
        chain,
        scene.store,
        outbox,
        device,
        device,
        twin_id,
        kind.channels,
        int(kind.category),
        keys,
        THRESHOLD,
        os.urandom,
    )


def batches_of(kind: TwinKind, now_s: int) -> list[Readings]:
    """The shipped recordings' first, its end shifted to the present."""
    whole = next(iter(kind.recordings(Path()))).readings
    shifted = replace(whole, time_ms=whole.time_ms - int(whole.time_ms[-1]) + now_s * 1000)
    return list(split(shifted, interval_ms=kind.batch_ms, most=20_000))


def _round(scene: World, kind: TwinKind, edges: list[Edge], batch: Readings) -> int:
    """A batch of each twin to the chain, then a report on each; how many reports."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda edge: list(publish(edge, [batch])), edges))
    nodes = [replace(node, reason=reasons.reason) for node in scene.nodes]
    known: dict[bytes, reasons.Kind] = {kind.model_digest: kind}
    places = due(scene.chain, scene.store, known, [edge.twin_id for edge in edges])
    found = list(report_all(nodes, scene.hospital, known, places, at_once=AT_ONCE))
    failed = [one.error for one in found if isinstance(one, NotReported)]
    if failed or len(found) != len(edges):
        raise failed[0] if failed else AssertionError(f"{len(found)} of {len(edges)} twins were due")
    return len(found)


def _alert(scene: World, kind: TwinKind, edge: Edge, batch: Readings) -> float:
    """Seconds from handing over a batch's last reading to its report on the chain, nothing else under way."""
    began = time.perf_counter()
    report_on(scene, kind, edge, batch)
    return time.perf_counter() - began


def report_on(scene: World, kind: TwinKind, edge: Edge, batch: Readings) -> Report:
    """Publish a batch and report on it."""
    list(publish(edge, [batch]))
    return predict(scene.nodes, scene.hospital, kind, edge.twin_id).report


def figures(split: Split) -> Iterator[Figure]:
    """What a split says."""
    inherent = ", ".join(INHERENT)
    yield Figure(
        "reports", split.reports / split.clock_s, "reports/s", how="by four nodes in one process, three signatures each"
    )
    yield Figure("readings published and reported on", split.readings / split.clock_s, "readings/s")
    yield Figure(
        "inherent work, of the clock", split.inherent, "share", goal=0.6, at_most=False,
        how=f"processor seconds inside {inherent}, of all threads, by the seconds of the run; the chain and everything"
        " else on the machine compete for the same cores",
    )  # fmt: skip
    yield Figure(
        "inherent work, of the processor",
        split.inherent_of_processor,
        "share",
        how="the same by all the processor seconds of the process; it hardly depends on what else runs",
    )
    yield Figure(
        "one alert",
        split.alert_s,
        "s",
        how="from handing over a batch to its report on the chain, nothing else under way",
    )


# -- counting ------------------------------------------------------------------------------


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Processor seconds by place while this is open, of all threads."""
    total, lock, mine = Counter[str](dict.fromkeys(PLACES, 0.0)), threading.Lock(), threading.local()

    def counting(place: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            stack: list[float] = mine.__dict__.setdefault("stack", [0.0])
            stack.append(0.0)
            began = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                took = time.thread_time() - began
                own = took - stack.pop()
                stack[-1] += took
                with lock:
                    total[place] += own

        return timed

    undo: list[tuple[Any, str, Any]] = []
    for place, functions in PLACES.items():
        for found in functions:
            for holder, name, function in _bound(found):
                undo.append((holder, name, function))
                setattr(holder, name, counting(place, function))
    try:
        yield total
    finally:
        for holder, name, function in undo:
            setattr(holder, name, function)


def _bound(found: Any) -> Iterator[tuple[Any, str, Any]]:
    """Everywhere a function is known by a name."""
    if isinstance(found, tuple):
        holder, name = found
        yield holder, name, getattr(holder, name)
        return
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("oracle."):
            names = [name for name, value in vars(module).items() if value is found]
            yield from ((module, name, found) for name in names)
