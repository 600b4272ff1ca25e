"""Fetch: ask custodians for key shares, open, and verify everything against the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..errors import CustodyDenied, MedtwinError, NotFound, Refused, VerificationError
from ..formats import hpke, share_table
from ..formats.envelope import Header, Opened, check_share, open_block, parse_header, released_info
from ..formats.receipts import request_digest
from ..formats.share_table import ShareTable, table_digest
from ..formats.typed_data import Domain, receipt_digest, recovers_to
from ..formats.vouch import Voucher
from ..ports import Chain, Custodian, Signer, Store
from ..records import AnchoredBatch, Batch, KeyRequest, Readings, Receipt, Release
from .anchored import anchored_batches

REQUEST_LIFE_S = 5 * 60
NONCE_BYTES = 16
BATCHES_A_REQUEST = 128


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


@dataclass(frozen=True, slots=True)
class ClosedBatch:
    """A stored block that belongs to its batch, not yet opened; `header` names who holds its key."""

    anchored: AnchoredBatch
    block: bytes
    header: Header


@dataclass(frozen=True, slots=True)
class _Asked:
    """A signed request, what its answers are checked with, and the blocks it is about."""

    request: KeyRequest
    digest: bytes
    private: bytes = field(repr=False)
    receipts: Domain
    part: Sequence[ClosedBatch]


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
) -> list[OpenedBatch]:
    """Everything of a category that was anchored for a twin, oldest first.

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
        category=category, purpose=purpose, random_bytes=random_bytes, voucher=voucher,
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
) -> list[OpenedBatch]:
    """Open the batches of one category; see :func:`fetch`.

    `grantee` is whom the consent names: the signer itself, or a contract that vouches for it. With a `schema`,
    batches of another one are refused before anybody is asked for a key: what would not be read is not opened.
    """
    closed = [closed_batch(chain, store, anchored) for anchored in batches]
    wanted = [one for one in closed if one.header.context.category == category]
    if not wanted:
        raise NotFound("the twin has no batches of this category", hint="see which it has: medtwin twin show")
    strange = sorted({one.header.context.schema for one in wanted} - {schema})
    if schema and strange:
        raise VerificationError(f"the batches are of {strange[0]}, the model reads {schema}", kind="wrong_schema")
    found = released(
        chain, custodians, signer, held_now(chain, custodians, wanted), grantee=grantee, purpose=purpose,
        random_bytes=random_bytes, voucher=voucher,
    )  # fmt: skip
    return [_opened(one, shares) for one, shares in found]


def released(
    chain: Chain,
    custodians: Sequence[Custodian],
    signer: Signer,
    wanted: Sequence[ClosedBatch],
    *,
    grantee: str,
    purpose: int,
    random_bytes: Callable[[int], bytes],
    voucher: Voucher | None = None,
) -> Iterator[tuple[ClosedBatch, dict[str, bytes]]]:
    """Each block of one category with enough shares of its key, verified; errors as of :func:`fetch`."""
    for at in range(0, len(wanted), BATCHES_A_REQUEST):
        part = wanted[at : at + BATCHES_A_REQUEST]
        private = hpke.new_key(random_bytes)
        request = KeyRequest(
            twin_id=part[0].anchored.batch.twin_id,
            grantee=grantee,
            recipient_key=hpke.public_key(private),
            batches=tuple(one.anchored.batch.digest for one in part),
            category=part[0].header.context.category,
            purpose=purpose,
            nonce=int.from_bytes(random_bytes(NONCE_BYTES), "big"),
            deadline_s=chain.head().time_s + REQUEST_LIFE_S,
        )
        digest = request_digest(Domain(chain.chain_id, chain.address("ConsentRegistry")), request)
        signature = signer.sign_digest(digest)
        if voucher is not None:
            signature = voucher.wrap(request, signer.address, signature)
        signed = replace(request, signature=signature)
        asked = _Asked(signed, digest, private, Domain(chain.chain_id, chain.address("AuditTrail")), part)
        yield from zip(part, _shares(custodians, asked), strict=True)


def verify_block(anchored: AnchoredBatch, block: bytes) -> None:
    """The block is the one that was anchored, to the bit; else VerificationError."""
    if hashlib.sha256(block).digest() != anchored.batch.digest:
        raise VerificationError(
            f"the block of batch {anchored.index} is not the one on the chain: its SHA-256 differs",
            hint="fetch it from another store; this one is damaged or was altered",
            kind="tampered",
        )


def closed_batch(chain: Chain, store: Store, anchored: AnchoredBatch) -> ClosedBatch:
    """A batch's block, once it is the one anchored and says so itself."""
    block = store.get(anchored.batch.digest)
    verify_block(anchored, block)
    header = parse_header(block)
    context, batch = header.context, anchored.batch
    told = (context.chain_id, context.anchor, context.twin_id, context.device, context.sequence)
    known = (chain.chain_id, chain.address("DataAnchor"), batch.twin_id, anchored.device, batch.sequence)
    if told != known:
        raise VerificationError(
            f"the block of batch {anchored.index} was sealed for another batch", kind="wrong_context"
        )
    return ClosedBatch(anchored, block, header)


