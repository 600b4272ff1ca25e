"""EpochAnchor: epochs, and proofs that they hold a device nobody paired. Broken sequences have a file of their own.

admit
  when anyone calls
    it copies what the registry says, for a day at most, and tells it
  given a key never paired
    it admits nobody
  given a suspended gateway
    it leaves it suspended
anchorEpoch
  given an admitted gateway
    it counts and chains its epochs, apart from other gateways'
  given no such device, or one that was cut off and said to be
    it refuses
  at the end of the gateway's calibration
    it accepts a second before, refuses at it and after it
  at the end of a day after it was admitted
    it accepts a second before, refuses at it and after it
  given an epoch of nothing
    it refuses
  given a suspended gateway
    it refuses, also when it is paired anew
proveUnknownDevice
  given a batch that nobody signed
    it suspends the gateway, whoever shows it
  given a key that was never paired with that twin
    it suspends the gateway
  given an honest batch
    it refuses
  given the device was cut off since
    it refuses
  given the device was paired with another twin since
    it refuses
  given the device's calibration ended since
    it refuses
  given a fault in any of several epochs
    it finds it, before the tail too
  when the place is not the gateway's
    it refuses
  given a gateway without epochs
    it refuses
  when the batch is not under the root
    it refuses
  given the gateway is suspended
    it refuses
leafOf
  given a batch and its signature
    it is the leaf of the manual
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, next_at, now_s, view_at
from tests.contracts.devices import Recorder, pairing
from tests.contracts.epochs import UNKNOWN_DEVICE, Epoch, Gateway, Signed
from tests.contracts.events import expected, logged, plain
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import key_of

UNPAIRED = Account.from_key(b"\xd9" * 32)
EPOCH = Epoch(b"\x01" * 32, 3, b"\x02" * 32)


@pytest.fixture
def lies(gateway: Gateway, recorder: Recorder) -> list[Signed]:
    """An honest batch, one that nobody signed, and one signed with a key that was never paired."""
    batch = recorder.batch(1)
    return [gateway.sign(batch, recorder.key), Signed(batch, bytes(65)), gateway.sign(batch, UNPAIRED)]


def test_anchor_epoch_counts_and_chains(gateway: Gateway, devices: Any, twin: int, patient: Any, accounts: Any) -> None:
    """The head is the hash of the last head and the epoch; each gateway has its own."""
    contract, other = gateway.contract, accounts[8]
    devices.pair(*pairing(devices, key_of(8), twin, patient, now_s() + DAY_S), {"from": patient})
    head, epochs = bytes(21), [EPOCH, EPOCH, EPOCH._replace(batches=2**32 - 1)]
    contract.admit(other, {"from": other})
    until = contract.headOf(gateway.account)[2]
    assert contract.headOf(gateway.account) == (0, "0x" + "00" * 21, until, False)

    for number, epoch in enumerate(epochs, 1):
        tx = contract.anchorEpoch(epoch, {"from": gateway.account})
        gateway.posted.append((epoch, []))
        head = gateway.heads()[-1]
        assert tx.return_value == number
        assert logged(tx) == [
            expected("EpochAnchored", gateway=gateway.account, number=number, epoch=plain(tuple(epoch)))
        ]
        assert contract.headOf(gateway.account) == (number, "0x" + head.hex(), until, False)
    assert contract.anchorEpoch(EPOCH, {"from": other}).return_value == 1
    assert contract.headOf(gateway.account)[0] == 3


def test_admit_copies_what_the_registry_says(gateway: Gateway, devices: Any, patient: Any, stranger: Any) -> None:
    """Whoever asks: until the calibration ends; not at all once it was cut off; epochs and faults stay."""
    gateway.contract.anchorEpoch(EPOCH, {"from": gateway.account})
    number, head, until, _ = gateway.contract.headOf(gateway.account)
    devices.unpair(gateway.account, {"from": patient})

    tx = gateway.contract.admit(gateway.account, {"from": stranger})

    assert 0 < until - now_s() <= DAY_S < devices.deviceOf(gateway.account)[2] - now_s()
    assert logged(tx) == [expected("GatewayAdmitted", gateway=gateway.account, until=0)]
    assert tx.return_value == 0
    assert gateway.contract.headOf(gateway.account) == (number, head, 0, False)


def test_admit_of_a_key_never_paired_admits_nobody(gateway: Gateway, stranger: Any) -> None:
    """The registry knows nothing of it."""
    gateway.contract.admit(stranger, {"from": stranger})

    with reverts_with("NotGateway", stranger):
        gateway.contract.anchorEpoch(EPOCH, {"from": stranger})


def test_admit_of_a_suspended_gateway_leaves_it_suspended(gateway: Gateway, lies: list[Signed], stranger: Any) -> None:
    """A fault is not forgotten."""
    gateway.post(*lies)
    gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[1]), {"from": stranger})

    gateway.contract.admit(gateway.account, {"from": gateway.account})

    assert gateway.suspended()


def test_anchor_epoch_by_no_gateway_is_refused(gateway: Gateway, devices: Any, patient: Any, stranger: Any) -> None:
    """Only a device that was admitted; one that was cut off, from the next admission on."""
    with reverts_with("NotGateway", stranger):
        gateway.contract.anchorEpoch(EPOCH, {"from": stranger})
    devices.unpair(gateway.account, {"from": patient})
    gateway.contract.anchorEpoch(EPOCH, {"from": gateway.account})  # nobody said so here yet
    gateway.contract.admit(gateway.account, {"from": stranger})
    with reverts_with("NotGateway", gateway.account):
        gateway.contract.anchorEpoch(EPOCH, {"from": gateway.account})


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_anchor_epoch_at_end_of_calibration(gateway: Gateway, devices: Any, offset: int) -> None:
    """Calibrated while time < calibratedUntil."""
    end = devices.deviceOf(gateway.account)[2]
    next_at(end - 100)
    gateway.contract.admit(gateway.account, {"from": gateway.account})
    next_at(end + offset)

    anchors_until_now(gateway, late=offset >= 0)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_anchor_epoch_a_day_after_admission(gateway: Gateway, devices: Any, patient: Any, offset: int) -> None:
    """So long may one post that was cut off, if nobody says so here."""
    devices.unpair(gateway.account, {"from": patient})
    next_at(gateway.contract.headOf(gateway.account)[2] + offset)

    anchors_until_now(gateway, late=offset >= 0)


def anchors_until_now(gateway: Gateway, *, late: bool) -> None:
    """It posts, or is refused."""
    if late:
        with reverts_with("NotGateway", gateway.account):
            gateway.contract.anchorEpoch(EPOCH, {"from": gateway.account})
    else:
        gateway.contract.anchorEpoch(EPOCH, {"from": gateway.account})


def test_anchor_epoch_of_nothing_is_refused(gateway: Gateway) -> None:
    """A root and at least one batch; the list may be kept nowhere."""
    for empty in (EPOCH._replace(root=bytes(32)), EPOCH._replace(batches=0)):
        with reverts_with("EmptyEpoch"):
            gateway.contract.anchorEpoch(empty, {"from": gateway.account})
    gateway.contract.anchorEpoch(EPOCH._replace(manifest=bytes(32)), {"from": gateway.account})


def test_anchor_epoch_by_suspended_is_refused(
    gateway: Gateway, devices: Any, lies: list[Signed], twin: int, patient: Any, stranger: Any
) -> None:
    """A new pairing does not clear a fault."""
    gateway.post(*lies)
    gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[1]), {"from": stranger})
    devices.unpair(gateway.account, {"from": patient})
    devices.pair(*pairing(devices, key_of(9), twin, patient, now_s() + DAY_S, nonce=1), {"from": patient})

    with reverts_with("GatewayIsSuspended", gateway.account):
        gateway.contract.anchorEpoch(EPOCH, {"from": gateway.account})


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 65, b"\x01" * 64])
def test_prove_of_unsigned_batch_suspends(
    gateway: Gateway, recorder: Recorder, stranger: Any, signature: bytes
) -> None:
    """What recovers nobody was signed by nobody."""
    bad = Signed(recorder.batch(1), signature)
    gateway.post(bad, gateway.sign(recorder.batch(1), recorder.key))

    tx = gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, bad), {"from": stranger})

    facts = {"gateway": gateway.account, "fault": UNKNOWN_DEVICE, "by": stranger}
    assert logged(tx) == [expected("GatewaySuspended", **facts)]
    assert gateway.suspended()


def test_prove_of_unpaired_key_suspends(
    gateway: Gateway, recorder: Recorder, equipment: int, lies: list[Signed], stranger: Any
) -> None:
    """A key nobody paired, and a paired one that speaks for another's twin."""
    foreign = gateway.sign(recorder.batch(1, twinId=equipment), recorder.key)
    gateway.post(*lies, foreign)

    for bad in (lies[2], foreign):
        assert not gateway.suspended()
        gateway.contract.proveUnknownDevice.call(gateway.account, *gateway.at(1, bad), {"from": stranger})
    gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, foreign), {"from": stranger})
    assert gateway.suspended()


