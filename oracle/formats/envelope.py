"""Seal a batch so that any t of n custodians together can open it, and none alone.

A block is canonical CBOR ``[format, header, ciphertext]``. The header is plain:
suite, context, nonce, threshold and one sealed share of the data key for each
custodian; the AES-256-GCM tag covers it. Everything measured is in the ciphertext.
The Merkle root and the salts under it come from the data key, so that without the
key a root confirms nothing. Bytes in ``docs/formats.md``.

References
----------
NIST SP 800-38D (GCM); RFC 5869 (HKDF); Shamir, 1979, over GF(2^128).
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cbor2
import numpy as np
from Crypto.Protocol.SecretSharing import Shamir as _Shamir
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ..errors import InputError, VerificationError
from ..records import Context, Readings, SealedBlock, SealedShare
from . import cbor, hpke
from .merkle import NAME_BYTES, SALT_BYTES, reading_leaves, root

Shamir: Any = _Shamir  # its stubs do not say that these are static methods
FORMAT = "medtwin/block/1"
OBJECT = "medtwin/object/1"  # lists chunks that are too large for a block; see objects
SUITE = f"AES-256-GCM+SHAMIR-GF2^128+{hpke.SUITE_NAME}"
READABLE = {SUITE, f"AES-256-GCM+SHAMIR-GF2^128+{hpke.EARLIER_NAME}"}
MAX_BLOCK_BYTES = 2**20
MAX_READINGS = 100_000
KEY_BYTES = 32
DIGEST_BYTES = 32
NONCE_BYTES = 12
ROW_BYTES = 17  # int64 time, uint8 channel, int64 value
HALF = KEY_BYTES // 2


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed batch and the Merkle root over its salted readings."""

    block: SealedBlock
    root: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What a block says in plain; `raw` is what the tag covers."""

    context: Context
    threshold: int
    shares: tuple[SealedShare, ...]
    nonce: bytes
    raw: bytes = field(repr=False)
    chunks: tuple[bytes, ...] = ()
    """Digests of the sealed chunks of an object, in their order; none for readings."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened batch. `salts` holds 32 bytes a reading, for proofs of single readings."""

    context: Context
    readings: Readings
    root: bytes
    salts: bytes = field(repr=False)


def seal(
    readings: Readings,
    context: Context,
    custodians: Mapping[str, bytes],
    threshold: int,
    random_bytes: Callable[[int], bytes],
) -> Sealed:
    """Seal `readings` to `custodians` (address -> HPKE key for the twin).

    Raises
    ------
    InputError
        ``too_large``: more than 100,000 readings, or the block would exceed 1 MiB; ``bad_threshold``.
    """
    if len(readings) > MAX_READINGS:
        raise InputError(
            f"{len(readings):,} readings in one batch are more than {MAX_READINGS:,}",
            hint="send fewer readings in a batch",
            kind="too_large",
        )
    key = random_bytes(KEY_BYTES)
    block = _closed(key, _pack(readings), context, (custodians, threshold), random_bytes(NONCE_BYTES))
    leaves = reading_leaves(readings, _salts(key, len(readings)))
    return Sealed(block, root(leaves))


def seal_list(
    key: bytes,
    about: bytes,
    chunks: Sequence[bytes],
    context: Context,
    custodians: Mapping[str, bytes],
    threshold: int,
    random_bytes: Callable[[int], bytes],
) -> SealedBlock:
    """The block of an object: under the key of its chunks, what it is about sealed and their digests in plain."""
    return _closed(key, about, context, (custodians, threshold), random_bytes(NONCE_BYTES), chunks)


def seal_beside(
    plaintext: bytes,
    context: Context,
    custodians: Mapping[str, bytes],
    threshold: int,
    random_bytes: Callable[[int], bytes],
) -> SealedBlock:
    """Seal what was concluded from a batch as that batch is sealed: whoever may open the one may open the other."""
    return _closed(random_bytes(KEY_BYTES), plaintext, context, (custodians, threshold), random_bytes(NONCE_BYTES))


