// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ISigned} from "../../contracts/interfaces/ISigned.sol";
import {IStudyRegistry} from "../../contracts/interfaces/IStudyRegistry.sol";
import {Fixture} from "./Fixture.sol";

/// approve
///   given what a board signed
///     it is stored and told
///     it counts once, and in time
///     it binds every fact
///   when purposes, end, study or researcher are none
///     it refuses
///   given another than the board that came first
///     it refuses
/// withdraw
///   given the board
///     it is final, and told
/// isApproved
///   it is the rule in words
///   it is so to the second
/// constructor
///   it names an administrator, who is no board
contract StudyRegistryTest is Fixture {
    bytes32 private constant STUDY = keccak256("study");
    bytes32 private constant BOARD_ROLE = keccak256("BOARD_ROLE");
    bytes32 private constant TYPEHASH = keccak256(
        "StudyApproval(bytes32 study,address researcher,address board,uint32 purposes,uint40 expiry,uint256 nonce,uint40 deadline)"
    );
    uint256 private constant BOARD_KEY = 0xB0A2D;
    uint40 private constant END = NOW + 30 days;
    uint40 private constant DEADLINE = NOW + 10;

    IStudyRegistry private studies;
    address private board = vm.addr(BOARD_KEY);

    function setUp() public override {
        super.setUp();
        studies = IStudyRegistry(vm.deployCode("StudyRegistry.sol:StudyRegistry", abi.encode(administrator)));
        _role(board);
    }

    function _role(address account) private {
        vm.prank(administrator);
        IAccessControl(address(studies)).grantRole(BOARD_ROLE, account);
    }

    function _approve(uint256 key, uint32 purposes, uint40 expiry, uint256 nonce) private {
        address by = vm.addr(key);
        bytes memory encoded = abi.encode(TYPEHASH, STUDY, grantee, by, purposes, expiry, nonce, DEADLINE);
        bytes memory signature = _sign(key, _typed(address(studies), encoded));
        studies.approve(STUDY, grantee, by, purposes, expiry, nonce, DEADLINE, signature);
    }

    function _withdraw() private {
        vm.prank(board);
        studies.withdraw(STUDY, grantee);
    }

    function test_approve_isStoredAndTold() public {
        vm.expectEmit(address(studies));
        emit IStudyRegistry.StudyApproved(STUDY, grantee, board, 6, END);
        _approve(BOARD_KEY, 6, END, 0);
        bytes32 kept = keccak256(abi.encode(studies.approvalOf(STUDY, grantee)));
        vm.assertEq(kept, keccak256(abi.encode(board, 6, END, false)));
    }

    function test_approve_countsOnceAndInTime() public {
        vm.warp(DEADLINE - 1);
        _approve(BOARD_KEY, 6, END, 0);
        vm.expectRevert(abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", board, 1));
        _approve(BOARD_KEY, 6, END, 0);
        vm.warp(DEADLINE);
        vm.expectRevert(abi.encodeWithSelector(ISigned.SignatureExpired.selector, DEADLINE));
        _approve(BOARD_KEY, 6, END, 1);
    }

    function testFuzz_approve_bindsEveryFact(uint256 which) public {
        (bytes32 study, address researcher, uint32 purposes, uint40 expiry, uint256 nonce, uint40 deadline) =
            (STUDY, grantee, 6, END, 0, DEADLINE);
        bytes memory encoded = abi.encode(TYPEHASH, study, researcher, board, purposes, expiry, nonce, deadline);
        bytes memory signature = _sign(BOARD_KEY, _typed(address(studies), encoded));
        which %= 6;
        if (which == 0) study = keccak256("other");
        if (which == 1) researcher = stranger;
        if (which == 2) purposes = 7;
        if (which == 3) ++expiry;
        if (which == 4) nonce = 1 << 64;
        if (which == 5) ++deadline;
        vm.expectRevert(abi.encodeWithSelector(ISigned.InvalidSignature.selector, board));
        studies.approve(study, researcher, board, purposes, expiry, nonce, deadline, signature);
    }

    function test_approve_refusesWhatIsNoApproval() public {
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.InvalidStudy.selector, STUDY, grantee, 0, END));
        _approve(BOARD_KEY, 0, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.InvalidStudy.selector, STUDY, grantee, 6, NOW));
        _approve(BOARD_KEY, 6, NOW, 0);
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.InvalidStudy.selector, bytes32(0), grantee, 6, END));
        studies.approve(0, grantee, board, 6, END, 0, DEADLINE, "");
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.InvalidStudy.selector, STUDY, address(0), 6, END));
        studies.approve(STUDY, address(0), board, 6, END, 0, DEADLINE, "");
        _approve(BOARD_KEY, 1, NOW + 1, 0);
    }

    function test_approve_isForBoardsAndTheFirstOfThem() public {
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.NotBoard.selector, stranger));
        _approve(STRANGER_KEY, 6, END, 0);
        _approve(BOARD_KEY, 6, END, 0);
        _role(stranger);
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.OtherBoard.selector, STUDY, grantee, board));
        _approve(STRANGER_KEY, 7, END, 0);
        _approve(BOARD_KEY, 2, END - 1, 1);
        vm.assertEq(studies.approvalOf(STUDY, grantee).purposes, 2);
        vm.assertEq(studies.approvalOf(STUDY, grantee).expiry, END - 1);
    }

    function test_withdraw_isFinalAndTheBoardsOwn() public {
        _approve(BOARD_KEY, 6, END, 0);
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.OtherBoard.selector, STUDY, grantee, board));
        studies.withdraw(STUDY, grantee);
        vm.expectEmit(address(studies));
        emit IStudyRegistry.StudyWithdrawn(STUDY, grantee, board);
        _withdraw();
        vm.assertTrue(studies.approvalOf(STUDY, grantee).withdrawn);
        vm.assertFalse(studies.isApproved(STUDY, grantee, 6, END));
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.StudyIsWithdrawn.selector, STUDY, grantee));
        _withdraw();
        vm.expectRevert(abi.encodeWithSelector(IStudyRegistry.StudyIsWithdrawn.selector, STUDY, grantee));
        _approve(BOARD_KEY, 6, END, 1);
    }

    /// @dev Against the rule in words: every purpose asked for was approved, now and until the end, by a board.
    function testFuzz_isApproved_followsTheRule(uint32 purposes, uint40 end, uint40 time, bool registered) public {
        _approve(BOARD_KEY, 6, END, 0);
        vm.warp(_bound(time, END - 2, END + 2));
        end = uint40(_bound(end, END - 2, END + 2));
        purposes %= 16;
        if (!registered) {
            vm.prank(administrator);
            IAccessControl(address(studies)).revokeRole(BOARD_ROLE, board);
        }
        bool covered = purposes == 2 || purposes == 4 || purposes == 6;
        bool expected = covered && end <= END && block.timestamp < END && registered;
        vm.assertTrue(studies.isApproved(STUDY, grantee, purposes, end) == expected);
        vm.assertFalse(studies.isApproved(STUDY, stranger, purposes, end));
        vm.assertFalse(studies.isApproved(bytes32(0), grantee, purposes, 0));
    }

    function test_isApproved_toTheSecond() public {
        _approve(BOARD_KEY, 6, END, 0);
        vm.warp(END - 1);
        vm.assertTrue(studies.isApproved(STUDY, grantee, 6, END));
        vm.assertFalse(studies.isApproved(STUDY, grantee, 6, END + 1));
        vm.assertFalse(studies.isApproved(STUDY, grantee, 0, END));
        vm.warp(END);
        vm.assertFalse(studies.isApproved(STUDY, grantee, 6, END));
    }

    function test_constructor_namesAnAdministrator() public view {
        vm.assertTrue(IAccessControl(address(studies)).hasRole(0, administrator));
        vm.assertFalse(IAccessControl(address(studies)).hasRole(BOARD_ROLE, administrator));
    }
}
