"""Rates of what runs for every batch and signature, each beside the package one would otherwise use."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

import cid  # type: ignore[import-untyped]
import multihash  # type: ignore[import-untyped]
import numpy as np
from coincurve import PrivateKey
from eth_account import Account

from oracle.adapters.cid import cid_of
from oracle.adapters.keys import LocalSigner
from oracle.formats.merkle import SALT_BYTES, reading_leaves, root
from oracle.formats.typed_data import NAME, TYPES, VERSION, Domain, batch_digest
from oracle.records import Batch, Readings
from scripts.install_solc import ROOT

from .measure import Figure, against, interleaved

ROUNDS = 15
NPM_ROUNDS = 5
SIGNATURES, PEER_SIGNATURES = 2_000, 250
LEAVES = 10_000
CIDS = 5_000
NPM = "npm @openzeppelin/merkle-tree"


def figures() -> Iterator[Figure]:
    """EIP-712 signatures, Merkle roots and CIDs a second."""
    yield from _signing()
    yield _merkle()
    yield _cids()


def readings(count: int, *, start_ms: int = 0, step_ms: int = 10, seed: int = 1) -> Readings:
    """Made-up readings of two channels, slowly wandering as vital signs do."""
    drawn = np.random.default_rng(seed)
    wander = np.cumsum(drawn.integers(-300_000, 300_001, count))
    values = 80_000_000 + wander % 40_000_000
    channel = (np.arange(count) % 2).astype(np.uint8)
    times = start_ms + step_ms * np.arange(count, dtype=np.int64)
    return Readings("bench/1", ("heart_rate", "resp_rate"), times, channel, values.astype(np.int64))


def _signing() -> Iterator[Figure]:
    """The digest of a batch and its signature, checked once to be the same by both."""
    secret = PrivateKey().secret
    signer, domain = LocalSigner(secret), Domain(1337, "0x" + "11" * 20)
    batch = Batch(1 << 200 | 1, 7, os.urandom(32), os.urandom(32), os.urandom(32), LEAVES, 1_790_000_000, 1_790_003_600)
    names = [{"name": name, "type": kind} for name, kind in TYPES["Batch"]]
    facts = dict(zip((field["name"] for field in names), _values(batch), strict=True))
    described = {"name": NAME, "version": VERSION, "chainId": 1337, "verifyingContract": domain.contract}

    def ours() -> int:
        for _ in range(SIGNATURES):
            signer.sign_digest(batch_digest(domain, batch))
        return SIGNATURES

    def theirs() -> int:
        for _ in range(PEER_SIGNATURES):
            Account.sign_typed_data(secret, described, {"Batch": names}, facts)
        return PEER_SIGNATURES

    signed = Account.sign_typed_data(secret, described, {"Batch": names}, facts).signature
    assert signer.sign_digest(batch_digest(domain, batch)) == bytes(signed)
    for name, unit, clock in (("", "/s", time.perf_counter), (", processor time", "/CPU s", time.process_time)):
        rates = interleaved({"ours": ours, "eth_account": theirs}, ROUNDS, clock)
        yield against(
            f"EIP-712 digest and signature{name}", unit, rates, "eth_account", goal=25_000,
            how=f"{SIGNATURES:,} batches a round; eth_account.sign_typed_data has coincurve under it too;"
            " by the clock it falls with other load on the machine, by processor time it hardly does",
        )  # fmt: skip


def _values(batch: Batch) -> tuple[int | bytes, ...]:
    return (
        batch.twin_id, batch.sequence, batch.previous, batch.digest,
        batch.root, batch.readings, batch.start_s, batch.end_s,
    )  # fmt: skip


def _merkle() -> Figure:
    """Leaves and root of a batch; the root must be the npm package's."""
    made, salts = readings(LEAVES), os.urandom(SALT_BYTES * LEAVES)
    rows = _rows(made, salts)

    def ours() -> int:
        root(reading_leaves(made, salts))
        return LEAVES

    rates: dict[str, list[float]] = {"ours": [], NPM: []}
    for _ in range(NPM_ROUNDS):
        found = _npm(rows)
        assert found["root"] == "0x" + root(reading_leaves(made, salts)).hex()
        rates["ours"] += interleaved({"ours": ours}, 1)["ours"]
        rates[NPM].append(LEAVES / found["seconds"])
    return against(
        "Merkle root of a batch, leaves included", "leaves/s", rates, NPM, goal=80, of="ratio",
        how=f"{LEAVES:,} readings with their salts; the npm package is timed inside Node, without its start;"
        " both must give the same root",
    )  # fmt: skip


def _rows(made: Readings, salts: bytes) -> list[list[str]]:
    names = ["0x" + name.encode().ljust(32, b"\0").hex() for name in made.channels]
    return [
        [str(time_ms), names[channel], str(value), "0x" + salts[SALT_BYTES * at : SALT_BYTES * (at + 1)].hex()]
        for at, (time_ms, channel, value) in enumerate(zip(made.time_ms, made.channel, made.value_e6, strict=True))
    ]


def _npm(rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(ROOT / "bench" / "merkle.cjs")], input=json.dumps(rows), capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cids() -> Figure:
    """The CID of a block's digest."""
    digests = [hashlib.sha256(bytes([at % 256])).digest() for at in range(CIDS)]

    def ours() -> int:
        for digest in digests:
            cid_of(digest)
        return CIDS

    def theirs() -> int:
        for digest in digests:
            cid.make_cid(1, "raw", multihash.encode(digest, "sha2-256")).encode("base32")
        return CIDS

    assert (
        cid_of(digests[0]) == cid.make_cid(1, "raw", multihash.encode(digests[0], "sha2-256")).encode("base32").decode()
    )
    return against(
        "CID of a digest, processor time", "/CPU s", interleaved({"ours": ours, "py-cid": theirs}, ROUNDS, time.process_time), "py-cid",
        how=f"{CIDS:,} digests a round, version 1, raw, base32",
    )  # fmt: skip
