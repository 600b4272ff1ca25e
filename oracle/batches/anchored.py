"""A twin's batches in the one order that everybody finds: those anchored by themselves, and those in epochs.

The first stand in events of DataAnchor, which checked them. An epoch of a gateway that the deployment follows stands
in an event of EpochAnchor, and its manifest in the store; what DataAnchor would have checked is checked here. Joined
by their places on the chain, what counts is a pure function of the chain: a batch in an epoch counts if its device
was paired with the twin and calibrated when the epoch was posted, if it is that device's next and names the last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from cachetools import LRUCache, TTLCache, cached

from ..errors import StorageError, VerificationError
from ..formats import merkle
from ..formats.epochs import epoch_leaf, unpack_manifest
from ..formats.typed_data import Domain, batch_digest, recover
from ..ports import Chain, Event, Store
from ..records import AnchoredBatch, Batch, Included

HIDDEN_AFTER_S = 300
"""How long the manifest of an epoch, or the block of a batch, may take to arrive; then it is taken for hidden."""
ASKED_AGAIN_S = 60
LISTED = 1_024
"""Manifests kept in memory; they never change."""
AWAITED_AGAIN_S = 2

Place = tuple[int, int, int]
"""Of a batch on the chain: block, log, and where in its epoch."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Arrivals(Generic[T]):
    """Epochs, or bundles: those that are here with what they list; of others the `hidden` ones, and ones `awaited` still."""

    arrived: list[tuple[Event, tuple[T, ...]]]
    hidden: list[tuple[int, int]]
    awaited: list[Event]


@dataclass(frozen=True, slots=True)
class Listed:
    """A batch of a manifest: who signed it, and the path from its leaf to the root."""

    batch: Batch
    signature: bytes
    device: str
    path: tuple[bytes, ...]


def anchored_batches(
    chain: Chain, twin_id: int, store: Store | None = None, *, until: int | None = None
) -> list[AnchoredBatch]:
    """A twin's batches up to a block, in the order they were anchored.

    Without `store` only those anchored by themselves. An epoch whose manifest did not arrive for five minutes is left
    out; a batch that its device signed after one in there counts, and has a gap before it.

    Raises
    ------
    StorageError
        The manifest of a followed gateway's newer epoch is not in the store: what it holds is not known, so nothing is told.
    """
    epochs: Arrivals[Listed] = Arrivals([], [], [])
    if store is not None:
        epochs = _epochs(chain, store, until=until, twin_id=twin_id)
    for event in epochs.awaited:
        raise StorageError(
            f"the manifest of an epoch in block {event.block} has not arrived",
            hint="see whether the store answers; after five minutes the epoch is left out",
            kind="missing_block",
        )
    return [one for _, one in _of_twin(chain, twin_id, epochs, until)]


def certain_batches(chain: Chain, twin_id: int, store: Store, *, until: int | None = None) -> list[AnchoredBatch]:
    """Those of a twin's batches that stand as they are whatever an epoch holds that has not arrived.

    That is all of them but those after an epoch that may hold one of this twin: a device that spoke for it then does not
    go on afterwards where it left off, with a batch too new to count in that epoch.
    """
    epochs = _epochs(chain, store, until=until, twin_id=twin_id)
    counted = _of_twin(chain, twin_id, epochs, until)
    return _certain(counted, epochs.awaited, _history(chain, twinId=twin_id) if epochs.awaited else ())


def _of_twin(
    chain: Chain, twin_id: int, epochs: Arrivals[Listed], until: int | None
) -> list[tuple[Place, AnchoredBatch]]:
    """A twin's batches that count, as far as epochs have arrived, with their places."""
    direct = [_anchored(event) for event in chain.events("DataAnchor", "BatchAnchored", twinId=twin_id, until=until)]
    listed = [
        ((event.block, event.log_index, at), _included(event, one))
        for event, batches in epochs.arrived
        for at, one in enumerate(batches)
        if one.batch.twin_id == twin_id
    ]
    if not listed:
        return direct
    retired = chain.events("TwinToken", "TwinRetired", twinId=twin_id)
    histories = {one.device: _history(chain, device=one.device) for _, one in listed if one.device}
    return _in_order([*direct, *listed], retired, histories, epochs.hidden)


