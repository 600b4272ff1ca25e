// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {GuardianFixture} from "./GuardianFixture.sol";

/// A guardian
///   until the guardianship ends
///     it grants, to the end of its time and no longer, and may not look itself
///     it revokes and denies, and nothing of it after the end
///   at any time
///     it lets no operator in
contract ConsentRegistryGuardiansTest is GuardianFixture {
    function test_guardian_grantsWithinItsTime() public {
        _appoint(PARENT_KEY, owner, END, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.GuardianshipExceeded.selector, PATIENT, END + 1, END)
        );
        vm.prank(parent);
        consents.grant(PATIENT, grantee, _scope(NOW, END + 1));
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentGranted(PATIENT, grantee, 1, _scope(NOW, END), parent);
        vm.prank(parent);
        consents.grant(PATIENT, grantee, _scope(NOW, END));
        vm.assertTrue(consents.isAllowed(PATIENT, grantee, 6, 5));
        vm.assertFalse(consents.isAllowed(PATIENT, parent, 6, 5));
    }

    function test_guardian_revokesAndDeniesUntilTheEnd() public {
        _appoint(PARENT_KEY, owner, END, 0);
        _grant(PATIENT, grantee, _scope(NOW, END + 1 days));
        vm.prank(parent);
        consents.revoke(PATIENT, grantee);
        vm.assertTrue(consents.grantOf(PATIENT, grantee).revoked);
        vm.prank(parent);
        consents.deny(PATIENT, grantee);
        vm.assertTrue(consents.grantOf(PATIENT, grantee).denied);
        vm.warp(END);
        bytes memory reason = abi.encodeWithSelector(IConsentRegistry.NotTwinOwner.selector, PATIENT, parent);
        vm.expectRevert(reason);
        vm.prank(parent);
        consents.grant(PATIENT, grantee, _scope(NOW, END + 1));
        vm.expectRevert(reason);
        vm.prank(parent);
        consents.revoke(PATIENT, grantee);
        vm.expectRevert(reason);
        vm.prank(parent);
        consents.deny(PATIENT, grantee);
    }

    function test_guardian_letsNoOperatorIn() public {
        _appoint(PARENT_KEY, owner, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.NotTwinOwner.selector, PATIENT, parent));
        vm.prank(parent);
        consents.setOperator(PATIENT, stranger, _scope(NOW, END), 1 days);
    }
}
