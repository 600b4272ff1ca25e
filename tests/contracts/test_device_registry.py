"""DeviceRegistry.

constructor
  given a twin token that is no contract
    it refuses
pair
  given the owner calls with the device's signature
    it pairs the device until its calibration ends
    it lets an owner that is a contract pair
  when a stranger calls
    it refuses, the device's signature notwithstanding
  when the device signed other facts
    it refuses each fact that differs
  when the signature is for another chain or contract
    it refuses
  when the signature is no signature
    it refuses
  given the device is paired
    it refuses
  at the deadline
    it accepts a second before, refuses at it and after it
  at the calibration's end
    it accepts a second before, refuses at it and after it
  given the device was cut off
    it refuses the old signature and accepts a new one
  given the twin is retired
    it refuses
calibrate
  given the owner calls with the device's new signature
    it moves the end and nothing else
  when a stranger calls
    it refuses
  when the pairing's signature is used again
    it refuses
  given the device is not paired
    it refuses
unpair
  when the owner calls
    it cuts the device off
  when the device calls
    it cuts the device off
  when a stranger calls
    it refuses
  given the device is not paired
    it refuses
  given the twin is retired
    it still cuts the device off
"""

from __future__ import annotations

from typing import Any

import brownie
import pytest
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, next_at, now_s
from tests.contracts.devices import HOUR_S, pairing, pairing_signature
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with


def test_deploy_without_twins_is_refused(stranger: Any) -> None:
    """A wrong address could never be put right later."""
    registry = brownie.project.get_loaded_projects()[0]["DeviceRegistry"]
    with reverts_with("NotAContract", stranger):
        registry.deploy(stranger, {"from": stranger})


def test_pair_by_owner_pairs(devices: Any, twin: int, patient: Any, device_key: LocalAccount) -> None:
    """The device speaks for the twin from this block on."""
    until = now_s() + 30 * DAY_S

    tx = devices.pair(*pairing(devices, device_key, twin, patient, until), {"from": patient})

    assert logged(tx) == [expected("DevicePaired", device=device_key.address, twinId=twin, calibratedUntil=until)]
    assert devices.deviceOf(device_key.address) == (twin, tx.timestamp, until, True)
    assert devices.nonces(device_key.address) == 1


def test_pair_by_wallet_pairs(
    devices: Any, wallet: Any, wallet_twin: int, wallet_owner: Any, device_key: LocalAccount
) -> None:
    """An owner may be a contract."""
    arguments = pairing(devices, device_key, wallet_twin, wallet, now_s() + DAY_S)

    wallet.execute(devices, devices.pair.encode_input(*arguments), {"from": wallet_owner})

    assert devices.deviceOf(device_key.address)[0] == wallet_twin


def test_pair_by_stranger_is_refused(
    devices: Any, twin: int, patient: Any, stranger: Any, device_key: LocalAccount
) -> None:
    """A device's signature alone pairs nothing."""
    for owner in (patient, stranger):
        with reverts_with("NotPairingParty", device_key.address, stranger):
            devices.pair(*pairing(devices, device_key, twin, owner, now_s() + DAY_S), {"from": stranger})


@pytest.mark.parametrize("fact", ["twinId", "owner", "calibratedUntil", "nonce", "deadline", "key"])
def test_pair_with_other_facts_is_refused(
    devices: Any, twin: int, patient: Any, stranger: Any, device_key: LocalAccount,
    other_device_key: LocalAccount, fact: str,
) -> None:  # fmt: skip
    """Each fact the device signed counts, and so does who signed."""
    until, deadline = now_s() + DAY_S, now_s() + HOUR_S
    facts = {"twinId": twin, "owner": str(patient), "calibratedUntil": until, "nonce": 0, "deadline": deadline}
    other = {
        "twinId": twin + 256,
        "owner": str(stranger),
        "calibratedUntil": until + 1,
        "nonce": 1,
        "deadline": deadline + 1,
    }
    facts |= {fact: other[fact]} if fact in other else {}
    key = other_device_key if fact == "key" else device_key
    signature = pairing_signature(
        devices, key, facts["twinId"], facts["owner"], facts["calibratedUntil"], facts["deadline"], facts["nonce"]
    )

    with reverts_with("InvalidDeviceSignature", device_key.address):
        devices.pair(device_key.address, twin, until, deadline, signature, {"from": patient})

    assert devices.deviceOf(device_key.address) == (0, 0, 0, False)


