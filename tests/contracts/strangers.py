"""What everybody sends to every function of the first contracts, and what comes of it; reviewed.

Each row is the call of the party whose business it is, and everybody sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount

from tests.contracts.cast import APPROVED, DIGEST, FRESH, MARKABLE, World, consent_leaf, key
from tests.contracts.clock import DAY_S, now_s
from tests.contracts.consents import RESEARCH, grant_signature, revocation_signature
from tests.contracts.devices import Recorder, pairing
from tests.contracts.guardians import accepted
from tests.contracts.offers import PLENTY
from tests.contracts.reports import CARD
from tests.contracts.signing import signed
from tests.contracts.studies import STUDY, Study

Sends = Callable[[World], tuple[Any, ...]]
STRANGERS_KEY = key("stranger")
ADMINISTRATION = "AccessControlUnauthorizedAccount"


@dataclass(frozen=True, slots=True)
class Entry:
    """What everybody sends, and what comes of it."""

    sends: Sends
    error: str = ""  # of everybody but those who may
    may: tuple[str, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)  # roles that are refused for another reason
    allowed: str = ""  # why everybody may, on their own authority
    carries: Sends | None = None
    carried: str = ""  # why everybody may with somebody's signature


def admitted(contract: str, role: str, holder: str) -> dict[str, Entry]:
    """Who says who has a role."""
    of = lambda w: getattr(w[contract], role)()  # noqa: E731
    return {
        f"{contract}.grantRole(bytes32,address)": Entry(
            lambda w: (of(w), w.at["stranger"]), ADMINISTRATION, may=("governor",)
        ),
        f"{contract}.revokeRole(bytes32,address)": Entry(
            lambda w: (of(w), w.at[holder]), ADMINISTRATION, may=("governor",)
        ),
        f"{contract}.renounceRole(bytes32,address)": Entry(
            lambda w: (of(w), w.at[holder]), "AccessControlBadConfirmation", may=(holder,)
        ),
    }


def grant_by(signer: LocalAccount) -> Sends:
    """A grant signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        end, grantee = now_s() + 3_600, w.at["stranger"]
        epoch = w.suite.twins.currentEpoch(w.twin)
        signature = grant_signature(signer, w.suite.consents, w.twin, grantee, w.days, 0, end, epoch)
        return w.twin, grantee, w.days, 0, end, signature

    return arguments


def revocation_by(signer: LocalAccount) -> Sends:
    """A revocation signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        signature = revocation_signature(signer, w.suite.consents, w.twin, w.at["grantee"], 0, end)
        return w.twin, w.at["grantee"], 0, end, signature

    return arguments


def batch_by(signer: LocalAccount) -> Sends:
    """The next batch, signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        batch = w.recorder.batch(2)
        return batch, Recorder(w.suite.anchor, w.twin, signer).sign(batch)

    return arguments


def report_by(*signers: LocalAccount | int) -> Sends:
    """A report signed with keys or by nodes."""

    def arguments(w: World) -> tuple[Any, ...]:
        report = w.quorum.report(1)
        return report, b"".join(w.quorum.sign(signer, report) for signer in signers)

    return arguments


def evidence_by(signer: LocalAccount | int) -> Sends:
    """Two reports of one round, signed with a key or by a node."""

    def arguments(w: World) -> tuple[Any, ...]:
        a, b = w.quorum.report(1), w.quorum.report(1, score=200_000)
        return w.quorum.signed(signer, a), w.quorum.signed(signer, b)

    return arguments


def rotation_by(*signers: LocalAccount | int) -> Sends:
    """Three nodes go on without the fourth, which is suspended, and with the stranger in its place."""

    def arguments(w: World) -> tuple[Any, ...]:
        oracle, end = w.suite.oracle, now_s() + 3_600
        keys = [w.quorum.nodes[one] if isinstance(one, int) else one for one in signers]
        nodes = sorted((*(node.address for node in w.quorum.nodes[:3]), w.at["stranger"]), key=str.lower)
        message = {
            "config": bytes(oracle.configDigest()), "signers": nodes, "faulty": 1,
            "number": oracle.configNumber() + 1, "deadline": end,
        }  # fmt: skip
        return nodes, 1, end, b"".join(signed(one, oracle, "Rotation", message) for one in keys)

    return arguments


def agreement(role: str, nonce: int) -> Sends:
    """A pairing that the device signed for the owner."""
    return lambda w: pairing(w.suite.devices, key(role), w.twin, w.at["owner"], now_s() + DAY_S, nonce)


def calibration(w: World) -> tuple[Any, ...]:
    """A calibration that the device signed for the owner."""
    device, _, until, deadline, signature = agreement("device", 1)(w)
    return device, until, deadline, signature


