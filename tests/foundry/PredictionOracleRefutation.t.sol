// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {ReportFixture} from "./ReportFixture.sol";

/// refuteSum
///   given a report that does not follow from its explanation
///     it marks it, suspends all who signed, and tells
///     it leaves another report of the round alone
///     it holds the window to the second
///   when it was posted late
///     it counts from then
///   when it is withheld
///     it refuses
/// refuteTerm
///   when the term is right, or no quorum signed
///     it refuses
contract PredictionOracleRefutationTest is ReportFixture {
    function test_refute_marksSuspendsAndTells() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory report = _told(MODEL, rows, 3);
        bytes memory votes = _votes(_digest(report));
        oracle.post(report, votes);
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.PredictionRefuted(PATIENT, MODEL, 1, _digest(report), IReportChallenge.Fault.Sum);
        oracle.refuteSum(report, alone, votes, rows);

        vm.assertTrue(oracle.isRefuted(_digest(report)));
        vm.assertEq(oracle.latest(PATIENT, MODEL).status, 3);
        vm.assertEq(oracle.latest(PATIENT, MODEL).config, 1);
        for (uint256 i = 0; i < NODES; ++i) {
            vm.assertTrue(oracle.isSigner(vm.addr(keys[i])) == (i == 3));
        }
        bytes memory reason = abi.encodeWithSelector(IPredictionOracle.PredictionIsRefuted.selector, PATIENT, MODEL, 1);
        vm.expectRevert(reason);
        oracle.consume(PATIENT, MODEL, 1 days, 9);
        vm.expectRevert(reason);
        oracle.refuteSum(report, alone, votes, rows);
    }

    function test_refute_leavesAnotherReportOfTheRoundAlone() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory wrong = _told(MODEL, rows, 3);
        _post(_report(1));
        oracle.refuteSum(wrong, alone, _votes(_digest(wrong)), rows);
        vm.assertEq(oracle.latest(PATIENT, MODEL).status, 1);
    }

    function test_refute_holdsTheWindowToTheSecond() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory report = _told(MODEL, rows, 3);
        bytes memory votes = _votes(_digest(report));
        vm.warp(NOW + 1 hours);
        oracle.post(report, votes);
        vm.assertEq(oracle.finalAt(report, alone), NOW + 1 days);
        vm.warp(NOW + 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IPredictionOracle.PredictionFinal.selector, _digest(report), NOW + 1 days)
        );
        oracle.refuteSum(report, alone, votes, rows);
        vm.warp(NOW + 1 days - 1);
        oracle.refuteSum(report, alone, votes, rows);
    }

    function test_refute_countsALatePostFromThen() public {
        IPredictionOracle.Report memory report = _report(1);
        vm.warp(NOW + 1 hours + 1);
        oracle.post(report, _votes(_digest(report)));
        vm.assertEq(oracle.finalAt(report, alone), NOW + 1 hours + 1 + 1 days);
    }

    function test_refuteTerm_needsAFaultAndAQuorum() public {
        IReportChallenge.Row[] memory rows = _rows(70, 90, 1_000_000, 20);
        uint256 at = rows[0].index == 1 ? 0 : 1;
        IPredictionOracle.Report memory report = _told(LINEAR, rows, 90);
        bytes memory votes = _votes(_digest(report));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionHolds.selector, _digest(report)));
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
        rows = _rows(69, 90, 1_000_000, 21);
        at = rows[0].index == 1 ? 0 : 1;
        report = _told(LINEAR, rows, 90);
        bytes32 digest = _digest(report);
        bytes memory two = bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.QuorumNotMet.selector, 2, QUORUM));
        oracle.refuteTerm(report, alone, two, _opened(rows, at, false));
        votes = _by(report, keys[0], keys[1], STRANGER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, stranger));
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
        votes = _by(report, keys[0], keys[0], keys[1]);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPredictionOracle.SignersNotAscending.selector, vm.addr(keys[0]), vm.addr(keys[0])
            )
        );
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
        oracle.refuteTerm(report, alone, _votes(_digest(report)), _opened(rows, at, false));
        report.config = 0;
        vm.expectRevert(
            abi.encodeWithSelector(IPredictionOracle.WrongConfig.selector, bytes32(0), oracle.configDigest())
        );
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
    }

    function test_refute_refusesNoAnswer() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory report = _told(MODEL, rows, 3);
        (report.status, report.low, report.score, report.high) = (2, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionHolds.selector, _digest(report)));
        oracle.refuteSum(report, alone, "", rows);
    }
}