def _certain(
    counted: Sequence[tuple[Place, AnchoredBatch]], awaited: Sequence[Event], history: Sequence[Event]
) -> list[AnchoredBatch]:
    for epoch in awaited:
        here = (epoch.block, epoch.log_index)
        last, first = dict[str, Batch](), dict[str, Batch]()
        for place, one in counted:
            if place[:2] < here:
                last[one.device] = one.batch
            else:
                first.setdefault(one.device, one.batch)
        for device in _speaking(history, epoch):
            before, after = last.get(device), first.get(device)
            left_off = (before.sequence + 1, before.digest) if before else (1, bytes(32))
            goes_on = after is not None and (after.sequence, after.previous) == left_off
            if after is None or not goes_on or after.end_s <= epoch.time_s:  # an older one may be in there as well
                return [one for place, one in counted if place[:2] < here]
    return [one for _, one in counted]


def _speaking(history: Sequence[Event], epoch: Event) -> list[str]:
    """Devices that spoke for the twin of this history when an epoch was posted."""
    last = {
        event.args["device"]: event
        for event in history
        if (event.block, event.log_index) < (epoch.block, epoch.log_index)
    }
    return [
        device
        for device, event in last.items()
        if event.name != "DeviceUnpaired" and epoch.time_s < event.args["calibratedUntil"]
    ]


def batch_count(chain: Chain, twin_id: int, store: Store, *, block: int | None = None) -> int:
    """How many batches of a twin are certain, and so the number of its newest round."""
    if not chain.gateways:
        return int(chain.read("DataAnchor", "batchCount", twin_id, block=block))
    return len(certain_batches(chain, twin_id, store, until=block))


def batch_counts(chain: Chain, twins: Sequence[int], store: Store, *, block: int | None = None) -> dict[int, int]:
    """The same of many twins, for as few questions to the chain as of one."""
    if not chain.gateways:
        counts = chain.read_many([("DataAnchor", "batchCount", twin) for twin in twins], block=block)
        return dict(zip(twins, map(int, counts), strict=True))
    found: dict[int, list[tuple[Place, AnchoredBatch]]] = {twin: [] for twin in twins}
    for event in chain.events("DataAnchor", "BatchAnchored", until=block) if twins else ():
        if event.args["twinId"] in found:
            found[event.args["twinId"]].append(_anchored(event))
    epochs = _epochs(chain, store, until=block) if twins else Arrivals([], [], [])
    for event, listed in epochs.arrived:
        for at, one in enumerate(listed):
            if one.batch.twin_id in found:
                found[one.batch.twin_id].append(((event.block, event.log_index, at), _included(event, one)))
    retired, histories = defaultdict[int, list[Event]](list), defaultdict[str, list[Event]](list)
    of_twin = defaultdict[int, list[Event]](list)
    for event in chain.events("TwinToken", "TwinRetired") if twins else ():
        retired[event.args["twinId"]].append(event)
    for event in _history(chain) if twins else ():
        histories[event.args["device"]].append(event)
        of_twin[event.args["twinId"]].append(event)
    counted = {twin: _in_order(one, retired[twin], histories, epochs.hidden) for twin, one in found.items()}
    return {twin: len(_certain(one, epochs.awaited, of_twin[twin])) for twin, one in counted.items()}


def batched_twins(chain: Chain, store: Store, *, since: int = 0) -> dict[int, int]:
    """Twins with batches since a block, as far as epochs have arrived, and when the newest of each was anchored (s)."""
    twins = {event.args["twinId"]: event.time_s for event in chain.events("DataAnchor", "BatchAnchored", since=since)}
    for event, listed in _epochs(chain, store, since=since).arrived:
        for one in listed:
            twins[one.batch.twin_id] = max(event.time_s, twins.get(one.batch.twin_id, 0))
    return twins


