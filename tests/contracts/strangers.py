"""What a stranger tries with every function of the first contracts, and what comes of it; reviewed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.clock import DAY_S, now_s
from tests.contracts.consents import Scope, grant_signature, revocation_signature
from tests.contracts.devices import Recorder, pairing
from tests.contracts.guardians import accepted
from tests.contracts.offers import PLENTY, Offer
from tests.contracts.reports import CARD, Quorum
from tests.contracts.signing import key_of
from tests.contracts.studies import STUDY, Study

DIGEST = b"\x71" * 32
OTHER_DEVICE = key_of(0)
STRANGERS_KEY = key_of(8)
BOARD = key_of(3)


@dataclass(frozen=True, slots=True)
class World:
    """A suite in use: one of everything, none of it the stranger's."""

    suite: Any
    twin: int
    patient: Any
    patient_key: LocalAccount
    researcher: Any
    stranger: Any
    approver: Any
    model: bytes
    year: Scope
    recorder: Recorder
    quorum: Quorum
    offer: Offer
    case_id: bytes
    command_id: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What a stranger tries, and what comes of it."""

    tries: Callable[[World], tuple[Any, ...]]
    error: str = ""
    allowed: str = ""  # why it may succeed on the stranger's own authority
    carries: Callable[[World], tuple[Any, ...]] | None = None
    carried: str = ""  # why it may succeed with somebody's signature


def grant_by(key: LocalAccount) -> Callable[[World], tuple[Any, ...]]:
    """A grant signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        signature = grant_signature(key, w.suite.consents, w.twin, w.stranger, w.year, 0, end)
        return w.twin, w.stranger, w.year, 0, end, signature

    return arguments


def revocation_by(key: LocalAccount) -> Callable[[World], tuple[Any, ...]]:
    """A revocation signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        signature = revocation_signature(key, w.suite.consents, w.twin, w.researcher, 0, end)
        return w.twin, w.researcher, 0, end, signature

    return arguments


def batch_by(key: LocalAccount | None = None) -> Callable[[World], tuple[Any, ...]]:
    """The next batch, signed with a key or by the device."""

    def arguments(w: World) -> tuple[Any, ...]:
        batch = w.recorder.batch(2)
        return batch, Recorder(w.recorder.anchor, w.twin, key or w.recorder.key).sign(batch)

    return arguments


def report_by(*keys: LocalAccount | int) -> Callable[[World], tuple[Any, ...]]:
    """A report signed with keys or by nodes."""

    def arguments(w: World) -> tuple[Any, ...]:
        report = w.quorum.report(1)
        return report, [w.quorum.sign(key, report) for key in keys]

    return arguments


def evidence_by(key: LocalAccount | int) -> Callable[[World], tuple[Any, ...]]:
    """Two reports of one round, signed with a key or by a node."""

    def arguments(w: World) -> tuple[Any, ...]:
        a, b = w.quorum.report(1), w.quorum.report(1, score=200_000)
        return w.quorum.signed(key, a), w.quorum.signed(key, b)

    return arguments


def calibration(w: World) -> tuple[Any, ...]:
    """A calibration that the device signed for its owner."""
    device, _, until, deadline, signature = pairing(
        w.suite.devices, w.recorder.key, w.twin, w.patient, now_s() + DAY_S, nonce=1
    )
    return device, until, deadline, signature


def study_by(key: LocalAccount) -> Callable[[World], tuple[Any, ...]]:
    """An approval in a registered board's name, signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        study = Study(STUDY, w.stranger.address, BOARD.address, 2, end, 0, end)
        return *study, study.signed(key, w.suite.by_name["StudyRegistry"])

    return arguments


