// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Grant, Scope} from "../../contracts/types/Consent.sol";
import {ConsentFixture} from "./ConsentFixture.sol";

/// grant
///   given the twin's owner
///     it stores the scope, tells it and mints a token
///     it mints none when it replaces one that stands
///   given anybody else
///     it refuses
///   when the grantee is the owner, or nobody
///     it refuses
///   when categories or purposes are empty
///     it refuses
///   when the period is empty, over, or a second too long
///     it refuses, and takes the shortest and the longest
///   given a retired twin
///     it refuses
///   given a purchase
///     while it runs
///       it refuses
///     when it is of an earlier epoch
///       it replaces it
/// constructor
///   when a contract it stands on is none
///     it refuses
contract ConsentRegistryTest is ConsentFixture {
    function test_grant_isStoredAndTold() public {
        Scope memory scope = _scope(NOW + 1, END);
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentGranted(PATIENT, grantee, 1, scope, owner);
        vm.expectEmit(address(consents));
        emit IERC1155.TransferSingle(owner, address(0), grantee, PATIENT, 1);
        _grant(PATIENT, grantee, scope);

        Grant memory kept = consents.grantOf(PATIENT, grantee);
        vm.assertEq(kept.categories, 6);
        vm.assertEq(kept.purposes, 5);
        vm.assertEq(kept.notBefore, NOW + 1);
        vm.assertEq(kept.expiry, END);
        vm.assertEq(kept.epoch, 0);
        vm.assertEq(kept.serial, 1);
        vm.assertFalse(kept.revoked || kept.denied || kept.purchased);
    }

    function test_grant_replacedMintsNoSecondToken() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.recordLogs();
        _grant(PATIENT, grantee, _scope(NOW, END + 1));
        vm.assertEq(_count(IERC1155.TransferSingle.selector), 0);
        vm.assertEq(consents.grantOf(PATIENT, grantee).serial, 2);

        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        vm.recordLogs();
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.assertEq(_count(IERC1155.TransferSingle.selector), 1);
        vm.assertEq(consents.grantOf(PATIENT, grantee).serial, 3);
        vm.assertTrue(_allowed());
    }

    function testFuzz_grant_refusesWhoIsNotTheOwner(address account) public {
        vm.assume(account != owner);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.NotTwinOwner.selector, PATIENT, account));
        vm.prank(account);
        consents.grant(PATIENT, grantee, _scope(NOW, END));
    }

    function test_grant_refusesTheOwnerAndNobodyAsGrantee() public {
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.InvalidGrantee.selector, PATIENT, owner));
        _grant(PATIENT, owner, _scope(NOW, END));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.InvalidGrantee.selector, PATIENT, address(0)));
        _grant(PATIENT, address(0), _scope(NOW, END));
    }

    function test_grant_refusesAnEmptyScope() public {
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.EmptyScope.selector, PATIENT, 0, 1));
        _grant(PATIENT, grantee, Scope(0, 1, NOW, END));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.EmptyScope.selector, PATIENT, 1, 0));
        _grant(PATIENT, grantee, Scope(1, 0, NOW, END));
    }

    function test_grant_holdsPeriodsToTheSecond() public {
        _refusesPeriod(NOW + 5, NOW + 5);
        _refusesPeriod(NOW + 6, NOW + 5);
        _refusesPeriod(NOW - 1, NOW);
        _refusesPeriod(NOW - 9, NOW - 1);
        _refusesPeriod(NOW, NOW + LONGEST + 1);
        _grant(PATIENT, grantee, _scope(NOW, NOW + 1));
        _grant(PATIENT, grantee, _scope(NOW, NOW + LONGEST));
    }

    function _refusesPeriod(uint40 notBefore, uint40 expiry) private {
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.InvalidPeriod.selector, notBefore, expiry, NOW + LONGEST)
        );
        _grant(PATIENT, grantee, _scope(notBefore, expiry));
    }

    function test_grant_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
        _grant(PATIENT, grantee, _scope(NOW, END));
    }

    function test_grant_refusesOverAPurchaseThatRuns() public {
        _purchased();
        vm.warp(END - 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.GrantActive.selector, PATIENT, grantee, END));
        _grant(PATIENT, grantee, _scope(NOW, END + 5));
        vm.warp(END);
        _grant(PATIENT, grantee, _scope(NOW, END + 5));
        vm.assertFalse(consents.grantOf(PATIENT, grantee).purchased);
    }

    function test_grant_replacesAPurchaseOfAnEarlierEpoch() public {
        _purchased();
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.assertEq(consents.grantOf(PATIENT, grantee).epoch, 1);
        vm.assertTrue(_allowed());
    }

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ConsentRegistry.sol:ConsentRegistry", abi.encode(stranger, guardians));
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ConsentRegistry.sol:ConsentRegistry", abi.encode(twins, stranger));
    }
}
