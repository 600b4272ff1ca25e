"""Ask custodians for the keys of blocks: several at once, no more of them than are needed, every answer checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice

from ..errors import CustodyDenied, MedtwinError, Refused, VerificationError
from ..formats import hpke, share_table
from ..formats.envelope import Header, check_share, released_info
from ..formats.receipts import request_digest
from ..formats.share_table import ShareTable, table_digest
from ..formats.typed_data import Domain, receipt_digest, recovers_to
from ..formats.vouch import Voucher
from ..ports import Chain, Custodian, Signer
from ..records import AnchoredBatch, KeyRequest, Receipt, Release

REQUEST_LIFE_S = 5 * 60
NONCE_BYTES = 16
BATCHES_A_REQUEST = 128
PATIENCE_S = 3.0
"""After so long without an answer one more custodian is asked; each look leaves a receipt, so not at once."""

Told = Callable[[str, str], None]
"""Hears which custodian gave no share, and why."""


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
    told: Told | None = None,
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
        yield from zip(part, _shares(custodians, asked, told), strict=True)


def held_now(chain: Chain, custodians: Sequence[Custodian], wanted: Sequence[ClosedBatch]) -> list[ClosedBatch]:
    """The blocks with those who hold their keys now, where others than they were sealed to are asked.

    Tables of custodians are taken only if the twin's owner signed them; of two for a block the newer one counts, unless
    too few of those asked are in it.
    """
    if not wanted:
        return []
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
    def address(custodian: Custodian) -> str | None:
        try:
            return custodian.address
        except MedtwinError:
            return None

    with ThreadPoolExecutor(max(1, len(custodians))) as pool:
        yield from filter(None, pool.map(address, custodians))


def _shares(custodians: Sequence[Custodian], asked: _Asked, told: Told | None) -> list[dict[str, bytes]]:
    """For each block the shares of enough custodians: as many are asked at once as are needed, one more for each that
    gives none or takes its time."""
    needed = max(one.header.threshold for one in asked.part)
    shares: list[dict[str, bytes]] = [{} for _ in asked.part]
    refusals: dict[str, str] = {}
    released = 0
    waiting = iter(enumerate(custodians, 1))
    pool = ThreadPoolExecutor(max(1, len(custodians)))
    asking = {pool.submit(_answer, *one, asked) for one in islice(waiting, needed)}
    while asking and released < needed:
        answered, asking = wait(asking, PATIENCE_S, FIRST_COMPLETED)
        wrong = 0
        for who, why, released_shares in map(Future.result, answered):
            if why:
                refusals[who], wrong = why, wrong + 1
                continue
            released += 1
            for mine, share in zip(shares, released_shares, strict=True):
                mine[who] = share
        asking |= {pool.submit(_answer, *one, asked) for one in islice(waiting, wrong if answered else 1)}
    pool.shutdown(wait=False, cancel_futures=True)
    for who, why in sorted(refusals.items()) if told else ():
        told(who, why)  # type: ignore[misc]
    if released < needed:
        raise CustodyDenied(needed, released, refusals)
    return shares


def _answer(number: int, custodian: Custodian, asked: _Asked) -> tuple[str, str, list[bytes]]:
    """Who was asked, why it gave no shares (empty if it did), and its shares."""
    who = f"custodian {number}"
    try:
        who = custodian.address  # known only if it answers
        return who, "", _ask(custodian, asked)
    except Refused as error:
        return who, error.receipt.reason if _is_receipt(error.receipt, who, asked, False) else "bad_receipt", []
    except MedtwinError as error:  # unreachable, or returned a wrong share: the others may do
        return who, error.kind, []


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
