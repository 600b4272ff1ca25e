"""Sensors that cannot seal: their messages become batches on the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from oracle.adapters.memory import new_signer
from oracle.batches.collect import AHEAD, PATIENCE_S, Bridge, accept, collect
from oracle.batches.edge import turn
from oracle.errors import Denied, InputError, VerificationError
from oracle.formats.messages import Message, message_body, message_digest, pack_batch, pack_message, unpack
from oracle.formats.typed_data import Domain
from oracle.records import Readings

from .ward import Ward, recorded_later

if TYPE_CHECKING:
    pass


@dataclass
class Clock:
    """The gateway's present."""

    now: int

    def __call__(self) -> int:
        return self.now


def test_sensors_messages_become_batches_in_their_order(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Doubled, disordered and late; one that never comes is waited for half a minute. Each number is sealed once."""
    sensor, clock = new_signer(), Clock(ward.stage.now_s())
    gateway = replace(ward.gateway, clock_s=clock)
    bridges = {sensor.address: Bridge(sensor.address, ward.twin.edge, "unit/1", 4_000)}
    bridge, parts = bridges[sensor.address], recorded_later(recorded, ward, 5)

    def message(number: int, readings: Readings) -> Message:
        body = message_body(sensor.address, number, readings)
        domain = Domain(ward.chain.chain_id, ward.chain.address("DataAnchor"))
        found = unpack(pack_message(body, sensor.sign_digest(message_digest(domain, body))))
        assert isinstance(found, Message)
        return found

    sent = [message(number, readings) for number, readings in enumerate(parts, 1)]
    assert [accept(gateway, bridges, sent[at]) for at in (1, 1, 0)] == ["kept", "duplicate", "kept"]
    assert [one.batch.sequence for one in collect(gateway, bridge)] == [1]
    assert accept(gateway, bridges, sent[3]) == "kept"  # the third is missing
    clock.now += 5
    assert len(collect(gateway, bridge)) == 1 and collect(gateway, bridge) == []
    clock.now += PATIENCE_S
    assert len(collect(gateway, bridge)) == 1
    assert accept(gateway, bridges, sent[2]) == "late"
    with pytest.raises(InputError):
        accept(gateway, bridges, message(4 + AHEAD + 1, parts[4]))
    with pytest.raises(VerificationError):
        accept(gateway, bridges, replace(sent[4], signature=bytes(65)))
    with pytest.raises(Denied):
        accept(gateway, {}, sent[4])
    turn(replace(gateway, clock_s=ward.stage.now_s))

    sealed = ward.batches()
    assert [one.batch.readings for one in sealed] == [len(parts[0]), len(parts[1]), len(parts[3])]
    assert gateway.box.messages(sensor.address) == []


def test_what_travels_reads_back(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """A batch and a message survive the wire; anything else is InputError."""
    (one,) = ward.seal(recorded())
    assert unpack(pack_batch(one)) == one
    for bad in (b"", b"\x80", pack_batch(one)[:-1], pack_batch(one) + b"\0", bytes(3 << 20)):
        with pytest.raises(InputError):
            unpack(bad)