def guardianship_by(key: LocalAccount) -> Callable[[World], tuple[Any, ...]]:
    """The stranger's own consent to be guardian; the owner's is what counts."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        registry = w.suite.by_name["GuardianRegistry"]
        return w.twin, key.address, end, 0, end, accepted(key, registry, w.twin, w.stranger, end, 0, end)

    return arguments


REPORT = "(uint256,bytes32,uint48,uint40,uint8,int48,int48,int48,bytes32,bytes32,bytes32)"
PLACE = "(bytes32,bytes32[])"
OWNER, TAKER = (lambda w: (w.patient, w.stranger, w.twin)), (lambda w: (w.stranger, w.twin))
ENTRIES = {
    "TwinToken.mint(uint256)": Entry(lambda w: (w.twin + 256,), allowed="everyone may have a twin of their own"),
    "TwinToken.voidGrants(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner"),
    "TwinToken.retire(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner"),
    "TwinToken.approve(address,uint256)": Entry(TAKER, "ERC721InvalidApprover"),
    "TwinToken.setApprovalForAll(address,bool)": Entry(
        lambda w: (w.researcher, True), allowed="it speaks for the caller's own twins only"
    ),
    "TwinToken.transferFrom(address,address,uint256)": Entry(OWNER, "ERC721InsufficientApproval"),
    "TwinToken.safeTransferFrom(address,address,uint256)": Entry(OWNER, "ERC721InsufficientApproval"),
    "TwinToken.safeTransferFrom(address,address,uint256,bytes)": Entry(
        lambda w: (*OWNER(w), b""), "ERC721InsufficientApproval"
    ),
    "ModelRegistry.register(bytes32,bytes32,bytes32,bool)": Entry(
        lambda w: (DIGEST, CARD, DIGEST, True), allowed="a registered model is not approved and used by nobody"
    ),
    "ModelRegistry.approve(bytes32)": Entry(lambda w: (w.model,), "AccessControlUnauthorizedAccount"),
    "ModelRegistry.withdraw(bytes32,bytes32)": Entry(lambda w: (w.model, DIGEST), "AccessControlUnauthorizedAccount"),
    "ModelRegistry.grantRole(bytes32,address)": Entry(
        lambda w: (w.suite.models.APPROVER_ROLE(), w.stranger), "AccessControlUnauthorizedAccount"
    ),
    "ModelRegistry.revokeRole(bytes32,address)": Entry(
        lambda w: (w.suite.models.APPROVER_ROLE(), w.approver), "AccessControlUnauthorizedAccount"
    ),
    "ModelRegistry.renounceRole(bytes32,address)": Entry(
        lambda w: (w.suite.models.APPROVER_ROLE(), w.approver), "AccessControlBadConfirmation"
    ),
    "ModelRegistry.mark(bytes32,uint256,address,uint32,bytes32[])": Entry(
        lambda w: (w.model, w.twin, w.researcher, 1, []), "NotInLineage"
    ),
    "DeviceRegistry.pair(address,uint256,uint40,uint40,bytes)": Entry(
        lambda w: pairing(w.suite.devices, OTHER_DEVICE, w.twin, w.stranger, now_s() + DAY_S), "NotPairingParty"
    ),
    "DeviceRegistry.calibrate(address,uint40,uint40,bytes)": Entry(calibration, "NotPairingParty"),
    "DeviceRegistry.unpair(address)": Entry(lambda w: (w.recorder.key.address,), "NotPairingParty"),
    "ConsentRegistry.grant(uint256,address,(uint32,uint32,uint40,uint40))": Entry(
        lambda w: (w.twin, w.stranger, w.year), "NotTwinOwner"
    ),
    "ConsentRegistry.grantBySignature(uint256,address,(uint32,uint32,uint40,uint40),uint256,uint40,bytes)": Entry(
        grant_by(STRANGERS_KEY), "InvalidSignature",
        carries=grant_by(key_of(5)), carried="the owner's signature says all that happens, whoever pays the gas",
    ),
    "ConsentRegistry.open(uint256,address,(uint32,uint32,uint40,uint40))": Entry(
        lambda w: (w.twin, w.stranger, w.year), "OperatorScopeExceeded"
    ),
    "ConsentRegistry.revoke(uint256,address)": Entry(lambda w: (w.twin, w.researcher), "NotTwinOwner"),
    "ConsentRegistry.revokeBySignature(uint256,address,uint256,uint40,bytes)": Entry(
        revocation_by(STRANGERS_KEY), "InvalidSignature",
        carries=revocation_by(key_of(5)), carried="a revocation must never wait for the owner's own transaction",
    ),
    "ConsentRegistry.deny(uint256,address)": Entry(lambda w: (w.twin, w.researcher), "NotTwinOwner"),
    "ConsentRegistry.setOperator(uint256,address,(uint32,uint32,uint40,uint40),uint32)": Entry(
        lambda w: (w.twin, w.stranger, w.year, DAY_S), "NotTwinOwner"
    ),
    "GuardianRegistry.appoint(uint256,address,uint40,uint256,uint40,bytes)": Entry(
        guardianship_by(STRANGERS_KEY), "NotTwinOwner"
    ),
    "GuardianRegistry.handOver(uint256,address,uint256,uint40,bytes)": Entry(
        lambda w: (w.twin, w.stranger, 0, now_s() + 3_600, b""), "NotTwinGuardian"
    ),
    "GuardianRegistry.dismiss(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner"),
    "DataAnchor.anchor((uint256,uint64,bytes32,bytes32,bytes32,uint32,uint40,uint40),bytes)": Entry(
        batch_by(STRANGERS_KEY), "UnpairedDevice",
        carries=batch_by(), carried="devices hold no ether; a gateway carries what they signed",
    ),
    "StudyRegistry.approve(bytes32,address,address,uint32,uint40,uint256,uint40,bytes)": Entry(
        study_by(STRANGERS_KEY), "InvalidSignature",
        carries=study_by(BOARD), carried="a board's signature says all that happens; researchers bring it themselves",
    ),
    "StudyRegistry.withdraw(bytes32,address)": Entry(lambda w: (STUDY, w.researcher), "OtherBoard"),
    "StudyRegistry.grantRole(bytes32,address)": Entry(
        lambda w: (w.suite.by_name["StudyRegistry"].BOARD_ROLE(), w.stranger), "AccessControlUnauthorizedAccount"
    ),
    "StudyRegistry.revokeRole(bytes32,address)": Entry(
        lambda w: (w.suite.by_name["StudyRegistry"].BOARD_ROLE(), BOARD.address), "AccessControlUnauthorizedAccount"
    ),
    "StudyRegistry.renounceRole(bytes32,address)": Entry(
        lambda w: (w.suite.by_name["StudyRegistry"].BOARD_ROLE(), BOARD.address), "AccessControlBadConfirmation"
    ),
    "AccessMarket.list((uint256,uint96,uint32,uint32,uint16,bytes32,bool))": Entry(lambda w: (w.offer,), "NotTwinOwner"),
    "AccessMarket.delist(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner"),
    "AccessMarket.appointCustodian(uint256,address,uint16)": Entry(
        lambda w: (w.twin, w.stranger, 5_000), "NotTwinOwner"
    ),
    "AccessMarket.purchase((uint256,uint96,uint32,uint32,uint16,bytes32,bool),uint16,uint256,bytes32)": Entry(
        lambda w: (w.offer, 1, PLENTY, bytes(32)), "ERC20InsufficientAllowance"
    ),
    "AccessMarket.purchaseCohort((uint256,uint96,uint32,uint32,uint16,bytes32,bool)[],uint16,uint256,bytes32)": Entry(
        lambda w: ([w.offer], 1, PLENTY, bytes(32)), "ERC20InsufficientAllowance"
    ),
    "AccessMarket.claim(address)": Entry(
        lambda w: (w.approver,), allowed="it pays an account what is its own and nobody else"
    ),
    "AccessMarket.withdraw(uint256,address)": Entry(
        lambda w: (w.twin, w.researcher), allowed="it pays the payee and nobody else"
    ),
    "AccessMarket.settle(uint256,address)": Entry(lambda w: (w.twin, w.researcher), "PurchaseRunning"),
    "AuditTrail.post(uint64,bytes32,uint64,bytes32)": Entry(
        lambda w: (0, bytes(32), 1, DIGEST), allowed="every account keeps a log of its own, and no other"
    ),
    "PredictionOracle.post((uint256,bytes32,uint48,uint40,uint8,int48,int48,int48,bytes32,bytes32,bytes32),bytes[])": Entry(
        report_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=report_by(0, 1, 2), carried="a quorum's signatures say all that happens",
    ),
    "PredictionOracle.rotate(address[],uint256,uint40,bytes[])": Entry(
        lambda w: ([str(w.stranger)], 0, now_s() + 3_600, [bytes(65)] * 3), "UnknownSigner"
    ),
    "PredictionOracle.proveEquivocation("
    f"({REPORT},{PLACE},bytes),({REPORT},{PLACE},bytes))": Entry(
        evidence_by(STRANGERS_KEY), "UnknownSigner",
        carries=evidence_by(3), carried="the liar's own signatures are the evidence; anyone may show it",
    ),
}  # fmt: skip