def _closed(
    key: bytes,
    plaintext: bytes,
    context: Context,
    holders: tuple[Mapping[str, bytes], int],
    nonce: bytes,
    chunks: Sequence[bytes] = (),
) -> SealedBlock:
    custodians, threshold = holders
    shares = [[one.custodian, one.commitment, one.sealed] for one in _deal(key, context, custodians, threshold)]
    listed = [b"".join(chunks)] if chunks else []
    header = cbor2.dumps([SUITE, _fields(context), threshold, nonce, shares, *listed], canonical=True)
    ciphertext = AESGCM(key).encrypt(nonce, plaintext, header)
    block = cbor2.dumps([OBJECT if chunks else FORMAT, header, ciphertext], canonical=True)
    if len(block) > MAX_BLOCK_BYTES:
        raise InputError(
            f"the sealed batch has {len(block):,} bytes, more than {MAX_BLOCK_BYTES:,}",
            hint="send fewer readings in a batch",
            kind="too_large",
        )
    return SealedBlock(hashlib.sha256(block).digest(), block)


def parse_header(block: bytes) -> Header:
    """The plain part of a block.

    Raises
    ------
    VerificationError
        ``malformed_block``, or ``unknown_suite`` where a newer version is needed.
    """
    return _parts(block)[0]


def open_block(block: bytes, shares: Mapping[str, bytes], holders: Header | None = None) -> Opened:
    """Open a block with the shares of at least `threshold` custodians, and compute its root anew.

    `holders` is the block's header with other shares in it, where its key was dealt anew.

    Raises
    ------
    VerificationError
        ``too_few_shares``, ``bad_share`` naming the custodian, or ``does_not_open``.
    """
    return open_with(block, data_key(holders or parse_header(block), shares))


def open_with(block: bytes, key: bytes) -> Opened:
    """Open a block with its data key. Errors as of :func:`open_block`."""
    header, ciphertext = _parts(block)
    readings = _unpack(decrypted(header, ciphertext, key), header.context.schema)
    salts = _salts(key, len(readings))
    return Opened(header.context, readings, root(reading_leaves(readings, salts)), salts)


def open_list(block: bytes, key: bytes) -> bytes:
    """What :func:`seal_list` says an object is about. Errors as of :func:`open_block`."""
    header, ciphertext = _parts(block)
    return decrypted(header, ciphertext, key)


def open_beside(block: bytes, shares: Mapping[str, bytes]) -> bytes:
    """What :func:`seal_beside` sealed. Errors as of :func:`open_block`."""
    header, ciphertext = _parts(block)
    return decrypted(header, ciphertext, data_key(header, shares))


def data_key(holders: Header, shares: Mapping[str, bytes]) -> bytes:
    """A block's data key, from the shares of those who hold it. Errors as of :func:`open_block`."""
    good = [share for custodian, share in shares.items() if check_share(holders, custodian, share)]
    if len(good) < holders.threshold:
        raise VerificationError(
            f"{len(good)} of the {holders.threshold} key shares needed are here",
            hint="ask the custodians of this block",
            kind="too_few_shares",
        )
    try:
        return _combine(good[: holders.threshold])
    except ValueError:
        raise _closed_still() from None


def decrypted(header: Header, ciphertext: bytes, key: bytes) -> bytes:
    """The plaintext; VerificationError (``does_not_open``) for another key or altered bytes."""
    try:
        return AESGCM(key).decrypt(header.nonce, ciphertext, header.raw)
    except (InvalidTag, ValueError):
        raise _closed_still() from None


def _closed_still() -> VerificationError:
    return VerificationError("the block does not open with these shares", kind="does_not_open")


