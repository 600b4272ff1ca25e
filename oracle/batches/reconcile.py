"""Compare what stores hold with what the chain says they should: every live twin's blocks everywhere, erased twins' nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import MedtwinError
from ..ports import Chain, Store
from .anchored import anchored_batches, batched_twins


@dataclass(frozen=True, slots=True)
class Difference:
    """A block that is where it should not be, or not where it should; `mended` once it was put right."""

    twin_id: int
    digest: bytes
    store: str
    what: str
    mended: bool


def reconcile(chain: Chain, stores: Sequence[Store], *, mend: bool) -> Iterator[Difference]:
    """Look at every anchored block in every store; with `mend` copy what is missing and remove what was erased.

    Damaged blocks are told as missing, and mended by a whole copy of another store.
    """
    for twin_id in batched_twins(chain, stores[0]):
        retired = bool(chain.read("TwinToken", "isRetired", twin_id))
        for one in anchored_batches(chain, twin_id, stores[0]):
            digest = one.batch.digest
            for store in stores:
                if retired and store.has(digest):
                    yield Difference(
                        twin_id, digest, store.describe(), "erased, but there", mend and _removed(store, digest)
                    )
                elif not retired and _copy(store, digest) is None:
                    mended = mend and _copied(digest, stores, store)
                    yield Difference(twin_id, digest, store.describe(), "missing or damaged", mended)


def _copy(store: Store, digest: bytes) -> bytes | None:
    """The verified block; None if it is not there or not whole."""
    try:
        return store.get(digest)
    except MedtwinError:
        return None


def _copied(digest: bytes, stores: Sequence[Store], to: Store) -> bool:
    block = next((found for store in stores if store is not to and (found := _copy(store, digest))), None)
    if block is None:
        return False
    to.remove(digest)  # a damaged block would else be taken for the same
    to.put(block)
    return _copy(to, digest) is not None


def _removed(store: Store, digest: bytes) -> bool:
    store.remove(digest)
    return not store.has(digest)
