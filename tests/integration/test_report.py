"""``medtwin node report``: every twin that is due, in one pass over Ganache and three custodian processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.adapters.store import EmbeddedStore
from oracle.batches.publish import Edge, publish
from oracle.ports import Custodian, Store
from oracle.records import Category, Purpose
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Settings, open_custodians
from oracle.twins.pulse import Pulse

from .clinic import ETHER, Clinic, recorded

NODES = ("--as", "node-1", "--as", "node-2", "--as", "node-3")


def test_one_pass_reports_on_every_twin_once(clinic: Clinic) -> None:
    """Each once, also when it is run again; a key that is no node's is refused, and two nodes are no quorum."""
    chain, kind, settings = clinic.chain, Pulse(), Settings.read(clinic.cli.environment)
    clinic.approve(kind)
    with ExitStack() as stack:
        custodians = [stack.enter_context(closing(one)) for one in open_custodians(settings)]
        store = stack.enter_context(closing(EmbeddedStore(Path(settings.store))))
        twins = [published(clinic, store, custodians, kind) for _ in range(3)]

    refused = clinic.cli("node", "report", "--as", "hospital", "--kind", "pulse")
    few = clinic.cli.facts("node", "report", *NODES[:4], "--kind", "pulse")
    told = clinic.cli.facts("node", "report", *NODES, "--kind", "pulse")
    again = clinic.cli.facts("node", "report", *NODES, "--kind", "pulse")

    assert refused.code == 3 and "not one of the oracle's nodes" in refused.err
    assert few["reported"] == 0 and few["not_reported"]["no_quorum"] >= len(twins)
    assert told["due"] >= len(twins) and again["due"] == told["due"] - told["reported"]
    posted = [len(chain.events("PredictionOracle", "PredictionPosted", twinId=one)) for one in twins]
    assert posted == [1] * len(twins)


def published(clinic: Clinic, store: Store, custodians: Sequence[Custodian], kind: Pulse) -> int:
    """A new twin that lets the oracle look, with one batch."""
    chain, owner, device, twin_id = clinic.chain, new_signer(), new_signer(), new_twin_id(kind.twin_class, os.urandom)
    for one in (owner, device):
        clinic.opened.fund(one.address, ETHER)
    mint(chain, owner, twin_id)
    now_s = chain.head().time_s
    pair(chain, owner, device, twin_id, now_s + DAY_S)
    scope = Category(kind.category)
    grant(chain, owner, twin_id, chain.address("PredictionOracle"), categories=scope, purposes=Purpose.CARE, days=1)
    keys = {one.address: one.public_key(twin_id) for one in custodians}
    edge = Edge(
        chain, store, SqliteOutbox(":memory:", device.address, "test"), device, device, twin_id,
        kind.channels, int(kind.category), keys, 2, os.urandom,
    )  # fmt: skip
    list(publish(edge, [recorded(60, end_ms=now_s * 1000)]))
    return twin_id
