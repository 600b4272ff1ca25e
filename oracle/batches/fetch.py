"""Fetch: get blocks, have custodians release their keys, open, and verify everything against the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..errors import NotFound, VerificationError
from ..formats.envelope import Opened, data_key, open_with, parse_header
from ..formats.vouch import Voucher
from ..ports import Chain, Custodian, Fetched, Signer, Store
from ..records import AnchoredBatch, Batch, Readings
from .anchored import anchored_batches
from .ask import ClosedBatch, Told, held_now, released

BLOCKS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """A batch that was opened and agrees with the chain."""

    anchored: AnchoredBatch
    opened: Opened

    @property
    def batch(self) -> Batch:
        return self.anchored.batch

    @property
    def readings(self) -> Readings:
        return self.opened.readings


def fetch(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    *,
    twin_id: int,
    purpose: int,
    category: int,
    random_bytes: Callable[[int], bytes],
    voucher: Voucher | None = None,
    fetched: Fetched | None = None,
    told: Told | None = None,
) -> list[OpenedBatch]:
    """Everything of a category that was anchored for a twin, oldest first.

    What `fetched` has of an earlier run that was interrupted is neither fetched nor asked for again. `told` hears of each
    custodian that gave no share, also where others did.

    Raises
    ------
    NotFound
        The twin has no batches.
    CustodyDenied
        Too few custodians released their shares; says who refused and why.
    VerificationError
        Something does not agree with the chain.
    """
    batches = anchored_batches(chain, twin_id, store)
    if not batches:
        raise NotFound(f"twin {twin_id:#x} has no batches", hint="publish readings first: medtwin publish")
    return open_batches(
        chain, store, custodians, signer, batches,
        grantee=voucher.address if voucher else signer.address,
        category=category, purpose=purpose, random_bytes=random_bytes, voucher=voucher, fetched=fetched, told=told,
    )  # fmt: skip


def open_batches(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    batches: Sequence[AnchoredBatch],
    *,
    grantee: str,
    category: int,
    purpose: int,
    random_bytes: Callable[[int], bytes],
    voucher: Voucher | None = None,
    schema: str = "",
    fetched: Fetched | None = None,
    told: Told | None = None,
) -> list[OpenedBatch]:
    """Open the batches of one category; see :func:`fetch`.

    `grantee` is whom the consent names: the signer itself, or a contract that vouches for it. With a `schema`,
    batches of another one are refused before anybody is asked for a key: what would not be read is not opened.
    """
    with ThreadPoolExecutor(BLOCKS_AT_ONCE) as pool:
        closed = list(pool.map(lambda anchored: closed_batch(chain, store, anchored, fetched), batches))
    wanted = [one for one in closed if one.header.context.category == category and not one.header.chunks]
    if not wanted:
        raise NotFound("the twin has no batches of this category", hint="see which it has: medtwin twin show")
    strange = sorted({one.header.context.schema for one in wanted} - {schema})
    if schema and strange:
        raise VerificationError(f"the batches are of {strange[0]}, the model reads {schema}", kind="wrong_schema")
    keys = {} if fetched is None else {one.block: fetched.key(one.anchored.batch.digest) for one in wanted}
    opened = {one.block: _opened(one, key) for one in wanted if (key := keys.get(one.block))}
    left = [one for one in wanted if one.block not in opened]
    for one, shares in released(
        chain, custodians, signer, held_now(chain, custodians, left), grantee=grantee, purpose=purpose,
        random_bytes=random_bytes, voucher=voucher, told=told,
    ):  # fmt: skip
        key = data_key(one.header, shares)
        opened[one.block] = _opened(one, key)
        if fetched is not None:
            fetched.keep_key(one.anchored.batch.digest, key)
    return [opened[one.block] for one in wanted]


def verify_block(anchored: AnchoredBatch, block: bytes) -> None:
    """The block is the one that was anchored, to the bit; else VerificationError."""
    if hashlib.sha256(block).digest() != anchored.batch.digest:
        raise VerificationError(
            f"the block of batch {anchored.index} is not the one on the chain: its SHA-256 differs",
            hint="fetch it from another store; this one is damaged or was altered",
            kind="tampered",
        )


def closed_batch(chain: Chain, store: Store, anchored: AnchoredBatch, fetched: Fetched | None = None) -> ClosedBatch:
    """A batch's block, once it is the one anchored and says so itself."""
    kept = fetched.block(anchored.batch.digest) if fetched else None
    block = kept or store.get(anchored.batch.digest)
    verify_block(anchored, block)
    if fetched and not kept:
        fetched.keep_block(anchored.batch.digest, block)
    header = parse_header(block)
    context, batch = header.context, anchored.batch
    told = (context.chain_id, context.anchor, context.twin_id, context.device, context.sequence)
    known = (chain.chain_id, chain.address("DataAnchor"), batch.twin_id, anchored.device, batch.sequence)
    if told != known:
        raise VerificationError(
            f"the block of batch {anchored.index} was sealed for another batch", kind="wrong_context"
        )
    return ClosedBatch(anchored, block, header)


def _opened(closed: ClosedBatch, key: bytes) -> OpenedBatch:
    opened, batch = open_with(closed.block, key), closed.anchored.batch
    times = opened.readings.time_ms
    told = (opened.root, len(opened.readings), int(times[0]) // 1000, int(times[-1]) // 1000)
    if told != (batch.root, batch.readings, batch.start_s, batch.end_s):
        raise VerificationError(
            f"the content of batch {closed.anchored.index} is not what its device signed",
            hint="the device or its edge is at fault: cut it off (medtwin device revoke)",
            kind="wrong_root",
        )
    return OpenedBatch(closed.anchored, opened)
