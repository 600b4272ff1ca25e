// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {ReportFixture} from "./ReportFixture.sol";

/// sumFault
///   given all rows of an explanation
///     it judges their sum exactly
///     it lets an honest sum stand with its own score only
///     it judges a logistic score to its rounding
///   when rows are missing, twice, too many or of another root
///     it refuses, or tells that they are none
///   when they are no base and numbered features
///     it tells
/// termFault
///   given a row and the model's term
///     it judges the contribution exactly
///     it rounds halves to even
///     it holds the term's range to the unit
/// constructor
///   given an address without code
///     it refuses
contract ReportChallengeTest is ReportFixture {
    function testFuzz_sum_isJudgedExactly(int64 base, int64 margin, int64 contribution) public view {
        IReportChallenge.Row[] memory rows = _rows(base, margin, 0, contribution);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        bool adds = int256(base) + contribution == margin;
        _isFault(
            challenge.sumFault(MODEL, root, 0, rows),
            adds ? IReportChallenge.Fault.None : IReportChallenge.Fault.Sum
        );
    }

    function testFuzz_honestSum_standsWithItsScoreOnly(int40 base, int40 contribution, int48 score) public view {
        int64 margin = int64(base) + contribution;
        IReportChallenge.Row[] memory rows = _rows(base, margin, 0, contribution);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(
            challenge.sumFault(LINEAR, root, score, rows),
            score == margin ? IReportChallenge.Fault.None : IReportChallenge.Fault.Score
        );
        _isFault(challenge.sumFault(LINEAR, root, int48(margin), rows), IReportChallenge.Fault.None);
    }

    /// @dev Halves to even: the nearest integer, and of two as near the even one.
    function testFuzz_term_isJudgedExactly(int64 value, int64 off) public view {
        value = -1_000_000 + int64(uint64(value) % 10_000_000);
        int256 exact = 5 * (int256(value) - 1_000_000) + 20_000_000;
        int256 nearest = exact / 1_000_000;
        while ((nearest + 1) * 1_000_000 - exact < exact - nearest * 1_000_000) ++nearest;
        while (exact - (nearest - 1) * 1_000_000 < nearest * 1_000_000 - exact) --nearest;
        if (exact - nearest * 1_000_000 == 500_000 && nearest % 2 != 0) ++nearest;
        if (nearest * 1_000_000 - exact == 500_000 && nearest % 2 != 0) --nearest;
        _judged(value, int64(nearest), IReportChallenge.Fault.None);
        if (off != 0 && off > LEAST / 2 && off < MOST / 2) {
            _judged(value, int64(nearest) + off, IReportChallenge.Fault.Term);
        }
    }

    function _judged(int64 value, int64 contribution, IReportChallenge.Fault wanted) private view {
        IReportChallenge.Row[] memory rows = _rows(70, 70, value, contribution);
        uint256 at = rows[0].index == 1 ? 0 : 1;
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(challenge.termFault(LINEAR, root, _opened(rows, at, false)), wanted);
    }

    function test_term_roundsHalvesToEven() public view {
        _judged(1_100_000, 20, IReportChallenge.Fault.None);
        _judged(1_300_000, 22, IReportChallenge.Fault.None);
        _judged(900_000, 20, IReportChallenge.Fault.None);
        _judged(700_000, 18, IReportChallenge.Fault.None);
    }

    function test_term_holdsItsRangeToTheUnit() public {
        _judged(-1_000_000, 10, IReportChallenge.Fault.None);
        _judged(8_999_999, 60, IReportChallenge.Fault.None);
        _beyond(-1_000_001);
        _beyond(9_000_000);
    }

    function _beyond(int64 value) private {
        IReportChallenge.Row[] memory rows = _rows(70, 70, value, 0);
        uint256 at = rows[0].index == 1 ? 0 : 1;
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        IReportChallenge.Opened memory opened = _opened(rows, at, false);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TermDoesNotApply.selector, 1));
        challenge.termFault(LINEAR, root, opened);
        opened = _opened(rows, at, true);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TermDoesNotApply.selector, 1));
        challenge.termFault(LINEAR, root, opened);
        opened.term.step += 1;
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TermNotInModel.selector, LINEAR));
        challenge.termFault(LINEAR, root, opened);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.RowsNotInReport.selector, bytes32(0)));
        challenge.termFault(LINEAR, 0, opened);
    }

    function test_rows_areAllOfThem() public {
        IReportChallenge.Row[] memory rows = _rows(1, 2, 0, 1);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        IReportChallenge.Row[] memory one = new IReportChallenge.Row[](1);
        one[0] = rows[0];
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.RowsNotInReport.selector, root));
        challenge.sumFault(MODEL, root, 0, one);
        (rows[0].index, rows[1].index) = (1, 1);
        bytes32 twice = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(challenge.sumFault(MODEL, twice, 0, rows), IReportChallenge.Fault.Rows);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TooManyRows.selector, 0, 256));
        challenge.sumFault(MODEL, root, 0, new IReportChallenge.Row[](0));
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TooManyRows.selector, 257, 256));
        challenge.sumFault(MODEL, root, 0, new IReportChallenge.Row[](257));
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.RowsNotInReport.selector, root));
        challenge.sumFault(MODEL, root, 0, new IReportChallenge.Row[](256));
    }

    function test_rows_areABaseAndNumberedFeatures() public view {
        IReportChallenge.Row[] memory rows = _rows(1, 2, 0, 1);
        uint256 base = rows[0].index == 0 ? 0 : 1;
        (rows[base].known, rows[base].name) = (false, "base");
        _isNoExplanation(rows);
        (rows[base].known, rows[base].name) = (true, "rate");
        _isNoExplanation(rows);
        (rows[base].index, rows[base].name) = (2, "base");
        _isNoExplanation(rows);
    }

    function _isNoExplanation(IReportChallenge.Row[] memory rows) private view {
        IReportChallenge.Row[] memory told = new IReportChallenge.Row[](2);
        bool inOrder = _leaf(rows[0]) < _leaf(rows[1]);
        (told[0], told[1]) = inOrder ? (rows[0], rows[1]) : (rows[1], rows[0]);
        bytes32 root = _pair(_leaf(told[0]), _leaf(told[1]));
        _isFault(challenge.sumFault(MODEL, root, 0, told), IReportChallenge.Fault.Rows);
    }

    /// @dev ln 3 = 1.0986123: shares of a quarter and of three quarters; halves of a millionth apart either way.
    function test_logistic_isJudgedToRounding() public {
        bytes32 logistic = keccak256("logistic");
        _register(logistic, IModelRegistry.Link.Logistic);
        _share(logistic, 0, 500_000);
        _share(logistic, 1_098_612, 750_000);
        _share(logistic, -1_098_612, 250_000);
        _share(logistic, 70_000_000, 1_000_000);
        _share(logistic, -70_000_000, 0);
    }

    function _share(bytes32 model, int64 margin, int48 score) private view {
        IReportChallenge.Row[] memory rows = _rows(margin, margin, 0, 0);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(challenge.sumFault(model, root, score, rows), IReportChallenge.Fault.None);
        _isFault(challenge.sumFault(model, root, score + 1, rows), IReportChallenge.Fault.Score);
        _isFault(challenge.sumFault(model, root, score - 1, rows), IReportChallenge.Fault.Score);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ReportChallenge.sol:ReportChallenge", abi.encode(stranger));
    }
}
