// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IGuardianRegistry} from "../../contracts/interfaces/IGuardianRegistry.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {GuardianFixture} from "./GuardianFixture.sol";

/// appoint
///   given the owner, and the guardian's word
///     it stores the guardianship and tells it
///     it takes the word once and in time
///   given anybody else
///     it refuses
///   when the end is past, or beyond the longest
///     it refuses
///   when any fact is another than was signed
///     it refuses
/// handOver
///   given the guardian, and the next one's word
///     it keeps the end
///     it takes the word in time
/// dismiss
///   it is for both sides
/// guardianOf
///   it ends with its time and with the epoch
/// constructor
///   when a contract it stands on is none
///     it refuses
contract GuardianRegistryTest is GuardianFixture {
    function _handOver(uint256 key, address by, uint40 until) private {
        bytes memory acceptance = _accept(key, by, until, 0);
        vm.prank(by);
        guardians.handOver(PATIENT, vm.addr(key), 0, DEADLINE, acceptance);
    }

    function _isGuardian(address guardian, uint40 until) private view {
        (address known, uint40 end) = guardians.guardianOf(PATIENT);
        vm.assertEq(known, guardian);
        vm.assertEq(end, until);
    }

    function test_appoint_isStoredAndTold() public {
        _isGuardian(address(0), 0);
        vm.expectEmit(address(guardians));
        emit IGuardianRegistry.GuardianAppointed(PATIENT, parent, END, owner);
        _appoint(PARENT_KEY, owner, END, 0);
        _isGuardian(parent, END);
        _appoint(NEXT_KEY, owner, END - 1, 0);
        _isGuardian(next, END - 1);
    }

    function test_appoint_isTheOwners() public {
        _appoint(PARENT_KEY, owner, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.NotTwinOwner.selector, PATIENT, parent));
        _appoint(NEXT_KEY, parent, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.InvalidGuardian.selector, PATIENT, owner));
        _appoint(OWNER_KEY, owner, END, 0);
    }

    function test_appoint_boundsTheEnd() public {
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.InvalidEnd.selector, NOW, NOW + LONGEST));
        _appoint(PARENT_KEY, owner, NOW, 0);
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.InvalidEnd.selector, NOW + LONGEST + 1, NOW + LONGEST));
        _appoint(PARENT_KEY, owner, NOW + LONGEST + 1, 0);
        _appoint(PARENT_KEY, owner, NOW + LONGEST, 0);
        _appoint(PARENT_KEY, owner, NOW + 1, 1);
    }

    function test_appoint_takesTheGuardiansWordOnceAndInTime() public {
        vm.warp(DEADLINE - 1);
        _appoint(PARENT_KEY, owner, END, 0);
        vm.expectRevert(abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", parent, 1));
        _appoint(PARENT_KEY, owner, END, 0);
        vm.warp(DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ISigned.SignatureExpired.selector, DEADLINE));
        _appoint(PARENT_KEY, owner, END, 1);
    }

    function testFuzz_appoint_bindsEveryFact(uint256 which) public {
        (address guardian, uint40 until, uint256 nonce, uint40 deadline) = (parent, END, 0, DEADLINE);
        bytes memory acceptance = _accept(PARENT_KEY, which % 5 == 4 ? stranger : owner, END, 0);
        if (which % 5 == 0) guardian = next;
        if (which % 5 == 1) ++until;
        if (which % 5 == 2) nonce = 1 << 64;
        if (which % 5 == 3) ++deadline;
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, guardian));
        vm.prank(owner);
        guardians.appoint(PATIENT, guardian, until, nonce, deadline, acceptance);
    }

    function test_handOver_keepsTheEnd() public {
        _appoint(PARENT_KEY, owner, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.NotTwinGuardian.selector, PATIENT, owner));
        _handOver(NEXT_KEY, owner, END);
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, next));
        _handOver(NEXT_KEY, parent, END + 1);
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.InvalidGuardian.selector, PATIENT, owner));
        _handOver(OWNER_KEY, parent, END);
        vm.expectEmit(address(guardians));
        emit IGuardianRegistry.GuardianAppointed(PATIENT, next, END, parent);
        _handOver(NEXT_KEY, parent, END);
        _isGuardian(next, END);
    }

    function test_handOver_takesTheNextOnesWordInTime() public {
        _appoint(PARENT_KEY, owner, END, 0);
        vm.warp(DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ISigned.SignatureExpired.selector, DEADLINE));
        _handOver(NEXT_KEY, parent, END);
    }

    function test_dismiss_isForBothSides() public {
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.NotTwinGuardian.selector, PATIENT, address(0)));
        vm.prank(owner);
        guardians.dismiss(PATIENT);
        _appoint(PARENT_KEY, owner, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IGuardianRegistry.NotTwinOwner.selector, PATIENT, stranger));
        vm.prank(stranger);
        guardians.dismiss(PATIENT);
        vm.expectEmit(address(guardians));
        emit IGuardianRegistry.GuardianDismissed(PATIENT, parent, owner);
        vm.prank(owner);
        guardians.dismiss(PATIENT);
        _isGuardian(address(0), 0);
        _appoint(PARENT_KEY, owner, END, 1);
        vm.prank(parent);
        guardians.dismiss(PATIENT);
        _isGuardian(address(0), 0);
    }

    function test_guardianOf_endsWithItsTimeAndTheEpoch() public {
        _appoint(PARENT_KEY, owner, END, 0);
        vm.warp(END - 1);
        _isGuardian(parent, END);
        vm.warp(END);
        _isGuardian(address(0), 0);
        vm.warp(NOW);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _isGuardian(address(0), 0);
        _appoint(PARENT_KEY, owner, END, 1);
        _isGuardian(parent, END);
        _handOver(NEXT_KEY, parent, END);
        _isGuardian(next, END);
        vm.prank(owner);
        twins.retire(PATIENT);
        _isGuardian(address(0), 0);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("GuardianRegistry.sol:GuardianRegistry", abi.encode(stranger));
    }
}
