"""What everybody sends to the contracts of the ward: emergencies, cases, commands, epochs; and what comes of it."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.cases import Handoff
from tests.contracts.cast import CODE, DIGEST, World, false_epoch, key
from tests.contracts.strangers import ADMINISTRATION, STRANGERS_KEY, Entry, Sends, admitted


def case_by(giver: LocalAccount, taker: LocalAccount) -> Sends:
    """Another case between the departments, signed with these keys."""

    def arguments(w: World) -> tuple[Any, ...]:
        return Handoff(w["CaseToken"], w.twin, giver, taker).arguments(w.handoff.case(), nonce=2)

    return arguments


def command_by(signer: LocalAccount) -> Sends:
    """Another command in the owner's name, signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        command = w.loop.command(nonce=2)
        return command, w.loop.sign(command, signer)

    return arguments


def answer_by(signer: LocalAccount) -> Sends:
    """An answer signed with a key."""
    return lambda w: (w.command_id, True, w.loop.answer(w.command_id, True, signer))


def fault(w: World, gateway: str, proofs: int) -> tuple[Any, ...]:
    """Evidence against a gateway's first epoch."""
    epoch, found = false_epoch(w)
    place = (bytes(21), epoch, [])
    return (w.at[gateway], *(part for included in found[:proofs] for part in (place, included)))


BATCH = "(uint256,uint64,bytes32,bytes32,bytes32,uint32,uint40,uint40)"
EPOCH, FOUND = "(bytes32,uint32,bytes32)", f"({BATCH},bytes,bytes32[])"
PLACE = f"(bytes21,{EPOCH},{EPOCH}[])"
EVIDENCE = "the epoch itself is the evidence; anyone may show it"
OFFICER = ("officer",)
ENTRIES = {
    **admitted("EmergencyAccess", "CLINICIAN_ROLE", "clinician"),
    "EmergencyAccess.open(uint256,uint32,uint16,address,uint40,bytes)": Entry(
        lambda w: w.emergencies.arguments()[:-1], "NotClinician", ("clinician",),
        instead={"second": "SecondSignerIsFirst"},
    ),
    "EmergencyAccess.close(uint256)": Entry(lambda w: (1,), "NotUseParty", ("clinician", "second", "owner")),
    "EmergencyAccess.review(uint256,bool)": Entry(lambda w: (1, True), ADMINISTRATION, ("reviewer",)),
    "EmergencyAccess.reinstate(address)": Entry(lambda w: (w.at["clinician"],), ADMINISTRATION, ("governor",)),
    **admitted("CaseToken", "DEPARTMENT_ROLE", "receiver"),
    "CaseToken.open((uint256,address,address,uint32,uint40),uint256,uint40,bytes,bytes)": Entry(
        case_by(key("sender"), STRANGERS_KEY), "InvalidSignature",
        carries=case_by(key("sender"), key("receiver")), carried="both departments' signatures say all that happens",
    ),
    "CaseToken.close(bytes32,bool)": Entry(
        lambda w: (w.case_id, True), "NotCaseParty", ("sender", "receiver", "owner")
    ),
    **admitted("DeviceLoop", "SAFETY_ROLE", "officer"),
    "DeviceLoop.setEnvelope(address,uint16,int64,int64,uint32)": Entry(
        lambda w: (w.at["device"], CODE, -(2**62), 2**62, 0), ADMINISTRATION, OFFICER
    ),
    "DeviceLoop.removeEnvelope(address,uint16)": Entry(lambda w: (w.at["device"], CODE), ADMINISTRATION, OFFICER),
    f"DeviceLoop.send({'(address,uint256,uint16,int64,address,uint256,uint40)'},bytes)": Entry(
        command_by(STRANGERS_KEY), "InvalidSignature",
        carries=command_by(key("owner")), carried="the clinician's signature says all that happens",
    ),
    "DeviceLoop.answer(bytes32,bool,bytes)": Entry(
        answer_by(STRANGERS_KEY), "InvalidSignature",
        carries=answer_by(key("device")), carried="devices hold no ether; a gateway carries what they signed",
    ),
    "EpochAnchor.admit(address)": Entry(
        lambda w: (w.at["gateway"],), allowed="copies what DeviceRegistry says, which is public"
    ),
    f"EpochAnchor.anchorEpoch({EPOCH})": Entry(lambda w: ((DIGEST, 2, DIGEST),), "NotGateway", ("gateway",)),
    f"EpochAnchor.proveUnknownDevice(address,{PLACE},{FOUND})": Entry(
        lambda w: fault(w, "device", 1), "PlaceNotFound",
        carries=lambda w: fault(w, "gateway", 1), carried=EVIDENCE,
    ),
    f"EpochAnchor.proveBrokenSequence(address,{PLACE},{FOUND},{PLACE},{FOUND})": Entry(
        lambda w: fault(w, "device", 2), "PlaceNotFound",
        carries=lambda w: fault(w, "gateway", 2), carried=EVIDENCE,
    ),
}  # fmt: skip
