"""Reads CBOR that somebody else wrote: plain lists whose every item is of the kind it must be.

Whatever is wrong is a ValueError; what that means to the reader, the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import cbor2


def read(data: bytes) -> Any:
    """The value that `data` encodes."""
    try:
        stream = BytesIO(data)
        value = cbor2.load(stream)
    except Exception as error:  # the decoders of dates, decimals and the like raise whatever they meet
        raise ValueError("this is not CBOR") from error
    if stream.tell() != len(data):
        raise ValueError("there is more behind the CBOR")
    return value


def items(value: object, *kinds: type) -> list[Any]:
    """The items of a list of exactly these kinds; a boolean is no number here."""
    if type(value) is not list or [type(item) for item in value] != list(kinds):
        raise ValueError("these are not the fields expected")
    return value


def digests(values: Sequence[object]) -> tuple[bytes, ...]:
    """The values, each of which must be 32 bytes."""
    found = tuple(value for value in values if type(value) is bytes and len(value) == 32)
    if len(found) != len(values):
        raise ValueError("these are not 32 bytes each")
    return found


def numbers(*limited: tuple[int, int]) -> None:
    """Refuse a number that its count of bits does not hold: pairs of (number, bits)."""
    if any(not 0 <= value < 1 << bits for value, bits in limited):
        raise ValueError("a number is out of range")
