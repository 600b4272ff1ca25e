// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {Grant} from "../../contracts/types/Consent.sol";
import {ConsentFixture} from "./ConsentFixture.sol";

/// revoke
///   given the owner
///     it ends the grant at once, and only once
///     it keeps the time of one that was bought
///     it works on a retired twin
///   given the grantee
///     it gives up the grant, and keeps no time
///   given anybody else
///     it refuses, and so do deny and setOperator
///   when there is no grant
///     it refuses
/// deny
///   given a grant
///     it ends it and shuts out operators
///   given none
///     it tells no revocation, and a later grant lifts it
/// wasRevoked
///   when others follow
///     it remembers the last of them
///   when the epoch ended
///     it counts what stood then, and not what had run out
///   given a purchase
///     it remembers it for good
contract ConsentRegistryEndsTest is ConsentFixture {
    // -- revoke and deny -------------------------------------------------------

    function test_revoke_byOwnerEndsAtOnce() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        _expectsRevocation(owner);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);

        vm.assertFalse(_allowed());
        vm.assertEq(consents.balanceOf(grantee, PATIENT), 0);
        vm.assertTrue(consents.grantOf(PATIENT, grantee).revoked);
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), 0);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.NoGrant.selector, PATIENT, grantee));
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
    }

    function test_revoke_ofAPurchaseKeepsItsTime() public {
        _purchased();
        vm.warp(NOW + 7);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), NOW + 7);
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 2), 0);
    }

    function test_revoke_worksOnARetiredTwin() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        vm.assertTrue(consents.grantOf(PATIENT, grantee).revoked);
    }

    function test_revoke_byGranteeGivesUp() public {
        _purchased();
        _expectsRevocation(grantee);
        vm.prank(grantee);
        consents.revoke(PATIENT, grantee);
        vm.assertFalse(_allowed());
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), 0);
    }

    function testFuzz_revoke_refusesOthers(address account) public {
        vm.assume(account != owner && account != grantee);
        _grant(PATIENT, grantee, _scope(NOW, END));
        bytes memory reason = abi.encodeWithSelector(IConsentRegistry.NotTwinOwner.selector, PATIENT, account);
        vm.expectRevert(reason);
        vm.prank(account);
        consents.revoke(PATIENT, grantee);
        vm.expectRevert(reason);
        vm.prank(account);
        consents.deny(PATIENT, grantee);
        vm.expectRevert(reason);
        vm.prank(account);
        consents.setOperator(PATIENT, operator, _scope(0, END), 1);
        vm.assertTrue(_allowed());
    }

    function test_revoke_withoutAGrantIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.NoGrant.selector, PATIENT, grantee));
        vm.prank(grantee);
        consents.revoke(PATIENT, grantee);
    }

    function test_deny_endsTheGrantAndShutsOutOperators() public {
        _purchased();
        vm.warp(NOW + 3);
        _expectsRevocation(owner);
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentDenied(PATIENT, grantee, owner);
        vm.prank(owner);
        consents.deny(PATIENT, grantee);

        Grant memory kept = consents.grantOf(PATIENT, grantee);
        vm.assertTrue(kept.revoked && kept.denied);
        vm.assertFalse(_allowed());
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), NOW + 3);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.GranteeDenied.selector, PATIENT, grantee));
        _open(_scope(NOW + 3, END));
    }

    function test_deny_withoutAGrantTellsNoRevocation() public {
        vm.recordLogs();
        vm.prank(owner);
        consents.deny(PATIENT, grantee);
        vm.assertEq(_count(IERC1155.TransferSingle.selector), 0);
        vm.assertTrue(consents.grantOf(PATIENT, grantee).denied);
        vm.assertFalse(consents.grantOf(PATIENT, grantee).revoked);

        vm.recordLogs();
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.assertEq(_count(IERC1155.TransferSingle.selector), 1);
        vm.assertTrue(_allowed());
        vm.assertFalse(consents.grantOf(PATIENT, grantee).denied);
    }

    // -- what is remembered ----------------------------------------------------

    function _wasRevoked(uint32 serial, bool expected) private view {
        vm.assertTrue(consents.wasRevoked(PATIENT, grantee, serial) == expected);
    }

    function test_wasRevoked_remembersThroughLaterGrants() public {
        _wasRevoked(0, false);
        _wasRevoked(1, false);
        for (uint32 serial = 1; serial <= 46; ++serial) {
            _grant(PATIENT, grantee, _scope(NOW, NOW + 10 days));
            if (serial % 3 != 1) continue;
            vm.prank(owner);
            consents.revoke(PATIENT, grantee);
        }
        for (uint32 serial = 0; serial <= 47; ++serial) {
            _wasRevoked(serial, serial % 3 == 1 && serial <= 46);
        }
        _grant(PATIENT, grantee, _scope(NOW, NOW + 10 days));
        _wasRevoked(1, false);
        _wasRevoked(4, true);
        _wasRevoked(46, true);
        _wasRevoked(47, false);
        vm.assertFalse(consents.grantOf(PATIENT, grantee).revoked);
        vm.assertEq(consents.grantOf(PATIENT, grantee).serial, 47);
    }

    function test_wasRevoked_countsWhatWasVoidedAndNotWhatRanOut() public {
        _grant(PATIENT, grantee, _scope(NOW, NOW + 10));
        vm.warp(NOW + 9);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _wasRevoked(1, true);
        _grant(PATIENT, grantee, _scope(NOW, NOW + 20));
        _wasRevoked(1, true);
        _wasRevoked(2, false);
        vm.warp(NOW + 20);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _wasRevoked(2, false);
        _grant(PATIENT, grantee, _scope(NOW, NOW + 30));
        _wasRevoked(1, true);
        _wasRevoked(2, false);
        _wasRevoked(3, false);
    }

    function test_wasRevoked_keepsPurchasedOnesForGood() public {
        _purchased();
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        for (uint256 i = 0; i < 50; ++i) {
            _grant(PATIENT, grantee, _scope(NOW, NOW + 10 days));
        }
        _wasRevoked(1, true);
        _wasRevoked(2, false);
    }
}
