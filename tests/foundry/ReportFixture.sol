// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// @notice Reports with two rows, a base and one feature, of a model with three terms.
abstract contract ReportFixture is OracleFixture {
    bytes32 internal constant LINEAR = keccak256("linear");
    bytes32 internal constant MANIFEST = bytes32("manifest");
    int64 internal constant LEAST = type(int64).min;
    int64 internal constant MOST = type(int64).max;
    IPredictionOracle.Place internal alone;

    function setUp() public override {
        super.setUp();
        _register(LINEAR, IModelRegistry.Link.Identity);
    }

    function _register(bytes32 model, IModelRegistry.Link link) internal {
        models.register(model, bytes32("card"), 0, false);
        models.registerTerms(model, _pair(_leaf(_base()), _leaf(_rate())), link);
        vm.prank(administrator);
        models.approve(model);
    }

    function _base() internal pure returns (IReportChallenge.Term memory) {
        return IReportChallenge.Term(0, "base", true, LEAST, MOST, 70, 0, 0);
    }

    function _rate() internal pure returns (IReportChallenge.Term memory) {
        return IReportChallenge.Term(1, "rate", true, -1_000_000, 9_000_000, 20, 5, 1_000_000);
    }

    function _rows(int64 base, int64 margin, int64 value, int64 contribution)
        internal
        pure
        returns (IReportChallenge.Row[] memory rows)
    {
        rows = new IReportChallenge.Row[](2);
        rows[0] = IReportChallenge.Row(0, "base", true, margin, base);
        rows[1] = IReportChallenge.Row(1, "rate", true, value, contribution);
        if (_leaf(rows[0]) > _leaf(rows[1])) (rows[0], rows[1]) = (rows[1], rows[0]);
    }

    function _leaf(IReportChallenge.Row memory row) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256(abi.encode(row.index, row.name, row.known, row.value, row.contribution)))
        );
    }

    function _leaf(IReportChallenge.Term memory t) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256(abi.encode(t.index, t.name, t.known, t.from, t.below, t.step, t.slope, t.centre)))
        );
    }

    function _pair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    function _told(bytes32 model, IReportChallenge.Row[] memory rows, int48 score)
        internal
        view
        returns (IPredictionOracle.Report memory report)
    {
        report = _report(1);
        (report.model, report.explanationRoot) = (model, _pair(_leaf(rows[0]), _leaf(rows[1])));
        (report.low, report.score, report.high) = (score - 1, score, score + 1);
    }

    function _opened(IReportChallenge.Row[] memory rows, uint256 at, bool base)
        internal
        pure
        returns (IReportChallenge.Opened memory opened)
    {
        (opened.row, opened.term) = (rows[at], base ? _base() : _rate());
        (opened.path, opened.termPath) = (new bytes32[](1), new bytes32[](1));
        opened.path[0] = _leaf(rows[1 - at]);
        opened.termPath[0] = base ? _leaf(_rate()) : _leaf(_base());
    }

    function _votes(bytes32 digest) internal view returns (bytes memory) {
        return bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest), _sign(keys[2], digest));
    }

    function _bundle(bytes32 root) internal view returns (bytes32) {
        bytes32 typehash = keccak256("Bundle(bytes32 root,bytes32 manifest,bytes32 config)");
        return _typed(address(oracle), abi.encode(typehash, root, MANIFEST, oracle.configDigest()));
    }

    function _under(IPredictionOracle.Report memory report) internal view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(_digest(report)))));
    }

    function _place(bytes32 sibling) internal pure returns (IPredictionOracle.Place memory place) {
        (place.manifest, place.path) = (MANIFEST, new bytes32[](1));
        place.path[0] = sibling;
    }

    function _isFault(IReportChallenge.Fault got, IReportChallenge.Fault wanted) internal pure {
        vm.assertEq(uint256(got), uint256(wanted));
    }
}
