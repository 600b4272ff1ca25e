// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// post
///   given what a quorum signed
///     it is stored and told
///     it keeps every number
///     it takes an answer that is a point, and one that is withheld
///   when status and numbers are no answer
///     it refuses
///   when the round is not after the last
///     it refuses
///   when it is of the future
///     it refuses
///   when it names another config
///     it refuses
///   when the model is withdrawn
///     it refuses
///   when the twin is retired
///     it refuses
/// consume
///   given a report
///     it holds age and width to the unit
///   when it is withheld, missing, or its model withdrawn
///     it refuses
contract PredictionOracleTest is OracleFixture {
    function _refuses(IPredictionOracle.Report memory report, bytes memory reason) private {
        bytes memory signatures = _by(report, keys[0], keys[1], keys[2]);
        vm.expectRevert(reason);
        oracle.post(report, signatures);
    }

    function test_post_isStoredAndTold() public {
        IPredictionOracle.Report memory report = _report(1);
        bytes memory signatures = _by(report, keys[0], keys[2], keys[3]);
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.PredictionPosted(PATIENT, MODEL, 1, _digest(report), report);
        oracle.post(report, signatures);

        bytes32 kept = keccak256(abi.encode(oracle.latest(PATIENT, MODEL)));
        vm.assertEq(kept, keccak256(abi.encode(IPredictionOracle.Latest(1, NOW, 1, 5, -7, 9, 1))));
        vm.assertEq(oracle.latest(WARD, MODEL).round, 0);
    }

    function testFuzz_post_keepsEveryNumber(int48 low, uint48 above, uint48 more) public {
        int256 score = int256(low) + int256(uint256(above));
        int256 high = score + int256(uint256(more));
        vm.assume(score <= type(int48).max && high <= type(int48).max);
        IPredictionOracle.Report memory report = _report(1);
        (report.low, report.score, report.high) = (low, int48(score), int48(high));
        _post(report);
        IPredictionOracle.Latest memory kept = oracle.latest(PATIENT, MODEL);
        vm.assertEq(kept.low, low);
        vm.assertEq(kept.score, score);
        vm.assertEq(kept.high, high);
    }

    function test_post_takesAnAnswerThatIsAPointOrWithheld() public {
        IPredictionOracle.Report memory report = _report(1);
        (report.low, report.high) = (5, 5);
        _post(report);
        _anchor(DEVICE_KEY, PATIENT);
        report = _report(2);
        (report.status, report.low, report.score, report.high) = (2, 0, 0, 0);
        _post(report);
        vm.assertEq(oracle.latest(PATIENT, MODEL).status, 2);
    }

    function test_post_refusesWhatIsNoAnswer() public {
        _refusesAnswer(1, 6, 5, 9);
        _refusesAnswer(1, -7, 10, 9);
        _refusesAnswer(0, -7, 5, 9);
        _refusesAnswer(3, -7, 5, 9);
        _refusesAnswer(3, 0, 0, 0);
        _refusesAnswer(2, -1, 0, 0);
        _refusesAnswer(2, 0, 1, 0);
        _refusesAnswer(2, 0, 0, 1);
    }

    function _refusesAnswer(uint8 status, int48 low, int48 score, int48 high) private {
        IPredictionOracle.Report memory report = _report(1);
        (report.status, report.low, report.score, report.high) = (status, low, score, high);
        _refuses(report, abi.encodeWithSelector(IPredictionOracle.InvalidAnswer.selector, status, low, score, high));
    }

    function test_post_takesRoundsForwardOnly() public {
        _refuses(_report(0), abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 0, 0));
        _anchor(DEVICE_KEY, PATIENT);
        _anchor(DEVICE_KEY, PATIENT);
        _post(_report(2));
        _refuses(_report(2), abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 2, 2));
        _refuses(_report(1), abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 1, 2));
        _post(_report(3));
    }

    function test_post_refusesTheFuture() public {
        IPredictionOracle.Report memory report = _report(1);
        report.asOf = NOW + 1;
        _refuses(report, abi.encodeWithSelector(IPredictionOracle.InvalidTime.selector, NOW + 1, NOW));
    }

    function test_post_refusesAnotherConfig() public {
        IPredictionOracle.Report memory report = _report(1);
        report.config = 0;
        _refuses(
            report, abi.encodeWithSelector(IPredictionOracle.WrongConfig.selector, bytes32(0), oracle.configDigest())
        );
    }

    function test_post_needsALiveTwinAndAnApprovedModel() public {
        vm.prank(administrator);
        models.withdraw(MODEL, 0);
        _refuses(_report(1), abi.encodeWithSelector(IPredictionOracle.ModelNotApproved.selector, MODEL));
    }

    function test_post_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        _refuses(_report(1), abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
    }

    function test_consume_holdsAgeAndWidthToTheUnit() public {
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionMissing.selector, PATIENT, MODEL));
        oracle.consume(PATIENT, MODEL, 100, 16);
        _post(_report(1));
        vm.warp(NOW + 100);
        vm.assertEq(oracle.consume(PATIENT, MODEL, 100, 16).score, 5);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionStale.selector, NOW, NOW + 1));
        oracle.consume(PATIENT, MODEL, 99, 16);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionTooWide.selector, -7, 9, 15));
        oracle.consume(PATIENT, MODEL, 100, 15);
        vm.assertEq(oracle.consume(PATIENT, MODEL, type(uint40).max, 17).round, 1);
    }

    function test_consume_refusesWhatIsWithheldOrWithdrawn() public {
        IPredictionOracle.Report memory report = _report(1);
        (report.status, report.low, report.score, report.high) = (2, 0, 0, 0);
        _post(report);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionWithheld.selector, PATIENT, MODEL));
        oracle.consume(PATIENT, MODEL, 100, 16);
        vm.prank(administrator);
        models.withdraw(MODEL, 0);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.ModelNotApproved.selector, MODEL));
        oracle.consume(PATIENT, MODEL, 100, 16);
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
        oracle.consume(PATIENT, MODEL, 100, 16);
    }
}
