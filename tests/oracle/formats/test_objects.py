"""Objects in chunks: every length comes back, every other order, length or origin of chunks is refused, memory stays.

seal, then open
  given any length, none and whole chunks included
    it comes back, in as many chunks as it takes
  given chunks altered, cut, doubled, moved, of another object, or the last one away
    it does not open
  given four times the length
    it takes no more memory
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from oracle.errors import InputError, VerificationError
from oracle.formats import hpke, objects
from oracle.formats.envelope import data_key, open_block, open_share, parse_header
from oracle.formats.merkle import digest_leaf, root
from oracle.formats.objects import about_of, chunk_key, open_chunk, seal_chunk, seal_object
from oracle.records import Context

CONTEXT = Context(1337, "0x" + "1" * 40, 0x501, "0x" + "2" * 40, 3, objects.SCHEMA, 8)
PRIVATE = {f"0x{n:040x}": hpke.new_key(os.urandom) for n in (1, 2, 3)}
PUBLIC = {who: hpke.public_key(key) for who, key in PRIVATE.items()}
SMALL = 64


class Kept(dict[bytes, bytes]):
    """A store of chunks."""

    def put(self, block: bytes) -> bytes:
        """Keep a block."""
        digest = hashlib.sha256(block).digest()
        self[digest] = block
        return digest


def sealed(content: bytes, kept: Kept) -> tuple[bytes, bytes, tuple[bytes, ...]]:
    """Block, data key and digests of the chunks of an object."""
    made = seal_object(io.BytesIO(content), ("scan.dcm", "application/dicom"), CONTEXT, PUBLIC, 2, os.urandom, kept.put)
    header = parse_header(made.block.block)
    shares = {one.custodian: open_share(PRIVATE[one.custodian], CONTEXT, one) for one in header.shares[1:]}
    assert made.root == root([digest_leaf(one) for one in header.chunks])
    return made.block.block, data_key(header, shares), header.chunks


def opened(key: bytes, chunks: list[bytes]) -> bytes:
    """The content of sealed chunks in this order."""
    last = len(chunks) - 1
    return b"".join(open_chunk(chunk_key(key), at, at == last, one) for at, one in enumerate(chunks))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Chunks so small that many fit in a test."""
    monkeypatch.setattr(objects, "CHUNK_BYTES", SMALL)
    return SMALL


