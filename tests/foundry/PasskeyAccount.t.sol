// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPasskeyAccount} from "../../contracts/interfaces/IPasskeyAccount.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {PasskeyFixture} from "./PasskeyFixture.sol";

/// execute
///   given the passkey's call
///     it is sent by anybody
///     it refuses a second time
///     it refuses at the deadline
///     it refuses any field changed
///     it refuses a message for a call
///     it gives the target's reason
/// addKey, removeKey
///   given the account
///     it adds one that signs, and removes it
///     it refuses a key it has
///     it keeps the last one
///     it refuses to remove a key it has not
///   given anybody else
///     it refuses
/// a twin
///   given an account that owns one
///     it consents and revokes like anybody
contract PasskeyAccountTest is PasskeyFixture {
    function test_AnybodySendsTheCall(uint192 lane) public {
        uint256 id = uint256(keccak256(abi.encode(lane))) << 8 | 1;
        bytes memory data = abi.encodeCall(twins.mint, (id));
        _execute(address(twins), data, uint256(lane) << 64);
        vm.assertEq(twins.ownerOf(id), address(account));
    }

    function test_RevertWhen_CallIsSentTwice() public {
        bytes memory data = abi.encodeCall(twins.voidGrants, (_mint()));
        bytes memory signature = _callSigned(address(twins), data, 0, NOW + 1);
        account.execute(address(twins), data, 0, NOW + 1, signature);
        vm.expectRevert(abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", account, 1));
        account.execute(address(twins), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_CallIsLate() public {
        bytes memory data = abi.encodeCall(twins.mint, (1));
        bytes memory signature = _callSigned(address(twins), data, 0, NOW);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.SignatureExpired.selector, NOW));
        account.execute(address(twins), data, 0, NOW, signature);
    }

    function test_RevertWhen_FieldWasChanged(uint8 field) public {
        address target = address(twins);
        bytes memory data = abi.encodeCall(twins.mint, (1));
        uint256 nonce = 0;
        uint40 deadline = NOW + 1;
        bytes memory signature = _callSigned(target, data, nonce, deadline);
        if (field % 4 == 0) target = address(consents);
        if (field % 4 == 1) data = abi.encodeCall(twins.mint, (257));
        if (field % 4 == 2) nonce = 1 << 64;
        if (field % 4 == 3) deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidSignature.selector, account));
        account.execute(target, data, nonce, deadline, signature);
    }

    function test_RevertWhen_MessageIsUsedAsCall() public {
        bytes memory data = abi.encodeCall(twins.mint, (1));
        bytes32 hash = _callDigest(address(twins), data, 0, NOW + 1);
        bytes memory signature = _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash));
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidSignature.selector, account));
        account.execute(address(twins), data, 0, NOW + 1, signature);
    }

    function test_RevertOfTheTargetComesThrough() public {
        bytes memory data = abi.encodeCall(twins.voidGrants, (PATIENT));
        bytes memory signature = _callSigned(address(twins), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSignature("NotTwinOwner(uint256,address)", PATIENT, account));
        account.execute(address(twins), data, 0, NOW + 1, signature);
    }

    function test_SecondKeySigns_RemovedOneDoesNot(bytes32 hash) public {
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _execute(address(account), abi.encodeCall(account.addKey, (x, y)), 0);
        bytes memory signature = _signed(OTHER_KEY, SITE, TOUCHED, _messageDigest(account, hash));
        vm.assertTrue(_isValid(account, hash, signature));
        _execute(address(account), abi.encodeCall(account.removeKey, (_keyId(OTHER_KEY))), 1);
        vm.assertFalse(account.hasKey(_keyId(OTHER_KEY)));
        vm.assertFalse(_isValid(account, hash, signature));
    }

    function test_RevertWhen_KeyIsHeldAlready() public {
        (bytes32 x, bytes32 y) = _public(KEY);
        bytes memory data = abi.encodeCall(account.addKey, (x, y));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidKey.selector, x, y));
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_LastKeyWouldGo() public {
        bytes memory data = abi.encodeCall(account.removeKey, (_keyId(KEY)));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.LastKey.selector, _keyId(KEY)));
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_RemovedKeyIsUnknown() public {
        bytes memory data = abi.encodeCall(account.removeKey, (_keyId(OTHER_KEY)));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidKey.selector, bytes32(0), bytes32(0)));
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_OthersChangeKeysOrGuardians() public {
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        bytes memory refusal = abi.encodeWithSelector(IPasskeyAccount.NotAccount.selector, stranger);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.addKey(x, y);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.removeKey(_keyId(KEY));
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.setGuardians(_two(), 2, 1 days);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.cancelRecovery();
    }

    function test_ConsentAndRevocationByPasskey() public {
        uint256 id = _mint();
        Scope memory scope = _scope(NOW, NOW + 7 days);
        bytes32 grantHash = _typed(
            address(consents),
            abi.encode(
                keccak256(
                    "ConsentGrant(uint256 twinId,address grantee,uint32 categories,uint32 purposes,uint40 notBefore,uint40 expiry,uint32 epoch,uint256 nonce,uint40 deadline)"
                ),
                id, grantee, scope, twins.epochOf(id), 0, NOW + 1
            )
        );
        consents.grantBySignature(
            id, grantee, scope, 0, NOW + 1, _signed(KEY, SITE, TOUCHED, _messageDigest(account, grantHash))
        );
        vm.assertTrue(consents.isAllowed(id, grantee, 2, 1));
        bytes32 stopHash = _typed(
            address(consents),
            abi.encode(
                keccak256("ConsentRevocation(uint256 twinId,address grantee,uint256 nonce,uint40 deadline)"),
                id, grantee, 1, NOW + 1
            )
        );
        consents.revokeBySignature(
            id, grantee, 1, NOW + 1, _signed(KEY, SITE, TOUCHED, _messageDigest(account, stopHash))
        );
        vm.assertFalse(consents.isAllowed(id, grantee, 2, 1));
    }
}
