"""DeviceLoop: what may be sent to a device.

send
  given a clinician the patient allows
    it puts the command on record, whoever sends it
    it accepts a clinician that is a wallet
  given no envelope for the device and code
    it refuses
  at the bounds
    it accepts both, and refuses one less and one more
  at the shortest interval
    it refuses a second before, accepts at it and after it
  given a command of another code
    it waits for its own interval after whatever was sent last
  given a deadline that is past or too far
    it accepts the next second and an hour, and refuses one less and one more
  given a device that is cut off, unknown or another twin's
    it refuses
  given a clinician without consent to equipment and care
    it refuses
  given consent that ended
    it refuses at once
  when a signed fact differs
    it refuses each
  when it is for another chain, contract or version
    it refuses
  when somebody else signed, or nobody
    it refuses
  given it was sent before
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import next_at, now_s
from tests.contracts.commands import (
    CODE,
    EQUIPMENT_DATA,
    HIGH,
    INTERVAL_S,
    LOW,
    PENDING,
    WAIT_S,
    Loop,
)  # fmt: skip
from tests.contracts.consents import CARE, Scope
from tests.contracts.events import expected, logged, plain
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of

FARTHEST = 2**63 - 1


def test_send_is_put_on_record(loop: Loop, twin: int, stranger: Any) -> None:
    """Its id is what the clinician signed; it waits for its answer."""
    command = loop.command()

    tx = loop.contract.send(command, loop.sign(command), {"from": stranger})

    command_id = str(loop.contract.commandDigest(command))
    assert str(tx.return_value) == command_id
    facts = {"twinId": twin, "device": command.device, "commandId": command_id, "command": plain(tuple(command))}
    assert logged(tx) == [expected("CommandSent", **facts)]
    assert loop.contract.stateOf(command_id) == PENDING


def test_send_by_wallet_is_put_on_record(
    loop: Loop, consents: Any, wallet: Any, wallet_key: LocalAccount, patient: Any, stranger: Any, year: Scope
) -> None:
    """The wallet vouches for its key (ERC-1271)."""
    consents.grant(loop.twin, wallet, year, {"from": patient})
    command = loop.command(clinician=wallet.address)

    sent = loop.contract.send(command, loop.sign(command, wallet_key), {"from": stranger})

    assert loop.contract.stateOf(sent.return_value) == PENDING


def test_send_without_envelope_is_refused(loop: Loop, stranger: Any) -> None:
    """Bounds hold for one device and one code."""
    with reverts_with("EnvelopeMissing", loop.device.address, CODE + 1):
        loop.send(stranger, code=CODE + 1)
    with reverts_with("EnvelopeMissing", stranger, CODE):
        loop.send(stranger, device=stranger.address)


@pytest.mark.parametrize("value", [-FARTHEST - 1, LOW - 1, LOW, 0, HIGH, HIGH + 1, FARTHEST])
def test_send_at_the_bounds(loop: Loop, stranger: Any, value: int) -> None:
    """low <= value <= high."""
    if LOW <= value <= HIGH:
        loop.send(stranger, value=value)
    else:
        with reverts_with("OutsideEnvelope", value, LOW, HIGH):
            loop.send(stranger, value=value)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_send_at_the_interval(loop: Loop, stranger: Any, offset: int) -> None:
    """Another command waits until the interval is over, whatever became of the last one."""
    earliest = loop.send(stranger).timestamp + INTERVAL_S
    next_at(earliest + offset)

    if offset < 0:
        with reverts_with("CommandTooSoon", loop.device.address, CODE, earliest):
            loop.send(stranger, nonce=2)
    else:
        loop.send(stranger, nonce=2)


@pytest.mark.parametrize("offset", [-1, 0])
def test_send_of_other_code_waits_too(loop: Loop, officer: Any, stranger: Any, offset: int) -> None:
    """The interval is the device's: as long as the command that is to be sent asks for, after whatever was sent last."""
    half = INTERVAL_S // 2
    loop.contract.setEnvelope(loop.device.address, CODE + 1, LOW, HIGH, half, {"from": officer})
    earliest = loop.send(stranger).timestamp + half
    next_at(earliest + offset)

    if offset < 0:
        with reverts_with("CommandTooSoon", loop.device.address, CODE + 1, earliest):
            loop.send(stranger, code=CODE + 1)
    else:
        loop.send(stranger, code=CODE + 1)