def test_pair_with_other_domain_is_refused(
    devices: Any, anchor: Any, twin: int, patient: Any, device_key: LocalAccount
) -> None:
    """A signature is worth something on one chain, for one contract and version."""
    until, deadline = now_s() + DAY_S, now_s() + HOUR_S

    for domain in ({"chainId": 1}, {"verifyingContract": str(anchor)}, {"version": "2"}, {"name": "Other"}):
        signature = pairing_signature(devices, device_key, twin, patient, until, deadline, 0, **domain)
        with reverts_with("InvalidDeviceSignature", device_key.address):
            devices.pair(device_key.address, twin, until, deadline, signature, {"from": patient})


def test_pair_without_signature_is_refused(devices: Any, twin: int, patient: Any, device_key: LocalAccount) -> None:
    """Neither nothing, nor zeros, nor the zero address as a device."""
    until, deadline = now_s() + DAY_S, now_s() + HOUR_S
    zero = "0x" + "0" * 40

    for device, signature in ((device_key.address, b""), (device_key.address, bytes(65)), (zero, bytes(65))):
        with reverts_with("InvalidDeviceSignature", device):
            devices.pair(device, twin, until, deadline, signature, {"from": patient})


def test_pair_of_paired_device_is_refused(
    devices: Any, equipment: int, hospital: Any, twin: int, paired: LocalAccount
) -> None:
    """A device speaks for one twin at a time."""
    arguments = pairing(devices, paired, equipment, hospital, now_s() + DAY_S, nonce=1)

    with reverts_with("DeviceAlreadyPaired", paired.address, twin):
        devices.pair(*arguments, {"from": hospital})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_pair_at_deadline(devices: Any, twin: int, patient: Any, device_key: LocalAccount, offset: int) -> None:
    """A signature holds while time < deadline."""
    arguments = pairing(devices, device_key, twin, patient, now_s() + DAY_S)
    deadline = arguments[3]
    next_at(deadline + offset)

    if offset < 0:
        assert devices.pair(*arguments, {"from": patient}).timestamp == deadline - 1
    else:
        with reverts_with("SignatureExpired", deadline):
            devices.pair(*arguments, {"from": patient})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_pair_at_end_of_calibration(
    devices: Any, twin: int, patient: Any, device_key: LocalAccount, offset: int
) -> None:
    """A calibration must end after now."""
    until = now_s() + 100
    arguments = pairing(devices, device_key, twin, patient, until)
    next_at(until + offset)

    if offset < 0:
        devices.pair(*arguments, {"from": patient})
    else:
        with reverts_with("CalibrationNotInFuture", device_key.address, until):
            devices.pair(*arguments, {"from": patient})


def test_pair_again_needs_a_new_signature(devices: Any, twin: int, patient: Any, device_key: LocalAccount) -> None:
    """A device that was cut off is not brought back by what it signed before."""
    old = pairing(devices, device_key, twin, patient, now_s() + DAY_S)
    devices.pair(*old, {"from": patient})
    devices.unpair(device_key.address, {"from": patient})

    with reverts_with("InvalidDeviceSignature", device_key.address):
        devices.pair(*old, {"from": patient})
    devices.pair(*pairing(devices, device_key, twin, patient, now_s() + DAY_S, nonce=1), {"from": patient})

    assert devices.deviceOf(device_key.address)[3]


def test_pair_with_retired_twin_is_refused(
    devices: Any, twins: Any, twin: int, patient: Any, device_key: LocalAccount
) -> None:
    """A retired twin takes no devices."""
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        devices.pair(*pairing(devices, device_key, twin, patient, now_s() + DAY_S), {"from": patient})


