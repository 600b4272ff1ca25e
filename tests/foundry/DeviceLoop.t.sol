// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IDeviceLoop} from "../../contracts/interfaces/IDeviceLoop.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {Fixture} from "./Fixture.sol";

/// setEnvelope, removeEnvelope
///   given who may set them
///     it stores and tells
///     it ends commands where one is removed
///   given anybody else
///     it refuses
/// send
///   given a signed command within the envelope
///     it is stored and told
///     it takes any value within, and none without
///     it takes both edges
///   when a command was sent
///     it waits the interval
///     it waits it after a command of any kind
///   given a device that had none
///     it need not wait
///   when the deadline is too near or too far
///     it refuses
///   when the device is not paired with the twin
///     it refuses
///   when no consent to care with equipment stands
///     it refuses
///   when another clinician signed
///     it refuses
///   when the command was sent
///     it refuses
/// answer
///   given the device
///     it settles the command, either way
///   when the deadline is over
///     it refuses, from that second on
///   given anybody else
///     it refuses
/// constructor
///   given an address without code
///     it refuses
contract DeviceLoopTest is Fixture {
    bytes32 private constant SAFETY_ROLE = keccak256("SAFETY_ROLE");
    uint16 private constant CODE = 7;
    uint40 private constant DEADLINE = NOW + 1 hours;

    uint256 private constant OTHER_KEY = 0x07E2;

    IDeviceLoop private loop;
    address private immutable otherDevice = vm.addr(OTHER_KEY);

    function setUp() public override {
        super.setUp();
        loop = IDeviceLoop(vm.deployCode("DeviceLoop.sol:DeviceLoop", abi.encode(devices, consents, administrator)));
        vm.prank(administrator);
        IAccessControl(address(loop)).grantRole(SAFETY_ROLE, stranger);
        vm.prank(stranger);
        loop.setEnvelope(device, CODE, -10, 10, 60);
        _pair(DEVICE_KEY, PATIENT, NOW + 90 days, 0);
        _grant(PATIENT, grantee, Scope(1 << 5, 1, NOW, NOW + 30 days));
    }

    function _command(int64 value) private view returns (IDeviceLoop.Command memory) {
        return IDeviceLoop.Command(device, PATIENT, CODE, value, grantee, 1, DEADLINE);
    }

    function _digest(IDeviceLoop.Command memory command) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Command(address device,uint256 twinId,uint16 code,int64 value,address clinician,uint256 nonce,uint40 deadline)"
        );
        return _typed(address(loop), abi.encode(typehash, command));
    }

    function _send(IDeviceLoop.Command memory command) private returns (bytes32) {
        bytes memory signature = _sign(GRANTEE_KEY, _digest(command));
        return loop.send(command, signature);
    }

    function _refuses(IDeviceLoop.Command memory command, bytes memory reason) private {
        bytes memory signature = _sign(GRANTEE_KEY, _digest(command));
        vm.expectRevert(reason);
        loop.send(command, signature);
    }

    function _answerFrom(uint256 key, bytes32 id, bool accepted) private view returns (bytes memory) {
        return _sign(key, _typed(address(loop), abi.encode(keccak256("Answer(bytes32 commandId,bool accepted)"), id, accepted)));
    }

    function _inState(bytes32 id, IDeviceLoop.CommandState state) private view {
        vm.assertEq(uint8(loop.stateOf(id)), uint8(state));
    }

    // -- envelopes -------------------------------------------------------------

    function test_setEnvelope_isStoredAndTold() public {
        vm.expectEmit(address(loop));
        emit IDeviceLoop.EnvelopeSet(device, 8, 3, 3, 9);
        vm.prank(stranger);
        loop.setEnvelope(device, 8, 3, 3, 9);
        bytes32 kept = keccak256(abi.encode(loop.envelopeOf(device, 8)));
        vm.assertEq(kept, keccak256(abi.encode(IDeviceLoop.Envelope(3, 3, 9, true))));
        vm.expectRevert(abi.encodeWithSelector(IDeviceLoop.InvalidEnvelope.selector, 4, 3));
        vm.prank(stranger);
        loop.setEnvelope(device, 8, 4, 3, 9);
    }

    function test_removeEnvelope_endsCommands() public {
        vm.expectEmit(address(loop));
        emit IDeviceLoop.EnvelopeRemoved(device, CODE);
        vm.prank(stranger);
        loop.removeEnvelope(device, CODE);
        bytes memory reason = abi.encodeWithSelector(IDeviceLoop.EnvelopeMissing.selector, device, CODE);
        _refuses(_command(0), reason);
        vm.expectRevert(reason);
        vm.prank(stranger);
        loop.removeEnvelope(device, CODE);
        vm.assertFalse(loop.envelopeOf(device, CODE).set);
    }

    function testFuzz_envelopes_needTheRole(address account) public {
        vm.assume(account != stranger);
        bytes memory reason =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, SAFETY_ROLE);
        vm.expectRevert(reason);
        vm.prank(account);
        loop.setEnvelope(device, CODE, 0, 1, 1);
        vm.expectRevert(reason);
        vm.prank(account);
        loop.removeEnvelope(device, CODE);
    }

    // -- send ------------------------------------------------------------------

    function test_send_isStoredAndTold() public {
        IDeviceLoop.Command memory command = _command(3);
        bytes32 id = _digest(command);
        vm.assertEq(loop.commandDigest(command), id);
        _inState(id, IDeviceLoop.CommandState.Unknown);
        vm.expectEmit(address(loop));
        emit IDeviceLoop.CommandSent(PATIENT, device, id, command);
        vm.assertEq(_send(command), id);
        _inState(id, IDeviceLoop.CommandState.Pending);
    }

    function testFuzz_send_staysInTheEnvelope(int64 value) public {
        if (value >= -10 && value <= 10) {
            _send(_command(value));
        } else {
            _refuses(_command(value), abi.encodeWithSelector(IDeviceLoop.OutsideEnvelope.selector, value, -10, 10));
        }
    }

    function test_send_holdsTheEdges() public {
        _refuses(_command(-11), abi.encodeWithSelector(IDeviceLoop.OutsideEnvelope.selector, -11, -10, 10));
        _refuses(_command(11), abi.encodeWithSelector(IDeviceLoop.OutsideEnvelope.selector, 11, -10, 10));
        _send(_command(-10));
        vm.warp(NOW + 60);
        _send(_command(10));
    }

    function test_send_waitsTheInterval() public {
        _send(_command(1));
        vm.warp(NOW + 59);
        bytes memory reason = abi.encodeWithSelector(IDeviceLoop.CommandTooSoon.selector, device, CODE, NOW + 60);
        _refuses(_command(2), reason);
        vm.warp(NOW + 60);
        _send(_command(2));
    }

    /// @dev The wait is the device's: it is asked for by the command that is to be sent, whatever the last one was.
    function test_send_waitsTheIntervalAfterAnyCommand() public {
        vm.prank(stranger);
        loop.setEnvelope(device, 8, 0, 9, 30);
        vm.prank(stranger);
        loop.setEnvelope(otherDevice, 8, 0, 9, 30);
        _pair(OTHER_KEY, PATIENT, NOW + 90 days, 0);
        IDeviceLoop.Command memory second = _command(2);
        second.code = 8;
        _send(_command(1));
        vm.warp(NOW + 29);
        _refuses(second, abi.encodeWithSelector(IDeviceLoop.CommandTooSoon.selector, device, 8, NOW + 30));
        second.device = otherDevice;
        _send(second);
        vm.warp(NOW + 30);
        second.device = device;
        _send(second);
        vm.warp(NOW + 89);
        _refuses(_command(3), abi.encodeWithSelector(IDeviceLoop.CommandTooSoon.selector, device, CODE, NOW + 90));
        vm.warp(NOW + 90);
        _send(_command(3));
    }

    function test_send_firstNeedsNoWait() public {
        vm.prank(stranger);
        loop.setEnvelope(device, 8, 0, 9, type(uint32).max);
        IDeviceLoop.Command memory first = _command(2);
        first.code = 8;
        _send(first);
    }

    function test_send_boundsTheDeadline() public {
        IDeviceLoop.Command memory command = _command(1);
        command.deadline = NOW;
        _refuses(command, abi.encodeWithSelector(IDeviceLoop.InvalidDeadline.selector, NOW, DEADLINE));
        command.deadline = DEADLINE + 1;
        _refuses(command, abi.encodeWithSelector(IDeviceLoop.InvalidDeadline.selector, DEADLINE + 1, DEADLINE));
        command.deadline = NOW + 1;
        _send(command);
    }

    function test_send_needsThePairedDevice() public {
        IDeviceLoop.Command memory command = _command(1);
        command.twinId = WARD;
        _refuses(command, abi.encodeWithSelector(IDeviceLoop.UnpairedDevice.selector, device, WARD));
        vm.prank(device);
        devices.unpair(device);
        _refuses(_command(1), abi.encodeWithSelector(IDeviceLoop.UnpairedDevice.selector, device, PATIENT));
    }

    function test_send_needsConsentToCareWithEquipment() public {
        bytes memory reason = abi.encodeWithSelector(IDeviceLoop.ClinicianNotAllowed.selector, PATIENT, grantee);
        _grant(PATIENT, grantee, Scope(~uint32(1 << 5), type(uint32).max, NOW, NOW + 30 days));
        _refuses(_command(1), reason);
        _grant(PATIENT, grantee, Scope(type(uint32).max, ~uint32(1), NOW, NOW + 30 days));
        _refuses(_command(1), reason);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        _refuses(_command(1), reason);
    }

    function test_send_needsTheCliniciansSignature() public {
        IDeviceLoop.Command memory command = _command(1);
        bytes memory forged = _sign(OWNER_KEY, _digest(command));
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, grantee));
        loop.send(command, forged);
    }

    function test_send_isOnceOnly() public {
        bytes32 id = _send(_command(1));
        vm.warp(NOW + 60);
        _refuses(_command(1), abi.encodeWithSelector(IDeviceLoop.CommandExists.selector, id));
    }

    // -- answer ----------------------------------------------------------------

    function test_answer_settlesEitherWay() public {
        bytes32 id = _send(_command(1));
        vm.expectEmit(address(loop));
        emit IDeviceLoop.CommandAnswered(device, id, true);
        loop.answer(id, true, _answerFrom(DEVICE_KEY, id, true));
        _inState(id, IDeviceLoop.CommandState.Acknowledged);
        bytes memory again = _answerFrom(DEVICE_KEY, id, false);
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceLoop.CommandNotPending.selector, id, IDeviceLoop.CommandState.Acknowledged)
        );
        loop.answer(id, false, again);
        vm.warp(DEADLINE);
        _inState(id, IDeviceLoop.CommandState.Acknowledged);

        vm.warp(NOW + 60);
        id = _send(_command(2));
        loop.answer(id, false, _answerFrom(DEVICE_KEY, id, false));
        _inState(id, IDeviceLoop.CommandState.Rejected);
    }

    function test_answer_endsWithTheDeadline() public {
        bytes32 id = _send(_command(1));
        bytes memory signature = _answerFrom(DEVICE_KEY, id, true);
        vm.warp(DEADLINE);
        _inState(id, IDeviceLoop.CommandState.Expired);
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceLoop.CommandNotPending.selector, id, IDeviceLoop.CommandState.Expired)
        );
        loop.answer(id, true, signature);
        vm.warp(DEADLINE - 1);
        loop.answer(id, true, signature);
    }

    function test_answer_isTheDevicesOnly() public {
        bytes32 id = _send(_command(1));
        bytes memory reason = abi.encodeWithSelector(ISigned.InvalidSignature.selector, device);
        bytes memory forged = _answerFrom(GRANTEE_KEY, id, true);
        bytes memory other = _answerFrom(DEVICE_KEY, id, false);
        vm.expectRevert(reason);
        loop.answer(id, true, forged);
        vm.expectRevert(reason);
        loop.answer(id, true, other);
        vm.expectRevert(reason);
        loop.answer(id, true, new bytes(65));
        vm.expectRevert(
            abi.encodeWithSelector(IDeviceLoop.CommandNotPending.selector, bytes32(0), IDeviceLoop.CommandState.Unknown)
        );
        loop.answer(0, true, forged);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        vm.expectRevert(reason);
        this.create("DeviceLoop.sol:DeviceLoop", abi.encode(stranger, consents, owner));
        vm.expectRevert(reason);
        this.create("DeviceLoop.sol:DeviceLoop", abi.encode(devices, stranger, owner));
    }
}
