"""Custodians as processes, whose second endpoint of the chain lies: they refuse, the receipt tells why, and honest again they permit."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.keys import LocalSigner
from oracle.batches.fetch import OpenedBatch, fetch
from oracle.batches.publish import Edge, publish
from oracle.custody.audit import entries_of, verify_receipts
from oracle.errors import CustodyDenied
from oracle.formats.receipts import decode
from oracle.ports import Store
from oracle.records import Category, Purpose
from oracle.rights.consent import grant, revoke
from oracle.serve.cli.custodian import ENDPOINT_TIMEOUT_S
from oracle.settings import Settings, open_custodians, open_store
from oracle.twins import kinds
from tests.lying import Lie, changed, endpoint, honest, late

from .clinic import Clinic, custodian_processes, now_ms, recorded

SILENT_S = ENDPOINT_TIMEOUT_S + 3
BLOCKS_BEHIND = 8


@dataclass
class Bench:
    """A twin whose two custodians ask an honest endpoint and one that says what it is told."""

    clinic: Clinic
    twin: int
    owner: LocalSigner
    reader: LocalSigner
    store: Store
    keepers: list[RemoteCustodian] = field(default_factory=list)
    says: Lie = field(default=honest)

    def read(self) -> list[OpenedBatch]:
        return fetch(
            self.clinic.chain, self.store, self.keepers, self.reader, twin_id=self.twin,
            purpose=int(Purpose.CARE), category=int(Category.WAVEFORM), random_bytes=os.urandom,
        )  # fmt: skip

    def refusals(self) -> dict[str, str]:
        """Why each custodian refuses now."""
        with pytest.raises(CustodyDenied) as denied:
            self.read()
        return dict(denied.value.refusals)

    def last_reasons(self) -> set[str]:
        """What the newest receipt of each custodian says."""
        return {decode(*entries_of(one)[-1]).reason for one in self.keepers}


@pytest.fixture(scope="module")
def bench(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("lying")
    url = clinic.cli.environment["MEDTWIN_CHAIN"]
    twin, owner, device = clinic.twin("lied-to")
    settings = Settings.read(clinic.cli.environment)
    made = Bench(clinic, twin, owner, clinic.key("lied-to-reader"), open_store(settings.store))
    with httpx.Client(trust_env=False, timeout=60) as client, ExitStack() as stack:

        def truth(asked: list[Any]) -> list[Any]:
            told: list[Any] = client.post(url, json=asked).json()
            return told

        lying = stack.enter_context(endpoint(truth, lambda: made.says))
        names = ["lied-to-custodian-1", "lied-to-custodian-2"]
        for name in names:
            clinic.key(name)
        environment = {**clinic.cli.environment, "MEDTWIN_CHAIN": f"{url},{lying}"}
        urls = stack.enter_context(custodian_processes(environment, names, home))
        settings = replace(settings, custodians=tuple(urls))
        made.keepers = [stack.enter_context(closing(one)) for one in open_custodians(settings)]
        kind = kinds()["pulse"]
        edge = Edge(
            clinic.chain, made.store, SqliteOutbox(":memory:", device.address, "lied-to"), device, device,
            twin, kind.channels, int(kind.category), {one.address: one.public_key(twin) for one in made.keepers}, 2, os.urandom,
            lambda: int(time.time()),
        )  # fmt: skip
        list(publish(edge, [recorded(1, end_ms=now_ms() - 2_000)]))
        grant(
            clinic.chain, owner, twin, made.reader.address, categories=Category.WAVEFORM, purposes=Purpose.CARE, days=1
        )  # fmt: skip
        yield made


def stale(blocks: int) -> Lie:
    """The newest block is one of long ago."""

    def lie(asked: list[Any], true: bytes) -> tuple[int, bytes]:
        found = json.loads(true)
        for one, answer in zip(asked, found if isinstance(found, list) else [found], strict=True):
            if one["method"] == "eth_getBlockByNumber" and one["params"][0] == "latest":
                number = int(answer["result"]["number"], 16)
                answer["result"] = {**answer["result"], "number": hex(max(0, number - blocks))}
        return 200, json.dumps(found).encode()

    return lie


def block(of: Callable[[dict[str, Any]], bool]) -> Lie:
    """Another block in the place of those."""
    return changed("eth_getBlockByNumber", lambda one: {**one, "hash": "0x" + "11" * 32} if of(one) else one)


def has(number: str) -> Callable[[dict[str, Any]], bool]:
    return lambda one: bool(one["number"] == number)


LIES: dict[str, tuple[Lie, str]] = {
    "a stale head": (stale(BLOCKS_BEHIND), "chain_lagging"),
    "a head far ahead": (stale(-1_000), "chain_lagging"),
    "another chain": (block(has("0x0")), "chain_forked"),
    "a fork": (block(lambda one: not has("0x0")(one)), "chain_forked"),
    "no code where the contracts are": (changed("eth_call", lambda _: "0x"), "chain_unavailable"),
    "other code, which says no to all": (
        changed("eth_call", lambda told: "0x" + "00" * (len(told) // 2 - 1)),
        "no_consent",
    ),
    "too many requests": (lambda *_: (429, b"slow down"), "chain_unavailable"),
    "silence": (late(SILENT_S), "chain_unavailable"),
}


@pytest.mark.parametrize("name", LIES)
def test_custodian_refuses_what_one_endpoint_lies_about_and_says_why(bench: Bench, name: str) -> None:
    """Whatever the lie, both give a signed receipt with its reason and no share; the truth again, and they open the same data."""
    lie, reason = LIES[name]
    bench.says = lie
    told = bench.refusals()
    bench.says = honest

    assert set(told.values()) == {reason} and bench.last_reasons() == {reason}
    assert len(bench.read()) == 1
    assert set(told) == {one.address for one in bench.keepers}


def test_endpoint_that_holds_on_to_a_yes_opens_nothing(bench: Bench) -> None:
    """After the owner's revocation the liar goes on as before it, but for the blocks: the honest one decides."""
    kept: dict[str, Any] = {}

    def remembered(asked: list[Any], true: bytes) -> tuple[int, bytes]:
        found = json.loads(true)
        for one, answer in zip(asked, found if isinstance(found, list) else [found], strict=True):
            if one["method"] == "eth_call":
                answer["result"] = kept.setdefault(one["params"][0]["data"], answer.get("result"))
        return 200, json.dumps(found).encode()

    bench.says = remembered
    assert len(bench.read()) == 1 and kept
    revoke(bench.clinic.chain, bench.owner, bench.twin, bench.reader.address)

    assert set(bench.refusals().values()) == {"consent_revoked"} == bench.last_reasons()
    bench.says = honest
    with ExitStack() as stack:  # an audit misses whoever has a root and shows no log
        others = open_custodians(Settings.read(bench.clinic.cli.environment))
        keepers = [*bench.keepers, *(stack.enter_context(closing(one)) for one in others)]
        logs = {one.address: entries_of(one) for one in keepers}
    assert verify_receipts(bench.clinic.chain, logs).receipts >= 4 * len(LIES)
