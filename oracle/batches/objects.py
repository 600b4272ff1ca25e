"""Objects: files of any kind and length beside a twin's readings, anchored and opened as batches of readings are."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from ..errors import InputError, NotFound, VerificationError
from ..formats import objects
from ..formats.envelope import Sealed, data_key
from ..formats.objects import About, about_of, chunk_key, is_chunk, object_root, open_chunk, seal_object
from ..formats.vouch import Voucher
from ..ports import Chain, Custodian, Fetched, Signer, Store
from ..records import AnchoredBatch, Context
from .anchored import anchored_batches
from .ask import ClosedBatch, Told, held_now, released
from .fetch import BLOCKS_AT_ONCE, closed_batch
from .publish import Edge, Published, outgoing, resume, send


@dataclass(frozen=True, slots=True)
class OpenedObject:
    """An object whose key was released: what it is about, and the digests of its chunks, which agree with the chain."""

    anchored: AnchoredBatch
    about: About
    chunks: tuple[bytes, ...] = field(repr=False)
    key: bytes = field(repr=False)


def publish_object(
    edge: Edge, content: BinaryIO, name: str, media_type: str, *, start_s: int, end_s: int
) -> Iterator[Published]:
    """Send what is left from before; then seal `content` chunk by chunk into the store, and anchor it.

    Interrupted, it seals anew; chunks that nothing lists are found by ``medtwin store reconcile``. Errors as of
    :func:`~oracle.batches.publish.publish`.
    """
    if edge.relay is not None:
        raise InputError("a gateway takes no objects", hint="publish it without --via", kind="object_by_gateway")
    yield from resume(edge)

    def sealed(context: Context) -> Sealed:
        return seal_object(
            content, (name, media_type), context, edge.custodians, edge.threshold, edge.random_bytes, edge.store.put
        )

    made = outgoing(edge, sealed, objects.SCHEMA, None, (start_s, end_s))
    yield Published(made, send(edge, made))


def objects_of(chain: Chain, store: Store, twin_id: int) -> list[ClosedBatch]:
    """A twin's objects, oldest first; what they are about is sealed."""
    closed = (closed_batch(chain, store, one) for one in anchored_batches(chain, twin_id, store))
    return [one for one in closed if one.header.chunks]


def open_object(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    anchored: AnchoredBatch,
    *,
    purpose: int,
    random_bytes: Callable[[int], bytes],
    voucher: Voucher | None = None,
    fetched: Fetched | None = None,
    told: Told | None = None,
) -> OpenedObject:
    """Have the key of an object released; its chunks are not read yet. Errors as of :func:`~oracle.batches.fetch.fetch`."""
    closed = closed_batch(chain, store, anchored, fetched)
    chunks, batch = closed.header.chunks, anchored.batch
    if not chunks:
        raise NotFound(f"batch {anchored.index} is no object", hint="see which are: medtwin object list")
    if (object_root(list(chunks)), len(chunks)) != (batch.root, batch.readings):
        raise VerificationError(
            f"the chunks of object {anchored.index} are not those its device signed", kind="wrong_root"
        )
    key = fetched.key(batch.digest) if fetched else None
    if key is None:
        ((held, shares),) = released(
            chain, custodians, signer, held_now(chain, custodians, [closed]),
            grantee=voucher.address if voucher else signer.address, purpose=purpose, random_bytes=random_bytes,
            voucher=voucher, told=told,
        )  # fmt: skip
        key = data_key(held.header, shares)
    about = about_of(closed.block, key)
    if fetched:
        fetched.keep_key(batch.digest, key)
    return OpenedObject(anchored, about, chunks, key)


def write_object(opened: OpenedObject, store: Store, out: BinaryIO) -> None:
    """Write an object's content, verified, to a file open for reading and writing.

    What the file has from an earlier run is held against the digests and not fetched again; it is cut where it differs. A few
    chunks are fetched ahead, so memory does not grow with the object.

    Raises
    ------
    VerificationError
        A chunk is not the one listed, or not in its place; what was written before it is good.
    StorageError
        The store does not give a chunk: run it again.
    """
    key, last = chunk_key(opened.key), len(opened.chunks) - 1
    number = _had(opened, key, out)
    ahead: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(BLOCKS_AT_ONCE) as pool:
        waiting = iter(opened.chunks[number:])
        ahead.extend(pool.submit(_chunk, store, one) for one in islice(waiting, BLOCKS_AT_ONCE))
        try:
            while ahead:
                out.write(open_chunk(key, number, number == last, ahead.popleft().result()))
                number += 1
                ahead.extend(pool.submit(_chunk, store, one) for one in islice(waiting, 1))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if out.tell() != opened.about.length:
        raise VerificationError(
            f"the object has {out.tell():,} bytes, not {opened.about.length:,}", kind="wrong_length"
        )


def _had(opened: OpenedObject, key: bytes, out: BinaryIO) -> int:
    """How many chunks stand in the file, whole and right; it is cut behind them."""
    out.seek(0)
    last, whole = len(opened.chunks) - 1, 0
    for number, digest in enumerate(opened.chunks):
        piece = out.read(objects.CHUNK_BYTES)
        if not is_chunk(key, number, number == last, piece, digest):
            break
        whole = number + 1
    out.seek(min(whole * objects.CHUNK_BYTES, opened.about.length) if whole else 0)
    out.truncate()
    return whole


def _chunk(store: Store, digest: bytes) -> bytes:
    sealed = store.get(digest)
    if hashlib.sha256(sealed).digest() != digest:
        raise VerificationError(
            "a chunk is not the one listed: its SHA-256 differs",
            hint="fetch it from another store; this one is damaged or was altered",
            kind="tampered",
        )
    return sealed
