// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {ConsentFixture} from "./ConsentFixture.sol";

/// setOperator
///   given the owner
///     it stores the limits and tells them
///     it checks limits, unless they are withdrawn
/// open
///   given an approved operator
///     it stays within the limits
///     it may end with the approval
///     it checks grantee and scope
///   when the approval's time, or its epoch, is over
///     it refuses from that second on
///     it refuses until the owner approves again
///   while another grant runs
///     it refuses
contract ConsentRegistryOperatorsTest is ConsentFixture {
    function test_setOperator_isStoredAndTold() public {
        vm.expectEmit(address(consents));
        emit IConsentRegistry.OperatorSet(PATIENT, operator, _scope(3, END), 9);
        _approve(_scope(3, END), 9);

        (Scope memory limits, uint32 longest, uint32 epoch) = consents.operatorOf(PATIENT, operator);
        vm.assertEq(keccak256(abi.encode(limits)), keccak256(abi.encode(_scope(3, END))));
        vm.assertEq(longest, 9);
        vm.assertEq(epoch, 0);
    }

    function test_setOperator_checksLimitsUnlessWithdrawn() public {
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.EmptyScope.selector, PATIENT, 0, 1));
        _approve(Scope(0, 1, 0, END), 9);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.InvalidPeriod.selector, 0, NOW, NOW + LONGEST));
        _approve(_scope(0, NOW), 9);
        _approve(_scope(0, END), 1 days);
        _approve(Scope(0, 0, 0, 0), 0);
        _refusesOpening(Scope(1, 1, NOW, NOW + 1));
    }

    function _refusesOpening(Scope memory scope) private {
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.OperatorScopeExceeded.selector, PATIENT, operator));
        _open(scope);
    }

    function test_open_staysWithinTheLimits() public {
        _refusesOpening(_scope(NOW, END));
        _approve(_scope(NOW, NOW + 2 days), 1 days);
        _refusesOpening(Scope(7, 5, NOW, END));
        _refusesOpening(Scope(6, 7, NOW, END));
        _refusesOpening(Scope(6, 5, NOW - 1, END - 2));
        _refusesOpening(Scope(6, 5, NOW + 2 days, NOW + 2 days + 1));
        _refusesOpening(Scope(6, 5, NOW, END + 1));
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentGranted(PATIENT, grantee, 1, _scope(NOW, END), operator);
        vm.expectEmit(address(consents));
        emit IERC1155.TransferSingle(operator, address(0), grantee, PATIENT, 1);
        vm.assertEq(_open(_scope(NOW, END)), 1);
        vm.assertTrue(_allowed());
        vm.assertTrue(consents.grantOf(PATIENT, grantee).purchased);
    }

    function test_open_mayEndWithTheApproval() public {
        _approve(_scope(NOW, END), 1 days);
        vm.assertEq(_open(_scope(NOW, END)), 1);
    }

    function test_open_checksGranteeAndScope() public {
        _approve(_scope(0, END), 1 days);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.InvalidGrantee.selector, PATIENT, owner));
        vm.prank(operator);
        consents.open(PATIENT, owner, _scope(NOW, END));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.InvalidGrantee.selector, PATIENT, address(0)));
        vm.prank(operator);
        consents.open(PATIENT, address(0), _scope(NOW, END));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.EmptyScope.selector, PATIENT, 0, 1));
        _open(Scope(0, 1, NOW, END));
    }

    function test_open_endsWithTheApprovalsTime() public {
        _approve(_scope(0, NOW + 5), 1 days);
        vm.warp(NOW + 5);
        _refusesOpening(_scope(NOW, NOW + 5));
        vm.warp(NOW + 4);
        _open(_scope(NOW, NOW + 5));
    }

    function test_open_endsWithTheEpoch() public {
        _approve(_scope(0, END), 1 days);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _refusesOpening(_scope(NOW, END));
        _approve(_scope(0, END), 1 days);
        _open(_scope(NOW, END));
        vm.assertEq(consents.grantOf(PATIENT, grantee).epoch, 1);
    }

    function test_open_refusesWhileAGrantRuns() public {
        _approve(_scope(0, NOW + 30 days), 1 days);
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.warp(END - 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.GrantActive.selector, PATIENT, grantee, END));
        _open(_scope(END, END + 1));
        vm.warp(END);
        vm.assertEq(_open(_scope(END, END + 1)), 2);
    }
}
