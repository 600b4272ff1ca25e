"""Sealed batches: what opens them, what does not, and what they never give away."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import cbor2
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.errors import InputError, MedtwinError, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import (  # fmt: skip
    MAX_BLOCK_BYTES,
    MAX_READINGS,
    Sealed,
    check_share,
    open_block,
    open_share,
    parse_header,
    released_info,
    seal,
    share_info,
)
from oracle.formats.merkle import reading_leaves, root
from oracle.records import Context, Readings, SealedShare

HOLDERS = tuple("0x" + digit * 40 for digit in "123")
PRIVATE = {holder: hpke.new_key(os.urandom) for holder in HOLDERS}
PUBLIC = {holder: hpke.public_key(private) for holder, private in PRIVATE.items()}
CONTEXT = Context(1337, "0x" + "a" * 40, 2**255 + 1, "0x" + "b" * 40, 7, "unit/1", 1)
FEW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def readings(times: list[int], values: list[int], names: tuple[str, ...] = ("heart_rate",)) -> Readings:
    count = len(times)
    channel = np.arange(count) % len(names)
    return Readings("unit/1", names, np.array(times, np.int64), channel.astype(np.uint8), np.array(values, np.int64))


PLAIN = readings([1000, 1000, 1250], [72_000_000, 36_600_000, 73_000_000], ("heart_rate", "temperature"))


def sealed_of(plain: Readings = PLAIN, context: Context = CONTEXT, threshold: int = 2) -> Sealed:
    return seal(plain, context, PUBLIC, threshold, os.urandom)


def shares_of(block: bytes, *holders: str) -> dict[str, bytes]:
    """The shares that these holders can open."""
    header = parse_header(block)
    return {
        one.custodian: open_share(PRIVATE[one.custodian], header.context, one)
        for one in header.shares
        if one.custodian in holders
    }


SEALED = sealed_of()
BLOCK = SEALED.block.block
SHARES = shares_of(BLOCK, *HOLDERS)


def fails(call: Callable[[], object], kind: str = "") -> VerificationError:
    """The call raises a VerificationError (of this kind)."""
    with pytest.raises(VerificationError) as caught:
        call()
    assert not kind or caught.value.kind == kind
    return caught.value


INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(st.integers(0, 2**45), INT64), min_size=1, max_size=20), st.integers(1, 3))
@FEW
def test_open_gives_what_was_sealed(rows: list[tuple[int, int]], channels: int) -> None:
    """Times, channels and all 64-bit values come back, with the root that was signed and its salts."""
    times = sorted(time for time, _ in rows)
    plain = readings(times, [value for _, value in rows], ("heart_rate", "temperature", "x")[:channels])
    made = sealed_of(plain)
    opened = open_block(made.block.block, shares_of(made.block.block, *HOLDERS[:2]))

    assert made.block.digest == hashlib.sha256(made.block.block).digest()
    assert (opened.context, opened.root, opened.readings.channels) == (CONTEXT, made.root, plain.channels)
    for column in ("time_ms", "channel", "value_e6"):
        assert np.array_equal(getattr(opened.readings, column), getattr(plain, column))
    assert root(reading_leaves(plain, opened.salts)) == made.root


@pytest.mark.parametrize("threshold", [2, 3])
def test_any_threshold_of_the_holders_opens_and_fewer_do_not(threshold: int) -> None:
    """Every subset of t opens; every smaller one is told how many are missing."""
    made = sealed_of(threshold=threshold)
    for size in range(4):
        for holders in combinations(HOLDERS, size):
            shares = shares_of(made.block.block, *holders)
            if size >= threshold:
                assert open_block(made.block.block, shares).root == made.root
            else:
                fails(lambda shares=shares: open_block(made.block.block, shares), "too_few_shares")


def test_one_share_says_nothing_of_the_key() -> None:
    """A single share, combined with a made-up second, gives a key that does not open."""
    header = parse_header(BLOCK)
    body = cbor2.loads(BLOCK)[2]
    for share in SHARES.values():
        for part in (share[1:], share[1:17] * 2, share[17:] * 2):
            with pytest.raises(Exception, match=r"^$"):
                AESGCM(part).decrypt(header.nonce, body, header.raw)


def test_every_flipped_bit_is_refused() -> None:
    """One wrong bit in every byte of a block is found, before or while opening."""
    for at in range(len(BLOCK)):
        damaged = BLOCK[:at] + bytes([BLOCK[at] ^ 1 << at % 8]) + BLOCK[at + 1 :]
        fails(lambda damaged=damaged: open_block(damaged, SHARES))


def test_truncated_and_extended_blocks_are_refused() -> None:
    """No prefix of a block opens, nor a block with something behind it."""
    for cut in range(0, len(BLOCK), 7):
        fails(lambda cut=cut: open_block(BLOCK[:cut], SHARES), "malformed_block")
    fails(lambda: open_block(BLOCK + b"\0", SHARES), "malformed_block")


def test_a_wrong_share_names_its_custodian() -> None:
    """Whoever returned a wrong share is named, and the good ones are not blamed."""
    for holder in HOLDERS:
        share = SHARES[holder]
        for wrong in (bytes(33), b"", share[:-1], share + b"\0", share[:5] + bytes([share[5] ^ 1]) + share[6:]):
            error = fails(lambda holder=holder, wrong=wrong: open_block(BLOCK, {**SHARES, holder: wrong}), "bad_share")
            assert holder in error.sentence
            assert not any(other in error.sentence for other in HOLDERS if other != holder)


def test_a_share_of_nobody_and_a_swapped_share_are_refused() -> None:
    """Shares belong to the custodian the header names."""
    header = parse_header(BLOCK)

    fails(lambda: check_share(header, "0x" + "9" * 40, SHARES[HOLDERS[0]]), "bad_share")
    fails(lambda: check_share(header, HOLDERS[0], SHARES[HOLDERS[1]]), "bad_share")


@pytest.mark.parametrize("change", [
    {"chain_id": 1}, {"anchor": "0x" + "c" * 40}, {"twin_id": 1}, {"device": "0x" + "c" * 40}, {"sequence": 8},
    {"schema": "unit/2"}, {"category": 2},
])  # fmt: skip
def test_a_share_of_another_context_is_refused(change: dict[str, Any]) -> None:
    """Chain, contract, twin, device, sequence, schema and category are all bound; the errors are one error."""
    header = parse_header(BLOCK)
    mine = header.shares[0]
    other = replace(CONTEXT, **change)

    told = [
        fails(lambda: open_share(PRIVATE[HOLDERS[0]], other, mine)),
        fails(lambda: open_share(PRIVATE[HOLDERS[1]], CONTEXT, mine)),
        fails(lambda: open_share(PRIVATE[HOLDERS[0]], CONTEXT, replace(mine, commitment=bytes(32)))),
        fails(lambda: open_share(PRIVATE[HOLDERS[0]], CONTEXT, replace(mine, custodian=HOLDERS[1]))),
        fails(lambda: open_share(PRIVATE[HOLDERS[0]], CONTEXT, replace(mine, sealed=mine.sealed[:-1]))),
        fails(lambda: open_share(PRIVATE[HOLDERS[0]], CONTEXT, replace(mine, sealed=b""))),
    ]
    assert {(error.sentence, error.kind, error.hint) for error in told} == {(told[0].sentence, "does_not_open", "")}


def test_infos_of_sealed_and_released_shares_never_coincide() -> None:
    """What is sealed at rest cannot be passed off as an answer to a request."""
    infos = [share_info(CONTEXT, HOLDERS[0]), share_info(CONTEXT, HOLDERS[1])]
    infos += [released_info(CONTEXT, holder, bytes([n]) * 32) for holder in HOLDERS for n in range(3)]

    assert len(set(infos)) == len(infos)


def test_nothing_measured_is_plain() -> None:
    """Channel names, values, times and counts are not to be found in the block."""
    moment, value = 0x0123456789ABCD, 0x11223344556677
    names = ("canary_channel",)
    block = sealed_of(readings([moment], [value], names)).block.block

    for marker in (b"canary", *(n.to_bytes(8, order)[-7:] for n in (moment, value) for order in ("big", "little"))):  # type: ignore[arg-type]
        assert marker.strip(b"\0") not in block
    assert b"unit/1" in block  # the header is plain: the search does find what is there


def test_two_seals_of_the_same_share_nothing() -> None:
    """Fresh key, nonce, shares, salts and root for each batch."""
    one, two = sealed_of(), sealed_of()
    first, second = parse_header(one.block.block), parse_header(two.block.block)

    assert one.root != two.root
    assert first.nonce != second.nonce
    assert not {share.commitment for share in first.shares} & {share.commitment for share in second.shares}
    assert shares_of(one.block.block, *HOLDERS) != shares_of(two.block.block, *HOLDERS)


def test_salts_hide_equal_readings() -> None:
    """Equal readings have different leaves, so a guess cannot be checked against the tree."""
    plain = readings([5] * 50, [1] * 50)
    made = sealed_of(plain)
    opened = open_block(made.block.block, shares_of(made.block.block, *HOLDERS[:2]))
    leaves = reading_leaves(plain, opened.salts)

    assert len(set(leaves)) == 50
    assert len({opened.salts[at : at + 32] for at in range(0, 1600, 32)}) == 50
    assert root(reading_leaves(plain, bytes(1600))) != made.root


def test_too_large_batches_are_refused() -> None:
    """More than 100,000 readings, or random ones that pack to more than 1 MiB."""
    many = MAX_READINGS + 1
    noise = np.frombuffer(os.urandom(8 * MAX_READINGS), np.int64)
    for plain in (
        replace(readings([0] * many, [0] * many)),
        readings(list(range(MAX_READINGS)), list(map(int, noise // 2))),
    ):
        plain = replace(plain, channel=np.zeros(len(plain), np.uint8))
        if len(plain) == MAX_READINGS:
            plain = replace(plain, time_ms=np.sort(np.abs(noise // 2)))
        with pytest.raises(InputError) as caught:
            sealed_of(plain)
        assert caught.value.kind == "too_large"
    fails(lambda: parse_header(bytes(MAX_BLOCK_BYTES + 1)), "malformed_block")


@pytest.mark.parametrize("threshold", [-1, 0, 1, 4])
def test_a_threshold_that_protects_nothing_is_refused(threshold: int) -> None:
    """One holder must never suffice, and no more can be needed than there are."""
    with pytest.raises(InputError) as caught:
        sealed_of(threshold=threshold)

    assert caught.value.kind == "bad_threshold"


def test_sealing_nothing_is_refused() -> None:
    """An empty batch has no root."""
    with pytest.raises(InputError) as caught:
        sealed_of(readings([], []))

    assert caught.value.kind == "empty"


@pytest.mark.parametrize("public", [b"", bytes(10), bytes(1215), bytes(1217), b"\xff" * 1216])
def test_sealing_to_what_is_no_key_is_refused(public: bytes) -> None:
    """A custodian's key that is not one stops the seal."""
    with pytest.raises(MedtwinError) as caught:
        seal(PLAIN, CONTEXT, {**PUBLIC, HOLDERS[0]: public}, 2, os.urandom)

    assert caught.value.kind == "bad_public_key"


def test_secrets_do_not_show() -> None:
    """The representation of a block, header or share holds no key material and no ciphertext."""
    opened = open_block(BLOCK, SHARES)
    shown = repr([SEALED, parse_header(BLOCK), opened])

    assert repr(opened.salts) not in shown and repr(BLOCK)[2:-1] not in shown
    assert not any(repr(share)[2:-1] in shown for share in SHARES.values())
    assert SealedShare.__slots__ == ("custodian", "commitment", "sealed")
