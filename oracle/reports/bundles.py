"""Reports that were posted by their root: found by the manifests in the store, each read once.

A manifest that does not give its root holds nothing, whoever is to blame for it. One that has not arrived is waited for
as an epoch's is, five minutes after its block; until then it may hold any report on data from before that block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock, RLock

from cachetools import LRUCache, cached

from ..batches.anchored import Arrivals, arrivals
from ..errors import VerificationError
from ..formats import merkle
from ..formats.bundles import leaf_of, unpack_bundle
from ..formats.typed_data import Domain, report_digest
from ..ports import Chain, Event, Store
from ..records import Report

LISTED = 256
"""Manifests kept in memory; they never change."""
LOOK_BACK = 64
"""Blocks read again at each look: what a reorganised chain may have replaced."""
Subject = tuple[int, bytes]
"""Twin, model."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """A report of a bundle: its digest, and the path from its leaf to the root."""

    report: Report
    digest: bytes
    path: tuple[bytes, ...]


def bundles(chain: Chain, store: Store, *, since: int = 0, twin_id: int | None = None) -> Arrivals[Bundled]:
    """What was posted by root since a block, oldest first; of one twin, in bundles that may name it."""
    posted = chain.events("PredictionOracle", "BundlePosted", since=since)
    if twin_id is not None:
        posted = chain.naming(posted, twin_id)
    events = [(event, bytes(event.args["manifest"])) for event in posted]
    return arrivals(chain, store, events, lambda event: reports_in(chain, store, event))


def reports_in(chain: Chain, store: Store, event: Event) -> tuple[Bundled, ...]:
    """The reports of a posted bundle; none if its manifest does not give its root and configuration."""
    root, listed = read_manifest(chain, store, bytes(event.args["manifest"]))
    sound = listed and (root, listed[0].report.config) == (event.args["root"], event.args["config"])
    return listed if sound else ()


def read_manifest(chain: Chain, store: Store, digest: bytes) -> tuple[bytes, tuple[Bundled, ...]]:
    """Root and reports of a manifest; no reports if it is none.

    Raises
    ------
    StorageError
        ``missing_block``: it is not in the store.
    """
    return _read(store, Domain(chain.chain_id, chain.address("PredictionOracle")), digest)


class Standing:
    """The newest round of each twin and model that stands in a bundle, brought up to date at each look.

    What is older than a reorganisation reaches is read once in the life of this.
    """

    def __init__(self, chain: Chain, store: Store) -> None:
        self._chain, self._store = chain, store
        self._settled: dict[Subject, int] = {}
        self._since = 0
        self._turn = RLock()  # a look that waits for the chain may be overtaken by another of its own thread
        self.newest: Mapping[Subject, int] = {}
        self.awaited: list[Event] = []

    def look(self) -> Mapping[Subject, int]:
        """Read what came since; the newest round by twin and model."""
        with self._turn:  # peers ask while this node looks
            return self._looked()

    def holds(self, report: Report) -> bool:
        """Whether the report's round, or a later one, was in a bundle at the last look."""
        return report.round <= self.newest.get((report.twin_id, report.model), 0)

    def may_hold(self, report: Report) -> bool:
        """Whether a bundle whose manifest had not arrived at the last look may list the report."""
        return any(report.as_of_s <= event.time_s for event in self.awaited)

    def _looked(self) -> Mapping[Subject, int]:
        head = self._chain.head().number
        found = bundles(self._chain, self._store, since=self._since)
        settled = max(self._since, min([head - LOOK_BACK, *(event.block for event in found.awaited)]))
        newest = dict(self._settled)
        for event, listed in found.arrived:
            for one in listed:
                subject = (one.report.twin_id, one.report.model)
                newest[subject] = max(newest.get(subject, 0), one.report.round)
                if event.block < settled:
                    self._settled[subject] = max(self._settled.get(subject, 0), one.report.round)
        self._since, self.newest, self.awaited = settled, newest, found.awaited
        return newest


def newest_bundled(chain: Chain, store: Store) -> Mapping[Subject, int]:
    """The newest round of each twin and model in all bundles that have arrived."""
    return Standing(chain, store).look()


def listed_reports(chain: Chain, store: Store, twin_id: int, model: bytes) -> list[Report]:
    """A twin's reports by a model in all bundles that have arrived, oldest first."""
    found = bundles(chain, store, twin_id=twin_id).arrived
    return [
        one.report
        for _, listed in found
        for one in listed
        if (one.report.twin_id, one.report.model) == (twin_id, model)
    ]


@cached(LRUCache(maxsize=LISTED), key=lambda _, domain, digest: (domain, digest), lock=Lock())
def _read(store: Store, domain: Domain, digest: bytes) -> tuple[bytes, tuple[Bundled, ...]]:
    block = store.get(digest)
    try:
        reports = unpack_bundle(block)
    except VerificationError:
        return b"", ()
    leaves = [leaf_of(domain, one) for one in reports]
    paths = merkle.proofs(leaves)
    listed = (Bundled(one, report_digest(domain, one), paths[leaf]) for one, leaf in zip(reports, leaves, strict=True))
    return merkle.root(leaves), tuple(listed)