def test_calibrate_moves_the_end(devices: Any, twin: int, patient: Any, paired: LocalAccount) -> None:
    """Later or sooner, as both agree."""
    _, paired_at, _, _ = devices.deviceOf(paired.address)

    for nonce, until in enumerate((now_s() + 90 * DAY_S, now_s() + 60), start=1):
        device, _, _, deadline, signature = pairing(devices, paired, twin, patient, until, nonce)
        tx = devices.calibrate(device, until, deadline, signature, {"from": patient})
        assert logged(tx) == [expected("DeviceCalibrated", device=device, twinId=twin, calibratedUntil=until)]
        assert devices.deviceOf(device) == (twin, paired_at, until, True)


def test_calibrate_by_stranger_is_refused(
    devices: Any, twin: int, patient: Any, stranger: Any, paired: LocalAccount
) -> None:
    """The owner must agree, too."""
    device, _, until, deadline, signature = pairing(devices, paired, twin, patient, now_s() + DAY_S, 1)

    with reverts_with("NotPairingParty", device, stranger):
        devices.calibrate(device, until, deadline, signature, {"from": stranger})


def test_calibrate_with_used_signature_is_refused(
    devices: Any, twin: int, patient: Any, device_key: LocalAccount
) -> None:
    """What the device signed for its pairing is used up."""
    device, _, until, deadline, signature = pairing(devices, device_key, twin, patient, now_s() + DAY_S)
    devices.pair(device, twin, until, deadline, signature, {"from": patient})

    with reverts_with("InvalidDeviceSignature", device):
        devices.calibrate(device, until, deadline, signature, {"from": patient})


def test_calibrate_of_unpaired_device_is_refused(
    devices: Any, twin: int, patient: Any, device_key: LocalAccount
) -> None:
    """There must be a pairing to prolong."""
    device, _, until, deadline, signature = pairing(devices, device_key, twin, patient, now_s() + DAY_S)

    with reverts_with("DeviceNotPaired", device):
        devices.calibrate(device, until, deadline, signature, {"from": patient})


def test_unpair_by_owner_cuts_off(devices: Any, twin: int, patient: Any, paired: LocalAccount) -> None:
    """The record stays, the device no longer speaks."""
    before = devices.deviceOf(paired.address)

    tx = devices.unpair(paired.address, {"from": patient})

    assert logged(tx) == [expected("DeviceUnpaired", device=paired.address, twinId=twin, by=patient)]
    assert devices.deviceOf(paired.address) == (*before[:3], False)


def test_unpair_by_device_cuts_off(
    devices: Any, twin: int, patient: Any, wallet_owner: Any, wallet_key: LocalAccount
) -> None:
    """A device that finds itself compromised cuts itself off."""
    devices.pair(*pairing(devices, wallet_key, twin, patient, now_s() + DAY_S), {"from": patient})

    tx = devices.unpair(wallet_owner, {"from": wallet_owner})

    assert logged(tx) == [expected("DeviceUnpaired", device=wallet_owner, twinId=twin, by=wallet_owner)]
    assert not devices.deviceOf(wallet_owner)[3]


def test_unpair_by_stranger_is_refused(devices: Any, stranger: Any, paired: LocalAccount) -> None:
    """Nobody else silences a device."""
    with reverts_with("NotPairingParty", paired.address, stranger):
        devices.unpair(paired.address, {"from": stranger})


def test_unpair_of_unpaired_device_is_refused(devices: Any, patient: Any, paired: LocalAccount) -> None:
    """There must be a pairing to end."""
    devices.unpair(paired.address, {"from": patient})

    with reverts_with("DeviceNotPaired", paired.address):
        devices.unpair(paired.address, {"from": patient})


def test_unpair_from_retired_twin_cuts_off(
    devices: Any, twins: Any, twin: int, patient: Any, paired: LocalAccount
) -> None:
    """Cutting off works whatever became of the twin."""
    twins.retire(twin, {"from": patient})

    devices.unpair(paired.address, {"from": patient})

    assert not devices.deviceOf(paired.address)[3]
