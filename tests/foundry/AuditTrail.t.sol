// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAuditTrail} from "../../contracts/interfaces/IAuditTrail.sol";
import {Fixture} from "./Fixture.sol";

/// post
///   given the head it names
///     it moves the head, and tells
///   when it names another head
///     it refuses
///   when the log does not grow
///     it refuses
contract AuditTrailTest is Fixture {
    IAuditTrail private trail;

    function setUp() public override {
        super.setUp();
        trail = IAuditTrail(vm.deployCode("AuditTrail.sol:AuditTrail"));
    }

    function _post(uint64 lastSize, bytes32 lastRoot, uint64 size, bytes32 root) private {
        vm.prank(owner);
        trail.post(lastSize, lastRoot, size, root);
    }

    function test_post_movesTheHead() public {
        vm.assertTrue(trail.isHead(owner, 0, 0));
        vm.expectEmit(address(trail));
        emit IAuditTrail.ReceiptsRooted(owner, 3, bytes32("a"));
        _post(0, 0, 3, bytes32("a"));
        vm.assertTrue(trail.isHead(owner, 3, bytes32("a")));
        vm.assertFalse(trail.isHead(owner, 0, 0));
        vm.assertFalse(trail.isHead(owner, 3, bytes32("b")));
        vm.assertFalse(trail.isHead(owner, 2, bytes32("a")));
        vm.assertTrue(trail.isHead(stranger, 0, 0));
        vm.assertEq(trail.headOf(owner), keccak256(abi.encode(3, bytes32("a"))));
        vm.assertEq(trail.headOf(stranger), 0);
        _post(3, bytes32("a"), 4, bytes32("b"));
        vm.assertTrue(trail.isHead(owner, 4, bytes32("b")));
    }

    function test_post_refusesAStaleHead() public {
        vm.expectRevert(abi.encodeWithSelector(IAuditTrail.StaleHead.selector, owner, 1, bytes32(0)));
        _post(1, 0, 2, bytes32("a"));
        vm.expectRevert(abi.encodeWithSelector(IAuditTrail.StaleHead.selector, owner, 0, bytes32("a")));
        _post(0, bytes32("a"), 2, bytes32("a"));
        _post(0, 0, 3, bytes32("a"));
        vm.expectRevert(abi.encodeWithSelector(IAuditTrail.StaleHead.selector, owner, 0, bytes32(0)));
        _post(0, 0, 4, bytes32("b"));
    }

    function test_post_onlyGrows() public {
        vm.expectRevert(abi.encodeWithSelector(IAuditTrail.LogNotGrowing.selector, owner, 0, 0));
        _post(0, 0, 0, bytes32("a"));
        _post(0, 0, 3, bytes32("a"));
        vm.expectRevert(abi.encodeWithSelector(IAuditTrail.LogNotGrowing.selector, owner, 3, 3));
        _post(3, bytes32("a"), 3, bytes32("b"));
        vm.expectRevert(abi.encodeWithSelector(IAuditTrail.LogNotGrowing.selector, owner, 3, 2));
        _post(3, bytes32("a"), 2, bytes32("b"));
    }
}
