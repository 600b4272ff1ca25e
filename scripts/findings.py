"""Findings of slither that were reviewed: detector -> (why they stay, where they are). Compared by scripts/static.py."""

from __future__ import annotations

REVIEWED: dict[str, tuple[str, frozenset[str]]] = {
    "assembly": (
        "Short, memory-safe and only where tests/contracts/gas.json shows the gain: calldata taken as bytes, hashed or "
        "logged as it stands, a signature split, a list kept as code. Every field narrower than a word is read by "
        "Solidity too, which refuses bits beyond its type.",
        frozenset(
            {
                "DataAnchor._fieldsOf",
                "Recover.signerOf",
                "Reports.fields",
                "Roster.constructor",
                "Rosters.read",
                "Verbatim.hash",
                "Verbatim.log",
            }
        ),
    ),
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
    "divide-before-multiply": (
        "Fixed point of 30 digits: each term of a series is rounded before the next, and the sum is compared with "
        "what a report says to six digits, with slack for the rounding.",
        frozenset({"FixedPoint.exponential", "FixedPoint.isLogistic"}),
    ),
    "incorrect-equality": (
        "readyAt is 0 exactly when too few guardians asked, an epoch's number exactly when there is none; both are "
        "set or counted, never measured.",
        frozenset({"EpochAnchor._signerIn", "PasskeyAccount.finishRecovery"}),
    ),
    "naming-convention": (
        "Immutables are in capitals, as constants are: neither changes.",
        frozenset(
            {
                "AccessMarket.CONSENTS",
                "AccessMarket.STUDIES",
                "AccessMarket.TOKEN",
                "ConsentRegistry.TWINS",
                "ConsentRegistry.GUARDIANS",
                "GuardianRegistry.TWINS",
                "DataAnchor.DEVICES",
                "DataAnchor.TWINS",
                "DeviceLoop.CONSENTS",
                "DeviceLoop.DEVICES",
                "DeviceRegistry.TWINS",
                "EpochAnchor.ANCHOR",
                "EpochAnchor.DEVICES",
                "IPredictionOracle.PROMPT",
                "IPredictionOracle.WINDOW",
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
                "RequestVoucher.PURPOSE",
                "RequestVoucher.TWINS",
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
        "after their ends; a proposer can move a block by seconds, which no period here is short enough to mind. "
        "Some only compare what lies in one word with a time.",
        frozenset(
            {
                "AccessMarket._buy",
                "AccessMarket._closeEarlier",
                "AccessMarket._collect",
                "AccessMarket.balanceOf",
                "AccessMarket.settle",
                "CaseToken._checkTerms",
                "CaseToken.close",
                "CaseToken.isOpen",
                "ConsentRegistry._checkScope",
                "ConsentRegistry._grantByOwner",
                "ConsentRegistry._isActive",
                "ConsentRegistry.isAllowed",
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
                "EmergencyAccess.close",
                "EmergencyAccess.isOpen",
                "EpochAnchor._signerIn",
                "EpochAnchor._suspend",
                "EpochAnchor.admit",
                "EpochAnchor.anchorEpoch",
                "EpochAnchor.headOf",
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
        "Starts at zero on purpose: the first signer must be above it, places and sums are counted from it.",
        frozenset({"_install.previous", "sumFault.margin", "sumFault.sum"}),
    ),
    "unused-return": (
        "The call is made to revert for a twin that is retired or not there, or only one of several answers "
        "matters; of ECDSA.tryRecover the address is zero when it fails, which is nobody's.",
        frozenset(
            {
                "CaseToken._checkTerms",
                "ConsentRegistry._isOwnerOfLive",
                "DataAnchor.anchor",
                "DeviceRegistry._checkAgreement",
                "EmergencyAccess.open",
                "EpochAnchor._signerIn",
                "EpochAnchor.proveUnknownDevice",
                "Signed._isByKey",
                "PasskeyFactory.create",
                "OfferBook._checkListed",
                "PredictionOracle._checkReport",
                "PredictionOracle.consume",
                "Recover.signerOf",
                "ReportChallenge._isScore",
                "ReportChallenge.termFault",
            }
        ),
    ),
    "write-after-write": (
        "Offset and length of one calldata slice, which slither takes for one variable written twice.",
        frozenset({"_fieldsOf.fields", "fields.all"}),
    ),
}
