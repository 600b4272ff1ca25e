// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDataAnchor} from "../../contracts/interfaces/IDataAnchor.sol";
import {IEpochAnchor} from "../../contracts/interfaces/IEpochAnchor.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Fixture} from "./Fixture.sol";

/// anchorEpoch
///   given an admitted gateway
///     it chains the epoch to the last, and tells
///   when root or batches are missing
///     it refuses
///   given who is no gateway, or whose calibration is over
///     it refuses
///   when the gateway was cut off
///     it refuses a day later, whoever says nothing
/// admit
///   given a paired gateway
///     it is for a day, or to the end of the calibration
/// proveUnknownDevice
///   given a batch of a device that was never paired
///     it suspends the gateway for good, and tells
///     it does so where nobody signed
///   given a device that is, or was, paired
///     it refuses
/// a proof
///   when the epoch is not where it says
///     it refuses
///   when the batch is not in it
///     it refuses
/// proveBrokenSequence
///   given two batches of one device
///     it suspends for two with one number
///     it suspends for a pair that does not join
///     it spares what is whole
///     it spares batches of two devices, or of nobody
///     it suspends for two in different epochs
/// constructor
///   given an address without code
///     it refuses
contract EpochAnchorTest is Fixture {
    uint256 private constant GATEWAY_KEY = 0x6A7E;
    uint40 private constant UNTIL = NOW + 90 days;

    IEpochAnchor private epochs;
    address private immutable gateway = vm.addr(GATEWAY_KEY);

    function setUp() public override {
        super.setUp();
        epochs = IEpochAnchor(vm.deployCode("EpochAnchor.sol:EpochAnchor", abi.encode(anchor, devices)));
        _pair(GATEWAY_KEY, WARD, UNTIL, 0);
        epochs.admit(gateway);
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
    }

    function _post(IEpochAnchor.Epoch memory epoch) private returns (uint40) {
        vm.prank(gateway);
        return epochs.anchorEpoch(epoch);
    }

    function _refuses(IEpochAnchor.Epoch memory epoch, bytes memory why) private {
        vm.expectRevert(why);
        _post(epoch);
    }

    function _batch(uint64 sequence, bytes32 previous, bytes32 digest) private pure returns (IDataAnchor.Batch memory) {
        return IDataAnchor.Batch(PATIENT, sequence, previous, digest, bytes32("root"), 5, NOW - 60, NOW);
    }

    function _found(IDataAnchor.Batch memory batch, uint256 key) private view returns (IEpochAnchor.Included memory) {
        return IEpochAnchor.Included(batch, _sign(key, _batchDigest(batch)), new bytes32[](0));
    }

    function _leaf(IEpochAnchor.Included memory found) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(_batchDigest(found.batch), keccak256(found.signature)))));
    }

    /// @dev An epoch of one batch, posted; its place while nothing follows.
    function _postOne(IEpochAnchor.Included memory found) private returns (IEpochAnchor.Place memory) {
        (, bytes21 before,,) = epochs.headOf(gateway);
        IEpochAnchor.Epoch memory epoch = IEpochAnchor.Epoch(_leaf(found), 1, bytes32("manifest"));
        _post(epoch);
        return IEpochAnchor.Place(before, epoch, new IEpochAnchor.Epoch[](0));
    }

    /// @dev One epoch of two batches, and how both are proven in it.
    function _postTwo(IEpochAnchor.Included memory a, IEpochAnchor.Included memory b) private returns (IEpochAnchor.Place memory) {
        (, bytes21 before,,) = epochs.headOf(gateway);
        (bytes32 x, bytes32 y) = (_leaf(a), _leaf(b));
        (a.proof, b.proof) = (new bytes32[](1), new bytes32[](1));
        (a.proof[0], b.proof[0]) = (y, x);
        IEpochAnchor.Epoch memory epoch =
            IEpochAnchor.Epoch(keccak256(x < y ? abi.encode(x, y) : abi.encode(y, x)), 2, bytes32("manifest"));
        _post(epoch);
        return IEpochAnchor.Place(before, epoch, new IEpochAnchor.Epoch[](0));
    }

    function _isSuspended() private view returns (bool suspended) {
        (,,, suspended) = epochs.headOf(gateway);
    }

    // -- anchorEpoch -----------------------------------------------------------

    function test_anchorEpoch_chainsAndTells() public {
        IEpochAnchor.Epoch memory epoch = IEpochAnchor.Epoch(bytes32("root"), 9, bytes32("manifest"));
        vm.expectEmit(address(epochs));
        emit IEpochAnchor.EpochAnchored(gateway, 1, epoch);
        vm.assertEq(_post(epoch), 1);
        bytes21 first = bytes21(keccak256(abi.encode(bytes21(0), epoch)));
        (uint40 number, bytes21 head, uint40 until, bool suspended) = epochs.headOf(gateway);
        vm.assertEq(number, 1);
        vm.assertEq(bytes32(head), bytes32(first));
        vm.assertEq(until, NOW + 1 days);
        vm.assertFalse(suspended);
        vm.assertEq(_post(epoch), 2);
        (number, head, until, suspended) = epochs.headOf(gateway);
        vm.assertEq(number, 2);
        vm.assertEq(bytes32(head), bytes32(bytes21(keccak256(abi.encode(first, epoch)))));
        vm.assertFalse(suspended);
    }

    function test_anchorEpoch_refusesTheEmpty() public {
        bytes memory empty = abi.encodeWithSelector(IEpochAnchor.EmptyEpoch.selector);
        _refuses(IEpochAnchor.Epoch(0, 1, 0), empty);
        _refuses(IEpochAnchor.Epoch(bytes32("root"), 0, 0), empty);
        _post(IEpochAnchor.Epoch(bytes32("root"), 1, 0));
    }

    function test_anchorEpoch_isForCalibratedGateways() public {
        IEpochAnchor.Epoch memory epoch = IEpochAnchor.Epoch(bytes32("root"), 1, 0);
        bytes memory reason = abi.encodeWithSelector(IEpochAnchor.NotGateway.selector, gateway);
        vm.expectRevert(abi.encodeWithSelector(IEpochAnchor.NotGateway.selector, stranger));
        vm.prank(stranger);
        epochs.anchorEpoch(epoch);
        vm.warp(UNTIL - 1);
        epochs.admit(gateway);
        _post(epoch);
        vm.warp(UNTIL);
        _refuses(epoch, reason);
        vm.warp(UNTIL - 1);
        vm.prank(gateway);
        devices.unpair(gateway);
        vm.expectEmit(address(epochs));
        emit IEpochAnchor.GatewayAdmitted(gateway, 0);
        vm.prank(stranger);
        epochs.admit(gateway);
        _refuses(epoch, reason);
    }

    /// @dev Nobody has to say that a gateway was cut off: a day later it is.
    function test_anchorEpoch_endsADayAfterACutOff() public {
        IEpochAnchor.Epoch memory epoch = IEpochAnchor.Epoch(bytes32("root"), 1, 0);
        vm.prank(gateway);
        devices.unpair(gateway);
        vm.warp(NOW + 1 days - 1);
        _post(epoch);
        vm.warp(NOW + 1 days);
        _refuses(epoch, abi.encodeWithSelector(IEpochAnchor.NotGateway.selector, gateway));
        vm.assertEq(epochs.admit(gateway), 0);
        _refuses(epoch, abi.encodeWithSelector(IEpochAnchor.NotGateway.selector, gateway));
    }

    function testFuzz_admit_isForADayOrTheCalibration(uint40 elapsed) public {
        vm.warp(uint256(NOW) + elapsed % 92 days);
        uint256 latest = block.timestamp + 1 days < UNTIL ? block.timestamp + 1 days : UNTIL;
        vm.assertEq(epochs.admit(gateway), latest);
    }

    // -- faults ----------------------------------------------------------------

    function test_proveUnknownDevice_suspends() public {
        IEpochAnchor.Included memory found = _found(_batch(1, 0, "one"), STRANGER_KEY);
        IEpochAnchor.Place memory place = _postOne(found);
        vm.expectEmit(address(epochs));
        emit IEpochAnchor.GatewaySuspended(gateway, IEpochAnchor.Fault.UnknownDevice, stranger);
        vm.prank(stranger);
        epochs.proveUnknownDevice(gateway, place, found);

        vm.assertTrue(_isSuspended());
        (uint40 number,,,) = epochs.headOf(gateway);
        vm.assertEq(number, 1);
        bytes memory reason = abi.encodeWithSelector(IEpochAnchor.GatewayIsSuspended.selector, gateway);
        _refuses(place.epoch, reason);
        vm.expectRevert(reason);
        epochs.proveUnknownDevice(gateway, place, found);
        epochs.admit(gateway);
        vm.assertTrue(_isSuspended());
    }

    function test_proveUnknownDevice_ofABatchNobodySigned() public {
        IEpochAnchor.Included memory found = _found(_batch(1, 0, "one"), DEVICE_KEY);
        found.signature = new bytes(65);
        epochs.proveUnknownDevice(gateway, _postOne(found), found);
        vm.assertTrue(_isSuspended());
    }

    function test_proveUnknownDevice_sparesTheKnown() public {
        IEpochAnchor.Included memory found = _found(_batch(1, 0, "one"), DEVICE_KEY);
        IEpochAnchor.Place memory place = _postOne(found);
        bytes memory reason = abi.encodeWithSelector(IEpochAnchor.NoFault.selector);
        vm.expectRevert(reason);
        epochs.proveUnknownDevice(gateway, place, found);
        vm.prank(device);
        devices.unpair(device);
        vm.expectRevert(reason);
        epochs.proveUnknownDevice(gateway, place, found);
        vm.assertFalse(_isSuspended());
    }

    function test_proofs_needThePlace() public {
        IEpochAnchor.Included memory found = _found(_batch(1, 0, "one"), STRANGER_KEY);
        IEpochAnchor.Place memory place = _postOne(found);
        IEpochAnchor.Epoch[] memory later = new IEpochAnchor.Epoch[](2);
        later[0] = IEpochAnchor.Epoch(bytes32("second"), 1, 0);
        later[1] = IEpochAnchor.Epoch(bytes32("third"), 1, 0);
        _post(later[0]);
        _post(later[1]);
        bytes memory reason = abi.encodeWithSelector(IEpochAnchor.PlaceNotFound.selector, gateway);
        vm.expectRevert(reason);
        epochs.proveUnknownDevice(gateway, place, found);
        place.later = later;
        place.epoch.batches = 2;
        vm.expectRevert(reason);
        epochs.proveUnknownDevice(gateway, place, found);
        vm.expectRevert(abi.encodeWithSelector(IEpochAnchor.PlaceNotFound.selector, stranger));
        epochs.proveUnknownDevice(stranger, place, found);
        place.epoch.batches = 1;
        epochs.proveUnknownDevice(gateway, place, found);
        vm.assertTrue(_isSuspended());
    }

    function test_proofs_needTheBatchIncluded() public {
        IEpochAnchor.Included memory found = _found(_batch(1, 0, "one"), STRANGER_KEY);
        IEpochAnchor.Place memory place = _postOne(found);
        found = _found(_batch(2, 0, "one"), STRANGER_KEY);
        vm.assertEq(epochs.leafOf(found.batch, found.signature), _leaf(found));
        vm.expectRevert(abi.encodeWithSelector(IEpochAnchor.BatchNotIncluded.selector, _leaf(found)));
        epochs.proveUnknownDevice(gateway, place, found);
    }

    function _provesPair(IEpochAnchor.Included memory a, IEpochAnchor.Included memory b, IEpochAnchor.Fault fault) private {
        IEpochAnchor.Place memory place = _postTwo(a, b);
        if (fault == IEpochAnchor.Fault.None) {
            vm.expectRevert(abi.encodeWithSelector(IEpochAnchor.NoFault.selector));
        } else {
            vm.expectEmit(address(epochs));
            emit IEpochAnchor.GatewaySuspended(gateway, fault, address(this));
        }
        epochs.proveBrokenSequence(gateway, place, a, place, b);
        vm.assertTrue(_isSuspended() == (fault != IEpochAnchor.Fault.None));
    }

    function test_proveBrokenSequence_ofTwoWithOneNumber() public {
        _provesPair(
            _found(_batch(4, 0, "one"), DEVICE_KEY),
            _found(_batch(4, 0, "two"), DEVICE_KEY),
            IEpochAnchor.Fault.DuplicateSequence
        );
    }

    function test_proveBrokenSequence_ofAPairThatDoesNotJoin() public {
        _provesPair(
            _found(_batch(4, 0, "one"), DEVICE_KEY), _found(_batch(5, "no", "two"), DEVICE_KEY), IEpochAnchor.Fault.BrokenChain
        );
    }

    function test_proveBrokenSequence_sparesWhatIsWhole() public {
        IEpochAnchor.Included memory four = _found(_batch(4, 0, "one"), DEVICE_KEY);
        _provesPair(four, _found(_batch(5, "one", "two"), DEVICE_KEY), IEpochAnchor.Fault.None);
        _provesPair(four, _found(_batch(6, "no", "two"), DEVICE_KEY), IEpochAnchor.Fault.None);
        _provesPair(_found(_batch(5, "no", "two"), DEVICE_KEY), four, IEpochAnchor.Fault.None);
        _provesPair(_found(_batch(3, "no", "two"), DEVICE_KEY), _found(_batch(5, "no", "two"), DEVICE_KEY), IEpochAnchor.Fault.None);
        _provesPair(four, _found(_batch(4, 0, "one"), DEVICE_KEY), IEpochAnchor.Fault.None);
    }

    function test_proveBrokenSequence_isOfOneDevice() public {
        _provesPair(
            _found(_batch(4, 0, "one"), DEVICE_KEY), _found(_batch(4, 0, "two"), STRANGER_KEY), IEpochAnchor.Fault.None
        );
        IEpochAnchor.Included memory a = _found(_batch(4, 0, "one"), DEVICE_KEY);
        IEpochAnchor.Included memory b = _found(_batch(4, 0, "two"), DEVICE_KEY);
        (a.signature, b.signature) = (new bytes(65), new bytes(65));
        _provesPair(a, b, IEpochAnchor.Fault.None);
    }

    function test_proveBrokenSequence_overTwoEpochs() public {
        IEpochAnchor.Included memory a = _found(_batch(4, 0, "one"), DEVICE_KEY);
        IEpochAnchor.Included memory b = _found(_batch(4, 0, "two"), DEVICE_KEY);
        IEpochAnchor.Place memory placeA = _postOne(a);
        IEpochAnchor.Place memory placeB = _postOne(b);
        placeA.later = new IEpochAnchor.Epoch[](1);
        placeA.later[0] = placeB.epoch;
        epochs.proveBrokenSequence(gateway, placeA, a, placeB, b);
        vm.assertTrue(_isSuspended());
        vm.expectRevert(abi.encodeWithSelector(IEpochAnchor.GatewayIsSuspended.selector, gateway));
        epochs.proveBrokenSequence(gateway, placeA, a, placeB, b);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        vm.expectRevert(reason);
        this.create("EpochAnchor.sol:EpochAnchor", abi.encode(stranger, devices));
        vm.expectRevert(reason);
        this.create("EpochAnchor.sol:EpochAnchor", abi.encode(anchor, stranger));
    }
}
