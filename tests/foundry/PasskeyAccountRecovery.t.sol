// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPasskeyAccount} from "../../contracts/interfaces/IPasskeyAccount.sol";
import {PasskeyFixture} from "./PasskeyFixture.sol";

/// finishRecovery
///   given enough guardians and the waiting time
///     it leaves the new key alone, and old signatures are worth nothing
///   when it is early
///     it refuses
///   given one guardian twice
///     it refuses
///   given one of two for another key
///     it is not held up
///   when the owner called it off
///     it refuses
///   when guardians changed
///     it refuses
///   given support from before it was called off and guardians changed
///     it counts no more
///   given support from before another recovery and guardians changed
///     it counts no more
/// supportRecovery
///   given a stranger
///     it refuses
///   given no point of the curve
///     it refuses
/// guardians
///   it tells who, how many and how long
/// setGuardians
///   given eight
///     it counts each
///   when none, too many, unordered or one twice, or the time is out of bounds
///     it refuses
contract PasskeyAccountRecoveryTest is PasskeyFixture {
    function test_GuardiansReplaceTheKeys(bytes32 hash) public {
        _appoint(2, 3 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(grantee, x, y);
        _support(owner, x, y);
        (uint8 supporters, uint40 readyAt) = account.recoveryOf(x, y);
        vm.assertEq(uint256(supporters), 2);
        vm.assertEq(uint256(readyAt), uint256(NOW + 3 days));
        vm.warp(readyAt);
        account.finishRecovery(x, y);
        vm.assertFalse(account.hasKey(_keyId(KEY)));
        vm.assertFalse(_isValid(account, hash, _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash))));
        vm.assertTrue(_isValid(account, hash, _signed(OTHER_KEY, SITE, TOUCHED, _messageDigest(account, hash))));
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
    }

    function test_RevertWhen_RecoveryIsEarly(uint40 wait) public {
        _appoint(2, 3 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(grantee, x, y);
        _support(owner, x, y);
        vm.warp(NOW + _bound(wait, 0, 3 days - 1));
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.RecoveryNotReady.selector, NOW + 3 days));
        account.finishRecovery(x, y);
    }

    function test_OneGuardianTwiceIsOne() public {
        _appoint(2, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(grantee, x, y);
        _support(grantee, x, y);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
    }

    function test_SupportForAnotherKeyHoldsNothingUp() public {
        _appoint(2, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        (bytes32 falseX, bytes32 falseY) = _public(0xBAD);
        _support(grantee, x, y);
        _support(owner, x, y);
        _support(owner, falseX, falseY);
        _support(owner, x, y);
        vm.warp(NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, falseX, falseY));
        account.finishRecovery(falseX, falseY);
        account.finishRecovery(x, y);
        vm.assertTrue(account.hasKey(_keyId(OTHER_KEY)));
    }

    function test_OwnerCallsItOff() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(owner, x, y);
        _execute(address(account), abi.encodeCall(account.cancelRecovery, ()), 1);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
    }

    function test_NewGuardiansEndARecovery() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(owner, x, y);
        _execute(address(account), abi.encodeCall(account.setGuardians, (new address[](0), 0, 0)), 1);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NotGuardian.selector, owner));
        vm.prank(owner);
        account.supportRecovery(x, y);
    }

    function test_SupportDoesNotComeBackAfterTheOwnerCalledItOff() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(owner, x, y);
        _execute(address(account), abi.encodeCall(account.cancelRecovery, ()), 1);
        _execute(address(account), abi.encodeCall(account.setGuardians, (_two(), 1, 1 days)), 2);
        (uint8 supporters, uint40 readyAt) = account.recoveryOf(x, y);
        vm.assertEq(uint256(supporters) + readyAt, 0);
    }

    function test_SupportDoesNotComeBackAfterARecovery() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        (bytes32 falseX, bytes32 falseY) = _public(0xBAD);
        _support(grantee, falseX, falseY);
        _support(owner, x, y);
        vm.warp(NOW + 1 days);
        account.finishRecovery(x, y);
        bytes memory data = abi.encodeCall(account.setGuardians, (_two(), 1, 1 days));
        uint40 deadline = NOW + 2 days;
        bytes32 digest = _callDigest(address(account), data, 1, deadline);
        account.execute(address(account), data, 1, deadline, _signed(OTHER_KEY, SITE, TOUCHED, digest));
        (uint8 supporters, uint40 readyAt) = account.recoveryOf(falseX, falseY);
        vm.assertEq(uint256(supporters) + readyAt, 0);
    }

    function test_RevertWhen_StrangerSupports() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NotGuardian.selector, stranger));
        vm.prank(stranger);
        account.supportRecovery(x, y);
    }

    function test_RevertWhen_SupportedKeyIsNotOnTheCurve() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        y = bytes32(uint256(y) ^ 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidKey.selector, x, y));
        vm.prank(owner);
        account.supportRecovery(x, y);
    }

    function test_EightGuardiansAreTheMost() public {
        _execute(address(account), abi.encodeCall(account.setGuardians, (_ascending(8), 8, 1 days)), 0);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        for (uint160 i = 1; i <= 8; ++i) {
            _support(address(i), x, y);
        }
        (uint8 supporters, uint40 readyAt) = account.recoveryOf(x, y);
        vm.assertEq(uint256(supporters), 8);
        vm.assertEq(uint256(readyAt), NOW + 1 days);
    }

    function test_GuardiansAreTold() public {
        _appoint(2, 30 days); // the longest
        (address[] memory told, uint8 threshold, uint40 waiting) = account.guardians();
        vm.assertEq(keccak256(abi.encode(told)), keccak256(abi.encode(_two())));
        vm.assertEq(uint256(threshold), 2);
        vm.assertEq(uint256(waiting), uint256(30 days));
    }

    function test_RevertWhen_GuardiansMakeNoSense(uint8 kind) public {
        address[] memory all = _two();
        uint8 threshold = 2;
        uint40 waiting = 1 days;
        if (kind % 9 == 0) threshold = 0;
        if (kind % 9 == 1) threshold = 3;
        if (kind % 9 == 2) waiting = 1 days - 1;
        if (kind % 9 == 3) waiting = 30 days + 1;
        if (kind % 9 == 4) (all[0], all[1]) = (all[1], all[0]);
        if (kind % 9 == 5) all = _ascending(9);
        if (kind % 9 == 6) all[1] = all[0];
        if (kind % 9 == 7) (all, threshold) = (new address[](0), 0);
        if (kind % 9 == 8) waiting = 0;
        bytes memory data = abi.encodeCall(account.setGuardians, (all, threshold, waiting));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPasskeyAccount.InvalidGuardians.selector, all.length, threshold, waiting)
        );
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function _ascending(uint160 count) private pure returns (address[] memory all) {
        all = new address[](count);
        for (uint160 i = 0; i < count; ++i) {
            all[i] = address(i + 1);
        }
    }
}