def test_prove_of_honest_batch_is_refused(gateway: Gateway, lies: list[Signed], stranger: Any) -> None:
    """In the same epoch as lies, too."""
    gateway.post(*lies)

    with reverts_with("NoFault"):
        gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[0]), {"from": stranger})
    assert not gateway.suspended()


def test_prove_of_device_cut_off_since_is_refused(
    gateway: Gateway, devices: Any, lies: list[Signed], recorder: Recorder, patient: Any, stranger: Any
) -> None:
    """What a device said while it was paired stays said."""
    gateway.post(lies[0])
    devices.unpair(recorder.key.address, {"from": patient})

    with reverts_with("NoFault"):
        gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[0]), {"from": stranger})


def test_prove_of_device_paired_elsewhere_since_is_refused(
    gateway: Gateway, devices: Any, lies: list[Signed], recorder: Recorder, equipment: int, patient: Any,
    hospital: Any, stranger: Any,
) -> None:  # fmt: skip
    """Every pairing stays on record, and so does a second one."""
    gateway.post(lies[0])
    devices.unpair(recorder.key.address, {"from": patient})
    again = pairing(devices, recorder.key, equipment, hospital, now_s() + DAY_S, nonce=1)
    devices.pair(*again, {"from": hospital})
    later = gateway.sign(recorder.batch(2, twinId=equipment), recorder.key)
    gateway.post(later)

    for number, honest in ((1, lies[0]), (2, later)):
        with reverts_with("NoFault"):
            gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(number, honest), {"from": stranger})


