"""Mutants that live because they change nothing anybody could notice: (file, line, changed line) -> why."""

from __future__ import annotations

ARGUED: dict[tuple[str, str, str], str] = {
    ("AccessMarket.sol", "if (revokedAt != 0 && revokedAt < stop) stop = revokedAt;",
     "if (revokedAt != 0 && revokedAt <= stop) stop = revokedAt;"):
        "where both are equal, stop becomes what it is",
    ("libraries/Purchases.sol", "uint256 until = stop < block.timestamp ? stop : block.timestamp;",
     "uint256 until = stop <= block.timestamp ? stop : block.timestamp;"):
        "where both are equal, either is taken",
    ("libraries/Purchases.sol", "if (until >= bought.end) return bought.paid;", "if (until > bought.end) return bought.paid;"):
        "at the end itself the line below gives paid * (end - start) / (end - start)",
    ("AccessMarket.sol", "if (epochEnd != 0 && epochEnd < stop) stop = epochEnd;",
     "if (epochEnd != 0 && epochEnd <= stop) stop = epochEnd;"):
        "where both are equal, stop becomes what it is",
    ("PasskeyFactory.sol", "if (account.code.length > 0) return account;", "if (account.code.length > 1) return account;"):
        "an account's code is a clone's, which is longer",
    ("libraries/Nodes.sol", "for (uint256 place = 0; place < nodes.length; ++place) {",
     "for (uint256 place = 0; place <= nodes.length; ++place) {"):
        "where who signed is gone through: beyond the last node nobody did, so that turn ends at once",
    ("EmergencyAccess.sol", "for (uint256 i = 0; i < waiting.length; ++i) {",
     "for (uint256 i = 0; i <= waiting.length; ++i) {"):
        "where a use is settled: it is pending, so it is in the list, and finding it ends the loop",
    ("PasskeyFactory.sol", "if (!P256.isValidPublicKey(x, y)) revert InvalidKey(x, y);", "if (false) revert InvalidKey(x, y);"):
        "initialize refuses the same key for the same reason, and no account with it exists",
    ("EpochAnchor.sol", "if (device.paired) until = device.calibratedUntil < latest ? device.calibratedUntil : latest;",
     "if (device.paired) until = device.calibratedUntil <= latest ? device.calibratedUntil : latest;"):
        "where both are equal, either is taken",
    ("PredictionOracle.sol", "if (kept.isSame(report.toWord(0))) _latest[report.twinId][report.model] = kept.refuted();",
     "if (kept.isSame(report.toWord(1))) _latest[report.twinId][report.model] = kept.refuted();"):
        "isSame does not look at the config's number",
    ("libraries/FixedPoint.sol", "if (rest < 0) (whole, rest) = (whole - 1, rest + E6);",
     "if (rest <= 0) (whole, rest) = (whole - 1, rest + E6);"):
        "a rest of 0 becomes a whole million, which the next line adds again",
    ("libraries/FixedPoint.sol", "bool negative = marginE6 < 0;", "bool negative = marginE6 <= 0;"):
        "of 0 the odds are ONE, and ONE / (ONE + ONE) on either side",
    ("libraries/FixedPoint.sol", "int256 odds = distance >= FAR ? int256(0) : exponential(distance);",
     "int256 odds = distance >= FAR ? int256(1) : exponential(distance);"):
        "1e-30 of a share, whose distance from a whole millionth is compared with half of one",
    ("libraries/FixedPoint.sol", "int256 odds = distance >= FAR ? int256(0) : exponential(distance);",
     "int256 odds = distance > FAR ? int256(0) : exponential(distance);"):
        "e^-64 is 2e-28 of a share, compared as above",
    ("EpochAnchor.sol", "uint256 private constant SUSPENDED = 1;", "uint256 private constant SUSPENDED = (1 + 1);"):
        "another bit of the eight that are kept for it",
    ("libraries/FixedPoint.sol", "bool negative = marginE6 < 0;", "bool negative = marginE6 < 1;"):
        "the same as <= 0",
    ("libraries/FixedPoint.sol", "if (rest < 0) (whole, rest) = (whole - 1, rest + E6);",
     "if (rest < 1) (whole, rest) = (whole - 1, rest + E6);"):
        "the same as <= 0",
    ("libraries/FixedPoint.sol", "if (difference < 0) difference = -difference;",
     "if (difference < 1) difference = -difference;"):
        "the same as <= 0",
    ("libraries/FixedPoint.sol", "int256 private constant LN2 = 693147180559945309417232121458;",
     "int256 private constant LN2 = (693147180559945309417232121458 + 1);"):
        "a share moves by less than a thousand parts of ONE, and none is so near to half a millionth (below)",
    ("libraries/FixedPoint.sol", "return difference <= ONE / E6 / 2 + SLACK;", "return difference < ONE / E6 / 2 + SLACK;"):
        "of all 64 million margins none has a share nearer than 1.6e11 parts of ONE to half a millionth; SLACK is 1e9",
    ("libraries/FixedPoint.sol", "return difference <= ONE / E6 / 2 + SLACK;", "return difference <= ONE / E6 / 2 - SLACK;"):
        "as above: whichever side of the half it is, no margin lies between",
    ("AccessMarket.sol", "if (_purchases[twinId][buyer] == 0) return;", "if (_purchases[twinId][buyer] == 1) return;"):
        "no record is 1; an empty one is over, owes nothing and is not credited",
    ("AccessMarket.sol", "if (bought.end == 0) return (0, 0);", "if (bought.end == 1) return (0, 0);"):
        "no purchase ends in second 1; an empty one has earned nothing and has nothing to give back",
    ("PasskeyAccount.sol", "_generation = 1;", "_generation = 2;"):
        "generations are told apart and never shown; only 0 and the pattern's are taken",
    ("libraries/FixedPoint.sol", "if (difference < 0) difference = -difference;",
     "if (difference <= 0) difference = -difference;"):
        "0 is its own negative",
}  # fmt: skip
