// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ICaseToken} from "../../contracts/interfaces/ICaseToken.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {KeyRequest} from "../../contracts/types/KeyRequest.sol";
import {VoucherFixture} from "./EmergencyAccess.t.sol";

abstract contract CaseFixture is VoucherFixture {
    uint256 internal constant FROM_KEY = 0xF0;
    uint256 internal constant TO_KEY = 0x70;
    bytes32 internal constant DEPARTMENT_ROLE = keccak256("DEPARTMENT_ROLE");

    ICaseToken internal cases;
    address internal immutable from = vm.addr(FROM_KEY);
    address internal immutable to = vm.addr(TO_KEY);

    function setUp() public virtual override {
        super.setUp();
        cases = ICaseToken(vm.deployCode("CaseToken.sol:CaseToken", abi.encode(twins, consents, administrator)));
        _setDepartment(from, true);
        _setDepartment(to, true);
    }

    function _setDepartment(address account, bool appointed) internal {
        vm.prank(administrator);
        if (appointed) IAccessControl(address(cases)).grantRole(DEPARTMENT_ROLE, account);
        else IAccessControl(address(cases)).revokeRole(DEPARTMENT_ROLE, account);
    }

    function _case(uint40 expiry) internal view returns (ICaseToken.Case memory) {
        return ICaseToken.Case(PATIENT, from, to, 6, expiry);
    }

    function _digest(ICaseToken.Case memory opened, uint256 nonce, uint40 deadline) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Case(uint256 twinId,address from,address to,uint32 categories,uint40 expiry,uint256 nonce,uint40 deadline)"
        );
        return _typed(address(cases), abi.encode(typehash, opened, nonce, deadline));
    }

    function _open(ICaseToken.Case memory opened, uint256 nonce) internal returns (bytes32) {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes32 digest = _digest(opened, nonce, deadline);
        return cases.open(opened, nonce, deadline, _sign(FROM_KEY, digest), _sign(TO_KEY, digest));
    }
}