def study_by(signer: LocalAccount) -> Sends:
    """An approval in the board's name, signed with a key."""

    def arguments(w: World) -> tuple[Any, ...]:
        end = now_s() + 3_600
        study = Study(STUDY, w.at["customer"], w.at["board"], RESEARCH, end, 1, end)
        return *study, study.signed(signer, w["StudyRegistry"])

    return arguments


def guardianship(role: str, by: str, until: bool) -> Sends:
    """What somebody signed who agreed to be guardian, to the owner (`until`) or the guardian before."""

    def arguments(w: World) -> tuple[Any, ...]:
        registry, end = w["GuardianRegistry"], now_s() + 3_600
        last = end if until else registry.guardianOf(w.twin)[1]
        signature = accepted(key(role), registry, w.twin, w.at[by], last, 0, end)
        return w.twin, w.at[role], *((last,) if until else ()), 0, end, signature

    return arguments


REPORT = "(uint256,bytes32,uint48,uint40,uint8,int48,int48,int48,bytes32,bytes32,bytes32)"
PLACE = "(bytes32,bytes32[])"
OFFER = "(uint256,uint96,uint32,uint32,uint16,bytes32,bool)"
SCOPE = "(uint32,uint32,uint40,uint40)"
MOVE = {"error": "ERC721InsufficientApproval", "may": ("owner", "mover")}
OWNER, GUARDED = ("owner",), ("owner", "guardian")


def moved(w: World) -> tuple[Any, ...]:
    """From the owner to the stranger."""
    return w.at["owner"], w.at["stranger"], w.twin


