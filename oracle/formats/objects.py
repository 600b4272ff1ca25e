"""Seal what no block holds: in chunks, one after the other, under one block that lists them in order.

The block is sealed, shared among custodians and anchored as a batch of readings is; what custodians, receipts, rotation and
erasure do is the same. Its data key gives the key of the chunks, each of which is a block of the store. A chunk's nonce is
its number and whether it is the last, so none can be moved, left out, doubled or cut off. Memory does not grow with
the object but for 32 bytes a chunk. Bytes in ``docs/formats.md``.

References
----------
Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015 (STREAM).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ..errors import InputError, VerificationError
from ..records import Context
from . import cbor
from .envelope import KEY_BYTES, MAX_BLOCK_BYTES, Sealed, open_list, seal_list
from .merkle import digest_leaf, root

SCHEMA = "object/1"
TAG_BYTES = 16
CHUNK_BYTES = MAX_BLOCK_BYTES - TAG_BYTES
"""Of plaintext, so that a sealed chunk is one block of the store."""
MOST_CHUNKS = 32_000
"""So that the block that lists them stays under 1 MiB: 31 GiB."""
COUNTER_BYTES = 11


@dataclass(frozen=True, slots=True)
class About:
    """What is sealed beside the chunks: a name, a media type (RFC 6838), and the length in bytes."""

    name: str
    media_type: str
    length: int


def seal_object(
    content: BinaryIO,
    about: tuple[str, str],
    context: Context,
    custodians: Mapping[str, bytes],
    threshold: int,
    random_bytes: Callable[[int], bytes],
    put: Callable[[bytes], bytes],
) -> Sealed:
    """Seal everything that `content` gives, handing each chunk to `put` as soon as it is sealed.

    Parameters
    ----------
    about : pair of str
        Name and media type.

    Raises
    ------
    InputError
        ``too_large``: more than 31 GiB.
    """
    data_key = random_bytes(KEY_BYTES)
    key, digests, length = chunk_key(data_key), list[bytes](), 0
    for number, (piece, last) in enumerate(_pieces(content)):
        if number == MOST_CHUNKS:
            raise InputError(
                f"an object has at most {MOST_CHUNKS * CHUNK_BYTES:,} bytes", hint="split it", kind="too_large"
            )
        digests.append(put(seal_chunk(key, number, last, piece)))
        length += len(piece)
    facts = cbor2.dumps([*about, length], canonical=True)
    block = seal_list(data_key, facts, digests, context, custodians, threshold, random_bytes)
    return Sealed(block, object_root(digests))


def object_root(digests: list[bytes]) -> bytes:
    """What the device signs as the root: over the digests of the sealed chunks."""
    return root([digest_leaf(one) for one in digests])


def about_of(block: bytes, data_key: bytes) -> About:
    """What an object's block says of it. VerificationError as of :func:`~oracle.formats.envelope.open_block`."""
    try:
        name, media_type, length = cbor.items(cbor.read(open_list(block, data_key)), str, str, int)
        cbor.numbers((length, 63))
        return About(name, media_type, length)
    except ValueError as error:
        raise VerificationError("what the object is about does not read", kind="malformed_block") from error


def chunk_key(data_key: bytes) -> bytes:
    """The key of an object's chunks."""
    return HKDFExpand(SHA256(), KEY_BYTES, b"medtwin/chunks/1").derive(data_key)


def seal_chunk(key: bytes, number: int, last: bool, piece: bytes) -> bytes:
    """One chunk; the same for the same object, so that a copy of its content can be held against its digest."""
    return AESGCM(key).encrypt(_nonce(number, last), piece, None)


def open_chunk(key: bytes, number: int, last: bool, sealed: bytes) -> bytes:
    """The content of a chunk.

    Raises
    ------
    VerificationError
        ``does_not_open``: altered, moved, or not the last where it should be; ``wrong_length`` for less than a whole one.
    """
    try:
        piece = AESGCM(key).decrypt(_nonce(number, last), sealed, None)
    except InvalidTag:
        raise VerificationError(f"chunk {number + 1} does not open in its place", kind="does_not_open") from None
    if not last and len(piece) != CHUNK_BYTES:
        raise VerificationError(f"chunk {number + 1} is not whole", kind="wrong_length")
    return piece


def is_chunk(key: bytes, number: int, last: bool, piece: bytes, digest: bytes) -> bool:
    """Whether `piece` is the content of the chunk with that digest."""
    return hashlib.sha256(seal_chunk(key, number, last, piece)).digest() == digest


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(COUNTER_BYTES, "big") + bytes([last])


def _pieces(content: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """What is read, in chunks, and whether each is the last; one empty chunk of nothing."""
    piece = content.read(CHUNK_BYTES)
    while following := content.read(CHUNK_BYTES):
        yield piece, False
        piece = following
    yield piece, True
