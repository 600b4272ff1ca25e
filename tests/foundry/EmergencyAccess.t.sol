// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IEmergencyAccess} from "../../contracts/interfaces/IEmergencyAccess.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {KeyRequest} from "../../contracts/types/KeyRequest.sol";
import {Fixture} from "./Fixture.sol";

interface IRequestDigest {
    function requestDigest(KeyRequest memory request) external view returns (bytes32);
}

/// @dev What RequestVoucher's heirs are asked, and how.
abstract contract VoucherFixture is Fixture {
    bytes4 internal constant YES = 0x1626ba7e;
    bytes4 internal constant NO = 0xffffffff;

    function _keyRequest(address asked, uint32 category, uint32 purpose) internal pure returns (KeyRequest memory) {
        bytes32[] memory batches = new bytes32[](2);
        (batches[0], batches[1]) = (bytes32("one"), bytes32("two"));
        return KeyRequest(PATIENT, asked, bytes32("recipient"), batches, category, purpose, 9, NOW + 60);
    }

    function _requestDigest(KeyRequest memory request) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "KeyRequest(uint256 twinId,address grantee,bytes32 recipient,bytes32[] batches,uint32 category,uint32 purpose,uint256 nonce,uint40 deadline)"
        );
        bytes32 batches = keccak256(abi.encodePacked(request.batches));
        return _typed(
            address(consents),
            abi.encode(
                typehash,
                request.twinId,
                request.grantee,
                request.recipient,
                batches,
                request.category,
                request.purpose,
                request.nonce,
                request.deadline
            )
        );
    }

    function _vouch(KeyRequest memory request, uint256 key) internal view returns (bytes memory) {
        return abi.encode(request, vm.addr(key), _sign(key, _requestDigest(request)));
    }
}

abstract contract EmergencyFixture is VoucherFixture {
    uint256 internal constant SECOND_KEY = 0x5EC0;
    bytes32 internal constant CLINICIAN_ROLE = keccak256("CLINICIAN_ROLE");
    bytes32 internal constant REVIEWER_ROLE = keccak256("REVIEWER_ROLE");

    IEmergencyAccess internal glass;
    address internal immutable clinician = vm.addr(GRANTEE_KEY);
    address internal immutable second = vm.addr(SECOND_KEY);
    address internal immutable reviewer = address(0x4E);

    function setUp() public virtual override {
        super.setUp();
        glass = IEmergencyAccess(
            vm.deployCode("EmergencyAccess.sol:EmergencyAccess", abi.encode(twins, consents, administrator))
        );
        _appoint(CLINICIAN_ROLE, clinician);
        _appoint(CLINICIAN_ROLE, second);
        _appoint(REVIEWER_ROLE, reviewer);
    }

    function _appoint(bytes32 role, address account) internal {
        vm.prank(administrator);
        IAccessControl(address(glass)).grantRole(role, account);
    }

    function _emergency(address first, uint32 categories, uint16 reason, uint256 nonce, uint40 deadline) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Emergency(uint256 twinId,address clinician,uint32 categories,uint16 reason,uint256 nonce,uint40 deadline)"
        );
        return _typed(address(glass), abi.encode(typehash, PATIENT, first, categories, reason, nonce, deadline));
    }

    function _openWith(uint256 nonce) internal returns (uint256) {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes memory signature = _sign(SECOND_KEY, _emergency(clinician, 6, 3, nonce, deadline));
        vm.prank(clinician);
        return glass.open(PATIENT, 6, 3, second, deadline, signature);
    }

    function _review(uint256 useId, bool justified) internal {
        vm.prank(reviewer);
        glass.review(useId, justified);
    }
}

