"""Show one reading alone: its value, its salt and its path to the root that its device signed, and nothing else.

Leaves are salted from the data key, so the others stay hidden, and nobody can tell what they were by trying.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import NotFound, VerificationError
from ..formats import cbor
from ..formats.merkle import SALT_BYTES, proof, reading_leaves, verify
from ..ports import Chain, Store
from ..records import Readings
from .anchored import anchored_batches
from .fetch import OpenedBatch

FORMAT = "medtwin/reading/1"
MOST_STEPS = 64  # of a path


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One reading of one batch, with what proves it."""

    chain_id: int
    twin_id: int
    batch: bytes
    channel: str
    time_ms: int
    value_e6: int
    salt: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)


def disclose(chain_id: int, one: OpenedBatch, index: int) -> Disclosure:
    """Take the reading at `index` out of an opened batch."""
    readings, salts = one.readings, one.opened.salts
    if not 0 <= index < len(readings):
        raise NotFound(f"the batch has {len(readings)} readings, none at {index}", hint="see them: medtwin fetch")
    leaves = reading_leaves(readings, salts)
    return Disclosure(
        chain_id, one.batch.twin_id, one.batch.digest, readings.channels[int(readings.channel[index])],
        int(readings.time_ms[index]), int(readings.value_e6[index]),
        salts[index * SALT_BYTES : (index + 1) * SALT_BYTES], tuple(proof(leaves, leaves[index])),
    )  # fmt: skip


def find(opened: list[OpenedBatch], channel: str, time_ms: int) -> tuple[OpenedBatch, int]:
    """Batch and index of the first reading of a channel at a time."""
    for one in opened:
        readings = one.readings
        if channel in readings.channels:
            at = np.flatnonzero((readings.channel == readings.channels.index(channel)) & (readings.time_ms == time_ms))
            if len(at):
                return one, int(at[0])
    raise NotFound(
        f"no reading of {channel!r} at {time_ms} ms", hint="times and channels: medtwin fetch", kind="no_reading"
    )


def verify_disclosure(chain: Chain, store: Store | None, shown: Disclosure) -> int:
    """Check a reading against the chain; the time (s) at which its batch was anchored.

    Raises
    ------
    VerificationError
        Naming what does not hold.
    """
    if chain.chain_id != shown.chain_id:
        raise _false(f"it is for chain {shown.chain_id}")
    found = [one for one in anchored_batches(chain, shown.twin_id, store) if one.batch.digest == shown.batch]
    if not found:
        raise _false("its batch is not anchored for this twin")
    alone = Readings(
        "", (shown.channel,), np.array([shown.time_ms], np.int64), np.zeros(1, np.uint8), np.array([shown.value_e6], np.int64)
    )  # fmt: skip
    if not verify(found[0].batch.root, shown.path, reading_leaves(alone, shown.salt)[0]):
        raise _false("value, time, channel, salt and path do not give the root that the device signed")
    return found[0].time_s


def to_json(shown: Disclosure) -> str:
    """The reading as a document."""
    document = {
        "format": FORMAT, "chain_id": shown.chain_id, "twin": hex(shown.twin_id), "batch": "0x" + shown.batch.hex(),
        "channel": shown.channel, "time_ms": shown.time_ms, "value_e6": shown.value_e6, "salt": "0x" + shown.salt.hex(),
        "path": ["0x" + step.hex() for step in shown.path],
    }  # fmt: skip
    return json.dumps(document, indent=2) + "\n"


def from_json(text: str) -> Disclosure:
    """Read a document; VerificationError for anything that is not one."""
    try:
        read: dict[str, Any] = json.loads(text)
        if read["format"] != FORMAT or len(read["path"]) > MOST_STEPS:
            raise ValueError("format")
        shown = Disclosure(
            int(read["chain_id"]), int(read["twin"], 16), _bytes(read["batch"]), str(read["channel"]),
            int(read["time_ms"]), int(read["value_e6"]), _bytes(read["salt"]), tuple(map(_bytes, read["path"])),
        )  # fmt: skip
        cbor.digests([shown.batch, shown.salt, *shown.path])
        cbor.numbers((shown.twin_id, 256), (shown.time_ms, 63), (shown.value_e6 + 2**63, 64))
        if not (shown.channel.isascii() and len(shown.channel) <= 32):
            raise ValueError("channel")
        return shown
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise VerificationError("this is not a disclosed reading", kind="malformed_disclosure") from error


def _false(why: str) -> VerificationError:
    return VerificationError(f"the reading does not hold: {why}", kind="bad_disclosure")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
