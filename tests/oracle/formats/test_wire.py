"""What travels: it comes back as it was sent, and nothing else is taken for it."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from eth_utils import to_checksum_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.errors import InputError, VerificationError
from oracle.formats.receipts import decode, encode
from oracle.formats.vouch import Voucher
from oracle.formats.wire import (  # fmt: skip
    MAX_REQUEST_BYTES,
    MOST_BATCHES,
    MOST_SIGNATURE_BYTES,
    pack_erasure,
    pack_receipts,
    pack_release,
    pack_request,
    pack_statement,
    refusal,
    unpack_erasure,
    unpack_receipts,
    unpack_release,
    unpack_request,
    unpack_statement,
)
from oracle.records import (  # fmt: skip
    Batch,
    Context,
    ErasureRequest,
    ErasureStatement,
    Included,
    KeyRequest,
    Receipt,
    Release,
    SealedShare,
)

CALM = {"deadline": None, "suppress_health_check": list(HealthCheck)}
WORDS = st.integers(0, 2**256 - 1).map(lambda number: number.to_bytes(32, "big"))
ADDRESSES = WORDS.map(lambda word: to_checksum_address(word[12:]))
BITS = {bits: st.integers(0, 2**bits - 1) for bits in (32, 37, 40, 63, 256)}
RAW = st.binary(max_size=40)
CONTEXTS = st.builds(
    Context, chain_id=BITS[63], anchor=ADDRESSES, twin_id=BITS[256], device=ADDRESSES, sequence=BITS[63],
    schema=st.text(max_size=9), category=BITS[32],
)  # fmt: skip
REQUESTS = st.builds(
    KeyRequest, twin_id=BITS[256], grantee=ADDRESSES, recipient_key=RAW, batches=st.lists(WORDS, max_size=3).map(tuple),
    category=BITS[32], purpose=BITS[32], nonce=BITS[256], deadline_s=BITS[40], signature=RAW,
)  # fmt: skip
RECEIPTS = st.builds(
    Receipt, custodian=ADDRESSES, number=BITS[63], time_s=BITS[37], twin_id=BITS[256], grantee=ADDRESSES,
    purpose=BITS[32], category=BITS[32], batches=st.lists(WORDS, max_size=3).map(tuple), recipient=WORDS,
    nonce=BITS[256], deadline_s=BITS[40], permitted=st.booleans(), reason=st.text("abc_", max_size=9), request=WORDS,
    request_signature=RAW, head_block=BITS[63], head_hash=WORDS, signature=RAW,
)  # fmt: skip
ITEMS = st.lists(
    st.tuples(CONTEXTS, st.builds(SealedShare, custodian=ADDRESSES, commitment=WORDS, sealed=RAW)), max_size=2
)
ORDERS = st.builds(ErasureRequest, twin_id=BITS[256], owner=ADDRESSES, deadline_s=BITS[40], signature=RAW)
STATEMENTS = st.builds(
    ErasureStatement, custodian=ADDRESSES, twin_id=BITS[256], key=WORDS, time_s=BITS[40], signature=RAW
)
ACCOUNT = to_checksum_address("0x" + "ab" * 20)
REQUEST = KeyRequest(7, ACCOUNT, b"k" * 9, (bytes(32),), 1, 1, 3, 99, b"s" * 65)
RECEIPT = Receipt(
    ACCOUNT, 0, 5, 7, ACCOUNT, 1, 1, (bytes(32),), bytes(32), 3, 99, False, "no_consent", bytes(32), b"s" * 65, 4,
    bytes(32), b"t" * 65,
)  # fmt: skip
CONTEXT = Context(1, ACCOUNT, 7, ACCOUNT, 1, "unit/1", 1)
ITEM = (CONTEXT, SealedShare(ACCOUNT, bytes(32), b"sealed"))
READERS: dict[str, tuple[Callable[[bytes], object], type[Exception], bytes]] = {
    "request": (unpack_request, InputError, pack_request(REQUEST, [ITEM])),
    "release": (unpack_release, VerificationError, pack_release(Release(RECEIPT, (b"share",)))),
    "receipts": (unpack_receipts, VerificationError, pack_receipts([(b"leaf", b"signature")])),
    "receipt": (lambda body: decode(body, b""), VerificationError, encode(RECEIPT)),
    "erasure": (unpack_erasure, InputError, pack_erasure(ErasureRequest(7, ACCOUNT, 9, b"s"))),
    "statement": (
        unpack_statement,
        VerificationError,
        pack_statement(ErasureStatement(ACCOUNT, 7, bytes(32), 9, b"s")),
    ),
}
HOSTILE = [
    None, True, -1, 1 << 31, 1 << 300, 1.5, float("nan"), "", "\x1b[31m", b"", bytes(31), bytes(33), [], [[]], {}, {1: 2},
    [1 << 31], "0x" + "ab" * 20, "0x", "not an address", cbor2.CBORTag(5, [10**9, 1]), cbor2.CBORTag(100, 10**9),
    cbor2.CBORTag(35, "("), cbor2.CBORTag(258, [1]), cbor2.CBORTag(4, [10**6, 1]), cbor2.undefined,
]  # fmt: skip


@given(REQUESTS, ITEMS)
@settings(max_examples=60, **CALM)
def test_a_request_comes_back(request: KeyRequest, items: list[tuple[Context, SealedShare]]) -> None:
    """All numbers in range, any key and any batches."""
    assert unpack_request(pack_request(request, items)) == (request, items, [])


@given(RECEIPTS, st.lists(RAW, max_size=3).map(tuple))
@settings(max_examples=60, **CALM)
def test_a_release_a_refusal_and_a_log_come_back(receipt: Receipt, shares: tuple[bytes, ...]) -> None:
    """The receipt with both signatures, and the leaf byte for byte."""
    leaf = encode(receipt)

    assert unpack_release(pack_release(Release(receipt, shares))) == Release(receipt, shares)
    assert unpack_release(pack_release(refusal(receipt))) == Release(receipt, ())
    assert unpack_receipts(pack_receipts([(leaf, receipt.signature)] * 2)) == [(leaf, receipt.signature)] * 2
    assert decode(leaf, receipt.signature) == receipt


@given(ORDERS, STATEMENTS)
@settings(max_examples=60, **CALM)
def test_an_erasure_order_and_its_statement_come_back(order: ErasureRequest, statement: ErasureStatement) -> None:
    """What an owner orders and what a custodian states."""
    assert unpack_erasure(pack_erasure(order)) == order
    assert unpack_statement(pack_statement(statement)) == statement


@given(RECEIPTS)
@settings(max_examples=40, **CALM)
def test_no_two_receipts_share_a_leaf(receipt: Receipt) -> None:
    """Each field but the custodian's signature, which is over them, changes the leaf."""
    changed = {
        "number": receipt.number ^ 1, "time_s": receipt.time_s ^ 1, "twin_id": receipt.twin_id ^ 1,
        "purpose": receipt.purpose ^ 1, "category": receipt.category ^ 1, "batches": (*receipt.batches, bytes(32)),
        "nonce": receipt.nonce ^ 1, "deadline_s": receipt.deadline_s ^ 1, "permitted": not receipt.permitted,
        "reason": receipt.reason + "x", "request_signature": receipt.request_signature + b"x",
        "head_block": receipt.head_block ^ 1, "recipient": bytes(a ^ 1 for a in receipt.recipient),
    }  # fmt: skip

    assert len({encode(receipt), *(encode(replace(receipt, **{f: v})) for f, v in changed.items())}) == len(changed) + 1


