"""What devices and sensors hand to a gateway: a sealed batch, or readings that the gateway seals for them.

Canonical CBOR; a sensor's signature is over chain, contract and body, so a message is for one deployment. Bytes in
``docs/formats.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cbor2
import numpy as np

from ..errors import InputError, VerificationError
from ..records import Outgoing, Readings
from . import cbor
from .envelope import MAX_BLOCK_BYTES, MAX_READINGS
from .epochs import signed_batch, signed_fields
from .keccak import keccak
from .typed_data import Domain, is_checksummed, recovers_to

BATCH, READINGS = "medtwin/batch/1", "medtwin/readings/1"
MOST_BYTES = MAX_BLOCK_BYTES + 1024
WORD = 8


@dataclass(frozen=True, slots=True)
class Message:
    """Readings that a sensor signed. `number` counts its messages from 1."""

    sensor: str
    number: int
    readings: Readings
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def pack_batch(outgoing: Outgoing) -> bytes:
    """A sealed batch on its way to a gateway."""
    return cbor2.dumps([BATCH, signed_fields(outgoing.batch, outgoing.signature), outgoing.block], canonical=True)


def unpack(body: bytes) -> Outgoing | Message:
    """Read what came; InputError for anything else. Signatures are checked by whoever takes it."""
    try:
        if len(body) > MOST_BYTES:
            raise ValueError("too large")
        found = cbor.read(body)
        if type(found) is list and found[:1] == [BATCH]:
            _, fields, block = cbor.items(found, str, list, bytes)
            batch, signature = signed_batch(fields)
            return Outgoing(batch, block, signature)
        name, inner, signature = cbor.items(found, str, bytes, bytes)
        if name != READINGS:
            raise ValueError("format")
        return _message(inner, signature)
    except ValueError as error:
        raise InputError(
            "this is neither a batch nor readings", hint="see docs/formats.md", kind="malformed"
        ) from error


def message_body(sensor: str, number: int, readings: Readings) -> bytes:
    """What a sensor signs, before it is hashed."""
    columns = (readings.time_ms.astype("<i8"), readings.channel.astype(np.uint8), readings.value_e6.astype("<i8"))
    return cbor2.dumps(
        [sensor, number, readings.schema, list(readings.channels), *(one.tobytes() for one in columns)], canonical=True
    )


def message_digest(domain: Domain, body: bytes) -> bytes:
    """The 32 bytes that a sensor signs; `domain` is DataAnchor's. No EIP-712 digest begins like this."""
    place = domain.chain_id.to_bytes(32, "big") + bytes.fromhex(domain.contract[2:])
    return keccak(b"\x19" + READINGS.encode() + place + keccak(body))


def pack_message(body: bytes, signature: bytes) -> bytes:
    """A sensor's signed readings as they travel."""
    return cbor2.dumps([READINGS, body, signature], canonical=True)


def check_message(domain: Domain, message: Message) -> None:
    """VerificationError if the sensor did not sign this."""
    if not recovers_to(message_digest(domain, message.body), message.signature, message.sensor):
        raise VerificationError("the sensor did not sign this message", kind="bad_signature")


def readings_of(body: bytes) -> Readings:
    """The readings of a message's body."""
    return _message(body, b"").readings


def _message(body: bytes, signature: bytes) -> Message:
    kinds = (str, int, str, list, bytes, bytes, bytes)
    sensor, number, schema, channels, times, channel, values = cbor.items(cbor.read(body), *kinds)
    cbor.numbers((number, 63))
    count = len(channel)
    sound = 0 < count <= MAX_READINGS and len(times) == len(values) == WORD * count
    if not sound or not number or not is_checksummed(sensor) or not all(type(one) is str for one in channels):
        raise ValueError("message")
    readings = Readings(
        schema, tuple(channels), np.frombuffer(times, "<i8"), np.frombuffer(channel, np.uint8),
        np.frombuffer(values, "<i8"),
    )  # fmt: skip
    return Message(sensor, number, readings, body, signature)
