"""DataAnchor.

anchor
  given a paired, calibrated device
    it anchors its batches in order, whoever sends them
    it counts the batches of all the twin's devices
  given the device is not paired with the twin
    it refuses: never paired, cut off, or another twin's
  when the signature recovers nothing or somebody else
    it refuses
  when the domain is another
    it refuses
  when a signed field differs
    it refuses each
  at the calibration's end
    it accepts a second before, refuses at it and after it
  when a batch is sent again
    it refuses
  when a sequence number is left out
    it refuses
  when it names another previous digest
    it refuses, at the first batch too
  when it ends after now
    it accepts now and refuses a second later
  when it begins after its end
    it refuses
  when it is empty
    it refuses each way
  given the twin is retired
    it refuses
  given the device is cut off and paired again
    it goes on from its last batch
isReadingIn
  it agrees with the standard tree, and refuses every other leaf, root and proof
batchDigest
  it agrees with an independent implementation
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message
from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, next_at, now_s
from tests.contracts.devices import Recorder, pairing
from tests.contracts.events import expected, logged
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import recovered, typed

ROOT = Path(__file__).resolve().parents[2]
ZERO = "0x" + "0" * 40
ANCHORED = "BatchAnchored"


def test_anchor_in_order_anchors(anchor: Any, recorder: Recorder, twin: int, stranger: Any) -> None:
    """Anyone may carry what a device signed."""
    for sequence in (1, 2):
        batch = recorder.batch(sequence)
        tx = anchor.anchor(batch, recorder.sign(batch), {"from": stranger})

        assert tx.return_value == sequence
        assert logged(tx) == [expected(ANCHORED, twinId=twin, device=recorder.key.address, index=sequence, batch=batch)]
        assert anchor.headOf(recorder.key.address) == (sequence, "0x" + batch.digest[:24].hex())
        assert anchor.batchCount(twin) == sequence


def test_anchor_by_two_devices_counts_both(
    anchor: Any, devices: Any, recorder: Recorder, twin: int, patient: Any, other_device_key: LocalAccount
) -> None:
    """Each device has its own order, the twin one count."""
    devices.pair(*pairing(devices, other_device_key, twin, patient, now_s() + DAY_S), {"from": patient})
    other = Recorder(anchor, twin, other_device_key)

    indices = [
        device.record(sequence, patient).return_value for sequence, device in ((1, recorder), (1, other), (2, recorder))
    ]

    assert indices == [1, 2, 3]
    assert anchor.batchCount(twin) == 3
    assert anchor.headOf(other_device_key.address)[0] == 1


@pytest.mark.parametrize("why", ["never", "cut off", "other twin"])
def test_anchor_by_unpaired_device_is_refused(
    anchor: Any, devices: Any, recorder: Recorder, twin: int, equipment: int, patient: Any, hospital: Any,
    other_device_key: LocalAccount, why: str,
) -> None:  # fmt: skip
    """A key speaks only for the twin it is paired with now."""
    device = recorder
    if why == "cut off":
        devices.unpair(recorder.key.address, {"from": patient})
    else:
        device = Recorder(anchor, twin, other_device_key)
    if why == "other twin":
        devices.pair(*pairing(devices, other_device_key, equipment, hospital, now_s() + DAY_S), {"from": hospital})

    with reverts_with("UnpairedDevice", device.key.address, twin):
        device.record(1, patient)


def test_anchor_without_signature_is_refused(anchor: Any, recorder: Recorder, twin: int, patient: Any) -> None:
    """The zero address, which a broken signature recovers to, speaks for nobody."""
    batch = recorder.batch(1)

    for signature in (b"", bytes(65), recorder.sign(batch)[:64], b"\xff" * 65):
        with reverts_with("UnpairedDevice", ZERO, twin):
            anchor.anchor(batch, signature, {"from": patient})


@pytest.mark.parametrize("domain", [{"chainId": 1}, {"verifyingContract": ZERO}, {"version": "2"}, {"name": "Other"}])
def test_anchor_of_other_domain_is_refused(
    anchor: Any, recorder: Recorder, twin: int, patient: Any, domain: dict[str, Any]
) -> None:
    """Another chain's or contract's batch is some unknown key's here."""
    batch = recorder.batch(1)
    signature = recorder.sign(batch, **domain)
    signer = recovered(signature, anchor, "Batch", batch._asdict())

    with reverts_with("UnpairedDevice", signer, twin):
        anchor.anchor(batch, signature, {"from": patient})

    assert anchor.headOf(recorder.key.address)[0] == 0