/// open
///   given what both departments signed
///     it is stored and told, once
///     it holds deadline and end to the second
///   when a department is none, both are one, or no category is named
///     it refuses
///   when a signature is another's
///     it refuses
///   when the twin is retired
///     it refuses
/// isOpen
///   given an open case
///     it ends on the second
///     it holds for the twin, the department and the categories handed over only
/// close
///   given either department or the twin's owner
///     it ends the case, and tells
///   given anybody else
///     it refuses
///   when the case is over or was never opened
///     it refuses
/// isValidSignature
///   given a request that the receiving department signed
///     it vouches for it while the case is open
/// constructor
///   given an address without code
///     it refuses
contract CaseTokenTest is CaseFixture {
    uint40 private constant END = NOW + 1 days;

    function _refuses(ICaseToken.Case memory opened, uint40 deadline, bytes memory why) private {
        _refusesSigned(opened, deadline, FROM_KEY, TO_KEY, why);
    }

    function _refusesSigned(ICaseToken.Case memory opened, uint40 deadline, uint256 a, uint256 b, bytes memory why) private {
        bytes32 digest = _digest(opened, 0, deadline);
        (bytes memory first, bytes memory second) = (_sign(a, digest), _sign(b, digest));
        vm.expectRevert(why);
        cases.open(opened, 0, deadline, first, second);
    }

    function test_open_isStoredAndTold() public {
        bytes32 id = _digest(_case(END), 4, NOW + 1);
        vm.assertEq(cases.caseDigest(_case(END), 4, NOW + 1), id);
        vm.expectEmit(address(cases));
        emit ICaseToken.CaseOpened(PATIENT, id, to, from, 6, END);
        vm.assertEq(_open(_case(END), 4), id);
        bytes32 kept = keccak256(abi.encode(cases.caseOf(id)));
        vm.assertEq(kept, keccak256(abi.encode(ICaseToken.Standing(PATIENT, to, END, false, from, 6))));
        _refusesAgain(id);
        _open(_case(END), 5);
    }

    function _refusesAgain(bytes32 id) private {
        (bytes memory first, bytes memory second) = (_sign(FROM_KEY, id), _sign(TO_KEY, id));
        vm.expectRevert(abi.encodeWithSelector(ICaseToken.CaseExists.selector, id));
        cases.open(_case(END), 4, NOW + 1, first, second);
    }

    function test_open_holdsTimesToTheSecond() public {
        _refuses(_case(END), NOW, abi.encodeWithSelector(ISigned.SignatureExpired.selector, NOW));
        _refuses(_case(NOW), NOW + 1, abi.encodeWithSelector(ICaseToken.InvalidExpiry.selector, NOW, NOW + 7 days));
        uint40 late = NOW + 7 days + 1;
        _refuses(_case(late), NOW + 1, abi.encodeWithSelector(ICaseToken.InvalidExpiry.selector, late, NOW + 7 days));
        _open(_case(NOW + 7 days), 0);
        _open(_case(NOW + 1), 0);
    }

    function test_open_needsTwoDepartmentsAndCategories() public {
        ICaseToken.Case memory opened = _case(END);
        opened.to = from;
        _refuses(opened, NOW + 1, abi.encodeWithSelector(ICaseToken.SameDepartment.selector, from));
        opened = _case(END);
        opened.categories = 0;
        _refuses(opened, NOW + 1, abi.encodeWithSelector(ICaseToken.EmptyCategories.selector));
        _setDepartment(to, false);
        _refuses(_case(END), NOW + 1, abi.encodeWithSelector(ICaseToken.NotDepartment.selector, to));
        _setDepartment(to, true);
        _setDepartment(from, false);
        _refuses(_case(END), NOW + 1, abi.encodeWithSelector(ICaseToken.NotDepartment.selector, from));
    }

    function test_open_needsBothSignatures() public {
        bytes memory fromLacks = abi.encodeWithSelector(ISigned.InvalidSignature.selector, from);
        bytes memory toLacks = abi.encodeWithSelector(ISigned.InvalidSignature.selector, to);
        _refusesSigned(_case(END), NOW + 1, STRANGER_KEY, TO_KEY, fromLacks);
        _refusesSigned(_case(END), NOW + 1, FROM_KEY, FROM_KEY, toLacks);
        _refusesSigned(_case(END), NOW + 1, TO_KEY, FROM_KEY, fromLacks);
    }

    function test_open_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        _refuses(_case(END), NOW + 1, abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
    }

    function test_isOpen_endsOnTheSecond() public {
        _open(_case(END), 0);
        vm.assertTrue(cases.isOpen(PATIENT, to, 6));
        vm.warp(END - 1);
        vm.assertTrue(cases.isOpen(PATIENT, to, 2));
        vm.warp(END);
        vm.assertFalse(cases.isOpen(PATIENT, to, 2));
    }

    function test_isOpen_forWhatWasHandedOverOnly() public {
        _open(_case(END), 0);
        vm.assertFalse(cases.isOpen(PATIENT, from, 6));
        vm.assertFalse(cases.isOpen(WARD, to, 6));
        vm.assertFalse(cases.isOpen(PATIENT, to, 7));
        vm.assertFalse(cases.isOpen(PATIENT, to, 0));
        _setDepartment(from, false);
        vm.assertFalse(cases.isOpen(PATIENT, to, 6));
        _setDepartment(from, true);
        vm.assertTrue(cases.isOpen(PATIENT, to, 6));
        _setDepartment(to, false);
        vm.assertFalse(cases.isOpen(PATIENT, to, 6));
    }

    function test_close_byAnyParty() public {
        address[3] memory parties = [from, to, owner];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 id = _open(_case(END), i);
            vm.expectEmit(address(cases));
            emit ICaseToken.CaseClosed(PATIENT, id, parties[i], i == 1);
            vm.prank(parties[i]);
            cases.close(id, i == 1);
            vm.assertTrue(cases.caseOf(id).closed);
            vm.assertFalse(cases.isOpen(PATIENT, to, 6));
            vm.expectRevert(abi.encodeWithSelector(ICaseToken.CaseNotOpen.selector, id));
            vm.prank(parties[i]);
            cases.close(id, true);
        }
    }

    function testFuzz_close_refusesOthers(address account) public {
        vm.assume(account != from && account != to && account != owner);
        bytes32 id = _open(_case(END), 0);
        vm.expectRevert(abi.encodeWithSelector(ICaseToken.NotCaseParty.selector, id, account));
        vm.prank(account);
        cases.close(id, true);
    }

    function test_close_refusesTheEndedAndTheUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(ICaseToken.CaseNotOpen.selector, bytes32("none")));
        cases.close(bytes32("none"), true);
        bytes32 id = _open(_case(END), 0);
        vm.warp(END);
        vm.expectRevert(abi.encodeWithSelector(ICaseToken.CaseNotOpen.selector, id));
        vm.prank(to);
        cases.close(id, true);
        vm.warp(END - 1);
        vm.prank(to);
        cases.close(id, true);
    }

    function _answers(KeyRequest memory request, bytes4 expected) private view {
        bytes4 got = cases.isValidSignature(_requestDigest(request), _vouch(request, TO_KEY));
        vm.assertEq(bytes32(got), bytes32(expected));
    }

    function test_vouches_whileTheCaseIsOpen() public {
        KeyRequest memory request = _keyRequest(address(cases), 2, 1);
        _answers(request, NO);
        bytes32 id = _open(_case(END), 0);
        _answers(request, YES);
        _answers(_keyRequest(address(cases), 2, 2), NO);
        _answers(_keyRequest(address(cases), 1, 1), NO);
        _answers(_keyRequest(address(this), 2, 1), NO);
        vm.prank(from);
        cases.close(id, false);
        _answers(request, NO);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        vm.expectRevert(reason);
        this.create("CaseToken.sol:CaseToken", abi.encode(stranger, consents, owner));
        vm.expectRevert(reason);
        this.create("CaseToken.sol:CaseToken", abi.encode(twins, stranger, owner));
    }
}