/// open
///   given two clinicians who signed
///     it is stored and told
///     it ends by itself, on the second
///   given what was opened
///     it holds for that twin, clinician and those categories only
///   when the second, the reason or the categories are missing
///     it refuses
///   given who is no clinician
///     it refuses
///   when it is late, or a signature is another's
///     it refuses
///   when the twin is retired
///     it refuses
///   when too many of one's uses wait for review
///     it refuses
///   when a review is overdue
///     it refuses
///     it sees it behind others that were reviewed
/// close
///   given either clinician or the twin's owner
///     it ends the use, and tells
///   given anybody else, or when it is over
///     it refuses
/// review
///   given a justified use
///     it changes nothing else
///   given one that was not
///     it suspends both
///     it shuts every other use of theirs
///   given who was involved
///     it refuses
///   given anybody without the role
///     it refuses
/// isValidSignature
///   given a request
///     it vouches for its clinician while the use is open
///     it takes the digest of consents' typed data
///     it vouches for what was signed only
/// constructor
///   given an address without code
///     it refuses
contract EmergencyAccessTest is EmergencyFixture {
    function _refuses(address first, uint32 categories, uint16 reason, address other, uint40 deadline, bytes memory why) private {
        bytes memory signature = _sign(SECOND_KEY, _emergency(first, categories, reason, 0, deadline));
        vm.expectRevert(why);
        vm.prank(first);
        glass.open(PATIENT, categories, reason, other, deadline, signature);
    }

    function _refusesOpening(bytes memory why) private {
        _refuses(clinician, 6, 3, second, uint40(block.timestamp + 1), why);
    }

    // -- open ------------------------------------------------------------------

    function test_open_isStoredAndTold() public {
        vm.expectEmit(address(glass));
        emit IEmergencyAccess.EmergencyOpened(PATIENT, clinician, 1, second, 6, 3, NOW + 4 hours, NOW + 72 hours);
        vm.assertEq(_openWith(0), 1);

        bytes32 kept = keccak256(abi.encode(glass.useOf(1)));
        IEmergencyAccess.Use memory expected = IEmergencyAccess.Use(
            PATIENT, clinician, NOW + 4 hours, NOW + 72 hours, IEmergencyAccess.Review.Pending, false, second, 6, 3
        );
        vm.assertEq(kept, keccak256(abi.encode(expected)));
        vm.assertEq(_openWith(1), 2);
    }

    function test_open_endsByItselfOnTheSecond() public {
        _openWith(0);
        vm.assertTrue(glass.isOpen(PATIENT, clinician, 6));
        vm.warp(NOW + 4 hours - 1);
        vm.assertTrue(glass.isOpen(PATIENT, clinician, 2));
        vm.warp(NOW + 4 hours);
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 6));
    }

    function test_isOpen_forWhatWasOpenedOnly() public {
        _openWith(0);
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 7));
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 0));
        vm.assertFalse(glass.isOpen(PATIENT, second, 6));
        vm.assertFalse(glass.isOpen(WARD, clinician, 6));
        vm.prank(administrator);
        IAccessControl(address(glass)).revokeRole(CLINICIAN_ROLE, clinician);
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 6));
    }

    function test_open_refusesWithoutSecondReasonOrCategories() public {
        _refuses(clinician, 6, 3, clinician, NOW + 1, abi.encodeWithSelector(IEmergencyAccess.SecondSignerIsFirst.selector, clinician));
        _refuses(clinician, 6, 0, second, NOW + 1, abi.encodeWithSelector(IEmergencyAccess.EmptyReason.selector));
        _refuses(clinician, 0, 3, second, NOW + 1, abi.encodeWithSelector(IEmergencyAccess.EmptyCategories.selector));
    }

    function test_open_isForCliniciansOnly() public {
        _refuses(stranger, 6, 3, second, NOW + 1, abi.encodeWithSelector(IEmergencyAccess.NotClinician.selector, stranger));
        _refuses(clinician, 6, 3, stranger, NOW + 1, abi.encodeWithSelector(IEmergencyAccess.NotClinician.selector, stranger));
    }

    function test_open_refusesTheLateAndTheForged() public {
        _refuses(clinician, 6, 3, second, NOW, abi.encodeWithSelector(ISigned.SignatureExpired.selector, NOW));
        bytes memory forged = _sign(STRANGER_KEY, _emergency(clinician, 6, 3, 0, NOW + 1));
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, second));
        vm.prank(clinician);
        glass.open(PATIENT, 6, 3, second, NOW + 1, forged);
        _openWith(0);
        _refusesOpening(abi.encodeWithSelector(ISigned.InvalidSignature.selector, second));
    }

    function test_open_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        _refusesOpening(abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
    }

    function test_open_waitsForReviews() public {
        for (uint256 i = 0; i < 5; ++i) {
            _openWith(i);
        }
        _refusesOpening(abi.encodeWithSelector(IEmergencyAccess.TooManyPending.selector, clinician, 5));
        vm.prank(administrator);
        IAccessControl(address(glass)).grantRole(CLINICIAN_ROLE, stranger);
        _refuses(stranger, 6, 3, second, NOW + 1, abi.encodeWithSelector(IEmergencyAccess.TooManyPending.selector, second, 5));
        _review(2, true);
        _openWith(5);
    }

    function test_open_isBlockedByAnOverdueReview() public {
        _openWith(0);
        vm.warp(NOW + 72 hours - 1);
        _openWith(1);
        vm.warp(NOW + 72 hours);
        _refusesOpening(abi.encodeWithSelector(IEmergencyAccess.ReviewOverdue.selector, clinician, 1, NOW + 72 hours));
        _review(1, true);
        _openWith(2);
    }

    function test_open_seesAnOverdueReviewBehindOthers() public {
        for (uint40 i = 0; i < 4; ++i) {
            vm.warp(NOW + i);
            _openWith(i);
        }
        _review(2, true);
        vm.warp(NOW + 72 hours);
        _review(1, true);
        vm.warp(NOW + 72 hours + 1);
        _openWith(4);
        vm.warp(NOW + 72 hours + 2);
        _refusesOpening(abi.encodeWithSelector(IEmergencyAccess.ReviewOverdue.selector, clinician, 3, NOW + 2 + 72 hours));
        _review(3, true);
        _openWith(5);
        vm.warp(NOW + 72 hours + 3);
        _refusesOpening(abi.encodeWithSelector(IEmergencyAccess.ReviewOverdue.selector, clinician, 4, NOW + 3 + 72 hours));
    }

    // -- close -----------------------------------------------------------------

    function test_close_byAnyParty() public {
        address[3] memory parties = [clinician, second, owner];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 useId = _openWith(i);
            vm.expectEmit(address(glass));
            emit IEmergencyAccess.EmergencyClosed(PATIENT, useId, parties[i]);
            vm.prank(parties[i]);
            glass.close(useId);
            vm.assertFalse(glass.isOpen(PATIENT, clinician, 6));
            vm.assertTrue(glass.useOf(useId).closed);
            vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.UseClosed.selector, useId));
            vm.prank(parties[i]);
            glass.close(useId);
        }
    }

    function test_close_refusesOthersAndTheEnded() public {
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.UnknownUse.selector, 1));
        glass.close(1);
        _openWith(0);
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.NotUseParty.selector, 1, stranger));
        vm.prank(stranger);
        glass.close(1);
        vm.warp(NOW + 4 hours);
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.UseClosed.selector, 1));
        vm.prank(clinician);
        glass.close(1);
        vm.warp(NOW + 4 hours - 1);
        vm.prank(clinician);
        glass.close(1);
    }

    // -- review ----------------------------------------------------------------

    function test_review_justifiedChangesNothingElse() public {
        _openWith(0);
        vm.expectEmit(address(glass));
        emit IEmergencyAccess.EmergencyReviewed(PATIENT, 1, reviewer, true);
        _review(1, true);
        vm.assertEq(uint8(glass.useOf(1).review), uint8(IEmergencyAccess.Review.Justified));
        vm.assertTrue(glass.isOpen(PATIENT, clinician, 6));
        vm.assertFalse(glass.isSuspended(clinician) || glass.isSuspended(second));
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.UseReviewed.selector, 1));
        _review(1, false);
    }

    function test_review_unjustifiedSuspendsBoth() public {
        _openWith(0);
        vm.expectEmit(address(glass));
        emit IEmergencyAccess.EmergencyReviewed(PATIENT, 1, reviewer, false);
        vm.expectEmit(address(glass));
        emit IEmergencyAccess.ClinicianSuspended(clinician, 1);
        vm.expectEmit(address(glass));
        emit IEmergencyAccess.ClinicianSuspended(second, 1);
        _review(1, false);

        vm.assertEq(uint8(glass.useOf(1).review), uint8(IEmergencyAccess.Review.Unjustified));
        vm.assertTrue(glass.useOf(1).closed);
        vm.assertTrue(glass.isSuspended(clinician) && glass.isSuspended(second));
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 6));
        _refusesOpening(abi.encodeWithSelector(IEmergencyAccess.ClinicianIsSuspended.selector, clinician));
        vm.expectEmit(address(glass));
        emit IEmergencyAccess.ClinicianReinstated(clinician, administrator);
        vm.prank(administrator);
        glass.reinstate(clinician);
        vm.assertFalse(glass.isSuspended(clinician));
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 6));
        _refusesOpening(abi.encodeWithSelector(IEmergencyAccess.ClinicianIsSuspended.selector, second));
    }

    function test_review_suspensionShutsEveryOtherUse() public {
        _openWith(0);
        _openWith(1);
        _review(1, false);
        vm.assertFalse(glass.isOpen(PATIENT, clinician, 6));
        vm.prank(administrator);
        glass.reinstate(clinician);
        vm.assertTrue(glass.isOpen(PATIENT, clinician, 6));
    }

    function test_review_isNotByThoseInvolved() public {
        _openWith(0);
        _appoint(REVIEWER_ROLE, clinician);
        _appoint(REVIEWER_ROLE, second);
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.ReviewerInvolved.selector, 1, clinician));
        vm.prank(clinician);
        glass.review(1, true);
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.ReviewerInvolved.selector, 1, second));
        vm.prank(second);
        glass.review(1, true);
        vm.expectRevert(abi.encodeWithSelector(IEmergencyAccess.UnknownUse.selector, 2));
        _review(2, true);
    }

    function testFuzz_roles_areNeeded(address account) public {
        vm.assume(account != administrator && account != reviewer);
        _openWith(0);
        bytes4 selector = IAccessControl.AccessControlUnauthorizedAccount.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, account, REVIEWER_ROLE));
        vm.prank(account);
        glass.review(1, true);
        vm.expectRevert(abi.encodeWithSelector(selector, account, bytes32(0)));
        vm.prank(account);
        glass.reinstate(account);
    }

    // -- vouching --------------------------------------------------------------

    function _answers(KeyRequest memory request, uint256 key, bytes4 expected) private view {
        bytes4 got = glass.isValidSignature(_requestDigest(request), _vouch(request, key));
        vm.assertEq(bytes32(got), bytes32(expected));
    }

    function test_vouches_forTheClinicianWhileOpen() public {
        KeyRequest memory request = _keyRequest(address(glass), 2, 2);
        _answers(request, GRANTEE_KEY, NO);
        _openWith(0);
        _answers(request, GRANTEE_KEY, YES);
        _answers(request, SECOND_KEY, NO);
        _answers(_keyRequest(address(glass), 2, 1), GRANTEE_KEY, NO);
        _answers(_keyRequest(address(glass), 1, 2), GRANTEE_KEY, NO);
        _answers(_keyRequest(address(this), 2, 2), GRANTEE_KEY, NO);
        vm.warp(NOW + 4 hours);
        _answers(request, GRANTEE_KEY, NO);
    }

    function test_requestDigest_isTheTypedDataOfConsents() public view {
        KeyRequest memory request = _keyRequest(address(glass), 2, 2);
        vm.assertEq(IRequestDigest(address(glass)).requestDigest(request), _requestDigest(request));
    }

    function test_vouches_forWhatWasSignedOnly() public {
        _openWith(0);
        KeyRequest memory request = _keyRequest(address(glass), 2, 2);
        bytes memory signature = _vouch(request, GRANTEE_KEY);
        vm.assertEq(bytes32(glass.isValidSignature(keccak256("other"), signature)), bytes32(NO));
        bytes memory forged = abi.encode(request, clinician, _sign(STRANGER_KEY, _requestDigest(request)));
        vm.assertEq(bytes32(glass.isValidSignature(_requestDigest(request), forged)), bytes32(NO));
        bytes memory other = abi.encode(request, clinician, _sign(GRANTEE_KEY, keccak256("other")));
        vm.assertEq(bytes32(glass.isValidSignature(keccak256("other"), other)), bytes32(NO));
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        vm.expectRevert(reason);
        this.create("EmergencyAccess.sol:EmergencyAccess", abi.encode(stranger, consents, owner));
        vm.expectRevert(reason);
        this.create("EmergencyAccess.sol:EmergencyAccess", abi.encode(twins, stranger, owner));
    }
}
