"""DeviceLoop: bounds and answers. What may be sent has a file of its own.

setEnvelope
  when the safety officer calls
    it registers the bounds, replacing earlier ones
  given bounds the wrong way round
    it refuses, and accepts equal ones
  when anybody else calls
    it refuses
removeEnvelope
  when the safety officer calls
    it removes the bounds, and the device takes that command no more
  given none
    it refuses
  when anybody else calls
    it refuses
answer
  given the device's answer
    it puts it on record, whoever sends it
  when somebody else signed, or another answer
    it refuses
  when it is for another chain, contract or version
    it refuses
  at the deadline
    it accepts a second before, refuses at it and after it
  given an answer or no command
    it refuses
  given the device was cut off since
    it accepts what the device did
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.clock import DAY_S, next_at, now_s
from tests.contracts.commands import (
    ACKNOWLEDGED,
    CODE,
    EXPIRED,
    REJECTED,
    UNKNOWN,
    Loop,
)  # fmt: skip
from tests.contracts.devices import pairing
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of

FARTHEST = 2**63 - 1


def test_set_envelope_registers_the_bounds(loop: Loop, officer: Any) -> None:
    """The last word counts, for one device and one code."""
    device = loop.device.address

    tx = loop.contract.setEnvelope(device, CODE, -FARTHEST - 1, FARTHEST, 2**32 - 1, {"from": officer})

    facts = {"device": device, "code": CODE, "low": -FARTHEST - 1, "high": FARTHEST, "interval": 2**32 - 1}
    assert logged(tx) == [expected("EnvelopeSet", **facts)]
    assert loop.contract.envelopeOf(device, CODE) == (-FARTHEST - 1, FARTHEST, 2**32 - 1, True)
    assert loop.contract.envelopeOf(device, CODE + 1) == (0, 0, 0, False)


def test_set_envelope_of_crossed_bounds_is_refused(loop: Loop, officer: Any) -> None:
    """One value is an envelope; less than none is not."""
    with reverts_with("InvalidEnvelope", 1, 0):
        loop.contract.setEnvelope(loop.device.address, CODE, 1, 0, 0, {"from": officer})
    loop.contract.setEnvelope(loop.device.address, CODE, 1, 1, 0, {"from": officer})


def test_set_envelope_by_others_is_refused(loop: Loop, approver: Any, patient: Any, hospital: Any) -> None:
    """The administrator, the patient and the clinician neither."""
    for account in (approver, patient, hospital):
        with reverts_with("AccessControlUnauthorizedAccount", account, loop.contract.SAFETY_ROLE()):
            loop.contract.setEnvelope(loop.device.address, CODE, 0, 1, 0, {"from": account})


def test_remove_envelope_ends_the_command(loop: Loop, officer: Any, stranger: Any) -> None:
    """The default is no."""
    tx = loop.contract.removeEnvelope(loop.device.address, CODE, {"from": officer})

    assert logged(tx) == [expected("EnvelopeRemoved", device=loop.device.address, code=CODE)]
    with reverts_with("EnvelopeMissing", loop.device.address, CODE):
        loop.send(stranger)


def test_remove_envelope_of_none_is_refused(loop: Loop, officer: Any) -> None:
    """Another code, or the same twice."""
    loop.contract.removeEnvelope(loop.device.address, CODE, {"from": officer})
    for code in (CODE, CODE + 1):
        with reverts_with("EnvelopeMissing", loop.device.address, code):
            loop.contract.removeEnvelope(loop.device.address, code, {"from": officer})


def test_remove_envelope_by_others_is_refused(loop: Loop, approver: Any, patient: Any) -> None:
    """The administrator and the patient neither."""
    for account in (approver, patient):
        with reverts_with("AccessControlUnauthorizedAccount", account, loop.contract.SAFETY_ROLE()):
            loop.contract.removeEnvelope(loop.device.address, CODE, {"from": account})


@pytest.mark.parametrize(("accepted", "state"), [(True, ACKNOWLEDGED), (False, REJECTED)])
def test_answer_is_put_on_record(loop: Loop, stranger: Any, accepted: bool, state: int) -> None:
    """It stays after the deadline."""
    sent = loop.send(stranger)
    command_id = sent.return_value

    tx = loop.contract.answer(command_id, accepted, loop.answer(command_id, accepted), {"from": stranger})

    facts = {"device": loop.device.address, "commandId": str(command_id), "accepted": accepted}
    assert logged(tx) == [expected("CommandAnswered", **facts)]
    next_at(sent.timestamp + DAY_S)
    assert loop.contract.stateOf(command_id) == state


def test_answer_of_others_is_refused(loop: Loop, stranger: Any) -> None:
    """The clinician does not answer for the device, nor does a yes stand for a no or for another command."""
    command_id = loop.send(stranger).return_value
    signatures = [loop.answer(command_id, True, key) for key in (loop.clinician, key_of(8), key_of(5))]
    signatures += [loop.answer(command_id, False), loop.answer(b"\x01" * 32, True), b"", bytes(65)]

    for signature in signatures:
        with reverts_with("InvalidSignature", loop.device.address):
            loop.contract.answer.call(command_id, True, signature, {"from": stranger})


def test_answer_for_other_domain_is_refused(loop: Loop, stranger: Any) -> None:
    """An answer holds on one chain, for one contract and version."""
    command_id = loop.send(stranger).return_value
    for domain in OTHER_DOMAINS:
        with reverts_with("InvalidSignature", loop.device.address):
            loop.contract.answer.call(command_id, True, loop.answer(command_id, True, **domain), {"from": stranger})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_answer_at_deadline(loop: Loop, stranger: Any, offset: int) -> None:
    """A command that nobody answered in time has expired."""
    deadline = now_s() + 600
    command_id = bytes(loop.send(stranger, deadline=deadline).return_value)
    signature = loop.answer(command_id, True)
    next_at(deadline + offset)

    if offset < 0:
        loop.contract.answer(command_id, True, signature, {"from": stranger})
        return
    with reverts_with("CommandNotPending", command_id, EXPIRED):
        loop.contract.answer(command_id, True, signature, {"from": stranger})
    assert loop.contract.stateOf(command_id) == EXPIRED


def test_answer_to_no_pending_command_is_refused(loop: Loop, stranger: Any) -> None:
    """The first answer stands; an unknown command has none."""
    command_id = bytes(loop.send(stranger).return_value)
    loop.contract.answer(command_id, False, loop.answer(command_id, False), {"from": stranger})

    for wanted, state in ((command_id, REJECTED), (bytes(32), UNKNOWN)):
        with reverts_with("CommandNotPending", wanted, state):
            loop.contract.answer(wanted, True, loop.answer(wanted, True), {"from": stranger})


def test_answer_of_device_cut_off_since_is_accepted(
    loop: Loop, devices: Any, twins: Any, patient: Any, stranger: Any
) -> None:
    """What a device did is on record, wherever it belongs now."""
    command_id = loop.send(stranger).return_value
    devices.unpair(loop.device.address, {"from": patient})
    other = loop.twin + 256
    twins.mint(other, {"from": patient})
    devices.pair(*pairing(devices, loop.device, other, patient, now_s() + DAY_S, nonce=1), {"from": patient})

    loop.contract.answer(command_id, True, loop.answer(command_id, True), {"from": stranger})

    assert loop.contract.stateOf(command_id) == ACKNOWLEDGED
