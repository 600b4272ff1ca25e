"""Findings of slither that were reviewed: detector -> (why they stay, where they are). Compared by scripts/static.py."""

from __future__ import annotations

REVIEWED: dict[str, tuple[str, frozenset[str]]] = {
    "cache-array-length": (
        "The list has at most MOST_GUARDIANS entries.",
        frozenset({"_guardianBit.i < _guardians.length"}),
    ),
    "calls-loop": (
        "A cohort is at most MOST_TWINS twins, balanceOfBatch is a view; what is called is ours and fixed at "
        "deployment.",
        frozenset(
            {
                "AccessMarket._buy",
                "AccessMarket._purchaseOf",
                "AccessMarket._stopOf",
                "ConsentRegistry._isActive",
                "OfferBook._checkListed",
            }
        ),
    ),
    "incorrect-equality": (
        "readyAt is 0 exactly when too few guardians asked; it is set, never computed.",
        frozenset({"PasskeyAccount.finishRecovery"}),
    ),
    "naming-convention": (
        "Immutables are in capitals, as constants are: neither changes.",
        frozenset(
            {
                "AccessMarket.CONSENTS",
                "AccessMarket.STUDIES",
                "AccessMarket.TOKEN",
                "CaseToken.TWINS",
                "ConsentRegistry.TWINS",
                "ConsentRegistry.GUARDIANS",
                "GuardianRegistry.TWINS",
                "DataAnchor.DEVICES",
                "DataAnchor.TWINS",
                "DeviceLoop.CONSENTS",
                "DeviceLoop.DEVICES",
                "DeviceRegistry.TWINS",
                "EmergencyAccess.TWINS",
                "EpochAnchor.ANCHOR",
                "EpochAnchor.DEVICES",
                "ModelRegistry.CONSENTS",
                "OfferBook.PROTOCOL",
                "OfferBook.PROTOCOL_SHARE",
                "OfferBook.TWINS",
                "PasskeyFactory.PATTERN",
                "PredictionOracle.CHALLENGE",
                "PredictionOracle.MODELS",
                "PredictionOracle.TWINS",
                "ReportChallenge.MODELS",
                "RequestVoucher.CONSENTS",
            }
        ),
    ),
    "reentrancy-events": (
        "The call is to the account just made, whose code is ours.",
        frozenset({"PasskeyFactory.create"}),
    ),
    "reentrancy-no-eth": (
        "Every paying function is nonReentrant; the calls before the write refund an earlier purchase and open the "
        "grant in ConsentRegistry, which calls nobody. Walks re-enter with a token that calls back.",
        frozenset({"AccessMarket._buy"}),
    ),
    "shadowing-local": (
        "Names of parameters and answers in interfaces, which have no code to confuse.",
        frozenset({"isOpen.open", "setGuardians.guardians"}),
    ),
    "timestamp": (
        "Consents, periods and deadlines are times. Intervals are half-open and tested a second before, at and "
        "after their ends; a proposer can move a block by seconds, which no period here is short enough to mind.",
        frozenset(
            {
                "AccessMarket._buy",
                "AccessMarket._closeEarlier",
                "AccessMarket._collect",
                "AccessMarket.balanceOf",
                "AccessMarket.settle",
                "CaseToken._checkTerms",
                "CaseToken._mayAsk",
                "CaseToken.close",
                "CaseToken.isOpen",
                "ConsentRegistry._checkScope",
                "ConsentRegistry._grantByOwner",
                "ConsentRegistry._isActive",
                "GuardianRegistry.appoint",
                "GuardianRegistry.guardianOf",
                "Signed._checkInTime",
                "ConsentRegistry.open",
                "DataAnchor._speakerOf",
                "DataAnchor.anchor",
                "DeviceLoop._checkEnvelope",
                "DeviceLoop.send",
                "DeviceLoop.stateOf",
                "DeviceRegistry._checkAgreement",
                "EmergencyAccess._checkClinician",
                "EmergencyAccess._mayAsk",
                "EmergencyAccess.close",
                "EmergencyAccess.isOpen",
                "EpochAnchor.anchorEpoch",
                "ModelRegistry.register",
                "PasskeyAccount._count",
                "PasskeyAccount.execute",
                "PasskeyAccount.finishRecovery",
                "Nodes.rotate",
                "PredictionOracle._checkReport",
                "PredictionOracle._checkUse",
                "PredictionOracle._refute",
                "PredictionOracle.post",
                "Purchases.earned",
                "StudyRegistry.approve",
                "StudyRegistry.isApproved",
            }
        ),
    ),
    "uninitialized-local": (
        "Starts as the zero address on purpose: the first signer must be above it.",
        frozenset({"_checkQuorum.previous", "_install.previous", "_suspendQuorum.previous"}),
    ),
    "unused-return": (
        "The call is made to revert for a twin that is retired or not there, or only one of several answers "
        "matters; of ECDSA.tryRecover the address is zero when it fails, which is nobody's.",
        frozenset(
            {
                "CaseToken._checkTerms",
                "ConsentRegistry._isOwnerOfLive",
                "DataAnchor._speakerOf",
                "DataAnchor.anchor",
                "DeviceRegistry._checkAgreement",
                "EmergencyAccess.open",
                "EpochAnchor._signerIn",
                "EpochAnchor.proveUnknownDevice",
                "Signed._isByKey",
                "PasskeyFactory.create",
                "Nodes._checkQuorum",
                "Nodes._nodeOf",
                "Nodes._suspendQuorum",
                "Nodes.isValidSignature",
                "PredictionOracle.consume",
                "ReportChallenge._isScore",
                "ReportChallenge.termFault",
            }
        ),
    ),
}