def awaited_since(chain: Chain, store: Store, *, since: int = 0) -> int | None:
    """Block of the first epoch whose manifest is waited for; None if all have arrived or are taken for hidden."""
    return next((event.block for event in _epochs(chain, store, since=since).awaited), None)


def followed_epochs(chain: Chain, *, since: int = 0, until: int | None = None) -> list[Event]:
    """Epochs that count, oldest first."""
    followed = dict(chain.gateways)
    if not followed:
        return []
    found = chain.events("EpochAnchor", "EpochAnchored", since=since, until=until)
    return [event for event in found if event.block >= followed.get(event.args["gateway"], event.block + 1)]


def gap_in(batches: Sequence[AnchoredBatch]) -> bool:
    """Whether a device signed a batch between two of these that is in a hidden epoch."""
    last: dict[str, int] = {}
    for one in batches:
        if one.included and one.batch.sequence > last.get(one.device, one.batch.sequence) + 1:
            return True
        last[one.device] = one.batch.sequence
    return False


def _epochs(
    chain: Chain, store: Store, *, since: int = 0, until: int | None = None, twin_id: int | None = None
) -> Arrivals[Listed]:
    """All of them; of one twin, those that may name it."""
    found = followed_epochs(chain, since=since, until=until)
    if twin_id is not None:
        found = chain.naming(found, twin_id)
    events = [(event, event.args["epoch"]["manifest"]) for event in found]
    return arrivals(chain, store, events, lambda event: listed_in(chain, store, event))


def arrivals(
    chain: Chain, store: Store, events: Sequence[tuple[Event, bytes]], read: Callable[[Event], tuple[T, ...]]
) -> Arrivals[T]:
    """What is listed in manifests: pairs of an event and the digest that it names.

    A manifest that is not here is asked for again from time to time; after five minutes it is taken for hidden.
    """
    found: Arrivals[T] = Arrivals([], [], [])
    for event, manifest in events:
        asked = (id(store), manifest)
        with _noting:  # each question may take as long as its peers are waited for
            absent = asked in _hidden or asked in _awaited
        if not absent:
            try:
                found.arrived.append((event, read(event)))
                continue
            except StorageError as error:
                if error.kind != "missing_block":
                    raise
        hidden = chain.head().time_s >= event.time_s + HIDDEN_AFTER_S
        if not absent:  # it was asked just now; else it would never be asked again
            with _noting:
                (_hidden if hidden else _awaited)[asked] = True
        if hidden:
            found.hidden.append((event.block, event.log_index))
        else:
            found.awaited.append(event)
    return found


_hidden: TTLCache[tuple[int, bytes], bool] = TTLCache(LISTED, ttl=ASKED_AGAIN_S)
_awaited: TTLCache[tuple[int, bytes], bool] = TTLCache(LISTED, ttl=AWAITED_AGAIN_S)
_noting = Lock()


def listed_in(chain: Chain, store: Store, event: Event) -> tuple[Listed, ...]:
    """The batches of an epoch; none if its manifest does not give its root, whoever is to blame for it."""
    epoch = event.args["epoch"]
    root, listed = _read(store, Domain(chain.chain_id, chain.address("DataAnchor")), epoch["manifest"])
    return listed if root == epoch["root"] and len(listed) == epoch["batches"] else ()


def unheard(chain: Chain, event: Event, listed: Sequence[Listed]) -> list[Listed]:
    """Those of an epoch's batches that do not count as their device did not speak for its twin then, or as the block
    is older than they are: in a later epoch they may count.

    What the registry says now held then too, but for devices of which it said something since: theirs is read from the
    first block on.
    """
    pairs = sorted({(one.device, one.batch.twin_id) for one in listed if one.device})
    said = chain.read_many([("DeviceRegistry", "calibrationOf", *pair) for pair in pairs])
    until_s = dict(zip(pairs, said, strict=True))
    changed = {entry.args["device"] for entry in _history(chain, since=event.block)}
    histories = {device: _history(chain, device=device) for device in changed & {device for device, _ in pairs}}
    place = (event.block, event.log_index, 0)

    def heard(one: Listed) -> bool:
        if one.device in histories:
            return _speaks(histories[one.device], place, _included(event, one))
        return bool(event.time_s < until_s.get((one.device, one.batch.twin_id), 0))

    return [one for one in listed if one.batch.end_s > event.time_s or not heard(one)]


