"""Change a twin's custodians: the owner deals the keys of its blocks anew, to others or under another threshold.

The old custodians release their shares to the owner as to anybody who may look, with a receipt. On the owner's machine
a data key exists for a moment and is split afresh; no block is decrypted, changed or stored again. Any threshold of
the old custodians is enough, so the others may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ..batches.anchored import anchored_batches
from ..batches.ask import ClosedBatch, held_now, kept_tables, released
from ..batches.fetch import closed_batch
from ..errors import InputError, MedtwinError, NotFound
from ..formats.envelope import deal_anew
from ..formats.share_table import MOST_ROWS, ShareTable, pack, table_digest
from ..formats.typed_data import Domain, dismissal_digest
from ..ports import Chain, Custodian, Signer, Store
from ..records import ErasureRequest, ErasureStatement, Purpose
from .erase import ORDER_LIFE_S


@dataclass(frozen=True, slots=True)
class Dealer:
    """The owner, and what it deals with."""

    chain: Chain
    store: Store
    owner: Signer
    random_bytes: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of it: `left` names custodians that are out and did not destroy their key, with why."""

    batches: int
    holders: tuple[str, ...]
    threshold: int
    destroyed: tuple[ErasureStatement, ...]
    left: tuple[tuple[str, str], ...]


def rotate(
    dealer: Dealer, old: Sequence[Custodian], new: Sequence[Custodian], *, twin_id: int, threshold: int
) -> Rotation:
    """Deal a twin's keys to `new`, prove that these open every block, then have the others destroy theirs.

    Safe to run again after any interruption: until the end the old shares open as before.

    Raises
    ------
    NotFound
        The twin has no batches; the next one is sealed to whoever the settings name.
    CustodyDenied
        Too few of the old custodians released their shares, or of the new ones afterwards.
    """
    chain = dealer.chain
    if not 1 < threshold <= len({one.address for one in new}) == len(new):
        raise InputError(
            f"{threshold} of {len(new)} custodians cannot be asked for",
            hint="name different custodians, and at least 2 of them as the threshold",
            kind="bad_threshold",
        )
    batches = anchored_batches(chain, twin_id, dealer.store)
    if not batches:
        raise NotFound(f"twin {twin_id:#x} has no batches", hint="publish to the new custodians: MEDTWIN_CUSTODIANS")
    closed = [closed_batch(chain, dealer.store, one) for one in batches]
    keys = {one.address: one.public_key(twin_id) for one in new}
    earlier = kept_tables(chain, [*old, *new], twin_id)
    table = ShareTable(
        twin_id, 1 + max((one.generation for one in earlier), default=0), chain.head().number, threshold, {}
    )
    dealt: list[ClosedBatch] = []
    for part in _parts(held_now(chain, old, closed)):
        rows = {
            one.anchored.batch.digest: deal_anew(one.header, shares, keys, threshold)
            for one, shares in _released(dealer, old, part)
        }
        signed = _signed(dealer, replace(table, rows=rows))
        for custodian in new:
            custodian.keep_table(pack(signed))
        dealt += [replace(one, header=signed.header(one.anchored.batch.digest, one.header)) for one in part]
    opened = sum(1 for part in _parts(dealt) for _ in _released(dealer, new, part))
    out = [one for one in old if _address(one) not in keys]
    destroyed, left = _destroyed(dealer, out, twin_id)
    return Rotation(opened, tuple(sorted(keys)), threshold, destroyed, left)


def _parts(closed: Sequence[ClosedBatch]) -> Iterator[list[ClosedBatch]]:
    """Blocks of one category and one set of holders, as many as a table takes."""

    def kind(one: ClosedBatch) -> tuple[int, list[str]]:
        return one.header.context.category, [share.custodian for share in one.header.shares]

    for _, group in groupby(sorted(closed, key=kind), kind):
        together = list(group)
        yield from (together[at : at + MOST_ROWS] for at in range(0, len(together), MOST_ROWS))


def _released(
    dealer: Dealer, custodians: Sequence[Custodian], part: Sequence[ClosedBatch]
) -> Iterator[tuple[ClosedBatch, dict[str, bytes]]]:
    yield from released(
        dealer.chain, custodians, dealer.owner, part,
        grantee=dealer.owner.address, purpose=int(Purpose.PATIENT_REQUEST), random_bytes=dealer.random_bytes,
    )  # fmt: skip


def _signed(dealer: Dealer, table: ShareTable) -> ShareTable:
    domain = Domain(dealer.chain.chain_id, dealer.chain.address("ConsentRegistry"))
    return replace(table, signature=dealer.owner.sign_digest(table_digest(domain, table)))


def _destroyed(
    dealer: Dealer, out: Sequence[Custodian], twin_id: int
) -> tuple[tuple[ErasureStatement, ...], tuple[tuple[str, str], ...]]:
    """Order each that is out to destroy its key; statements, and who gave none."""
    chain, statements, left = dealer.chain, list[ErasureStatement](), list[tuple[str, str]]()
    domain = Domain(chain.chain_id, chain.address("ConsentRegistry"))
    for custodian in out:
        order = ErasureRequest(twin_id, dealer.owner.address, chain.head().time_s + ORDER_LIFE_S)
        try:
            signature = dealer.owner.sign_digest(dismissal_digest(domain, order, custodian.address))
            statements.append(custodian.erase(replace(order, signature=signature)))
        except MedtwinError as error:
            left.append((_address(custodian), error.kind))
    return tuple(statements), tuple(left)


def _address(custodian: Custodian) -> str:
    """Its address; a custodian that is away has none."""
    try:
        return custodian.address
    except MedtwinError:
        return "unreachable"