@pytest.mark.parametrize("length", [0, 1, SMALL - 1, SMALL, SMALL + 1, 2 * SMALL, 5 * SMALL + 7])
def test_every_length_comes_back(small: int, length: int) -> None:
    """Nothing is one empty chunk; whole chunks leave no empty one behind them."""
    content, kept = os.urandom(length), Kept()
    block, key, digests = sealed(content, kept)
    about = about_of(block, key)

    assert opened(key, [kept[one] for one in digests]) == content
    assert (about.name, about.media_type, about.length) == ("scan.dcm", "application/dicom", length)
    assert len(digests) == len(kept) == max(1, -(-length // small))
    assert length < 16 or content[:16] not in b"".join(kept.values()) + block
    assert b"scan" not in block and b"dicom" not in block


def test_a_chunk_is_what_the_standards_give() -> None:
    """HKDF-Expand (RFC 5869) and AES-256-GCM, computed here by themselves."""
    key = bytes(range(32))
    expanded = hmac.new(key, b"medtwin/chunks/1\x01", hashlib.sha256).digest()

    assert chunk_key(key) == expanded
    for number, last in ((0, False), (0, True), (258, False), (31_999, True)):
        nonce = bytes(7) + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")
        assert seal_chunk(expanded, number, last, b"text") == AESGCM(expanded).encrypt(nonce, b"text", None)


def test_a_whole_sealed_chunk_is_one_block_of_the_store() -> None:
    """1 MiB, which every IPFS node takes; the list of the longest object is within it too."""
    chunk = seal_chunk(bytes(32), 0, False, bytes(objects.CHUNK_BYTES))
    ten = {f"0x{n:040x}": PUBLIC["0x" + "0" * 39 + "1"] for n in range(10)}
    many = [hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(objects.MOST_CHUNKS)]
    block = objects.seal_list(bytes(32), b"about", many, CONTEXT, ten, 6, os.urandom).block

    assert len(chunk) == 2**20 and len(block) <= 2**20
    assert parse_header(block).chunks == tuple(many)


def test_longer_than_the_list_is_refused(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do."""
    monkeypatch.setattr(objects, "MOST_CHUNKS", 3)
    sealed(bytes(3 * small), Kept())
    with pytest.raises(InputError) as caught:
        sealed(bytes(3 * small + 1), Kept())

    assert (caught.value.kind, caught.value.hint) == ("too_large", "split it")


def _flipped(chunks: list[bytes]) -> list[bytes]:
    return [chunks[0], bytes([chunks[1][0] ^ 1]) + chunks[1][1:], *chunks[2:]]


FAULTS: dict[str, Callable[[list[bytes], list[bytes]], list[bytes]]] = {
    "altered": lambda chunks, _: _flipped(chunks),
    "the last away": lambda chunks, _: chunks[:-1],
    "the first away": lambda chunks, _: chunks[1:],
    "one away": lambda chunks, _: [chunks[0], *chunks[2:]],
    "one doubled": lambda chunks, _: [chunks[0], *chunks],
    "the last doubled": lambda chunks, _: [*chunks, chunks[-1]],
    "two swapped": lambda chunks, _: [chunks[1], chunks[0], *chunks[2:]],
    "of another object": lambda chunks, other: [chunks[0], other[1], *chunks[2:]],
    "cut": lambda chunks, _: [chunks[0], chunks[1][:-1], *chunks[2:]],
    "emptied": lambda chunks, _: [chunks[0], b"", *chunks[2:]],
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_chunks_that_are_not_these_in_this_order_do_not_open(small: int, fault: Any) -> None:
    """By the cipher alone, without the list of digests."""
    content, one, two = os.urandom(4 * small), Kept(), Kept()
    _, key, digests = sealed(content, one)
    _, _, others = sealed(content, two)
    chunks = [one[each] for each in digests]
    assert opened(key, chunks) == content

    with pytest.raises(VerificationError) as caught:
        opened(key, fault(chunks, [two[each] for each in others]))
    assert caught.value.kind == "does_not_open"


def test_a_chunk_in_the_middle_that_is_not_whole_is_refused(small: int) -> None:
    """Also where the key's holder sealed it so: lengths are not for the sealer to play with."""
    short = seal_chunk(bytes(32), 0, False, bytes(small - 1))
    with pytest.raises(VerificationError) as caught:
        open_chunk(bytes(32), 0, False, short)

    assert caught.value.kind == "wrong_length"


def test_the_list_is_under_the_seal(small: int) -> None:
    """A block that lists other chunks does not open; one of readings is no object, and the other way round."""
    block, key, digests = sealed(os.urandom(3 * small), Kept())
    swapped = block.replace(digests[0] + digests[1], digests[1] + digests[0])
    assert parse_header(swapped).chunks == (digests[1], digests[0], digests[2])

    with pytest.raises(VerificationError) as caught:
        about_of(swapped, key)
    assert caught.value.kind == "does_not_open"
    for renamed in (block.replace(b"medtwin/object/1", b"medtwin/block/1"), block.replace(b"object/1", b"object/2", 1)):
        with pytest.raises(VerificationError):
            parse_header(renamed)
    shares = {one.custodian: open_share(PRIVATE[one.custodian], CONTEXT, one) for one in parse_header(block).shares}
    with pytest.raises(VerificationError):
        open_block(block, shares)


@given(st.binary(max_size=300), st.integers(0, 299))
def test_any_bytes_in_place_of_a_chunk_do_not_open(noise: bytes, at: int) -> None:
    """Whatever stands there."""
    chunk = seal_chunk(bytes(32), 4, True, bytes(200))
    if noise == chunk[at : at + len(noise)]:
        return
    with pytest.raises(VerificationError):
        open_chunk(bytes(32), 4, True, chunk[:at] + noise + chunk[at + len(noise) :])


class Drawn(io.RawIOBase):
    """So many bytes, made as they are read."""

    def __init__(self, length: int) -> None:
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """The next."""
        taken = min(size, self._left)
        self._left -= taken
        return bytes(taken)


def test_memory_does_not_grow_with_the_object() -> None:
    """24 MiB sealed and opened with the peak of 6 MiB; where all were held it would be four times that."""

    def peak(length: int) -> int:
        keys: list[bytes] = []

        def put(block: bytes) -> bytes:
            opened_one = open_chunk(chunk_key(keys[0]), len(keys) - 1, len(block) < 2**20, block)
            keys.append(hashlib.sha256(opened_one).digest())
            return hashlib.sha256(block).digest()

        def drawn(count: int) -> bytes:
            keys.append(bytes(count)) if not keys else None
            return bytes(count)

        tracemalloc.start()
        try:
            seal_object(Drawn(length), ("", ""), CONTEXT, PUBLIC, 2, drawn, put)  # type: ignore[arg-type]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2**20)  # what is loaded once
    assert peak(24 * 2**20) < 1.2 * peak(6 * 2**20) < 12 * 2**20
