// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IDeviceRegistry} from "../../contracts/interfaces/IDeviceRegistry.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Fixture} from "./Fixture.sol";

/// pair
///   given the owner and the device's signature
///     it is stored and told
///   given a device that is paired
///     it refuses a second twin
///     it moves on once it is cut off
///   given anybody but the owner
///     it refuses
///   when it is late, or the signature is another's
///     it refuses
///     it refuses what is no signature
///   when the twin is retired
///     it refuses
/// calibrate
///   given the owner and the device's signature
///     it is stored and told
///   given anybody else, or another's signature
///     it refuses
/// unpair
///   given the owner, or the device
///     it cuts the device off, and tells
///   given anybody else
///     it refuses
///   when the twin is retired
///     it works all the same
/// pairingDigest
///   it is EIP-712's
/// constructor
///   given an address without code
///     it refuses
contract DeviceRegistryTest is Fixture {
    uint40 private constant UNTIL = NOW + 90 days;

    function _signed(uint256 key, uint256 twinId, uint40 until, uint256 nonce, uint40 deadline) private view returns (bytes memory) {
        return _sign(key, _pairingDigest(device, twinId, until, nonce, deadline));
    }

    function _calibrate(address by, uint40 until, uint40 deadline, bytes memory signature) private {
        vm.prank(by);
        devices.calibrate(device, until, deadline, signature);
    }

    function test_pair_isStoredAndTold() public {
        vm.expectEmit(address(devices));
        emit IDeviceRegistry.DevicePaired(device, PATIENT, UNTIL);
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);

        IDeviceRegistry.Device memory kept = devices.deviceOf(device);
        vm.assertEq(kept.twinId, PATIENT);
        vm.assertEq(kept.pairedAt, NOW);
        vm.assertEq(kept.calibratedUntil, UNTIL);
        vm.assertTrue(kept.paired);
        (uint40 pairedAt, uint40 until, bool paired) = devices.pairingOf(device, PATIENT);
        vm.assertEq(pairedAt, NOW);
        vm.assertEq(until, UNTIL);
        vm.assertTrue(paired);
        (pairedAt,, paired) = devices.pairingOf(device, WARD);
        vm.assertEq(pairedAt, 0);
        vm.assertFalse(paired);
        vm.assertEq(devices.calibrationOf(device, PATIENT), UNTIL);
        vm.assertEq(devices.calibrationOf(device, WARD), 0);
    }

    function test_pair_refusesASecondTwin() public {
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        bytes memory signature = _signed(DEVICE_KEY, WARD, UNTIL, 1, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.DeviceAlreadyPaired.selector, device, PATIENT));
        vm.prank(owner);
        devices.pair(device, WARD, UNTIL, NOW + 1, signature);
    }

    function test_pair_movesOnAfterUnpairing() public {
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        vm.prank(owner);
        devices.unpair(device);
        _pair(DEVICE_KEY, WARD, UNTIL + 1, 1);
        vm.assertEq(devices.deviceOf(device).twinId, WARD);
        (uint40 pairedAt,, bool paired) = devices.pairingOf(device, PATIENT);
        vm.assertEq(pairedAt, NOW);
        vm.assertFalse(paired);
        vm.assertEq(devices.calibrationOf(device, PATIENT), 0);
        vm.assertEq(devices.calibrationOf(device, WARD), UNTIL + 1);
    }

    function testFuzz_pair_refusesWhoIsNotTheOwner(address account) public {
        vm.assume(account != owner);
        bytes memory signature = _signed(DEVICE_KEY, PATIENT, UNTIL, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.NotPairingParty.selector, device, account));
        vm.prank(account);
        devices.pair(device, PATIENT, UNTIL, NOW + 1, signature);
    }

    function test_pair_refusesTheLateAndTheForged() public {
        _refusesPairing(
            NOW, NOW + 1, DEVICE_KEY, 0, abi.encodeWithSelector(IDeviceRegistry.CalibrationNotInFuture.selector, device, NOW)
        );
        _refusesPairing(UNTIL, NOW, DEVICE_KEY, 0, abi.encodeWithSelector(ISigned.SignatureExpired.selector, NOW));
        bytes memory forged = abi.encodeWithSelector(IDeviceRegistry.InvalidDeviceSignature.selector, device);
        _refusesPairing(UNTIL, NOW + 1, STRANGER_KEY, 0, forged);
        _refusesPairing(UNTIL, NOW + 1, DEVICE_KEY, 1, forged);
        _pair(DEVICE_KEY, PATIENT, NOW + 1, 0);
    }

    function _refusesPairing(uint40 until, uint40 deadline, uint256 key, uint256 nonce, bytes memory reason) private {
        bytes memory signature = _signed(key, PATIENT, until, nonce, deadline);
        vm.expectRevert(reason);
        vm.prank(owner);
        devices.pair(device, PATIENT, until, deadline, signature);
    }

    function test_pair_refusesNobodysSignature() public {
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.InvalidDeviceSignature.selector, address(0)));
        vm.prank(owner);
        devices.pair(address(0), PATIENT, UNTIL, NOW + 1, new bytes(65));
    }

    function test_pair_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        bytes memory signature = _signed(DEVICE_KEY, PATIENT, UNTIL, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
        vm.prank(owner);
        devices.pair(device, PATIENT, UNTIL, NOW + 1, signature);
    }

    function test_calibrate_isStoredAndTold() public {
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        bytes memory signature = _signed(DEVICE_KEY, PATIENT, UNTIL + 9, 1, NOW + 1);
        vm.expectEmit(address(devices));
        emit IDeviceRegistry.DeviceCalibrated(device, PATIENT, UNTIL + 9);
        _calibrate(owner, UNTIL + 9, NOW + 1, signature);
        vm.assertEq(devices.deviceOf(device).calibratedUntil, UNTIL + 9);
        vm.assertEq(devices.deviceOf(device).pairedAt, NOW);
    }

    function test_calibrate_refusesStrangersAndForgeries() public {
        bytes memory signature = _signed(DEVICE_KEY, PATIENT, UNTIL + 9, 1, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.DeviceNotPaired.selector, device));
        _calibrate(owner, UNTIL + 9, NOW + 1, signature);
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.NotPairingParty.selector, device, stranger));
        _calibrate(stranger, UNTIL + 9, NOW + 1, signature);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.InvalidDeviceSignature.selector, device));
        _calibrate(owner, UNTIL + 8, NOW + 1, signature);
        vm.assertEq(devices.deviceOf(device).calibratedUntil, UNTIL);
    }

    function test_unpair_byEitherSide() public {
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        vm.expectEmit(address(devices));
        emit IDeviceRegistry.DeviceUnpaired(device, PATIENT, owner);
        vm.prank(owner);
        devices.unpair(device);
        vm.assertFalse(devices.deviceOf(device).paired);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.DeviceNotPaired.selector, device));
        vm.prank(owner);
        devices.unpair(device);

        _pair(DEVICE_KEY, PATIENT, UNTIL, 1);
        vm.expectEmit(address(devices));
        emit IDeviceRegistry.DeviceUnpaired(device, PATIENT, device);
        vm.prank(device);
        devices.unpair(device);
        vm.assertFalse(devices.deviceOf(device).paired);
    }

    function testFuzz_unpair_refusesOthers(address account) public {
        vm.assume(account != owner && account != device);
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.NotPairingParty.selector, device, account));
        vm.prank(account);
        devices.unpair(device);
    }

    function test_unpair_worksOnARetiredTwin() public {
        _pair(DEVICE_KEY, PATIENT, UNTIL, 0);
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.prank(owner);
        devices.unpair(device);
        vm.assertFalse(devices.deviceOf(device).paired);
    }

    function test_pairingDigest_isTypedData() public view {
        vm.assertEq(
            devices.pairingDigest(device, PATIENT, owner, UNTIL, 3, NOW), _pairingDigest(device, PATIENT, UNTIL, 3, NOW)
        );
    }

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("DeviceRegistry.sol:DeviceRegistry", abi.encode(stranger));
    }
}
