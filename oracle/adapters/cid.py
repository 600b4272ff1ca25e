"""CIDs of content-addressed blocks: version 1, raw codec, SHA-256, base32 (``bafkrei…``).

References
----------
CIDv1: ``<0x01><codec 0x55 raw><multihash 0x12 sha2-256, 0x20 = 32 bytes><digest>``, multibase ``b``:
RFC 4648 base32, lower case, no padding. https://github.com/multiformats/cid
"""

from __future__ import annotations

import base64

from ..errors import InputError

_PREFIX = bytes((0x01, 0x55, 0x12, 0x20))
_DIGEST_BYTES = 32
_TEXT_CHARACTERS = 59  # "b" and 36 bytes in base32


def cid_of(digest: bytes) -> str:
    """The CID of a block by its SHA-256 digest (32 bytes)."""
    if len(digest) != _DIGEST_BYTES:
        raise InputError(
            f"a SHA-256 digest has 32 bytes, this one has {len(digest)}",
            hint="pass hashlib.sha256(block).digest()",
            kind="bad_digest",
        )
    return "b" + base64.b32encode(_PREFIX + digest).decode().lower().rstrip("=")


def digest_of(cid: str) -> bytes:
    """The SHA-256 digest in a CID; exactly the texts that :func:`cid_of` makes are accepted."""
    refusal = InputError(
        f"not a CID of a raw SHA-256 block: {cid[:80]!r}",
        hint="pass a version 1, raw, sha2-256, base32 CID: it starts with bafkrei and has 59 characters",
        kind="bad_cid",
    )
    if len(cid) != _TEXT_CHARACTERS or not cid.startswith("b") or not cid.isascii():
        raise refusal
    try:
        raw = base64.b32decode(cid[1:].upper() + "=" * (-(len(cid) - 1) % 8))
    except ValueError:
        raise refusal from None
    if not raw.startswith(_PREFIX) or cid_of(raw[len(_PREFIX) :]) != cid:
        raise refusal
    return raw[len(_PREFIX) :]