def held_now(chain: Chain, custodians: Sequence[Custodian], wanted: Sequence[ClosedBatch]) -> list[ClosedBatch]:
    """The blocks with those who hold their keys now, where others than they were sealed to are asked.

    Tables of custodians are taken only if the twin's owner signed them; of two for a block the newer one counts, unless
    too few of those asked are in it.
    """
    asked = set(_reachable(custodians))
    if all(asked <= {share.custodian for share in one.header.shares} for one in wanted):
        return list(wanted)
    tables = sorted(kept_tables(chain, custodians, wanted[0].anchored.batch.twin_id), key=lambda one: -one.generation)

    def held(one: ClosedBatch) -> Header:
        digest = one.anchored.batch.digest
        dealt = [table.header(digest, one.header) for table in tables if digest in table.rows]
        enough = [
            header for header in (*dealt, one.header)
            if len(asked & {share.custodian for share in header.shares}) >= header.threshold
        ]  # fmt: skip
        return next(iter((*enough, *dealt, one.header)))

    return [replace(one, header=held(one)) for one in wanted]


def kept_tables(chain: Chain, custodians: Sequence[Custodian], twin_id: int) -> list[ShareTable]:
    """The tables that custodians keep for a twin and its owner signed, each once."""
    found: dict[bytes, ShareTable] = {}
    domain = Domain(chain.chain_id, chain.address("ConsentRegistry"))
    for custodian in custodians:
        try:
            bodies = set(custodian.tables(twin_id)) - set(found)
            for table in map(share_table.unpack, bodies):
                owner = chain.read("TwinToken", "ownerOf", twin_id, block=table.block)
                signed = chain.is_signed_by(owner, table_digest(domain, table), table.signature, block=table.block)
                if signed and table.twin_id == twin_id:
                    found[share_table.pack(table)] = table
        except MedtwinError:  # it is away, or says what nobody signed: the others may do
            continue
    return list(found.values())


def _reachable(custodians: Sequence[Custodian]) -> Iterator[str]:
    for custodian in custodians:
        try:
            yield custodian.address
        except MedtwinError:
            continue


def _shares(custodians: Sequence[Custodian], asked: _Asked) -> list[dict[str, bytes]]:
    """For each block the shares of enough custodians; asks no more of them than needed."""
    needed = max(one.header.threshold for one in asked.part)
    shares: list[dict[str, bytes]] = [{} for _ in asked.part]
    refusals: dict[str, str] = {}
    released = 0
    for number, custodian in enumerate(custodians, 1):
        if released == needed:
            break
        who = f"custodian {number}"
        try:
            who = custodian.address  # known only if it answers
            released_shares = _ask(custodian, asked)
        except Refused as error:
            refusals[who] = error.receipt.reason if _is_receipt(error.receipt, who, asked, False) else "bad_receipt"
        except MedtwinError as error:  # unreachable, or returned a wrong share: the others may do
            refusals[who] = error.kind
        else:
            released += 1
            for mine, share in zip(shares, released_shares, strict=True):
                mine[who] = share
    if released < needed:
        raise CustodyDenied(needed, released, refusals)
    return shares


def _ask(custodian: Custodian, asked: _Asked) -> list[bytes]:
    items = []
    for one in asked.part:
        mine = [share for share in one.header.shares if share.custodian == custodian.address]
        if not mine:
            raise VerificationError(f"custodian {custodian.address} holds no share of this block", kind="no_share")
        items.append((one.header.context, mine[0]))
    proofs = [(one.anchored.batch, one.anchored.included) for one in asked.part if one.anchored.included]
    answer: Release = (
        custodian.release(asked.request, items, proofs) if proofs else custodian.release(asked.request, items)
    )
    if len(answer.shares) != len(asked.part):
        raise VerificationError(f"custodian {custodian.address} returned too few shares", kind="bad_share")
    if not _is_receipt(answer.receipt, custodian.address, asked, True):
        raise VerificationError(
            f"custodian {custodian.address} returned no receipt of its own for this request", kind="bad_receipt"
        )
    shares = []
    for one, sealed in zip(asked.part, answer.shares, strict=True):
        info = released_info(one.header.context, custodian.address, asked.digest)
        share = hpke.open_sealed(asked.private, sealed, info)
        check_share(one.header, custodian.address, share)
        shares.append(share)
    return shares


def _is_receipt(receipt: Receipt, custodian: str, asked: _Asked, permitted: bool) -> bool:
    """Whether the custodian signed this answer to this request: what it logs is then what happened."""
    request = asked.request
    told = (receipt.custodian, receipt.request, receipt.permitted)
    facts = (receipt.twin_id, receipt.grantee, receipt.purpose, receipt.category, receipt.batches, receipt.nonce)
    true = (request.twin_id, request.grantee, request.purpose, request.category, request.batches, request.nonce)
    signed = recovers_to(receipt_digest(asked.receipts, receipt), receipt.signature, custodian)
    return told == (custodian, asked.digest, permitted) and facts == true and signed


def _opened(closed: ClosedBatch, shares: dict[str, bytes]) -> OpenedBatch:
    opened, batch = open_block(closed.block, shares, closed.header), closed.anchored.batch
    times = opened.readings.time_ms
    told = (opened.root, len(opened.readings), int(times[0]) // 1000, int(times[-1]) // 1000)
    if told != (batch.root, batch.readings, batch.start_s, batch.end_s):
        raise VerificationError(
            f"the content of batch {closed.anchored.index} is not what its device signed",
            hint="the device or its edge is at fault: cut it off (medtwin device revoke)",
            kind="wrong_root",
        )
    return OpenedBatch(closed.anchored, opened)
