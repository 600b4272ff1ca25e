"""Lists of epochs and bundles, read for an index, so that whoever looks for one twin reads those that name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..batches.anchored import Listed, arrivals, listed_in
from ..ports import Chain, Event, Store
from .bundles import reports_in
from .posted import arguments_of

Entry = tuple[int, Mapping[str, Any]]


class Index(Protocol):
    """Where they are kept."""

    def unread(self) -> list[Event]: ...
    def put_list(self, event: Event, entries: Sequence[Entry]) -> None: ...


def read_lists(chain: Chain, store: Store, index: Index) -> int:
    """Read what has arrived; how many lists that was. Gateways that nobody follows are left out.

    Raises
    ------
    StorageError
        The store does not answer.
    """
    followed = dict(chain.gateways)
    events = [
        (event, (event.args.get("epoch") or event.args)["manifest"])
        for event in index.unread()
        if event.name == "BundlePosted" or event.args["gateway"] in followed
    ]
    found = arrivals(chain, store, events, lambda event: _entries(chain, store, event))
    for event, entries in found.arrived:
        index.put_list(event, entries)
    return len(found.arrived)


def _entries(chain: Chain, store: Store, event: Event) -> tuple[Entry, ...]:
    if event.name == "BundlePosted":
        return tuple((one.report.twin_id, arguments_of(one)) for one in reports_in(chain, store, event))
    return tuple((one.batch.twin_id, _arguments(event, one)) for one in listed_in(chain, store, event))


def _arguments(event: Event, one: Listed) -> dict[str, Any]:
    """As the event of a batch that was anchored by itself, and where it is instead."""
    batch = one.batch
    fields = {
        "twinId": batch.twin_id, "sequence": batch.sequence, "previous": batch.previous, "digest": batch.digest,
        "root": batch.root, "readings": batch.readings, "start": batch.start_s, "end": batch.end_s,
    }  # fmt: skip
    where = {"gateway": event.args["gateway"], "epoch": event.args["number"]}
    return {"twinId": batch.twin_id, "device": one.device, "batch": fields, **where}
