// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IPredictionOracle} from "../interfaces/IPredictionOracle.sol";
import {Verbatim} from "./Verbatim.sol";

/// @notice What a report is, and the one word that is kept of it: round 48, asOf 40, status 8, score 48, low 48, high 48,
/// number of the config 16 bits.
library Reports {
    using Verbatim for bytes;

    uint8 internal constant ANSWER = 1;
    uint8 internal constant NO_ANSWER = 2;
    uint8 internal constant REFUTED = 3;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config)"
    );
    uint256 private constant STATUS_AT = 88;

    /// @notice EIP-712's hashStruct.
    function hash(IPredictionOracle.Report calldata report) internal pure returns (bytes32) {
        return fields(report).hash(REPORT_TYPEHASH);
    }

    /// @dev Eleven words, each of which posting reads before it counts.
    function fields(IPredictionOracle.Report calldata report) internal pure returns (bytes calldata all) {
        assembly ("memory-safe") {
            all.offset := report
            all.length := 352
        }
    }

    /// @dev An interval is refused, never clamped; a withheld answer carries no number that could be taken for one.
    function checkAnswer(IPredictionOracle.Report calldata report) internal pure {
        (uint8 status, int48 score, int48 low, int48 high) = (report.status, report.score, report.low, report.high);
        bool answer = status == ANSWER && low <= score && score <= high;
        bool withheld = status == NO_ANSWER && low == 0 && score == 0 && high == 0;
        if (!answer && !withheld) revert IPredictionOracle.InvalidAnswer(status, low, score, high);
    }

    function toWord(IPredictionOracle.Report calldata report, uint16 number) internal pure returns (uint256) {
        return uint256(report.round) | uint256(report.asOf) << 48 | uint256(report.status) << STATUS_AT
            | uint256(uint48(report.score)) << 96 | uint256(uint48(report.low)) << 144 | uint256(uint48(report.high)) << 192
            | uint256(number) << 240;
    }

    /// @notice Whether two words are of one report, by whatever config it was signed.
    function isSame(uint256 word, uint256 other) internal pure returns (bool) {
        return uint240(word) == uint240(other);
    }

    function refuted(uint256 word) internal pure returns (uint256) {
        return word | uint256(REFUTED) << STATUS_AT;
    }

    function roundOf(uint256 word) internal pure returns (uint48) {
        return uint48(word);
    }

    function unpacked(uint256 word) internal pure returns (IPredictionOracle.Latest memory) {
        return IPredictionOracle.Latest({
            round: roundOf(word),
            asOf: uint40(word >> 48),
            status: uint8(word >> STATUS_AT),
            score: int48(uint48(word >> 96)),
            low: int48(uint48(word >> 144)),
            high: int48(uint48(word >> 192)),
            config: uint16(word >> 240)
        });
    }
}