def deal_anew(
    holders: Header, shares: Mapping[str, bytes], custodians: Mapping[str, bytes], threshold: int
) -> tuple[SealedShare, ...]:
    """Split a block's data key afresh among other custodians, with enough shares of those who hold it now.

    The ciphertext is neither needed nor touched. Errors as of :func:`open_block` and :func:`seal`.
    """
    return tuple(_deal(data_key(holders, shares), holders.context, custodians, threshold))


def check_share(header: Header, custodian: str, share: bytes) -> bool:
    """True for a share as the block's sealer made it.

    Raises
    ------
    VerificationError
        ``bad_share``: it does not match its commitment, so this custodian returned a wrong one.
    """
    for known in header.shares:
        if known.custodian == custodian:
            if hmac.compare_digest(known.commitment, _commitment(header.context, custodian, share)):
                return True
            raise VerificationError(f"custodian {custodian} returned a wrong key share", kind="bad_share")
    raise VerificationError(f"custodian {custodian} holds no share of this block", kind="bad_share")


def open_share(private: bytes, context: Context, sealed: SealedShare) -> bytes:
    """A custodian's own share, with its key for the twin; VerificationError for any mismatch."""
    share = hpke.open_sealed(private, sealed.sealed, share_info(context, sealed.custodian))
    if not hmac.compare_digest(sealed.commitment, _commitment(context, sealed.custodian, share)):
        raise VerificationError("the sealed bytes do not open", kind="does_not_open")
    return share


def share_info(context: Context, custodian: str) -> bytes:
    """What a sealed share is bound to."""
    return cbor2.dumps(["medtwin/share/1", _fields(context), custodian], canonical=True)


def released_info(context: Context, custodian: str, request: bytes) -> bytes:
    """What a released share is bound to: also the digest of the request it answers."""
    return cbor2.dumps(["medtwin/released/1", _fields(context), custodian, request], canonical=True)


def context_of(fields: object) -> Context:
    """A context as it is written in a block; ValueError for anything else."""
    chain_id, anchor, twin, device, sequence, schema, category = cbor.items(fields, int, str, bytes, str, int, str, int)
    cbor.digests([twin])
    return Context(chain_id, anchor, int.from_bytes(twin, "big"), device, sequence, schema, category)


def _deal(key: bytes, context: Context, custodians: Mapping[str, bytes], threshold: int) -> list[SealedShare]:
    """A share for each custodian, sealed to it, ascending by address."""
    if not 1 < threshold <= len(custodians):
        raise InputError(
            f"{threshold} of {len(custodians)} custodians cannot be asked for",
            hint="at least 2 must be needed, and no more than there are",
            kind="bad_threshold",
        )
    named = sorted(custodians)
    return [
        SealedShare(
            custodian, _commitment(context, custodian, share),
            hpke.seal(custodians[custodian], share, share_info(context, custodian)),
        )
        for custodian, share in zip(named, _split(key, threshold, len(named)), strict=True)
    ]  # fmt: skip


def _commitment(context: Context, custodian: str, share: bytes) -> bytes:
    """A share is 256 random bits, so its hash hides it."""
    return hashlib.sha256(share_info(context, custodian) + share).digest()


def _fields(context: Context) -> list[Any]:
    return [
        context.chain_id,
        context.anchor,
        context.twin_id.to_bytes(32, "big"),
        context.device,
        context.sequence,
        context.schema,
        context.category,
    ]


