// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {ReportFixture} from "./ReportFixture.sol";

/// postBundle
///   given what a quorum signed
///     it is posted once; its reports are settled and proven, forward only
///   when root or manifest is 0
///     it refuses
/// settle, consumeProven
///   given a report that was refuted
///     it refuses
/// proveEquivocation
///   given one report by itself and another in a bundle
///     it is seen
contract PredictionOracleBundlesTest is ReportFixture {
    function test_bundle_isPostedOnceSettledAndProven() public {
        IPredictionOracle.Report memory first = _report(1);
        IPredictionOracle.Report memory second = _report(2);
        IPredictionOracle.Place memory place = _place(_under(second));
        bytes32 root = _pair(_under(first), _under(second));
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(root, MANIFEST, oracle.configDigest());
        vm.assertEq(oracle.bundleDigest(bundle), _bundle(root));
        bytes memory unknown = abi.encodeWithSelector(IPredictionOracle.BundleUnknown.selector, root, bundle.config);
        vm.expectRevert(unknown);
        oracle.settle(first, place.path);
        vm.expectRevert(unknown);
        oracle.finalAt(first, place);
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.BundlePosted(root, bundle.config, MANIFEST);
        oracle.postBundle(bundle, _votes(_bundle(root)));
        bytes memory again = _votes(_bundle(root));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.BundleExists.selector, root));
        oracle.postBundle(bundle, again);

        vm.warp(NOW + 10);
        vm.assertEq(oracle.finalAt(first, place), NOW + 1 days);
        vm.assertEq(oracle.consumeProven(first, place.path, 10, 16).round, 1);
        oracle.settle(first, place.path);
        vm.assertEq(oracle.consumeProven(first, place.path, 10, 16).round, 1);
        oracle.settle(second, _place(_under(first)).path);
        vm.assertEq(oracle.latest(PATIENT, MODEL).round, 2);
        bytes memory behind = abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 1, 2);
        vm.expectRevert(behind);
        oracle.settle(first, place.path);
        vm.expectRevert(behind);
        oracle.consumeProven(first, place.path, 10, 16);
    }

    function test_bundle_isNotEmpty() public {
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(0, MANIFEST, oracle.configDigest());
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.EmptyBundle.selector));
        oracle.postBundle(bundle, "");
        (bundle.root, bundle.manifest) = ("root", 0);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.EmptyBundle.selector));
        oracle.postBundle(bundle, "");
    }

    function test_bundle_refutedReportIsNeitherSettledNorProven() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory wrong = _told(MODEL, rows, 3);
        IPredictionOracle.Report memory other = _report(2);
        bytes32 root = _pair(_under(wrong), _under(other));
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(root, MANIFEST, oracle.configDigest());
        oracle.postBundle(bundle, _votes(_bundle(root)));
        oracle.refuteSum(wrong, _place(_under(other)), _votes(_bundle(root)), rows);
        bytes32[] memory path = _place(_under(other)).path;
        bytes memory reason = abi.encodeWithSelector(IPredictionOracle.PredictionIsRefuted.selector, PATIENT, MODEL, 1);
        vm.expectRevert(reason);
        oracle.settle(wrong, path);
        vm.expectRevert(reason);
        oracle.consumeProven(wrong, path, 10, 16);
        oracle.settle(other, _place(_under(wrong)).path);
        vm.assertEq(oracle.consume(PATIENT, MODEL, 10, 16).round, 2);
    }

    function test_equivocation_isSeenAcrossBundles() public {
        IPredictionOracle.Report memory mine = _report(1);
        IPredictionOracle.Report memory other = _report(1);
        other.score = 6;
        IPredictionOracle.Signed memory a =
            IPredictionOracle.Signed(mine, _place(MANIFEST), _sign(keys[1], _bundle(_pair(_under(mine), MANIFEST))));
        oracle.proveEquivocation(a, _signedBy(keys[1], other));
        vm.assertFalse(oracle.isSigner(vm.addr(keys[1])));
    }
}
