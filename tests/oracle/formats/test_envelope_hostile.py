"""Blocks that a dishonest device or store makes on purpose: refused as what they are, in small space."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import cbor2
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.errors import VerificationError
from oracle.formats import envelope, hpke
from oracle.formats.envelope import MAX_READINGS, open_block, open_share, parse_header, seal  # fmt: skip
from oracle.records import Context, Readings

HOLDERS = tuple("0x" + digit * 40 for digit in "123")
PRIVATE = {holder: hpke.new_key(os.urandom) for holder in HOLDERS}
CONTEXT = Context(1337, "0x" + "a" * 40, 2**255 + 1, "0x" + "b" * 40, 7, "unit/1", 1)
PLAIN = Readings("unit/1", ("heart_rate",), np.array([1000]), np.zeros(1, np.uint8), np.array([72_000_000]))
PUBLIC = {holder: hpke.public_key(private) for holder, private in PRIVATE.items()}
BLOCK = seal(PLAIN, CONTEXT, PUBLIC, 2, os.urandom).block.block
SHARES = {one.custodian: open_share(PRIVATE[one.custodian], CONTEXT, one) for one in parse_header(BLOCK).shares}


def fails(call: Callable[[], object], kind: str = "") -> VerificationError:
    """The call raises a VerificationError (of this kind)."""
    with pytest.raises(VerificationError) as caught:
        call()
    assert not kind or caught.value.kind == kind
    return caught.value


def again(name: Any = None, suite: Any = None, **other: Any) -> bytes:
    """The block written anew with other plain parts."""
    form, raw, body = cbor2.loads(BLOCK)
    fields = dict(zip(("suite", "context", "threshold", "nonce", "shares"), cbor2.loads(raw), strict=True))
    fields |= {"suite": suite or fields["suite"], **other}
    return cbor2.dumps([name or form, cbor2.dumps(list(fields.values()), canonical=True), body], canonical=True)


def test_no_downgrade_to_another_format_or_suite() -> None:
    """An unknown format or suite is refused by name, never tried; an old threshold is not accepted."""
    assert again() == BLOCK
    for block in (again(name="medtwin/block/0"), again(suite="AES-128-CBC"), again(suite="none")):
        fails(lambda block=block: open_block(block, SHARES), "unknown_suite")
    for threshold in (0, 1, -1):
        fails(lambda threshold=threshold: open_block(again(threshold=threshold), SHARES), "malformed_block")
    fails(lambda: open_block(again(threshold=3), SHARES), "does_not_open")


HOSTILE: dict[str, dict[str, Any]] = {
    "nonce as a huge number": {"nonce": 1 << 31},
    "nonce as a list": {"nonce": [1, 2]},
    "nonce empty": {"nonce": b""},
    "nonce long": {"nonce": bytes(200)},
    "threshold as text": {"threshold": "2"},
    "threshold as infinity": {"threshold": float("inf")},
    "threshold as a boolean": {"threshold": True},
    "shares as text": {"shares": "abc"},
    "commitment as text": {"shares": [[HOLDERS[0], "x", b""]]},
    "commitment as a number": {"shares": [[HOLDERS[0], 1, b""]]},
    "commitment short": {"shares": [[HOLDERS[0], b"x", b""]]},
    "sealed as a number": {"shares": [[HOLDERS[0], bytes(32), 1 << 31]]},
    "custodian as a list": {"shares": [[[], bytes(32), b""]]},
    "twin too long": {"context": [1, "a", bytes(33), "b", 1, "s", 1]},
    "twin as a list": {"context": [1, "a", [1], "b", 1, "s", 1]},
    "context short": {"context": [1]},
    "big float": {"context": cbor2.CBORTag(5, [10**9, 1])},
    "date": {"nonce": cbor2.CBORTag(100, 10**9)},
    "regular expression": {"threshold": cbor2.CBORTag(35, "(")},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_header_is_refused_in_small_space(change: dict[str, Any]) -> None:
    """A header a device made on purpose is a VerificationError, and never a gigabyte."""
    block = again(**change)
    tracemalloc.start()
    try:
        fails(lambda: open_block(block, SHARES), "malformed_block")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def forged(plaintext: bytes, shares: Callable[[bytes], list[bytes]] | None = None) -> tuple[bytes, dict[str, bytes]]:
    """A block of a dishonest device: any content, sealed by the rules, and its shares."""

    key = os.urandom(32)
    made = shares(key) if shares else envelope._split(key, 2, 3)
    told = {holder: share for holder, share in zip(HOLDERS, made, strict=True)}
    sealed = [[holder, envelope._commitment(CONTEXT, holder, share), b"x"] for holder, share in told.items()]
    raw = cbor2.dumps([envelope.SUITE, envelope._fields(CONTEXT), 2, bytes(12), sealed], canonical=True)
    return cbor2.dumps([envelope.FORMAT, raw, AESGCM(key).encrypt(bytes(12), plaintext, raw)], canonical=True), told


def content(channels: Any = ("x",), count: Any = 1, columns: bytes = bytes(17)) -> bytes:
    return cbor2.dumps([list(channels) if isinstance(channels, tuple) else channels, count, zlib.compress(columns)])


def test_forging_makes_a_block_that_opens() -> None:
    """The dishonest blocks below fail for their content, not for their form."""
    assert len(open_block(*forged(content())).readings) == 1


CONTENTS = {
    "not CBOR": b"\xff", "no list": cbor2.dumps(7), "name of other letters": content(("herzschläge",)),
    "name too long": content(("a" * 33,)), "name a number": content((7,)), "names as text": content("x"),
    "no channels": content(()), "channel not listed": content(columns=bytes(8) + b"\x01" + bytes(8)),
    "none": content(count=0, columns=b""), "negative": content(count=-1), "too many": content(count=MAX_READINGS + 1),
    "huge": content(count=1 << 70), "fraction": content(count=1.0), "short": content(columns=bytes(16)),
    "long": content(columns=bytes(18)), "no zlib": cbor2.dumps([["x"], 1, b"garbage"]),
    "packed is text": cbor2.dumps([["x"], 1, "text"]), "big float": cbor2.dumps(cbor2.CBORTag(5, [10**9, 1])),
    "twice the same channel": content(("x", "x"), 2, bytes(16) + b"\x00\x01" + bytes(16)),
    "duplicate names of 300": content(tuple(f"c{n}" for n in range(300))),
}  # fmt: skip


@pytest.mark.parametrize("plaintext", CONTENTS.values(), ids=CONTENTS.keys())
def test_content_of_a_dishonest_device_is_refused(plaintext: bytes) -> None:
    """Whatever a device sealed, opening it raises a VerificationError or nothing."""
    fails(lambda: open_block(*forged(plaintext)), "malformed_block")


@pytest.mark.parametrize("made", [
    lambda key: [b"", b"", b""], lambda key: [b"\x01"] * 3, lambda key: [b"\x01" + key] * 3,
    lambda key: [b"\x01" + key * 2, b"\x02" + key * 2, b"\x03" + key * 2], lambda key: [bytes(33)] * 3,
    lambda key: [bytes([n]) + os.urandom(32) for n in (7, 8, 9)],
])  # fmt: skip
def test_shares_of_a_dishonest_device_do_not_open(made: Callable[[bytes], list[bytes]]) -> None:
    """Shares of any length or index that match their own commitments are one error."""
    fails(lambda: open_block(*forged(content(), made)), "does_not_open")


def test_a_decompression_bomb_is_refused_in_small_space() -> None:
    """A megabyte that unpacks to a gigabyte is stopped at what the count allows."""
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(512)) + packer.flush()
    block, shares = forged(cbor2.dumps([["x"], MAX_READINGS, bomb]))
    tracemalloc.start()
    try:
        fails(lambda: open_block(block, shares), "malformed_block")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


CBOR = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.integers(), inner, max_size=3),
    max_leaves=12,
)


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_refused(block: bytes) -> None:
    """Bytes that are no block raise a VerificationError and nothing else."""
    fails(lambda: open_block(block, SHARES))


@given(CBOR, CBOR)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_cbor_in_a_blocks_place_is_refused(first: Any, second: Any) -> None:
    """Well-formed CBOR of another shape raises a VerificationError and nothing else, in every position."""
    body = cbor2.loads(BLOCK)
    for made in (first, [body[0], first, body[2]], [body[0], cbor2.dumps(first), body[2]], [body[0], body[1], first]):
        fails(lambda made=made: open_block(cbor2.dumps(made), SHARES))
    for place in ("context", "threshold", "nonce", "shares"):
        changed = again(**{place: second})
        if changed != BLOCK:  # the true value may be drawn too
            fails(lambda changed=changed: open_block(changed, SHARES))
    fails(lambda: open_block(again(shares=[[HOLDERS[0], first, second]]), SHARES))