def _parts(block: bytes) -> tuple[Header, bytes]:
    if len(block) > MAX_BLOCK_BYTES:
        raise VerificationError(f"a block of {len(block):,} bytes is too large", kind="malformed_block")
    try:
        name, raw, ciphertext = cbor.items(cbor.read(block), str, bytes, bytes)
        listed = [bytes] if name == OBJECT else []
        suite, fields, threshold, nonce, sealed, *joined = cbor.items(
            cbor.read(raw), str, list, int, bytes, list, *listed
        )
        shares = tuple(SealedShare(*cbor.items(share, str, bytes, bytes)) for share in sealed)
        cbor.digests([share.commitment for share in shares])
        chunks = cbor.digests(
            [one[at : at + DIGEST_BYTES] for one in joined for at in range(0, len(one), DIGEST_BYTES)]
        )
        header = Header(context_of(fields), threshold, shares, nonce, raw, chunks)
        whole = cbor2.dumps([name, raw, ciphertext], canonical=True) == block
    except ValueError as error:
        raise VerificationError(
            "the block is damaged: it does not read as a sealed batch", kind="malformed_block"
        ) from error
    if name not in (FORMAT, OBJECT) or suite not in READABLE:
        raise VerificationError(
            f"the block is of {str(name)[:40]}, suite {str(suite)[:80]}, unknown here",
            hint="a newer medtwin may read it",
            kind="unknown_suite",
        )
    if not whole or (name == OBJECT) != bool(chunks) or header.threshold < 2 or len(nonce) != NONCE_BYTES:
        raise VerificationError("the block is not in canonical form", kind="malformed_block")
    return header, ciphertext


def _split(key: bytes, threshold: int, count: int) -> list[bytes]:
    """Shares of 33 bytes: index, then a part of each half of the key."""
    first, second = (Shamir.split(threshold, count, half) for half in (key[:HALF], key[HALF:]))
    return [bytes([index]) + left + right for (index, left), (_, right) in zip(first, second, strict=True)]


def _combine(shares: list[bytes]) -> bytes:
    if any(len(share) != 1 + KEY_BYTES for share in shares):
        raise ValueError("a share has 33 bytes")
    left = Shamir.combine([(share[0], share[1 : 1 + HALF]) for share in shares])
    right = Shamir.combine([(share[0], share[1 + HALF :]) for share in shares])
    return bytes(left + right)


def _salts(key: bytes, count: int) -> bytes:
    """32 bytes a reading: an AES-256-CTR stream under a key derived from the data key."""
    derived = HKDFExpand(SHA256(), KEY_BYTES, b"medtwin/salts/1").derive(key)
    stream = Cipher(algorithms.AES(derived), modes.CTR(bytes(16))).encryptor()
    return stream.update(bytes(count * SALT_BYTES))


def _pack(readings: Readings) -> bytes:
    """Columns, times and values as differences, compressed."""
    times = np.diff(readings.time_ms, prepend=0).astype("<i8").tobytes()
    values = np.diff(readings.value_e6, prepend=0).astype("<i8").tobytes()
    columns = times + readings.channel.astype(np.uint8).tobytes() + values
    return cbor2.dumps([list(readings.channels), len(readings), zlib.compress(columns, 6)], canonical=True)


def _unpack(plaintext: bytes, schema: str) -> Readings:
    try:
        channels, count, packed = cbor.items(cbor.read(plaintext), list, int, bytes)
        if not 0 < count <= MAX_READINGS or not _are_names(channels):
            raise ValueError(count)
        columns = zlib.decompressobj().decompress(packed, count * ROW_BYTES + 1)
        if len(columns) != count * ROW_BYTES:
            raise ValueError(len(columns))
        times = np.cumsum(np.frombuffer(columns, "<i8", count))
        channel = np.frombuffer(columns, np.uint8, count, offset=8 * count)
        values = np.cumsum(np.frombuffer(columns, "<i8", count, offset=9 * count))
        if int(channel.max()) >= len(channels):
            raise ValueError("channel")
        return Readings(schema, tuple(channels), times, channel, values)
    except (ValueError, zlib.error) as error:
        raise VerificationError("the batch's content does not read", kind="malformed_block") from error


def _are_names(channels: list[object]) -> bool:
    """Whether these can name channels: different, and each fit for a leaf."""
    fit = [name for name in channels if type(name) is str and name.isascii() and len(name) <= NAME_BYTES]
    return len(set(fit)) == len(channels) <= 256
