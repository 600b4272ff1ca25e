"""Compare what stores hold and pin with what the chain says they should: every live twin's blocks everywhere, erased twins' nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import MedtwinError
from ..formats.envelope import parse_header
from ..ports import Chain, Store
from .anchored import anchored_batches, batched_twins, followed_epochs

MISSING, ERASED, UNPINNED, SURPLUS = "missing or damaged", "erased, but there", "not pinned", "named by nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """A block that is where it should not be, or not where or how it should; `mended` once it was put right.

    `twin_id` is 0 where nothing names one, `pin` empty where nothing pins it.
    """

    twin_id: int
    digest: bytes
    store: str
    what: str
    pin: str
    mended: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """A store's pins by their kind, and what of them differs from the chain."""

    store: str
    recursive: int
    direct: int
    indirect: int
    kept: int
    missing: int
    not_pinned: int
    erased: int
    surplus: int


@dataclass(slots=True)
class _Chain:
    """Which blocks should be there, and which not, each with its twin; and the batches that explanations may lie beside."""

    wanted: dict[bytes, int] = field(default_factory=dict)
    gone: dict[bytes, int] = field(default_factory=dict)
    beside: set[tuple[int, str, int]] = field(default_factory=set)


def reconcile(chain: Chain, stores: Sequence[Store], *, mend: bool, clear: bool = False) -> Iterator[Difference]:
    """Look at every block that the chain names, chunks of objects and manifests of epochs and lists of bundles included, and at every pin, in every store.

    With `mend` what is missing is copied from another store, what is not pinned is pinned, and what was erased is removed, sealed
    explanations beside erased batches included. With `clear` what nothing names is removed: not while somebody publishes,
    for a block is stored before it is anchored.
    """
    told = _told(chain, stores)
    for store in stores:
        pins, name = store.pins(), store.describe()
        for digest, twin_id in told.gone.items():
            if store.has(digest):
                yield Difference(twin_id, digest, name, ERASED, pins.get(digest, ""), mend and _removed(store, digest))
        for digest, twin_id in told.wanted.items():
            if _copy(store, digest) is None:
                yield Difference(twin_id, digest, name, MISSING, "", mend and _copied(digest, stores, store))
            elif digest not in pins:
                yield Difference(twin_id, digest, name, UNPINNED, "", mend and _pinned(store, digest))
        for digest, pin in pins.items():
            if digest in told.wanted or digest in told.gone:
                continue
            twin_id, what = _unnamed(chain, told, _copy(store, digest))
            if what:
                remove = mend if what == ERASED else clear
                yield Difference(twin_id, digest, name, what, pin, remove and _removed(store, digest))


def tally(chain: Chain, stores: Sequence[Store]) -> Iterator[Tally]:
    """What each store pins, and how many of its blocks differ from what the chain says."""
    found = Counter((one.store, one.what) for one in reconcile(chain, stores, mend=False))
    for store in stores:
        kinds, name = Counter(store.pins().values()), store.describe()
        pinned = (kinds[kind] for kind in ("recursive", "direct", "indirect", "kept"))
        yield Tally(name, *pinned, *(found[name, what] for what in (MISSING, UNPINNED, ERASED, SURPLUS)))


def _told(chain: Chain, stores: Sequence[Store]) -> _Chain:
    told = _Chain()
    for event in followed_epochs(chain):
        told.wanted[event.args["epoch"]["manifest"]] = 0
    for event in chain.events("PredictionOracle", "BundlePosted"):
        told.wanted[event.args["manifest"]] = 0
    for twin_id in batched_twins(chain, stores[0]):
        retired = bool(chain.read("TwinToken", "isRetired", twin_id))
        for one in anchored_batches(chain, twin_id, stores[0]):
            block = _first(stores, one.batch.digest)
            side = told.gone if retired else told.wanted
            side |= dict.fromkeys((one.batch.digest, *(_chunks(block) if block else ())), twin_id)
            if not retired:
                told.beside.add((twin_id, one.device, one.batch.sequence))
    return told


def _unnamed(chain: Chain, told: _Chain, block: bytes | None) -> tuple[int, str]:
    """The twin of a block that the chain does not name, and what is wrong with it: nothing, if it lies beside a batch."""
    try:
        context = parse_header(block or b"").context
        retired = bool(chain.read("TwinToken", "isRetired", context.twin_id))
    except MedtwinError:  # a chunk, something else, or of a twin that is on another chain
        return 0, SURPLUS
    if retired:
        return context.twin_id, ERASED
    beside = (context.twin_id, context.device, context.sequence) in told.beside
    return context.twin_id, "" if beside else SURPLUS


def _chunks(block: bytes) -> tuple[bytes, ...]:
    """Of an object; none where the block is of something else."""
    try:
        return parse_header(block).chunks
    except MedtwinError:
        return ()


def _copy(store: Store, digest: bytes) -> bytes | None:
    """The verified block; None if it is not there or not whole."""
    try:
        return store.get(digest)
    except MedtwinError:
        return None


def _first(stores: Sequence[Store], digest: bytes) -> bytes | None:
    """The block of the first store that has it whole."""
    return next((found for store in stores if (found := _copy(store, digest))), None)


def _copied(digest: bytes, stores: Sequence[Store], to: Store) -> bool:
    block = _first([store for store in stores if store is not to], digest)
    if block is None:
        return False
    to.remove(digest)  # a damaged block would else be taken for the same
    to.put(block)
    return _copy(to, digest) is not None


def _pinned(store: Store, digest: bytes) -> bool:
    store.put(store.get(digest))
    return digest in store.pins()


def _removed(store: Store, digest: bytes) -> bool:
    store.remove(digest)
    return not store.has(digest)
