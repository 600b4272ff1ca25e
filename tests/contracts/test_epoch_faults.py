"""EpochAnchor: proofs that one device's batches break its sequence.

proveBrokenSequence
  given two blocks under one number
    it suspends the gateway, be they in one epoch or in two
  given one block under one number with other readings
    it suspends the gateway
  given a batch that does not name the one before it
    it suspends the gateway, be they in one epoch or in two
  given one number for two twins
    it suspends the gateway
  given an honest sequence
    it refuses every pair
  given a device that went on with another twin
    it refuses every pair
  given one batch in two epochs, or twice in one
    it refuses
  given one batch with two signatures
    it refuses
  given batches with a gap between them
    it refuses
  when the two are shown in the wrong order
    it refuses
  given batches of two devices
    it refuses
  given batches that nobody signed
    it refuses
  at the last number
    it refuses, as none follows
  when either place or proof is wrong
    it refuses
  given the gateway is suspended
    it refuses
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from eth_keys import keys

from tests.contracts.clock import DAY_S, now_s
from tests.contracts.devices import Recorder, pairing
from tests.contracts.epochs import BROKEN_CHAIN, DUPLICATE_SEQUENCE, Gateway, Signed
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with

OTHER = b"\x71" * 32
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def first(gateway: Gateway, recorder: Recorder) -> Signed:
    """The device's first batch."""
    return gateway.sign(recorder.batch(1), recorder.key)


@pytest.fixture
def second(gateway: Gateway, recorder: Recorder) -> Signed:
    """The device's second batch."""
    return gateway.sign(recorder.batch(2), recorder.key)


def prove(gateway: Gateway, a: tuple[int, Signed], b: tuple[int, Signed]) -> Any:
    """Show two batches, each with the number of its epoch."""
    return gateway.contract.proveBrokenSequence(
        gateway.account, *gateway.at(*a), *gateway.at(*b), {"from": gateway.account}
    )


def post(gateway: Gateway, batches: list[Signed], together: bool) -> list[tuple[int, Signed]]:
    """Post batches in one epoch or in one each; where each is."""
    if together:
        gateway.post(*batches)
        return [(1, batch) for batch in batches]
    for batch in batches:
        gateway.post(batch)
    return list(enumerate(batches, 1))


@pytest.mark.parametrize("together", [True, False])
def test_prove_of_two_blocks_suspends(gateway: Gateway, first: Signed, recorder: Recorder, together: bool) -> None:
    """A device has one first block; the two may be shown in any order."""
    other = gateway.sign(first.batch._replace(digest=OTHER), recorder.key)
    places = post(gateway, [first, other], together)

    tx = prove(gateway, *places[::-1])

    facts = {"gateway": gateway.account, "fault": DUPLICATE_SEQUENCE, "by": gateway.account}
    assert logged(tx) == [expected("GatewaySuspended", **facts)]
    assert gateway.suspended()


@pytest.mark.parametrize("field", ["root", "readings", "start", "previous"])
def test_prove_of_two_readings_of_a_block_suspends(
    gateway: Gateway, first: Signed, recorder: Recorder, field: str
) -> None:
    """One block has one root: two of them would let the gateway show other readings to each."""
    changed = OTHER if field in ("root", "previous") else getattr(first.batch, field) - 1
    other = gateway.sign(first.batch._replace(**{field: changed}), recorder.key)

    tx = prove(gateway, *post(gateway, [first, other], True))

    assert tx.events["GatewaySuspended"]["fault"] == DUPLICATE_SEQUENCE


@pytest.mark.parametrize("together", [True, False])
def test_prove_of_broken_chain_suspends(gateway: Gateway, first: Signed, recorder: Recorder, together: bool) -> None:
    """The second names the first in full, not in the first bytes only."""
    near = first.batch.digest[:24] + bytes(8)
    broken = gateway.sign(recorder.batch(2, previous=near), recorder.key)

    tx = prove(gateway, *post(gateway, [first, broken], together))

    facts = {"gateway": gateway.account, "fault": BROKEN_CHAIN, "by": gateway.account}
    assert logged(tx) == [expected("GatewaySuspended", **facts)]
    assert gateway.suspended()


def test_prove_of_one_number_for_two_twins_suspends(
    gateway: Gateway, first: Signed, recorder: Recorder, equipment: int
) -> None:
    """A device counts on, whoever it is paired with."""
    other = gateway.sign(first.batch._replace(twinId=equipment), recorder.key)

    tx = prove(gateway, *post(gateway, [first, other], True))

    assert tx.events["GatewaySuspended"]["fault"] == DUPLICATE_SEQUENCE


@pytest.mark.parametrize("together", [True, False])
def test_prove_of_honest_sequence_is_refused(gateway: Gateway, recorder: Recorder, together: bool) -> None:
    """No two of three batches, in either order."""
    batches = [gateway.sign(recorder.batch(number), recorder.key) for number in (1, 2, 3)]
    places = post(gateway, batches, together)

    for a, b in product(places, places):
        with reverts_with("NoFault"):
            prove(gateway, a, b)
    assert not gateway.suspended()


def test_prove_of_device_paired_elsewhere_is_refused(
    gateway: Gateway, first: Signed, devices: Any, recorder: Recorder, equipment: int, patient: Any, hospital: Any
) -> None:
    """The chain of blocks goes on across twins."""
    devices.unpair(recorder.key.address, {"from": patient})
    again = pairing(devices, recorder.key, equipment, hospital, now_s() + DAY_S, nonce=1)
    devices.pair(*again, {"from": hospital})
    places = post(gateway, [first, gateway.sign(recorder.batch(2, twinId=equipment), recorder.key)], False)

    for a, b in product(places, places):
        with reverts_with("NoFault"):
            prove(gateway, a, b)