@pytest.mark.parametrize("name", READERS)
@given(body=st.binary(max_size=120))
@settings(max_examples=150, **CALM)
def test_any_bytes_are_refused_in_one_way(name: str, body: bytes) -> None:
    """Garbage is the reader's own error; an empty page of a log is the only short thing that reads."""
    read, error, _ = READERS[name]
    with contextlib.suppress(error):
        assert (name, read(body)) == ("receipts", [])


@pytest.mark.parametrize("name", READERS)
def test_damaged_bytes_never_raise_anything_else(name: str) -> None:
    """Each byte turned over or cut off: it reads, or it is the reader's own error."""
    read, error, good = READERS[name]
    read(good)
    damaged = [good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :] for at in range(len(good)) for bit in range(8)]
    for body in damaged + [good[:at] for at in range(len(good))]:
        with contextlib.suppress(error):
            read(body)


def places(value: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Where something can be put in nested lists."""
    inner = (
        [place for at, item in enumerate(value) for place in places(item, (*path, at))] if type(value) is list else []
    )
    return [path, *inner]


def put(value: Any, path: tuple[int, ...], other: Any) -> Any:
    """The value with something else at a place."""
    if not path:
        return other
    return [put(item, path[1:], other) if at == path[0] else item for at, item in enumerate(value)]


@pytest.mark.parametrize("name", READERS)
def test_a_wrong_kind_in_any_place_is_refused_in_small_space(name: str) -> None:
    """Numbers for bytes (which would become gigabytes), tags, other alphabets: refused, or read as what they are."""
    read, error, good = READERS[name]
    whole = cbor2.loads(good)
    tracemalloc.start()
    try:
        for path in places(whole):
            for other in HOSTILE:
                with contextlib.suppress(error):
                    read(cbor2.dumps(put(whole, path, other), canonical=True))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("grantee", [ACCOUNT.lower(), ACCOUNT.upper(), "0x" + "ab" * 21, "", "0x" + "zz" * 20])
def test_a_grantee_has_one_spelling(grantee: str) -> None:
    """Another case of letters would be another name for the same spent nonce."""
    with pytest.raises(InputError):
        unpack_request(pack_request(replace(REQUEST, grantee=grantee), [ITEM]))


@pytest.mark.parametrize("reason", ["no\nconsent", "\x1b[2J", "ok\r", "\u202etxt", "[red]", "a" * 65, "No", "7"])
def test_a_reason_is_a_plain_word(reason: str) -> None:
    """Nothing a custodian writes into its log can break a line or colour a screen (log injection)."""
    with pytest.raises(VerificationError):
        decode(encode(replace(RECEIPT, reason=reason)), b"")


@pytest.mark.parametrize("change", [
    {"time_s": -1}, {"time_s": 253_402_300_800}, {"number": 1 << 64}, {"purpose": 1 << 32}, {"category": -1},
    {"nonce": 1 << 256}, {"deadline_s": 1 << 40}, {"head_block": 1 << 64}, {"recipient": b""}, {"request": bytes(31)},
    {"head_hash": b""}, {"batches": (b"",)}, {"custodian": ACCOUNT.lower()}, {"grantee": "somebody"}, {"permitted": 1},
])  # fmt: skip
def test_a_receipt_out_of_range_is_refused(change: dict[str, Any]) -> None:
    """A custodian cannot put a number into its log that an auditor's program chokes on."""
    with pytest.raises(VerificationError):
        decode(encode(replace(RECEIPT, **change)), b"")


def test_a_receipt_that_is_not_canonical_is_refused() -> None:
    """One receipt has one leaf: other spellings, longer ones and other formats are refused."""
    good = encode(RECEIPT)
    fields = cbor2.loads(good)

    for leaf in (good + b"\0", cbor2.dumps(["medtwin/receipt/2", *fields[1:]]), b"\x98\x12" + good[1:]):
        with pytest.raises(VerificationError):
            decode(leaf, b"")


def test_a_request_too_large_is_refused_unread() -> None:
    """A megabyte and one byte."""
    with pytest.raises(InputError, match="too large"):
        unpack_request(bytes(MAX_REQUEST_BYTES + 1))


def test_a_request_that_would_make_a_receipt_of_any_size_is_refused() -> None:
    """As many batches as one may ask for, with a contract's signature that repeats them, are read; nothing beyond."""
    most = tuple(number.to_bytes(32, "big") for number in range(MOST_BATCHES))
    assertion = bytes(1_024)  # of a passkey, with what its browser signed
    whole = replace(REQUEST, batches=most)
    vouched = replace(whole, signature=Voucher(ACCOUNT).wrap(whole, ACCOUNT, assertion))
    assert unpack_request(pack_request(vouched, []))[0] == vouched

    for beyond in (
        replace(REQUEST, batches=(*most, bytes(32))),
        replace(REQUEST, signature=bytes(MOST_SIGNATURE_BYTES + 33)),
        replace(whole, signature=bytes(MOST_SIGNATURE_BYTES + 32 * MOST_BATCHES + 1)),
    ):
        with pytest.raises(InputError):
            unpack_request(pack_request(beyond, []))


def test_a_batch_is_proven_once() -> None:
    """Each proof costs a question to the chain, so nobody sends a thousand for one batch."""
    batch = Batch(7, 1, bytes(32), b"d" * 32, bytes(32), 1, 1, 2)
    proofs = [(batch, Included(ACCOUNT, number, b"s" * 65, ())) for number in (1, 2)]
    assert len(unpack_request(pack_request(REQUEST, [ITEM], proofs[:1]))[2]) == 1

    with pytest.raises(InputError):
        unpack_request(pack_request(REQUEST, [ITEM], proofs))