def test_prove_of_device_out_of_calibration_since_is_refused(
    gateway: Gateway, lies: list[Signed], stranger: Any
) -> None:
    """A year later nothing has become a lie."""
    gateway.post(lies[0])
    view_at(now_s() + 365 * DAY_S)

    with reverts_with("NoFault"):
        gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[0]), {"from": stranger})


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_prove_finds_a_fault_in_any_epoch(
    gateway: Gateway, recorder: Recorder, lies: list[Signed], stranger: Any, number: int
) -> None:
    """The epochs after it lead to the head."""
    for place in range(1, 5):
        honest = gateway.sign(recorder.batch(place), recorder.key)
        gateway.post(honest, *(lies[2:] if place == number else []))

    gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(number, lies[2]), {"from": stranger})

    assert gateway.suspended()


def test_prove_at_wrong_place_is_refused(
    gateway: Gateway, devices: Any, lies: list[Signed], twin: int, patient: Any, accounts: Any, stranger: Any
) -> None:
    """Nobody is blamed for an epoch it never posted, nor for one in other surroundings."""
    gateway.post(lies[0])
    gateway.post(*lies)
    gateway.post(lies[0])
    place, found = gateway.at(2, lies[1])
    invented, _ = gateway.epoch_of(lies[1])
    wrong = [place._replace(before=bytes(21)), place._replace(before=b"\xff" * 21), place._replace(later=())]
    wrong += [place._replace(later=(*place.later, *place.later)), place._replace(epoch=invented)]
    wrong += [place._replace(later=(place.epoch, *place.later)), gateway.place(1)._replace(later=place.later)]
    wrong += [place._replace(epoch=place.epoch._replace(batches=place.epoch.batches + 1))]
    wrong += [place._replace(epoch=place.epoch._replace(manifest=bytes(32)))]

    for there in wrong:
        with reverts_with("PlaceNotFound", gateway.account):
            gateway.contract.proveUnknownDevice.call(gateway.account, there, found, {"from": stranger})
    devices.pair(*pairing(devices, key_of(8), twin, patient, now_s() + DAY_S), {"from": patient})
    gateway.contract.admit(accounts[8], {"from": stranger})
    gateway.contract.anchorEpoch(EPOCH, {"from": accounts[8]})
    with reverts_with("PlaceNotFound", accounts[8]):
        gateway.contract.proveUnknownDevice.call(accounts[8], place, found, {"from": stranger})


def test_prove_against_gateway_without_epochs_is_refused(gateway: Gateway, lies: list[Signed], stranger: Any) -> None:
    """Nothing posted, nothing at fault."""
    gateway.posted.append(gateway.epoch_of(lies[1]))

    with reverts_with("PlaceNotFound", gateway.account):
        gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[1]), {"from": stranger})


def test_prove_with_wrong_proof_is_refused(gateway: Gateway, lies: list[Signed], recorder: Recorder) -> None:
    """Another batch or signature, and a proof that is cut, lengthened or another's."""
    gateway.post(*lies)
    place, found = gateway.at(1, lies[1])
    wrong = [found._replace(proof=found.proof[:-1]), found._replace(proof=(*found.proof, bytes(32)))]
    wrong += [found._replace(proof=()), found._replace(signature=b""), found._replace(signature=bytes(64))]
    wrong += [found._replace(batch=recorder.batch(2)), found._replace(batch=found.batch._replace(readings=61))]
    wrong += [found._replace(proof=gateway.found(1, lies[0]).proof)]

    for other in wrong:
        with reverts_with("BatchNotIncluded", gateway.leaf(Signed(*other[:2]))):
            gateway.contract.proveUnknownDevice.call(gateway.account, place, other, {"from": gateway.account})


def test_prove_against_suspended_is_refused(gateway: Gateway, lies: list[Signed], stranger: Any) -> None:
    """Once is enough."""
    gateway.post(*lies)
    gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[1]), {"from": stranger})

    with reverts_with("GatewayIsSuspended", gateway.account):
        gateway.contract.proveUnknownDevice(gateway.account, *gateway.at(1, lies[2]), {"from": stranger})


@pytest.mark.parametrize("key", [None, UNPAIRED])
def test_leaf_of_is_the_manuals(gateway: Gateway, lies: list[Signed], key: LocalAccount | None) -> None:
    """By an independent implementation, whatever the signature is worth."""
    found = lies[2] if key else lies[1]

    assert bytes(gateway.contract.leafOf(*found)) == gateway.leaf(found)
