// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDataAnchor} from "../../contracts/interfaces/IDataAnchor.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Fixture} from "./Fixture.sol";

/// anchor
///   given what a paired device signed
///     it is counted and told
///     it counts a twin's batches over its devices
///   when it has no readings, digest or root
///     it refuses
///   when its end is before its start, or after now
///     it refuses
///   when the signer is not paired with the twin, or it is no signature
///     it refuses
///   when the calibration is over
///     it refuses, from that second on
///   when the sequence is not the next
///     it refuses any other
///     it refuses the last and the next but one
///   when it names another past
///     it refuses
///   when the twin is retired
///     it refuses
/// isReadingIn
///   given a root, a path and a leaf
///     it is true for what is included only
/// batchDigest
///   it is EIP-712's
/// constructor
///   given an address without code
///     it refuses
contract DataAnchorTest is Fixture {
    uint40 private constant UNTIL = NOW + 90 days;

    function setUp() public override {
        super.setUp();
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
    }

    function _send(uint256 key, IDataAnchor.Batch memory batch) private returns (uint64) {
        bytes memory signature = _sign(key, _batchDigest(batch));
        return anchor.anchor(batch, signature);
    }

    function _refuses(IDataAnchor.Batch memory batch, bytes memory reason) private {
        _refusesFrom(DEVICE_KEY, batch, reason);
    }

    function _refusesFrom(uint256 key, IDataAnchor.Batch memory batch, bytes memory reason) private {
        bytes memory signature = _sign(key, _batchDigest(batch));
        vm.expectRevert(reason);
        anchor.anchor(batch, signature);
    }

    function test_anchor_isCountedAndTold() public {
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        bytes memory signature = _sign(DEVICE_KEY, _batchDigest(batch));
        vm.expectEmit(address(anchor));
        emit IDataAnchor.BatchAnchored(PATIENT, device, 1, batch);
        vm.assertEq(anchor.anchor(batch, signature), 1);

        (uint64 sequence, bytes24 last) = anchor.headOf(device);
        vm.assertEq(sequence, 1);
        vm.assertEq(last, bytes24(batch.digest));
        vm.assertEq(anchor.batchCount(PATIENT), 1);
        vm.assertEq(anchor.batchCount(WARD), 0);
        vm.assertEq(_anchor(DEVICE_KEY, PATIENT), 2);
    }

    function test_anchor_countsATwinsBatchesOverItsDevices() public {
        _pair(STRANGER_KEY, PATIENT, UNTIL, 0);
        vm.assertEq(_anchor(DEVICE_KEY, PATIENT), 1);
        vm.assertEq(_anchor(STRANGER_KEY, PATIENT), 2);
        (uint64 sequence,) = anchor.headOf(stranger);
        vm.assertEq(sequence, 1);
    }

    function test_anchor_refusesTheEmpty() public {
        bytes memory empty = abi.encodeWithSelector(IDataAnchor.EmptyBatch.selector);
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        batch.readings = 0;
        _refuses(batch, empty);
        batch = _next(DEVICE_KEY, PATIENT);
        batch.digest = 0;
        _refuses(batch, empty);
        batch = _next(DEVICE_KEY, PATIENT);
        batch.root = 0;
        _refuses(batch, empty);
    }

    function test_anchor_holdsTimesToTheSecond() public {
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        (batch.start, batch.end) = (NOW - 1, NOW - 2);
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.InvalidInterval.selector, NOW - 1, NOW - 2, NOW));
        (batch.start, batch.end) = (NOW, NOW + 1);
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.InvalidInterval.selector, NOW, NOW + 1, NOW));
        (batch.start, batch.end) = (NOW, NOW);
        vm.assertEq(_send(DEVICE_KEY, batch), 1);
    }

    function test_anchor_refusesUnknownSpeakers() public {
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        _refusesFrom(STRANGER_KEY, batch, abi.encodeWithSelector(IDataAnchor.UnpairedDevice.selector, stranger, PATIENT));
        batch.twinId = WARD;
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.UnpairedDevice.selector, device, WARD));
        vm.expectRevert(abi.encodeWithSelector(IDataAnchor.UnpairedDevice.selector, address(0), WARD));
        anchor.anchor(batch, new bytes(65));
        vm.expectRevert(abi.encodeWithSelector(IDataAnchor.UnpairedDevice.selector, address(0), WARD));
        anchor.anchor(batch, new bytes(64));
        vm.prank(device);
        devices.unpair(device);
        batch.twinId = PATIENT;
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.UnpairedDevice.selector, device, PATIENT));
    }

    function test_anchor_endsWithTheCalibration() public {
        vm.warp(UNTIL);
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.CalibrationExpired.selector, device, UNTIL));
        vm.warp(UNTIL - 1);
        _anchor(DEVICE_KEY, PATIENT);
    }

    function testFuzz_anchor_refusesAnyOtherSequence(uint64 sequence) public {
        _anchor(DEVICE_KEY, PATIENT);
        vm.assume(sequence != 2);
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        batch.sequence = sequence;
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.BrokenSequence.selector, device, sequence, 2));
    }

    function test_anchor_refusesNeighboursAndReplays() public {
        IDataAnchor.Batch memory first = _next(DEVICE_KEY, PATIENT);
        first.sequence = 0;
        _refuses(first, abi.encodeWithSelector(IDataAnchor.BrokenSequence.selector, device, 0, 1));
        first.sequence = 1;
        _send(DEVICE_KEY, first);
        _refuses(first, abi.encodeWithSelector(IDataAnchor.BrokenSequence.selector, device, 1, 2));
        first.sequence = 3;
        _refuses(first, abi.encodeWithSelector(IDataAnchor.BrokenSequence.selector, device, 3, 2));
    }

    function test_anchor_refusesAnotherPast() public {
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        batch.previous = bytes32(uint256(1) << 64);
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.BrokenChain.selector, device, batch.previous));
        _anchor(DEVICE_KEY, PATIENT);
        batch = _next(DEVICE_KEY, PATIENT);
        batch.previous = 0;
        _refuses(batch, abi.encodeWithSelector(IDataAnchor.BrokenChain.selector, device, bytes32(0)));
    }

    function test_anchor_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        _refuses(_next(DEVICE_KEY, PATIENT), abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
    }

    function testFuzz_isReadingIn_provesInclusion(bytes32 leaf, bytes32 sibling, bytes32 other) public view {
        vm.assume(leaf != other && sibling != other);
        bytes32 root = keccak256(leaf < sibling ? abi.encode(leaf, sibling) : abi.encode(sibling, leaf));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = sibling;
        vm.assertTrue(anchor.isReadingIn(root, proof, leaf));
        vm.assertFalse(anchor.isReadingIn(root, proof, other));
    }

    function test_batchDigest_isTypedData() public view {
        IDataAnchor.Batch memory batch = _next(DEVICE_KEY, PATIENT);
        vm.assertEq(anchor.batchDigest(batch), _batchDigest(batch));
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        vm.expectRevert(reason);
        this.create("DataAnchor.sol:DataAnchor", abi.encode(stranger, devices));
        vm.expectRevert(reason);
        this.create("DataAnchor.sol:DataAnchor", abi.encode(twins, stranger));
    }
}
