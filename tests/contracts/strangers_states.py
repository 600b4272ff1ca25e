"""What the state of a twin's world changes of what comes of everybody's calls; reviewed.

A word is what everybody meets, a mapping whom the change is for; what is not here is as in use. The empty word is success.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.contracts.cast import ROLES

Change = str | Mapping[str, str]


def only(error: str, *roles: str) -> dict[str, str]:
    """These roles are refused from now on."""
    return dict.fromkeys(roles, error)


def sold(error: str, then: str = "") -> dict[str, str]:
    """The owner is refused as everybody was; what was the owner's is the neighbour's, if it is not refused by itself."""
    return {"owner": error, "neighbour": then}


EPOCH_OVER: dict[str, Change] = {
    "ConsentRegistry.grant": only("NotTwinOwner", "guardian"),
    "ConsentRegistry.open": only("OperatorScopeExceeded", "operator", "market"),
    "ConsentRegistry.revoke": only("NotTwinOwner", "guardian"),
    "ConsentRegistry.deny": only("NotTwinOwner", "guardian"),
    "GuardianRegistry.handOver": only("NotTwinGuardian", "guardian"),
    "GuardianRegistry.dismiss": "NotTwinGuardian",
}
"""With the epoch end operators, guardians and offers; a purchase that ended early is there for anybody to settle."""

OFFERS_OVER: dict[str, Change] = {
    "AccessMarket.purchase": "OfferNotListed", "AccessMarket.purchaseCohort": "OfferNotListed", "AccessMarket.settle": "",
}  # fmt: skip
RETIRED = [
    "TwinToken.voidGrants",
    "TwinToken.retire",
    "TwinToken.transferFrom",
    "TwinToken.safeTransferFrom",
]  # asked after the caller's authority
GONE = [
    "DeviceRegistry.pair",
    "DeviceRegistry.calibrate",
    "ConsentRegistry.grant",
    "ConsentRegistry.open",
    "ConsentRegistry.setOperator",
    "GuardianRegistry.appoint",
    "DataAnchor.anchor",
    "AccessMarket.list",
    "AccessMarket.delist",
    "AccessMarket.appointCustodian",
    "AccessMarket.purchase",
    "AccessMarket.purchaseCohort",
    "CaseToken.open",
    "ConsentRegistry.grantBySignature",
]  # asked before
GONE_CARRIED = [
    "ConsentRegistry.grantBySignature",
    "DataAnchor.anchor",
    "PredictionOracle.post",
    "PredictionOracle.settle",
    "CaseToken.open",
]

SENT: dict[str, dict[str, Change]] = {
    "in use": {},
    "voided": {**EPOCH_OVER, **OFFERS_OVER},
    "retired": {
        **EPOCH_OVER, **dict.fromkeys(RETIRED, only("TwinIsRetired", "owner", "mover")),
        "TwinToken.voidGrants": only("TwinIsRetired", "owner"), "TwinToken.retire": only("TwinIsRetired", "owner"),
        **dict.fromkeys(GONE, "TwinIsRetired"), "AccessMarket.settle": "", "DeviceLoop.send": "ClinicianNotAllowed",
        "EmergencyAccess.open": only("TwinIsRetired", *(role for role in ROLES if role != "second")),
    },
    "transferred": {
        **EPOCH_OVER, **OFFERS_OVER,
        **dict.fromkeys(("TwinToken.voidGrants", "TwinToken.retire"), sold("NotTwinOwner")),
        "TwinToken.approve": sold("ERC721InvalidApprover") | only("ERC721InvalidApprover", "mover"),
        **dict.fromkeys(
            ("TwinToken.transferFrom", "TwinToken.safeTransferFrom"),
            sold("ERC721InsufficientApproval", "ERC721IncorrectOwner") | only("ERC721InsufficientApproval", "mover"),
        ),
        **dict.fromkeys(
            ("DeviceRegistry.pair", "DeviceRegistry.calibrate"), sold("NotPairingParty", "InvalidDeviceSignature")
        ),
        "DeviceRegistry.unpair": sold("NotPairingParty"),
        **dict.fromkeys(
            ("ConsentRegistry.grant", "ConsentRegistry.revoke", "ConsentRegistry.deny"),
            sold("NotTwinOwner") | only("NotTwinOwner", "guardian"),
        ),
        "ConsentRegistry.setOperator": sold("NotTwinOwner"),
        "GuardianRegistry.appoint": sold("NotTwinOwner", "InvalidSignature"),
        **dict.fromkeys(
            ("AccessMarket.list", "AccessMarket.delist", "AccessMarket.appointCustodian"), sold("NotTwinOwner")
        ),
        "EmergencyAccess.close": sold("NotUseParty"), "CaseToken.close": sold("NotCaseParty"),
        "DeviceLoop.send": "ClinicianNotAllowed",
    },
    "unpaired": {
        "DeviceRegistry.calibrate": "DeviceNotPaired", "DeviceRegistry.unpair": "DeviceNotPaired",
        "DeviceLoop.send": "UnpairedDevice", "EpochAnchor.anchorEpoch": "NotGateway",
    },
    "suspended": {
        "ModelRegistry.withdraw": only("ModelNotInState", "governor"),
        "StudyRegistry.approve": "StudyIsWithdrawn", "StudyRegistry.withdraw": only("StudyIsWithdrawn", "board"),
        "AccessMarket.purchase": "StudyNotApproved",
        "EmergencyAccess.open": only("ClinicianIsSuspended", "clinician"),
        "EmergencyAccess.close": only("UseClosed", "owner", "clinician", "second"),
        "EmergencyAccess.review": only("UseReviewed", "reviewer"),
        "EpochAnchor.anchorEpoch": only("GatewayIsSuspended", "gateway"),
    },
    "deposed": {
        "StudyRegistry.approve": "NotBoard", "AccessMarket.purchase": "StudyNotApproved",
        "EmergencyAccess.open": only("NotClinician", "clinician"),
        "EmergencyAccess.review": only("AccessControlUnauthorizedAccount", "reviewer"),
        "CaseToken.open": "NotDepartment",
        **dict.fromkeys(
            ("DeviceLoop.setEnvelope", "DeviceLoop.removeEnvelope"), only("AccessControlUnauthorizedAccount", "officer")
        ),
    },
    "expired": {
        **EPOCH_OVER, "AccessMarket.purchase": "StudyNotApproved", "AccessMarket.purchaseCohort": "OperatorScopeExceeded",
        "AccessMarket.settle": "NothingToRefund", "EmergencyAccess.open": only("ReviewOverdue", "clinician"),
        "EmergencyAccess.close": only("UseClosed", "owner", "clinician", "second"), "CaseToken.close": "CaseNotOpen",
        "DeviceLoop.answer": "CommandNotPending", "EpochAnchor.anchorEpoch": only("NotGateway", "gateway"),
    },
}  # fmt: skip
"""On the callers' own authority."""

