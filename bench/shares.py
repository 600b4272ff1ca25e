"""Where the time goes from readings to a posted report: the running program is asked a hundred times a second."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.publish import Edge, publish
from oracle.records import Category, Purpose
from oracle.reports.predict import predict
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.serve.demo.world import THRESHOLD, World
from oracle.stages.ingest import split
from oracle.twins import kinds

EVERY_S = 0.01
BATCHES = 5
PLACES = {
    "prediction": ("twins/", "stages/features.py", "stages/model.py", "stages/explain.py"),
    "hashing": ("merkle.py", "receipt_log.py", "keccak.py", "adapters/cid.py"),
    "sealing and opening": ("hpke.py", "envelope.py"),
    "signatures": ("typed_data.py", "adapters/keys.py"),
    "chain": ("adapters/chain.py", "adapters/sending.py"),
    "store": ("adapters/store.py", "adapters/ipfs.py"),
    "journals": ("adapters/journal.py", "adapters/custody.py"),
}
"""Innermost frame of ours that one of these names decides."""
INHERENT = ("prediction", "hashing", "sealing and opening", "signatures")
PACKAGE = f"{os.sep}oracle{os.sep}"


def shares(scene: World) -> Mapping[str, float]:
    """Share of the wall time by place, over publishing and reporting on the shipped recordings by four nodes."""
    chain, kind, owner, device = scene.chain, kinds()["pulse"], scene.person("owner"), new_signer()
    chain.write(scene.hospital, "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False)
    chain.write(scene.hospital, "ModelRegistry", "approve", kind.model_digest)
    twin_id = new_twin_id(kind.twin_class, os.urandom)
    mint(chain, owner, twin_id)
    now_s = chain.head().time_s
    pair(chain, owner, device, twin_id, now_s + 180 * DAY_S)
    oracle, scope = chain.address("PredictionOracle"), Category(kind.category)
    grant(chain, owner, twin_id, oracle, categories=scope, purposes=Purpose.CARE, days=1)
    edge = Edge(
        chain, scene.store, SqliteOutbox(scene.folder / "shares.sqlite", device.address, oracle), device, scene.hospital,
        twin_id, kind.channels, int(kind.category), {one.address: one.public_key(twin_id) for one in scene.custodians},
        THRESHOLD, os.urandom,
    )  # fmt: skip
    whole = next(iter(kind.recordings(Path()))).readings
    shifted = replace(whole, time_ms=whole.time_ms - int(whole.time_ms[-1]) + now_s * 1000)
    batches = list(split(shifted, interval_ms=kind.batch_ms, most=20_000))[:BATCHES]
    list(publish(edge, batches[:1]))  # what is set up once is not counted
    predict(scene.nodes, scene.hospital, kind, twin_id)
    with _asked() as counts:
        for batch in batches[1:]:
            list(publish(edge, [batch]))
            predict(scene.nodes, scene.hospital, kind, twin_id)
    total = counts.total()
    return {place: counts[place] / total for place in (*PLACES, "the rest")}


@contextmanager
def _asked() -> Iterator[Counter[str]]:
    counts: Counter[str] = Counter()

    def ask(_: int, frame: FrameType | None) -> None:
        counts[_place(frame)] += 1

    before = signal.signal(signal.SIGALRM, ask)
    signal.setitimer(signal.ITIMER_REAL, EVERY_S, EVERY_S)
    try:
        yield counts
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _place(frame: FrameType | None) -> str:
    while frame is not None:
        _, inside, name = frame.f_code.co_filename.rpartition(PACKAGE)
        if inside:
            for place, ends in PLACES.items():
                if name.replace(os.sep, "/").startswith(ends):
                    return place
        frame = frame.f_back
    return "the rest"