@cached(LRUCache(maxsize=LISTED), key=lambda _, domain, digest: (domain, digest), lock=Lock())
def _read(store: Store, domain: Domain, digest: bytes) -> tuple[bytes, tuple[Listed, ...]]:
    """Root and batches of a manifest; no batches if it is none."""
    block = store.get(digest)
    try:
        batches = unpack_manifest(block)
    except VerificationError:
        return b"", ()
    leaves = [epoch_leaf(domain, *one) for one in batches]
    paths = merkle.proofs(leaves)
    listed = (
        Listed(batch, signature, recover(batch_digest(domain, batch), signature) or "", paths[leaf])
        for (batch, signature), leaf in zip(batches, leaves, strict=True)
    )
    return merkle.root(leaves), tuple(listed)


def _anchored(event: Event) -> tuple[tuple[int, int, int], AnchoredBatch]:
    fields = event.args["batch"]
    batch = Batch(
        fields["twinId"], fields["sequence"], fields["previous"], fields["digest"],
        fields["root"], fields["readings"], fields["start"], fields["end"],
    )  # fmt: skip
    one = AnchoredBatch(batch, event.args["device"], event.args["index"], event.block, event.time_s)
    return (event.block, event.log_index, 0), one


def _included(event: Event, one: Listed) -> AnchoredBatch:
    included = Included(event.args["gateway"], event.args["number"], one.signature, one.path)
    return AnchoredBatch(one.batch, one.device, 0, event.block, event.time_s, included)


def _in_order(
    found: list[tuple[Place, AnchoredBatch]],
    retired: Sequence[Event],
    histories: Mapping[str, Sequence[Event]],
    hidden: Sequence[tuple[int, int]],
) -> list[tuple[Place, AnchoredBatch]]:
    """Those of a twin that count, numbered anew, with their places."""
    ends = [(event.block, event.log_index) for event in retired]
    heads: dict[str, tuple[int, bytes]] = {}
    stood: dict[str, tuple[int, int]] = {}
    counted: list[tuple[Place, AnchoredBatch]] = []
    for place, one in sorted(found, key=lambda item: item[0]):
        batch, (sequence, digest) = one.batch, heads.get(one.device, (0, bytes(32)))
        if one.included:
            live = not ends or place[:2] < ends[0]
            follows = (batch.sequence, batch.previous) == (sequence + 1, digest)
            after = stood.get(one.device, (0, 0))
            follows |= batch.sequence > sequence + 1 and any(after < epoch < place[:2] for epoch in hidden)
            history = histories.get(one.device, ())
            counts = live and follows and batch.end_s <= one.time_s and _speaks(history, place, one)
        else:
            counts = batch.sequence > sequence
        if counts:
            heads[one.device], stood[one.device] = (batch.sequence, batch.digest), place[:2]
            numbered = AnchoredBatch(batch, one.device, len(counted) + 1, one.block, one.time_s, one.included)
            counted.append((place, numbered))
    return counted


def _history(chain: Chain, *, since: int = 0, **device: Any) -> list[Event]:
    """What the registry says of a device, or of all, oldest first."""
    names = ("DevicePaired", "DeviceCalibrated", "DeviceUnpaired")
    events = (event for name in names for event in chain.events("DeviceRegistry", name, since=since, **device))
    return sorted(events, key=lambda event: (event.block, event.log_index))


def _speaks(history: Sequence[Event], place: Place, one: AnchoredBatch) -> bool:
    """Whether the device was paired with the twin, and calibrated, when the epoch was posted."""
    before = [event for event in history if (event.block, event.log_index) < place[:2]]
    if not before or before[-1].name == "DeviceUnpaired":
        return False
    last = before[-1].args
    return bool(last["twinId"] == one.batch.twin_id and one.time_s < last["calibratedUntil"])
