// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Grant, Scope} from "../../contracts/types/Consent.sol";
import {Fixture} from "./Fixture.sol";

contract ConsentRegistryTest is Fixture {
    uint40 private constant END = NOW + 1 days;
    uint40 private constant LONGEST = 731 days;

    address private operator = address(0x0B);

    function _approve(Scope memory limits, uint32 longest) private {
        vm.prank(owner);
        consents.setOperator(PATIENT, operator, limits, longest);
    }

    function _open(Scope memory scope) private returns (uint32) {
        vm.prank(operator);
        return consents.open(PATIENT, grantee, scope);
    }

    /// @dev A grant an operator opened, as a purchase is.
    function _purchased() private {
        _approve(_scope(0, NOW + 30 days), 1 days);
        _open(_scope(NOW, END));
    }

    function _allowed() private view returns (bool) {
        return consents.isAllowed(PATIENT, grantee, 2, 4);
    }

    // -- grant -----------------------------------------------------------------

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

    // -- the decision ----------------------------------------------------------

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

    function _expectsRevocation(address by) private {
        vm.expectEmit(address(consents));
        emit IERC1155.TransferSingle(by, grantee, address(0), PATIENT, 1);
    }

    function test_revoke_byGranteeGivesUp() public {
        _purchased();
        _expectsRevocation(grantee);
        vm.prank(grantee);
        consents.revoke(PATIENT, grantee);
        vm.assertFalse(_allowed());
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), 0);
    }

    function test_revoke_ofAPurchaseKeepsItsTime() public {
        _purchased();
        vm.warp(NOW + 7);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 1), NOW + 7);
        vm.assertEq(consents.revokedAt(PATIENT, grantee, 2), 0);
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

    function test_revoke_worksOnARetiredTwin() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        vm.assertTrue(consents.grantOf(PATIENT, grantee).revoked);
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

    // -- operators -------------------------------------------------------------

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

    // -- signatures ------------------------------------------------------------

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

    // -- as a token ------------------------------------------------------------

    function test_token_neverMoves() public {
        bytes memory reason = abi.encodeWithSelector(IConsentRegistry.NonTransferable.selector);
        vm.expectRevert(reason);
        consents.setApprovalForAll(stranger, true);
        vm.expectRevert(reason);
        consents.safeTransferFrom(grantee, stranger, PATIENT, 1, "");
        vm.expectRevert(reason);
        consents.safeBatchTransferFrom(grantee, stranger, new uint256[](1), new uint256[](1), "");
        vm.assertFalse(consents.isApprovedForAll(owner, stranger));
    }

    function test_token_balanceOfBatchAnswersInOrder() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        address[] memory accounts = new address[](3);
        uint256[] memory ids = new uint256[](3);
        (accounts[0], accounts[1], accounts[2]) = (stranger, grantee, grantee);
        (ids[0], ids[1], ids[2]) = (PATIENT, PATIENT, WARD);

        uint256[] memory held = consents.balanceOfBatch(accounts, ids);

        vm.assertEq(held.length, 3);
        vm.assertEq(held[0], 0);
        vm.assertEq(held[1], 1);
        vm.assertEq(held[2], 0);
        vm.expectRevert(abi.encodeWithSelector(IERC1155Errors.ERC1155InvalidArrayLength.selector, 2, 3));
        consents.balanceOfBatch(accounts, new uint256[](2));
    }

    function test_token_saysWhatItIs() public view {
        bytes4[] memory ids =
            _ids(type(IConsentRegistry).interfaceId, type(IERC1155).interfaceId, type(IERC1155MetadataURI).interfaceId);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertTrue(consents.supportsInterface(ids[i]));
        }
        vm.assertTrue(consents.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(consents.supportsInterface(0xffffffff));
        vm.assertEq(
            IERC1155MetadataURI(address(consents)).uri(PATIENT),
            "data:application/json;utf8,{\"name\":\"Access to a digital twin\",\"decimals\":0}"
        );
    }

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

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ConsentRegistry.sol:ConsentRegistry", abi.encode(stranger, guardians));
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ConsentRegistry.sol:ConsentRegistry", abi.encode(twins, stranger));
    }
}
