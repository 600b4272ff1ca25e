// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Scope} from "../../contracts/types/Consent.sol";
import {ConsentFixture} from "./ConsentFixture.sol";

/// isAllowed
///   given a grant
///     it begins and ends on the second
///     it needs every bit that is asked, whatever is held
///     it covers what was granted, to whom and of what, and no more
///   given the owner
///     it allows all of a twin that lives, and nothing of nothing
///   when the epoch ends, the twin is retired or changes hands
///     it ends
contract ConsentRegistryDecisionTest is ConsentFixture {
    function test_isAllowed_beginsAndEndsOnTheSecond() public {
        _grant(PATIENT, grantee, _scope(NOW + 10, END));
        _isActiveAt(NOW + 9, false);
        _isActiveAt(NOW + 10, true);
        _isActiveAt(NOW + 11, true);
        _isActiveAt(END - 1, true);
        _isActiveAt(END, false);
        _isActiveAt(END + 1, false);
    }

    function _isActiveAt(uint40 time, bool active) private {
        vm.warp(time);
        vm.assertEq(consents.balanceOf(grantee, PATIENT), active ? 1 : 0);
        vm.assertTrue(_allowed() == active);
    }

    function testFuzz_isAllowed_needsEveryBit(uint32 categories, uint32 purposes, uint32 held, uint32 allowed) public {
        vm.assume(held != 0 && allowed != 0);
        _grant(PATIENT, grantee, Scope(held, allowed, NOW, END));
        bool expected = categories != 0 && purposes != 0 && (held | categories) == held && (allowed | purposes) == allowed;
        vm.assertTrue(consents.isAllowed(PATIENT, grantee, categories, purposes) == expected);
    }

    function test_isAllowed_coversWhatWasGrantedAndNoMore() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.assertTrue(consents.isAllowed(PATIENT, grantee, 6, 5));
        vm.assertTrue(consents.isAllowed(PATIENT, grantee, 2, 1));
        vm.assertFalse(consents.isAllowed(PATIENT, grantee, 7, 5));
        vm.assertFalse(consents.isAllowed(PATIENT, grantee, 6, 7));
        vm.assertFalse(consents.isAllowed(PATIENT, grantee, 0, 5));
        vm.assertFalse(consents.isAllowed(PATIENT, grantee, 6, 0));
        vm.assertFalse(consents.isAllowed(PATIENT, stranger, 2, 4));
        vm.assertFalse(consents.isAllowed(WARD, grantee, 2, 4));
    }

    function test_isAllowed_theOwnerOfALiveTwin() public {
        vm.assertTrue(consents.isAllowed(PATIENT, owner, 1, 1));
        vm.assertFalse(consents.isAllowed(PATIENT, owner, 0, 1));
        vm.assertFalse(consents.isAllowed(PATIENT, owner, 1, 0));
        vm.assertFalse(consents.isAllowed(0x7701, address(0), 1, 1));
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.assertFalse(consents.isAllowed(PATIENT, owner, 1, 1));
    }

    function test_isAllowed_endsWithTheEpochAndTheTwin() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        _grant(WARD, grantee, _scope(NOW, END));
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        vm.assertFalse(_allowed());
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.assertTrue(_allowed());
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.assertFalse(_allowed());
        vm.prank(owner);
        twins.transferFrom(owner, stranger, WARD);
        vm.assertFalse(consents.isAllowed(WARD, grantee, 2, 4));
        vm.assertFalse(consents.isAllowed(WARD, owner, 2, 4));
        vm.assertTrue(consents.isAllowed(WARD, stranger, 2, 4));
    }
}
