// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PredictionOracle} from "../../contracts/PredictionOracle.sol";
import {TwinToken} from "../../contracts/TwinToken.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {VmActors} from "./Decision.t.sol";

/// @notice A registry that approves every model, and a judge that finds every sum wrong.
contract Complaisant {
    function isApproved(bytes32) external pure returns (bool) {
        return true;
    }

    function sumFault(bytes32, bytes32, int48, IReportChallenge.Row[] calldata) external pure returns (IReportChallenge.Fault) {
        return IReportChallenge.Fault.Sum;
    }
}

/// @notice Reports posted by their root, of two nodes who must agree: whatever they sign.
contract BundlesSymbolic {
    /// @dev Each recovers whatever key; that they are nodes' is one of the ways it can go.
    struct Votes {
        bytes32 r;
        bytes32 s;
        uint8 v;
        bytes32 otherR;
        bytes32 otherS;
        uint8 otherV;
    }

    VmActors private constant vm = VmActors(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    address private constant OWNER = address(0xA11CE);
    uint256 private constant TWIN = 0x71 << 8 | 2;
    uint40 private constant NOW = 1_800_000_000;
    bytes32 private constant MANIFEST = bytes32("manifest");

    PredictionOracle private oracle;
    bytes32 private config;

    function setUp() public {
        vm.warp(NOW);
        TwinToken twins = new TwinToken();
        vm.prank(OWNER);
        twins.mint(TWIN);
        address judge = address(new Complaisant());
        oracle = new PredictionOracle(
            ITwinToken(address(twins)), IModelRegistry(judge), IReportChallenge(judge), _nodes(0x1001), 0
        );
        config = oracle.configDigest();
    }

    function _nodes(uint160 first) private pure returns (address[] memory nodes) {
        nodes = new address[](2);
        (nodes[0], nodes[1]) = (address(first), address(first + 1));
    }

    function _both(Votes calldata votes) private pure returns (bytes memory) {
        return abi.encodePacked(votes.r, votes.s, votes.v, votes.otherR, votes.otherS, votes.otherV);
    }

    function _rootOf(IPredictionOracle.Report memory report) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(oracle.reportDigest(report)))));
    }

    /// @dev A bundle of one report: its root is the leaf.
    function _posted(IPredictionOracle.Report memory report, Votes calldata votes) private {
        (report.twinId, report.config) = (TWIN, config);
        oracle.postBundle(IPredictionOracle.Bundle(_rootOf(report), MANIFEST, config), _both(votes));
    }

    function _refute(IPredictionOracle.Report memory report, Votes calldata votes) private {
        IPredictionOracle.Place memory place = IPredictionOracle.Place(MANIFEST, new bytes32[](0));
        oracle.refuteSum(report, place, _both(votes), new IReportChallenge.Row[](0));
    }

    function _countsForNothing(IPredictionOracle.Report memory report) private {
        bytes32[] memory path = new bytes32[](0);
        try oracle.consumeProven(report, path, type(uint40).max, type(uint48).max) {
            assert(false);
        } catch {}
        try oracle.settle(report, path) {
            assert(false);
        } catch {}
    }

    function check_oneNodeIsNoQuorum(bytes32 root, bytes32 manifest, bytes32 r, bytes32 s, uint8 v) external {
        try oracle.postBundle(IPredictionOracle.Bundle(root, manifest, config), abi.encodePacked(r, s, v)) {
            assert(false);
        } catch {}
    }

    function check_nobodyCountsTwice(bytes32 root, bytes32 manifest, bytes32 r, bytes32 s, uint8 v) external {
        bytes memory twice = abi.encodePacked(r, s, v, r, s, v);
        try oracle.postBundle(IPredictionOracle.Bundle(root, manifest, config), twice) {
            assert(false);
        } catch {}
    }

    function check_aBundleIsPostedOnce(bytes32 root, Votes calldata votes, bytes32 manifest, Votes calldata later) external {
        oracle.postBundle(IPredictionOracle.Bundle(root, MANIFEST, config), _both(votes));
        try oracle.postBundle(IPredictionOracle.Bundle(root, manifest, config), _both(later)) {
            assert(false);
        } catch {}
    }

    function check_whatWasNotPostedCountsForNothing(IPredictionOracle.Report memory report) external {
        _countsForNothing(report);
    }

    function check_settledIsTheReport(IPredictionOracle.Report memory report, Votes calldata votes) external {
        _posted(report, votes);
        oracle.settle(report, new bytes32[](0));
        IPredictionOracle.Latest memory kept = oracle.latest(TWIN, report.model);
        assert(kept.round == report.round && kept.asOf == report.asOf && kept.status == report.status);
        assert(kept.score == report.score && kept.low == report.low && kept.high == report.high && kept.config == 1);
        assert(report.round > 0 && report.asOf <= NOW && report.low <= report.score && report.score <= report.high);
    }

    function check_roundsOnlyGoForward(
        IPredictionOracle.Report memory first,
        Votes calldata votes,
        IPredictionOracle.Report memory second,
        Votes calldata others
    ) external {
        vm.assume(second.round <= first.round);
        second.model = first.model;
        _posted(first, votes);
        _posted(second, others); // refused where both are the same
        bytes32[] memory path = new bytes32[](0);
        oracle.settle(first, path);
        try oracle.settle(second, path) {
            assert(false);
        } catch {}
        try oracle.consumeProven(second, path, type(uint40).max, type(uint48).max) returns (IPredictionOracle.Latest memory read) {
            assert(keccak256(abi.encode(read)) == keccak256(abi.encode(oracle.latest(TWIN, first.model)))); // says the same
        } catch {}
    }

    function check_refutedCountsForNothing(IPredictionOracle.Report memory report, Votes calldata votes) external {
        _posted(report, votes);
        _refute(report, votes);
        _countsForNothing(report);
    }

    function check_whoSignedWhatWasRefutedIsANodeNoMore(IPredictionOracle.Report memory report, Votes calldata votes) external {
        _posted(report, votes);
        _refute(report, votes);
        assert(!oracle.isSigner(address(0x1001)) && !oracle.isSigner(address(0x1002)));
    }

    function check_afterItsWindowAReportStands(IPredictionOracle.Report memory report, Votes calldata votes, uint40 time)
        external
    {
        vm.assume(time >= NOW + oracle.WINDOW());
        _posted(report, votes);
        vm.warp(time);
        (bool refuted,) = address(this).call(abi.encodeCall(this.refute, (report, votes)));
        assert(!refuted);
    }

    function refute(IPredictionOracle.Report memory report, Votes calldata votes) external {
        _refute(report, votes);
    }

    function check_whatWasPostedOutlivesARotation(
        IPredictionOracle.Report memory report,
        Votes calldata votes,
        Votes calldata rotation
    ) external {
        _posted(report, votes);
        oracle.rotate(_nodes(0x2001), 0, NOW + 1, _both(rotation));
        oracle.settle(report, new bytes32[](0));
        assert(oracle.latest(TWIN, report.model).round == report.round && oracle.latest(TWIN, report.model).config == 1);
    }

    function check_nodesOfAnEarlierConfigPostNothing(Votes calldata rotation, bytes32 root, bytes32 manifest, Votes calldata votes)
        external
    {
        oracle.rotate(_nodes(0x2001), 0, NOW + 1, _both(rotation));
        try oracle.postBundle(IPredictionOracle.Bundle(root, manifest, config), _both(votes)) {
            assert(false);
        } catch {}
    }
}