CARRIED: dict[str, dict[str, Change]] = {
    "in use": {},
    "voided": {},
    "retired": {**dict.fromkeys(GONE_CARRIED, "TwinIsRetired"), "DeviceLoop.send": "ClinicianNotAllowed"},
    "transferred": {
        "ConsentRegistry.grantBySignature": "InvalidSignature", "ConsentRegistry.revokeBySignature": "InvalidSignature",
        "DeviceLoop.send": "ClinicianNotAllowed",
    },
    "unpaired": {"DataAnchor.anchor": "UnpairedDevice", "DeviceLoop.send": "UnpairedDevice"},
    "suspended": {
        "StudyRegistry.approve": "StudyIsWithdrawn", "PredictionOracle.post": "ModelNotApproved",
        "PredictionOracle.settle": "ModelNotApproved", "EpochAnchor.proveUnknownDevice": "GatewayIsSuspended",
        "EpochAnchor.proveBrokenSequence": "GatewayIsSuspended",
    },
    "deposed": {"StudyRegistry.approve": "NotBoard", "CaseToken.open": "NotDepartment"},
    "expired": {"DataAnchor.anchor": "CalibrationExpired", "DeviceLoop.answer": "CommandNotPending"},
}  # fmt: skip
"""With what the right party signed."""