@pytest.mark.parametrize("field", ["sequence", "previous", "digest", "root", "readings", "start", "end"])
def test_anchor_of_other_fields_is_refused(
    anchor: Any, recorder: Recorder, twin: int, patient: Any, field: str
) -> None:
    """Each field the device signed counts."""
    batch = recorder.batch(1)
    value = getattr(batch, field)
    other = b"\x01" * 32 if isinstance(value, bytes) else value - 1 if field == "end" else value + 1
    changed = batch._replace(**{field: other})
    signature = recorder.sign(batch)
    signer = recovered(signature, anchor, "Batch", changed._asdict())

    with reverts_with("UnpairedDevice", signer, twin):
        anchor.anchor(changed, signature, {"from": patient})

    assert anchor.headOf(recorder.key.address)[0] == 0


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_anchor_at_end_of_calibration(anchor: Any, devices: Any, recorder: Recorder, patient: Any, offset: int) -> None:
    """A calibration holds while time < calibratedUntil, for buffered batches too."""
    until = devices.deviceOf(recorder.key.address)[2]
    batch = recorder.batch(1)
    next_at(until + offset)

    if offset < 0:
        anchor.anchor(batch, recorder.sign(batch), {"from": patient})
    else:
        with reverts_with("CalibrationExpired", recorder.key.address, until):
            anchor.anchor(batch, recorder.sign(batch), {"from": patient})


def test_anchor_of_same_batch_is_refused(anchor: Any, recorder: Recorder, twin: int, patient: Any) -> None:
    """A batch counts once."""
    batch = recorder.batch(1)
    anchor.anchor(batch, recorder.sign(batch), {"from": patient})

    with reverts_with("BrokenSequence", recorder.key.address, 1, 2):
        anchor.anchor(batch, recorder.sign(batch), {"from": patient})

    assert anchor.batchCount(twin) == 1


@pytest.mark.parametrize("sequence", [0, 2, 2**64 - 1])
def test_anchor_out_of_sequence_is_refused(anchor: Any, recorder: Recorder, patient: Any, sequence: int) -> None:
    """No gap: what a device said cannot be left out unseen."""
    batch = recorder.batch(1, sequence=sequence)

    with reverts_with("BrokenSequence", recorder.key.address, sequence, 1):
        anchor.anchor(batch, recorder.sign(batch), {"from": patient})


@pytest.mark.parametrize("sequence", [1, 2])
def test_anchor_with_wrong_previous_is_refused(anchor: Any, recorder: Recorder, patient: Any, sequence: int) -> None:
    """The chain of digests has no branch; before the first there is zero."""
    if sequence == 2:
        recorder.record(1, patient)
    wrong = recorder.digest(7)
    batch = recorder.batch(sequence, previous=wrong)

    with reverts_with("BrokenChain", recorder.key.address, wrong):
        anchor.anchor(batch, recorder.sign(batch), {"from": patient})


@pytest.mark.parametrize("offset", [0, 1])
def test_anchor_of_future_is_refused(anchor: Any, recorder: Recorder, patient: Any, offset: int) -> None:
    """A batch may end in the block's own second, not later."""
    block = now_s() + 1
    batch = recorder.batch(1, end=block + offset)

    if offset == 0:
        anchor.anchor(batch, recorder.sign(batch), {"from": patient})
    else:
        with reverts_with("InvalidInterval", batch.start, batch.end, block):
            anchor.anchor(batch, recorder.sign(batch), {"from": patient})


