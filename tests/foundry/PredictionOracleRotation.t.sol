// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// rotate
///   given a quorum of the present nodes
///     it puts others in their place; what was posted stays
///     it makes what they signed valid again when it puts them back
///   when too few signed, or it is late
///     it refuses
///   when nodes, faulty, number or deadline are not what was signed
///     it refuses
///   when it was done
///     it refuses
///   given a suspended key
///     it refuses
contract PredictionOracleRotationTest is OracleFixture {
    uint40 private constant UNTIL = NOW + 1 hours;

    function _rotation(address[] memory next, uint256 faulty, uint256 number, uint40 deadline) private view returns (bytes32) {
        bytes32 typehash =
            keccak256("Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline)");
        bytes32 nodes = keccak256(abi.encodePacked(next));
        return _typed(address(oracle), abi.encode(typehash, oracle.configDigest(), nodes, faulty, number, deadline));
    }

    function _votes(bytes32 digest) private view returns (bytes memory) {
        return bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest), _sign(keys[2], digest));
    }

    /// @dev The last node leaves, `next` comes in its place.
    function _next(address next) private view returns (address[] memory nodes) {
        nodes = _nodes();
        nodes[3] = next;
    }

    function _rotate(address[] memory next) private {
        oracle.rotate(next, 1, UNTIL, _votes(_rotation(next, 1, oracle.configNumber() + 1, UNTIL)));
    }

    /// @dev Whoever the signatures recover, it is no node: its address is anyone's.
    function _isTaken(address[] memory next, bytes memory votes) private returns (bool) {
        try oracle.rotate(next, 1, UNTIL, votes) {
            return true;
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(IPredictionOracle.UnknownSigner.selector));
            return false;
        }
    }

    function test_rotate_putsOthersInPlace() public {
        address[] memory next = _next(address(type(uint160).max));
        IPredictionOracle.Report memory waiting = _report(2);
        _post(_report(1));
        bytes32 old = oracle.configDigest();
        bytes32 kept = keccak256(abi.encode(oracle.latest(PATIENT, MODEL)));
        bytes32 config = keccak256(abi.encode(block.chainid, address(oracle), next, 1));
        bytes memory votes = _votes(_rotation(next, 1, 2, UNTIL));
        vm.assertEq(oracle.rotationDigest(next, 1, UNTIL), _rotation(next, 1, 2, UNTIL));
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.ConfigSet(2, config, next, 1);
        vm.prank(stranger);
        oracle.rotate(next, 1, UNTIL, votes);

        vm.assertEq(oracle.configDigest(), config);
        vm.assertEq(oracle.configNumber(), 2);
        vm.assertEq(oracle.quorum(), QUORUM);
        vm.assertFalse(oracle.isSigner(vm.addr(keys[3])));
        vm.assertTrue(oracle.isSigner(next[3]));
        vm.assertEq(keccak256(abi.encode(oracle.latest(PATIENT, MODEL))), kept);
        vm.assertEq(keccak256(abi.encode(oracle.consume(PATIENT, MODEL, 1 days, 100))), kept);
        bytes memory late = _by(waiting, keys[0], keys[1], keys[2]);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.WrongConfig.selector, old, config));
        oracle.post(waiting, late);
        waiting = _report(2);
        oracle.post(waiting, _by(waiting, keys[0], keys[1], keys[2]));
        vm.assertEq(oracle.latest(PATIENT, MODEL).config, 2);
    }

    /// @dev The same nodes and f are the same config: what they signed then counts again, from the next round on.
    function test_rotate_backMakesWhatWasSignedValidAgain() public {
        IPredictionOracle.Report memory waiting = _report(1);
        bytes memory votes = _by(waiting, keys[0], keys[1], keys[2]);
        _rotate(_next(address(type(uint160).max)));
        vm.expectRevert(
            abi.encodeWithSelector(IPredictionOracle.WrongConfig.selector, waiting.config, oracle.configDigest())
        );
        oracle.post(waiting, votes);
        _rotate(_nodes());
        oracle.post(waiting, votes);
        vm.assertEq(oracle.latest(PATIENT, MODEL).config, 3);
        vm.assertTrue(oracle.isSigner(vm.addr(keys[3])));
        vm.assertFalse(oracle.isSigner(address(type(uint160).max)));
    }

    function test_rotate_needsAQuorumInTime() public {
        address[] memory next = _next(address(type(uint160).max));
        bytes memory votes = _votes(_rotation(next, 1, 2, UNTIL));
        bytes32 digest = _rotation(next, 1, 2, UNTIL);
        bytes memory two = bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.QuorumNotMet.selector, 2, QUORUM));
        oracle.rotate(next, 1, UNTIL, two);
        vm.warp(UNTIL);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.SignatureExpired.selector, UNTIL));
        oracle.rotate(next, 1, UNTIL, votes);
        vm.warp(UNTIL - 1);
        oracle.rotate(next, 1, UNTIL, votes);
    }

    function testFuzz_rotate_takesOnlyWhatWasSigned(uint256 faulty, uint256 number, uint40 deadline, address last) public {
        vm.assume(faulty != 1 || number != 2 || deadline != UNTIL || last != address(type(uint160).max));
        address[] memory next = _next(address(type(uint160).max));
        bytes memory votes = _votes(_rotation(_next(last), faulty, number, deadline));
        bytes32 before = oracle.configDigest();
        vm.assertFalse(_isTaken(next, votes));
        vm.assertEq(oracle.configDigest(), before);
    }

    function test_rotate_isNotReplayed() public {
        bytes memory votes = _votes(_rotation(_nodes(), 1, 2, UNTIL));
        oracle.rotate(_nodes(), 1, UNTIL, votes);
        vm.assertEq(oracle.configNumber(), 2);
        vm.assertFalse(_isTaken(_nodes(), votes));
        _rotate(_nodes());
        vm.assertEq(oracle.configNumber(), 3);
        _post(_report(1));
    }

    function test_rotate_neverBringsBackTheSuspended() public {
        IPredictionOracle.Report memory a = _report(1);
        IPredictionOracle.Report memory b = _report(1);
        b.score = 6;
        address liar = vm.addr(keys[3]);
        IPredictionOracle.Signed memory one = _signedBy(keys[3], a);
        IPredictionOracle.Signed memory other = _signedBy(keys[3], b);
        _rotate(_next(address(type(uint160).max)));
        oracle.proveEquivocation(one, other);

        bytes memory reason = abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, liar);
        vm.expectRevert(reason);
        oracle.proveEquivocation(one, other);
        address[] memory back = _nodes();
        bytes memory votes = _votes(_rotation(back, 1, 3, UNTIL));
        vm.expectRevert(reason);
        oracle.rotate(back, 1, UNTIL, votes);
    }
}
