// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {ConsentFixture} from "./ConsentFixture.sol";

/// grantBySignature
///   given the owner's signature, whoever sends it
///     it grants
///   when it is another's, of another epoch, or late
///     it refuses
///   when the nonce was used
///     it refuses, and takes others in any lane
///   given a denied grantee
///     it refuses
/// revokeBySignature
///   given the owner's signature, whoever sends it
///     it ends the grant
///   when it is another's, late, or used
///     it refuses
contract ConsentRegistrySignaturesTest is ConsentFixture {
    function _grantDigest(uint32 epoch, uint256 nonce, uint40 deadline) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            "ConsentGrant(uint256 twinId,address grantee,uint32 categories,uint32 purposes,uint40 notBefore,uint40 expiry,uint32 epoch,uint256 nonce,uint40 deadline)"
        );
        return _typed(
            address(consents), abi.encode(typehash, PATIENT, grantee, _scope(NOW, END), epoch, nonce, deadline)
        );
    }

    function _grantSigned(uint256 key, uint32 epoch, uint256 nonce, uint40 deadline) private {
        bytes memory signature = _sign(key, _grantDigest(epoch, nonce, deadline));
        consents.grantBySignature(PATIENT, grantee, _scope(NOW, END), nonce, deadline, signature);
    }

    function _revokeSigned(uint256 key, uint256 nonce, uint40 deadline) private {
        bytes32 typehash = keccak256("ConsentRevocation(uint256 twinId,address grantee,uint256 nonce,uint40 deadline)");
        bytes32 digest = _typed(address(consents), abi.encode(typehash, PATIENT, grantee, nonce, deadline));
        consents.revokeBySignature(PATIENT, grantee, nonce, deadline, _sign(key, digest));
    }

    function test_grantBySignature_grantsForTheOwner() public {
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentGranted(PATIENT, grantee, 1, _scope(NOW, END), owner);
        _grantSigned(OWNER_KEY, 0, 0, NOW + 1);
        vm.assertTrue(_allowed());
    }

    function test_grantBySignature_refusesOthersAndTheLate() public {
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, owner));
        this.grantSigned(STRANGER_KEY, 0, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, owner));
        this.grantSigned(OWNER_KEY, 1, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ISigned.SignatureExpired.selector, NOW));
        this.grantSigned(OWNER_KEY, 0, 0, NOW);
        vm.expectRevert(abi.encodeWithSelector(ISigned.SignatureExpired.selector, NOW - 1));
        this.grantSigned(OWNER_KEY, 0, 0, NOW - 1);
    }

    function grantSigned(uint256 key, uint32 epoch, uint256 nonce, uint40 deadline) external {
        _grantSigned(key, epoch, nonce, deadline);
    }

    function revokeSigned(uint256 key, uint256 nonce, uint40 deadline) external {
        _revokeSigned(key, nonce, deadline);
    }

    function test_grantBySignature_isUsedOnce() public {
        _grantSigned(OWNER_KEY, 0, 7 << 64, NOW + 1);
        vm.expectRevert(abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", owner, (7 << 64) + 1));
        this.grantSigned(OWNER_KEY, 0, 7 << 64, NOW + 1);
        _grantSigned(OWNER_KEY, 0, 0, NOW + 1);
        _grantSigned(OWNER_KEY, 0, (7 << 64) + 1, NOW + 1);
    }

    function test_grantBySignature_refusesADeniedGrantee() public {
        vm.prank(owner);
        consents.deny(PATIENT, grantee);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.GranteeDenied.selector, PATIENT, grantee));
        this.grantSigned(OWNER_KEY, 0, 0, NOW + 1);
    }

    function test_revokeBySignature_endsForTheOwner() public {
        _purchased();
        _expectsRevocation(owner);
        _revokeSigned(OWNER_KEY, 0, NOW + 1);
        vm.assertFalse(_allowed());
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), NOW);
    }

    function test_revokeBySignature_refusesOthersAndTheLate() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, owner));
        this.revokeSigned(GRANTEE_KEY, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ISigned.SignatureExpired.selector, NOW));
        this.revokeSigned(OWNER_KEY, 0, NOW);
        vm.assertTrue(_allowed());
        _revokeSigned(OWNER_KEY, 0, NOW + 1);
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.expectRevert(abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", owner, 1));
        this.revokeSigned(OWNER_KEY, 0, NOW + 1);
    }
}