def test_anchor_of_reversed_interval_is_refused(anchor: Any, recorder: Recorder, patient: Any) -> None:
    """One reading may begin and end a batch; nothing ends before it begins."""
    end = now_s()
    reversed_ = recorder.batch(1, start=end + 1, end=end)
    with reverts_with("InvalidInterval", end + 1, end, now_s() + 1):
        anchor.anchor(reversed_, recorder.sign(reversed_), {"from": patient})

    single = recorder.batch(1, start=end, end=end)
    anchor.anchor(single, recorder.sign(single), {"from": patient})


@pytest.mark.parametrize("field", ["readings", "digest", "root"])
def test_anchor_of_empty_batch_is_refused(anchor: Any, recorder: Recorder, patient: Any, field: str) -> None:
    """Something must have been read, sealed and put under a root."""
    batch = recorder.batch(1, **{field: 0 if field == "readings" else bytes(32)})

    with reverts_with("EmptyBatch"):
        anchor.anchor(batch, recorder.sign(batch), {"from": patient})


def test_anchor_for_retired_twin_is_refused(
    anchor: Any, twins: Any, recorder: Recorder, twin: int, patient: Any
) -> None:
    """A retired twin takes no more batches; its history stays."""
    recorder.record(1, patient)
    twins.retire(twin, {"from": patient})

    with reverts_with("TwinIsRetired", twin):
        recorder.record(2, patient)

    assert anchor.batchCount(twin) == 1


def test_anchor_after_new_pairing_goes_on(
    anchor: Any, devices: Any, recorder: Recorder, twin: int, patient: Any
) -> None:
    """Cutting a device off does not let it tell its story anew."""
    recorder.record(1, patient)
    devices.unpair(recorder.key.address, {"from": patient})
    devices.pair(*pairing(devices, recorder.key, twin, patient, now_s() + DAY_S, nonce=1), {"from": patient})

    first = recorder.batch(1)
    with reverts_with("BrokenSequence", recorder.key.address, 1, 2):
        anchor.anchor(first, recorder.sign(first), {"from": patient})
    assert recorder.record(2, patient).return_value == 2


def test_is_reading_in_agrees_with_standard_tree(anchor: Any) -> None:
    """Roots and proofs of the npm package that defines the tree."""
    script = (
        "const {StandardMerkleTree:T}=require('@openzeppelin/merkle-tree');"
        "const t=T.of(Array.from({length:7},(_,i)=>[String(i),'0x'+(i+1).toString(16).padStart(64,'0')]),['uint256','bytes32']);"
        "console.log(JSON.stringify({root:t.root,leaves:[...t.entries()].map(([i,v])=>[t.leafHash(v),t.getProof(i)])}))"
    )
    tree = json.loads(
        subprocess.run(["node", "-e", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    )
    leaf, proof = tree["leaves"][3]

    assert all(anchor.isReadingIn(tree["root"], way, hash_) for hash_, way in tree["leaves"])
    assert not anchor.isReadingIn(tree["root"], proof, "0x" + "12" * 32)
    assert not anchor.isReadingIn("0x" + "12" * 32, proof, leaf)
    assert not anchor.isReadingIn(tree["root"], proof[:-1], leaf)
    assert not anchor.isReadingIn(tree["root"], [], leaf)


def test_batch_digest_agrees_with_wallets(anchor: Any, recorder: Recorder) -> None:
    """What devices sign is what eth_account makes of the documented type."""
    batch = recorder.batch(1, sequence=2**64 - 1, readings=2**32 - 1, end=2**40 - 1)

    digest = _hash_eip191_message(typed(anchor, "Batch", batch._asdict()))

    assert bytes(anchor.batchDigest(batch)) == digest