@pytest.mark.parametrize("together", [True, False])
def test_prove_of_one_batch_twice_is_refused(gateway: Gateway, first: Signed, together: bool) -> None:
    """Said twice is not said otherwise."""
    places = post(gateway, [first, first], together)

    with reverts_with("NoFault"):
        prove(gateway, *places)


def test_prove_of_one_batch_signed_twice_is_refused(gateway: Gateway, first: Signed, recorder: Recorder) -> None:
    """Signatures of one message may differ; the message does not."""
    k, z = 7, int.from_bytes(bytes(gateway.anchor.batchDigest(first.batch)), "big")
    other = Signed(first.batch, signature_with(recorder.key, z, k))
    assert other.signature != first.signature
    places = post(gateway, [first, other], True)

    with reverts_with("NoFault"):
        prove(gateway, *places)


def signature_with(key: LocalAccount, z: int, k: int) -> bytes:
    """An ECDSA signature with a chosen nonce, low s (SEC 1, 4.1.3)."""
    point = keys.PrivateKey(k.to_bytes(32, "big")).public_key.to_bytes()
    x, y = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
    s = pow(k, -1, N) * (z + x * int.from_bytes(bytes(key.key), "big")) % N
    odd = y % 2
    if s > N // 2:
        s, odd = N - s, 1 - odd
    return x.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + odd])


def test_prove_with_a_gap_is_refused(gateway: Gateway, first: Signed, recorder: Recorder) -> None:
    """What lies between may be in another gateway's epoch, or on its way."""
    third = gateway.sign(recorder.batch(3, previous=OTHER), recorder.key)
    places = post(gateway, [first, third], True)

    with reverts_with("NoFault"):
        prove(gateway, *places)


def test_prove_in_wrong_order_is_refused(gateway: Gateway, first: Signed, recorder: Recorder) -> None:
    """The earlier one names nothing that is later; in the right order it is a fault."""
    places = post(gateway, [first, gateway.sign(recorder.batch(2, previous=OTHER), recorder.key)], True)

    with reverts_with("NoFault"):
        prove(gateway, *places[::-1])
    prove(gateway, *places)


def test_prove_of_two_devices_is_refused(
    gateway: Gateway, first: Signed, other_device_key: LocalAccount, recorder: Recorder
) -> None:
    """Each device has a sequence of its own, whoever it is."""
    other = gateway.sign(recorder.batch(1, digest=OTHER), other_device_key)
    places = post(gateway, [first, other, gateway.sign(recorder.batch(2, previous=OTHER), other_device_key)], True)

    for b in places[1:]:
        with reverts_with("NoFault"):
            prove(gateway, places[0], b)


def test_prove_of_unsigned_is_refused(gateway: Gateway, recorder: Recorder) -> None:
    """Nobody is no device with a sequence; that is the other fault."""
    batches = [Signed(recorder.batch(1, digest=digest), bytes(65)) for digest in (OTHER, bytes(32))]
    places = post(gateway, batches, True)

    with reverts_with("NoFault"):
        prove(gateway, *places)


def test_prove_at_the_last_number_is_refused(gateway: Gateway, recorder: Recorder) -> None:
    """2^64 - 1 is not followed by 0, nor does counting fail."""
    last = gateway.sign(recorder.batch(1)._replace(sequence=2**64 - 1), recorder.key)
    zero = gateway.sign(recorder.batch(1)._replace(sequence=0, previous=OTHER), recorder.key)
    places = post(gateway, [last, zero], True)

    for a, b in (places, places[::-1]):
        with reverts_with("NoFault"):
            prove(gateway, a, b)


def test_prove_with_wrong_place_or_proof_is_refused(
    gateway: Gateway, first: Signed, second: Signed, recorder: Recorder
) -> None:
    """Either of the two."""
    broken = gateway.sign(recorder.batch(2, previous=OTHER), recorder.key)
    gateway.post(first, second)
    gateway.post(broken, gateway.sign(recorder.batch(3), recorder.key))
    (place_a, a), (place_b, b) = gateway.at(1, first), gateway.at(2, broken)
    call = gateway.contract.proveBrokenSequence.call

    for place in ((place_a._replace(later=()), place_b), (place_a, place_b._replace(before=bytes(21)))):
        with reverts_with("PlaceNotFound", gateway.account):
            call(gateway.account, place[0], a, place[1], b, {"from": gateway.account})
    for found, blamed in (((a._replace(proof=()), b), first), ((a, b._replace(proof=a.proof)), broken)):
        with reverts_with("BatchNotIncluded", gateway.leaf(blamed)):
            call(gateway.account, place_a, found[0], place_b, found[1], {"from": gateway.account})
    call(gateway.account, place_a, a, place_b, b, {"from": gateway.account})


def test_prove_against_suspended_is_refused(gateway: Gateway, first: Signed, recorder: Recorder) -> None:
    """Once is enough."""
    places = post(gateway, [first, gateway.sign(recorder.batch(2, previous=OTHER), recorder.key)], True)
    prove(gateway, *places)

    with reverts_with("GatewayIsSuspended", gateway.account):
        prove(gateway, *places)
