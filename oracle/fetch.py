"""Fetch: ask custodians for key shares, open, and verify everything against the chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from . import hpke
from .anchored import anchored_batches
from .envelope import Header, Opened, check_share, open_block, parse_header, released_info
from .errors import CustodyDenied, MedtwinError, NotFound, Refused, VerificationError
from .ports import Chain, Custodian, Signer, Store
from .receipts import request_digest
from .records import AnchoredBatch, Batch, KeyRequest, Readings, Receipt, Release
from .typed_data import Domain, receipt_digest, recovers_to
from .vouch import Voucher

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
class _Closed:
    """A stored block that belongs to its batch, not yet opened."""

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
    part: Sequence[_Closed]


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
) -> list[OpenedBatch]:
    """Open the batches of one category; see :func:`fetch`.

    `grantee` is whom the consent names: the signer itself, or a contract that vouches for it.
    """
    closed = [_closed(chain, store, anchored) for anchored in batches]
    wanted = [one for one in closed if one.header.context.category == category]
    if not wanted:
        raise NotFound("the twin has no batches of this category", hint="see which it has: medtwin twin show")
    opened: list[OpenedBatch] = []
    for at in range(0, len(wanted), BATCHES_A_REQUEST):
        part = wanted[at : at + BATCHES_A_REQUEST]
        private = hpke.new_key(random_bytes)
        request = KeyRequest(
            twin_id=part[0].anchored.batch.twin_id,
            grantee=grantee,
            recipient_key=hpke.public_key(private),
            batches=tuple(one.anchored.batch.digest for one in part),
            category=category,
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
        shares = _shares(custodians, asked)
        opened += [_opened(one, mine) for one, mine in zip(part, shares, strict=True)]
    return opened


def verify_block(anchored: AnchoredBatch, block: bytes) -> None:
    """The block is the one that was anchored, to the bit; else VerificationError."""
    if hashlib.sha256(block).digest() != anchored.batch.digest:
        raise VerificationError(
            f"the block of batch {anchored.index} is not the one on the chain: its SHA-256 differs",
            hint="fetch it from another store; this one is damaged or was altered",
            kind="tampered",
        )


def _closed(chain: Chain, store: Store, anchored: AnchoredBatch) -> _Closed:
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
    return _Closed(anchored, block, header)


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


def _opened(closed: _Closed, shares: dict[str, bytes]) -> OpenedBatch:
    opened, batch = open_block(closed.block, shares), closed.anchored.batch
    times = opened.readings.time_ms
    told = (opened.root, len(opened.readings), int(times[0]) // 1000, int(times[-1]) // 1000)
    if told != (batch.root, batch.readings, batch.start_s, batch.end_s):
        raise VerificationError(
            f"the content of batch {closed.anchored.index} is not what its device signed",
            hint="the device or its edge is at fault: cut it off (medtwin device revoke)",
            kind="wrong_root",
        )
    return OpenedBatch(closed.anchored, opened)
