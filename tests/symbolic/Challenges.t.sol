// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ReportChallenge} from "../../contracts/ReportChallenge.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {VmActors} from "./Decision.t.sol";

/// @notice A model's terms, as they are told.
contract Terms {
    bytes32 private _root;
    IModelRegistry.Link private _link;

    function set(bytes32 root, IModelRegistry.Link link) external {
        (_root, _link) = (root, link);
    }

    function termsOf(bytes32) external view returns (bytes32, IModelRegistry.Link) {
        return (_root, _link);
    }
}

/// @notice What the judge finds, for every row and every term. The rounding of a product is shown over all integers by
/// `scripts/lemmas.py`; the logistic link, which no solver ends with, is tested.
contract ChallengesSymbolic {
    VmActors private constant vm = VmActors(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    Terms private models;
    ReportChallenge private judge;

    function setUp() public {
        models = new Terms();
        judge = new ReportChallenge(IModelRegistry(address(models)));
    }

    function _leafOf(IReportChallenge.Row memory row) private pure returns (bytes32) {
        bytes memory encoded = abi.encode(row.index, row.name, row.known, row.value, row.contribution);
        return keccak256(bytes.concat(keccak256(encoded)));
    }

    function _leafOf(IReportChallenge.Term memory term) private pure returns (bytes32) {
        bytes memory encoded =
            abi.encode(term.index, term.name, term.known, term.from, term.below, term.step, term.slope, term.centre);
        return keccak256(bytes.concat(keccak256(encoded)));
    }

    function _rows(uint16 index, bool known, int64 value, int64 contribution)
        private
        pure
        returns (IReportChallenge.Row[] memory rows)
    {
        rows = new IReportChallenge.Row[](1);
        rows[0] = IReportChallenge.Row(index, "base", known, value, contribution);
    }

    function check_aRowBeyondTheirNumberIsNone(uint16 index, bool known, int64 margin, int64 base, int48 score) external view {
        vm.assume(index != 0);
        IReportChallenge.Row[] memory rows = _rows(index, known, margin, base);
        assert(judge.sumFault(0, _leafOf(rows[0]), score, rows) == IReportChallenge.Fault.Rows);
    }

    function check_aSumIsJudgedExactly(bool known, int64 margin, int64 base, int48 score) external {
        models.set(0, IModelRegistry.Link.Identity);
        IReportChallenge.Row[] memory rows = _rows(0, known, margin, base);
        IReportChallenge.Fault found = judge.sumFault(0, _leafOf(rows[0]), score, rows);
        if (!known) assert(found == IReportChallenge.Fault.Rows);
        else if (base != margin) assert(found == IReportChallenge.Fault.Sum);
        else assert(found == (score == margin ? IReportChallenge.Fault.None : IReportChallenge.Fault.Score));
    }

    function check_withoutALinkNoScoreIsJudged(int64 margin, int64 base, int48 score) external view {
        IReportChallenge.Row[] memory rows = _rows(0, true, margin, base);
        IReportChallenge.Fault found = judge.sumFault(0, _leafOf(rows[0]), score, rows);
        assert(found == (base == margin ? IReportChallenge.Fault.None : IReportChallenge.Fault.Sum));
    }

    function check_twoRowsAreSummed(int64 margin, int64 base, int64 contribution, int48 score) external view {
        IReportChallenge.Row[] memory rows = new IReportChallenge.Row[](2);
        rows[0] = IReportChallenge.Row(0, "base", true, margin, base);
        rows[1] = IReportChallenge.Row(1, "rate", true, 0, contribution);
        (bytes32 a, bytes32 b) = (_leafOf(rows[0]), _leafOf(rows[1]));
        bytes32 root = a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
        bool adds = int256(base) + contribution == margin;
        assert(judge.sumFault(0, root, score, rows) == (adds ? IReportChallenge.Fault.None : IReportChallenge.Fault.Sum));
    }

    function check_rowsOfAnotherRootAreNotJudged(bytes32 root, bool known, int64 margin, int64 base, int48 score) external view {
        IReportChallenge.Row[] memory rows = _rows(0, known, margin, base);
        vm.assume(root != _leafOf(rows[0]));
        try judge.sumFault(0, root, score, rows) {
            assert(false);
        } catch {}
    }

    /// @dev A step without a slope, as trees and cards have it.
    function _opened(bool known, int64 value, int64 contribution, IReportChallenge.Term memory term)
        private
        returns (IReportChallenge.Opened memory opened, bytes32 root)
    {
        (term.name, term.slope) = ("rate", 0);
        opened.row = IReportChallenge.Row(1, "rate", known, value, contribution);
        opened.term = term;
        (opened.path, opened.termPath) = (new bytes32[](0), new bytes32[](0));
        models.set(_leafOf(term), IModelRegistry.Link.Identity);
        return (opened, _leafOf(opened.row));
    }

    function _term(uint16 index, bool known, int64 from, int64 below, int64 step)
        private
        pure
        returns (IReportChallenge.Term memory)
    {
        return IReportChallenge.Term(index, "rate", known, from, below, step, 0, 0);
    }

    function check_aStepIsJudgedExactly(bool known, int64 value, int64 contribution, int64 from, int64 below, int64 step) external {
        (IReportChallenge.Opened memory opened, bytes32 root) =
            _opened(known, value, contribution, _term(1, known, from, below, step));
        IReportChallenge.Fault found = judge.termFault(0, root, opened);
        assert(from <= value && value < below);
        assert(found == (contribution == step ? IReportChallenge.Fault.None : IReportChallenge.Fault.Term));
    }

    function check_anotherTermDoesNotApply(uint16 index, bool known, bool other, int64 value, int64 from, int64 below) external {
        vm.assume(index != 1 || known != other || value < from || value >= below);
        (IReportChallenge.Opened memory opened, bytes32 root) = _opened(known, value, 0, _term(index, other, from, below, 0));
        try judge.termFault(0, root, opened) {
            assert(false);
        } catch {}
    }

    function check_aTermOfAnotherModelIsNone(bytes32 terms, int64 value, int64 contribution, int64 step) external {
        (IReportChallenge.Opened memory opened, bytes32 root) =
            _opened(true, value, contribution, _term(1, true, type(int64).min, type(int64).max, step));
        vm.assume(terms != _leafOf(opened.term));
        models.set(terms, IModelRegistry.Link.Identity);
        try judge.termFault(0, root, opened) {
            assert(false);
        } catch {}
    }
}