@pytest.mark.parametrize(
    ("span", "good"), [(-1, False), (0, False), (1, True), (WAIT_S - 1, True), (WAIT_S, True), (WAIT_S + 1, False)]
)
def test_send_until_then(loop: Loop, stranger: Any, span: int, good: bool) -> None:
    """A command waits for its answer beyond now, and at most an hour."""
    sending = now_s() + 100
    command = loop.command(deadline=sending + span)
    signature = loop.sign(command)
    next_at(sending)

    if good:
        loop.contract.send(command, signature, {"from": stranger})
    else:
        with reverts_with("InvalidDeadline", command.deadline, sending + WAIT_S):
            loop.contract.send(command, signature, {"from": stranger})


def test_send_to_unpaired_device_is_refused(
    loop: Loop, devices: Any, officer: Any, equipment: int, patient: Any, stranger: Any
) -> None:
    """A device listens to its own twin's clinicians, while it is paired."""
    with reverts_with("UnpairedDevice", loop.device.address, equipment):
        loop.send(stranger, twinId=equipment)
    loop.contract.setEnvelope(stranger, CODE, LOW, HIGH, 0, {"from": officer})
    with reverts_with("UnpairedDevice", stranger, loop.twin):
        loop.send(stranger, device=stranger.address)
    devices.unpair(loop.device.address, {"from": patient})
    with reverts_with("UnpairedDevice", loop.device.address, loop.twin):
        loop.send(stranger)


def test_send_by_clinician_not_allowed_is_refused(
    loop: Loop, consents: Any, patient: Any, hospital: Any, stranger: Any, year: Scope
) -> None:
    """Consent to equipment for another purpose, or to other data for care, is not enough."""
    for scope in (year._replace(purposes=2**32 - 2), year._replace(categories=2**32 - 1 - EQUIPMENT_DATA)):
        consents.grant(loop.twin, hospital, scope, {"from": patient})
        with reverts_with("ClinicianNotAllowed", loop.twin, hospital):
            loop.send(stranger)
    for nobody in (stranger.address, "0x" + "0" * 40):
        with reverts_with("ClinicianNotAllowed", loop.twin, nobody):
            loop.send(stranger, clinician=nobody)


@pytest.mark.parametrize("end", ["revoke", "voidGrants", "retire", "expiry"])
def test_send_after_consent_ended_is_refused(
    loop: Loop, consents: Any, twins: Any, patient: Any, hospital: Any, stranger: Any, end: str
) -> None:
    """However it ended."""
    if end == "revoke":
        consents.revoke(loop.twin, hospital, {"from": patient})
    elif end == "expiry":
        soon = Scope(EQUIPMENT_DATA, CARE, now_s(), now_s() + 50)
        consents.grant(loop.twin, hospital, soon, {"from": patient})
        next_at(soon.expiry)
    else:
        getattr(twins, end)(loop.twin, {"from": patient})

    with reverts_with("ClinicianNotAllowed", loop.twin, hospital):
        loop.send(stranger)


@pytest.mark.parametrize("field", ["device", "twinId", "code", "value", "clinician", "nonce", "deadline"])
def test_send_of_other_signed_facts_is_refused(loop: Loop, stranger: Any, hospital: Any, field: str) -> None:
    """Every field of the typed data counts."""
    good = loop.command()
    changed = stranger.address if field in ("device", "clinician") else getattr(good, field) + 1

    with reverts_with("InvalidSignature", hospital):
        loop.contract.send(good, loop.sign(good._replace(**{field: changed})), {"from": stranger})


def test_send_for_other_domain_is_refused(loop: Loop, stranger: Any, hospital: Any) -> None:
    """A signature holds on one chain, for one contract and version."""
    command = loop.command()
    for domain in OTHER_DOMAINS:
        with reverts_with("InvalidSignature", hospital):
            loop.contract.send.call(command, loop.sign(command, **domain), {"from": stranger})


def test_send_signed_by_others_is_refused(loop: Loop, stranger: Any, hospital: Any) -> None:
    """The device, a stranger, the patient for the clinician, nobody."""
    command = loop.command()
    signatures = [loop.sign(command, key) for key in (loop.device, key_of(8), key_of(5))]

    for signature in (*signatures, b"", bytes(65), loop.sign(command)[:64]):
        with reverts_with("InvalidSignature", hospital):
            loop.contract.send.call(command, signature, {"from": stranger})


def test_send_twice_is_refused(loop: Loop, stranger: Any) -> None:
    """One signature, one command; also after the interval and the answer."""
    command = loop.command()
    arguments = command, loop.sign(command), {"from": stranger}
    sent = loop.contract.send(*arguments)
    loop.contract.answer(sent.return_value, True, loop.answer(sent.return_value, True), {"from": stranger})
    next_at(sent.timestamp + INTERVAL_S)

    with reverts_with("CommandExists", bytes(sent.return_value)):
        loop.contract.send(*arguments)
