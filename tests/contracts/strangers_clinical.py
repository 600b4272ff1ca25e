"""What a stranger tries with the contracts of the ward: emergencies, cases, commands, epochs; reviewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.contracts.clock import now_s
from tests.contracts.consents import VITALS
from tests.contracts.devices import Recorder
from tests.contracts.signing import key_of, signed
from tests.contracts.strangers import DIGEST, STRANGERS_KEY, Entry, World

CODE, REASON = 7, 3
ADMINISTRATION = "AccessControlUnauthorizedAccount"
UNPAIRED = Account.from_key(b"\xd9" * 32)
PATIENT, RESEARCHER, HOSPITAL, GATEWAY = key_of(5), key_of(6), key_of(7), key_of(9)


def emergency(w: World, clinician: Any, second: LocalAccount, nonce: int) -> tuple[Any, ...]:
    """Arguments of an opening that the second signer agreed to."""
    end = now_s() + 3_600
    message = {
        "twinId": w.twin, "clinician": str(clinician), "categories": VITALS, "reason": REASON, "nonce": nonce,
        "deadline": end,
    }  # fmt: skip
    agreed = signed(second, w.suite.by_name["EmergencyAccess"], "Emergency", message)
    return w.twin, VITALS, REASON, second.address, end, agreed


def case_by(sender: LocalAccount, receiver: LocalAccount, nonce: int) -> Callable[[World], tuple[Any, ...]]:
    """A case from the researcher's to the hospital's department, signed with these keys."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        terms = {
            "twinId": w.twin, "from": RESEARCHER.address, "to": HOSPITAL.address, "categories": VITALS, "expiry": end,
        }  # fmt: skip
        message = {**terms, "nonce": nonce, "deadline": end}
        contract = w.suite.by_name["CaseToken"]
        signatures = [signed(key, contract, "Case", message) for key in (sender, receiver)]
        return tuple(terms.values()), nonce, end, *signatures

    return arguments


def command_by(key: LocalAccount, nonce: int) -> Callable[[World], tuple[Any, ...]]:
    """A command in the patient's name, signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        message = {
            "device": w.recorder.key.address, "twinId": w.twin, "code": CODE, "value": 5, "clinician": PATIENT.address,
            "nonce": nonce, "deadline": now_s() + 600,
        }  # fmt: skip
        return tuple(message.values()), signed(key, w.suite.by_name["DeviceLoop"], "Command", message)

    return arguments


def answer_by(key: LocalAccount | None) -> Callable[[World], tuple[Any, ...]]:
    """An answer signed with a key, or by the device."""

    def arguments(w: World) -> tuple[Any, ...]:
        message = {"commandId": w.command_id, "accepted": True}
        return w.command_id, True, signed(key or w.recorder.key, w.suite.by_name["DeviceLoop"], "Answer", message)

    return arguments


def false_epoch(suite: Any, twin: int) -> tuple[tuple[bytes, int, bytes], list[tuple[Any, bytes, list[bytes]]]]:
    """An epoch with two batches of one number, signed by a key that was never paired; and both with their proofs."""
    liar = Recorder(suite.anchor, twin, UNPAIRED)
    batches = [liar.batch(1, start=1, end=2), liar.batch(1, start=1, end=2, digest=DIGEST)]
    signatures = [liar.sign(batch) for batch in batches]
    contract = suite.by_name["EpochAnchor"]
    leaves = [bytes(contract.leafOf(*pair)) for pair in zip(batches, signatures, strict=True)]
    root = keccak(b"".join(sorted(leaves)))
    found = [(batches[place], signatures[place], [leaves[1 - place]]) for place in range(2)]
    return (root, 2, DIGEST), found


def fault(w: World, gateway: str, proofs: int) -> tuple[Any, ...]:
    """Evidence against a gateway's first epoch."""
    epoch, found = false_epoch(w.suite, w.twin)
    place = (bytes(21), epoch, [])
    return (gateway, *(part for included in found[:proofs] for part in (place, included)))


