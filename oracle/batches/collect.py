"""Seal for sensors that cannot: their signed readings, in the order of their numbers, become batches of a paired key.

The gateway holds that key, so what it seals is as true as the gateway. Rules for what comes late or twice:

- a message is known by its sensor and number: the same again is taken for what it is, and changes nothing;
- messages are sealed in the order of their numbers; one that is missing is waited for half a minute;
- what comes after it was given up, or with times before what is sealed, is late: it is counted and let go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import Denied, InputError
from ..formats.messages import Message, check_message, readings_of
from ..formats.readings import check, join
from ..formats.typed_data import Domain
from ..records import Outgoing, Readings
from .edge import Gateway, check_room, newest_known
from .publish import Edge, prepare

PATIENCE_S = 30
"""For a message that is missing."""
AHEAD = 1_000
"""Messages of one sensor that are kept before the one that is due."""
MOST_READINGS = 20_000


@dataclass(frozen=True, slots=True)
class Bridge:
    """A sensor and the paired key that speaks for it: `edge` says for which twin, `sensor` is who signs messages."""

    sensor: str
    edge: Edge
    schema: str
    batch_ms: int


def accept(gateway: Gateway, bridges: Mapping[str, Bridge], message: Message) -> str:
    """Keep a message: ``kept``, ``duplicate`` or ``late``.

    Raises
    ------
    Denied
        ``unknown_sensor``.
    VerificationError
        ``bad_signature``.
    InputError
        The readings are not fit, or ``too_far_ahead``.
    StorageError
        ``box_full``.
    """
    bridge = bridges.get(message.sensor)
    if bridge is None:
        raise Denied("no such sensor is known here", hint="name it in the gateway's file", kind="unknown_sensor")
    chain = gateway.chain
    check_message(Domain(chain.chain_id, chain.address("DataAnchor")), message)
    passed = gateway.box.passed(message.sensor)
    if message.number <= passed:
        return "late"
    if message.number > passed + AHEAD:
        raise InputError(
            f"message {message.number} is more than {AHEAD} ahead", hint="send what is missing", kind="too_far_ahead"
        )
    if message.readings.schema != bridge.schema:
        raise InputError(f"the sensor speaks {message.readings.schema[:40]}, not {bridge.schema}", kind="wrong_schema")
    check(message.readings, bridge.edge.channels, not_after_ms=gateway.clock_s() * 1000 + 999)
    check_room(gateway, len(message.body))
    kept = gateway.box.keep(message.sensor, message.number, message.body, gateway.clock_s())
    return "kept" if kept else "duplicate"


def collect(gateway: Gateway, bridge: Bridge) -> list[Outgoing]:
    """Seal what is complete: batches that are full, or whose first message waited for as long as a batch lasts."""
    sealed = []
    while (made := _next(gateway, bridge)) is not None:
        readings, passed = made
        outbox = _Sealing(gateway, bridge, passed)
        try:
            sealed.append(prepare(replace(bridge.edge, outbox=outbox, clock_s=gateway.clock_s), readings))
        except InputError:  # its times lie before what is sealed
            gateway.box.skip(bridge.sensor, passed)
    return sealed


def _next(gateway: Gateway, bridge: Bridge) -> tuple[Readings, int] | None:
    """The readings of the next batch, and the number of their last message; None if it is not time yet."""
    now_s, due = gateway.clock_s(), gateway.box.passed(bridge.sensor) + 1
    parts: list[Readings] = []
    number = due - 1
    since_s = now_s
    for found, body, taken_s in gateway.box.messages(bridge.sensor):
        if found != number + 1 and now_s - taken_s < PATIENCE_S:
            break
        readings = readings_of(body)
        if parts and (
            sum(map(len, parts)) + len(readings) > MOST_READINGS
            or int(readings.time_ms[-1]) - int(parts[0].time_ms[0]) >= bridge.batch_ms
        ):
            return join(parts), number
        parts.append(readings)
        number, since_s = found, min(since_s, taken_s)
    waited = parts and now_s - since_s >= bridge.batch_ms / 1000
    return (join(parts), number) if waited else None


@dataclass(frozen=True, slots=True)
class _Sealing:
    """The outbox of one batch: it goes into the box, and its messages out, in one step."""

    gateway: Gateway
    bridge: Bridge
    passed: int

    def last(self) -> Outgoing | None:
        edge = self.bridge.edge
        batch = newest_known(self.gateway, edge.device.address, edge.twin_id)
        return Outgoing(batch, b"", b"") if batch else None

    def add(self, outgoing: Outgoing) -> None:
        self.gateway.box.take(
            self.bridge.edge.device.address, outgoing, self.gateway.clock_s(),
            sensor=self.bridge.sensor, passed=self.passed,
        )  # fmt: skip

    def pending(self) -> list[Outgoing]:
        return []

    def done(self, sequence: int) -> None:
        raise AssertionError("an epoch ends it")