ENTRIES = {
    "TwinToken.mint(uint256)": Entry(
        lambda w: (w.twin + 256_000,), allowed="everyone may have a twin of their own",
        instead={"market": "ERC721InvalidReceiver"},
    ),
    "TwinToken.voidGrants(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner", OWNER),
    "TwinToken.retire(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner", OWNER),
    "TwinToken.approve(address,uint256)": Entry(
        lambda w: (w.at["stranger"], w.twin), "ERC721InvalidApprover", ("owner", "mover")
    ),
    "TwinToken.setApprovalForAll(address,bool)": Entry(
        lambda w: (w.at["grantee"], True), allowed="it speaks for the caller's own twins only"
    ),
    "TwinToken.transferFrom(address,address,uint256)": Entry(moved, **MOVE),
    "TwinToken.safeTransferFrom(address,address,uint256)": Entry(moved, **MOVE),
    "TwinToken.safeTransferFrom(address,address,uint256,bytes)": Entry(lambda w: (*moved(w), b""), **MOVE),
    **admitted("ModelRegistry", "APPROVER_ROLE", "governor"),
    "ModelRegistry.register(bytes32,bytes32,bytes32,bool)": Entry(
        lambda w: (DIGEST, CARD, DIGEST, True), allowed="a registered model is not approved and used by nobody"
    ),
    "ModelRegistry.registerTerms(bytes32,bytes32,uint8)": Entry(
        lambda w: (FRESH, DIGEST, 1), "NotRegistrar", ("registrar",)
    ),
    "ModelRegistry.approve(bytes32)": Entry(lambda w: (FRESH,), ADMINISTRATION, ("governor",)),
    "ModelRegistry.withdraw(bytes32,bytes32)": Entry(lambda w: (APPROVED, DIGEST), ADMINISTRATION, ("governor",)),
    "ModelRegistry.mark(bytes32,uint256,address,uint32,bytes32[])": Entry(
        lambda w: (MARKABLE, w.twin, w.at["grantee"], 1, [consent_leaf(w, "former grantee")]), "NotInLineage",
        carries=lambda w: (MARKABLE, w.twin, w.at["former grantee"], 1, []),
        carried="the record of consents is the evidence; anyone may show it",
    ),
    "DeviceRegistry.pair(address,uint256,uint40,uint40,bytes)": Entry(
        agreement("removed device", 1), "NotPairingParty", OWNER
    ),
    "DeviceRegistry.calibrate(address,uint40,uint40,bytes)": Entry(calibration, "NotPairingParty", OWNER),
    "DeviceRegistry.unpair(address)": Entry(lambda w: (w.at["device"],), "NotPairingParty", ("owner", "device")),
    f"ConsentRegistry.grant(uint256,address,{SCOPE})": Entry(
        lambda w: (w.twin, w.at["stranger"], w.days), "NotTwinOwner", GUARDED
    ),
    f"ConsentRegistry.grantBySignature(uint256,address,{SCOPE},uint256,uint40,bytes)": Entry(
        grant_by(STRANGERS_KEY), "InvalidSignature",
        carries=grant_by(key("owner")), carried="the owner's signature says all that happens, whoever pays the gas",
    ),
    f"ConsentRegistry.open(uint256,address,{SCOPE})": Entry(
        lambda w: (w.twin, w.at["stranger"], w.days), "OperatorScopeExceeded", ("operator", "market")
    ),
    "ConsentRegistry.revoke(uint256,address)": Entry(
        lambda w: (w.twin, w.at["grantee"]), "NotTwinOwner", (*GUARDED, "grantee")
    ),
    "ConsentRegistry.revokeBySignature(uint256,address,uint256,uint40,bytes)": Entry(
        revocation_by(STRANGERS_KEY), "InvalidSignature",
        carries=revocation_by(key("owner")), carried="a revocation must never wait for the owner's own transaction",
    ),
    "ConsentRegistry.deny(uint256,address)": Entry(lambda w: (w.twin, w.at["grantee"]), "NotTwinOwner", GUARDED),
    f"ConsentRegistry.setOperator(uint256,address,{SCOPE},uint32)": Entry(
        lambda w: (w.twin, w.at["stranger"], w.days, DAY_S), "NotTwinOwner", OWNER
    ),
    "GuardianRegistry.appoint(uint256,address,uint40,uint256,uint40,bytes)": Entry(
        guardianship("stranger", "owner", until=True), "NotTwinOwner", OWNER
    ),
    "GuardianRegistry.handOver(uint256,address,uint256,uint40,bytes)": Entry(
        guardianship("stranger", "guardian", until=False), "NotTwinGuardian", ("guardian",)
    ),
    "GuardianRegistry.dismiss(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner", GUARDED),
    "DataAnchor.anchor((uint256,uint64,bytes32,bytes32,bytes32,uint32,uint40,uint40),bytes)": Entry(
        batch_by(STRANGERS_KEY), "UnpairedDevice",
        carries=batch_by(key("device")), carried="devices hold no ether; a gateway carries what they signed",
    ),
    **admitted("StudyRegistry", "BOARD_ROLE", "board"),
    "StudyRegistry.approve(bytes32,address,address,uint32,uint40,uint256,uint40,bytes)": Entry(
        study_by(STRANGERS_KEY), "InvalidSignature",
        carries=study_by(key("board")), carried="a board's signature says all that happens; researchers bring it",
    ),
    "StudyRegistry.withdraw(bytes32,address)": Entry(lambda w: (STUDY, w.at["customer"]), "OtherBoard", ("board",)),
    f"AccessMarket.list({OFFER})": Entry(lambda w: (w.offer,), "NotTwinOwner", OWNER),
    "AccessMarket.delist(uint256)": Entry(lambda w: (w.twin,), "NotTwinOwner", OWNER),
    "AccessMarket.appointCustodian(uint256,address,uint16)": Entry(
        lambda w: (w.twin, w.at["custodian"], 5_000), "NotTwinOwner", OWNER
    ),
    f"AccessMarket.purchase({OFFER},uint16,uint256,bytes32)": Entry(
        lambda w: (w.offer, 1, PLENTY, STUDY), "StudyNotApproved", ("customer",)
    ),
    f"AccessMarket.purchaseCohort({OFFER}[],uint16,uint256,bytes32)": Entry(
        lambda w: ([w.offer], 1, PLENTY, bytes(32)), "ERC20InsufficientAllowance", ("customer",),
        instead={"buyer": "PurchaseRunning", "owner": "InvalidGrantee", "grantee": "GrantActive"},
    ),
    "AccessMarket.claim(address)": Entry(
        lambda w: (w.at["custodian"],), allowed="it pays an account what is its own and nobody else"
    ),
    "AccessMarket.withdraw(uint256,address)": Entry(
        lambda w: (w.twin, w.at["buyer"]), allowed="it pays the payee and nobody else"
    ),
    "AccessMarket.settle(uint256,address)": Entry(lambda w: (w.twin, w.at["buyer"]), "PurchaseRunning"),
    "AuditTrail.post(uint64,bytes32,uint64,bytes32)": Entry(
        lambda w: (1, DIGEST, 2, DIGEST), "StaleHead", ("custodian",)
    ),
    f"PredictionOracle.post({REPORT},bytes)": Entry(
        report_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=report_by(0, 1, 2), carried="a quorum's signatures say all that happens",
    ),
    "PredictionOracle.rotate(address[],uint256,uint40,bytes)": Entry(
        rotation_by(STRANGERS_KEY, STRANGERS_KEY, STRANGERS_KEY), "UnknownSigner",
        carries=rotation_by(0, 1, 2), carried="a quorum's signatures say all that happens",
    ),
    "PredictionOracle.proveEquivocation("
    f"({REPORT},{PLACE},bytes),({REPORT},{PLACE},bytes))": Entry(
        evidence_by(STRANGERS_KEY), "UnknownSigner",
        carries=evidence_by(2), carried="the liar's own signatures are the evidence; anyone may show it",
    ),
}  # fmt: skip