def roles(contract: str, role: str) -> dict[str, Entry]:
    """Who administers roles."""
    of = lambda w: getattr(w.suite.by_name[contract], role)()  # noqa: E731
    return {
        f"{contract}.grantRole(bytes32,address)": Entry(lambda w: (of(w), w.stranger), ADMINISTRATION),
        f"{contract}.revokeRole(bytes32,address)": Entry(lambda w: (of(w), w.approver), ADMINISTRATION),
        f"{contract}.renounceRole(bytes32,address)": Entry(
            lambda w: (of(w), w.approver), "AccessControlBadConfirmation"
        ),
    }


BATCH = "(uint256,uint64,bytes32,bytes32,bytes32,uint32,uint40,uint40)"
EPOCH, FOUND = "(bytes32,uint32,bytes32)", f"({BATCH},bytes,bytes32[])"
PLACE = f"(bytes21,{EPOCH},{EPOCH}[])"
EVIDENCE = "the epoch itself is the evidence; anyone may show it"
ENTRIES = {
    **roles("EmergencyAccess", "CLINICIAN_ROLE"),
    "EmergencyAccess.open(uint256,uint32,uint16,address,uint40,bytes)": Entry(
        lambda w: emergency(w, w.stranger, HOSPITAL, 1), "NotClinician"
    ),
    "EmergencyAccess.close(uint256)": Entry(lambda w: (1,), "NotUseParty"),
    "EmergencyAccess.review(uint256,bool)": Entry(lambda w: (1, True), ADMINISTRATION),
    "EmergencyAccess.reinstate(address)": Entry(lambda w: (w.researcher,), ADMINISTRATION),
    **roles("CaseToken", "DEPARTMENT_ROLE"),
    "CaseToken.open((uint256,address,address,uint32,uint40),uint256,uint40,bytes,bytes)": Entry(
        case_by(STRANGERS_KEY, STRANGERS_KEY, 2), "InvalidSignature",
        carries=case_by(RESEARCHER, HOSPITAL, 2), carried="both departments' signatures say all that happens",
    ),
    "CaseToken.close(bytes32,bool)": Entry(lambda w: (w.case_id, True), "NotCaseParty"),
    **roles("DeviceLoop", "SAFETY_ROLE"),
    "DeviceLoop.setEnvelope(address,uint16,int64,int64,uint32)": Entry(
        lambda w: (w.recorder.key.address, CODE, -(2**62), 2**62, 0), ADMINISTRATION
    ),
    "DeviceLoop.removeEnvelope(address,uint16)": Entry(lambda w: (w.recorder.key.address, CODE), ADMINISTRATION),
    f"DeviceLoop.send({'(address,uint256,uint16,int64,address,uint256,uint40)'},bytes)": Entry(
        command_by(STRANGERS_KEY, 2), "InvalidSignature",
        carries=command_by(PATIENT, 2), carried="the clinician's signature says all that happens",
    ),
    "DeviceLoop.answer(bytes32,bool,bytes)": Entry(
        answer_by(STRANGERS_KEY), "InvalidSignature",
        carries=answer_by(None), carried="devices hold no ether; a gateway carries what they signed",
    ),
    "EpochAnchor.admit(address)": Entry(
        lambda w: (GATEWAY.address,), allowed="copies what DeviceRegistry says, which is public"
    ),
    f"EpochAnchor.anchorEpoch({EPOCH})": Entry(lambda w: ((DIGEST, 2, DIGEST),), "NotGateway"),
    f"EpochAnchor.proveUnknownDevice(address,{PLACE},{FOUND})": Entry(
        lambda w: fault(w, w.recorder.key.address, 1), "PlaceNotFound",
        carries=lambda w: fault(w, GATEWAY.address, 1), carried=EVIDENCE,
    ),
    f"EpochAnchor.proveBrokenSequence(address,{PLACE},{FOUND},{PLACE},{FOUND})": Entry(
        lambda w: fault(w, w.recorder.key.address, 2), "PlaceNotFound",
        carries=lambda w: fault(w, GATEWAY.address, 2), carried=EVIDENCE,
    ),
}  # fmt: skip
