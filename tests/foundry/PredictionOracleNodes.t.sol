// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// constructor
///   given nodes and how many may lie
///     it wants more than half of all and the faulty
///     it names chain, contract and nodes in the config
///   when there are too many, or too few for the faulty
///     it refuses
///   when they do not ascend
///     it refuses
///   given an address without code
///     it refuses
/// post
///   given fewer than a quorum
///     it refuses
///   given more
///     it takes them
///   when one signed twice, or they do not ascend
///     it refuses
///   when a stranger signed, or nobody
///     it refuses
/// proveEquivocation
///   given two reports of one round by one node
///     it is suspended for good
///   given one report twice, or of other rounds, models or twins
///     it refuses
///   given a stranger's
///     it refuses
/// isValidSignature
///   it vouches for its nodes
contract PredictionOracleNodesTest is OracleFixture {
    function _refusesSigners(bytes memory signatures, bytes memory reason) private {
        IPredictionOracle.Report memory report = _report(1);
        vm.expectRevert(reason);
        oracle.post(report, signatures);
    }

    function test_quorum_isMoreThanHalfOfAllAndTheFaulty() public {
        for (uint256 faulty = 0; faulty <= 10; ++faulty) {
            for (uint256 count = 3 * faulty + 1; count <= 31; count += 5) {
                vm.assertEq(_deploy(count, faulty).quorum(), (count + faulty) / 2 + 1);
            }
        }
    }

    function _ascending(uint256 count) private pure returns (address[] memory some) {
        some = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            some[i] = address(uint160(1000 + i));
        }
    }

    function _deploy(uint256 count, uint256 faulty) private returns (IPredictionOracle) {
        bytes memory arguments = abi.encode(twins, models, challenge, _ascending(count), faulty);
        return IPredictionOracle(vm.deployCode("PredictionOracle.sol:PredictionOracle", arguments));
    }

    function test_constructor_boundsItsConfig() public {
        vm.assertEq(_deploy(31, 10).signers().length, 31);
        _refusesConfig(32, 0);
        _refusesConfig(0, 0);
        _refusesConfig(3, 1);
        _refusesConfig(6, 2);
    }

    function _refusesConfig(uint256 count, uint256 faulty) private {
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.InvalidConfig.selector, count, faulty));
        this.create(
            "PredictionOracle.sol:PredictionOracle", abi.encode(twins, models, challenge, _ascending(count), faulty)
        );
    }

    function test_constructor_wantsSignersAscending() public {
        address[] memory two = new address[](2);
        (two[0], two[1]) = (owner, owner);
        _refusesOrder(two, owner, owner);
        (two[0], two[1]) = (address(2), address(1));
        _refusesOrder(two, address(2), address(1));
        (two[0], two[1]) = (address(0), address(1));
        _refusesOrder(two, address(0), address(0));
    }

    function _refusesOrder(address[] memory two, address first, address second) private {
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.SignersNotAscending.selector, first, second));
        this.create("PredictionOracle.sol:PredictionOracle", abi.encode(twins, models, challenge, two, 0));
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        string memory name = "PredictionOracle.sol:PredictionOracle";
        vm.expectRevert(reason);
        this.create(name, abi.encode(stranger, models, challenge, _nodes(), 1));
        vm.expectRevert(reason);
        this.create(name, abi.encode(twins, stranger, challenge, _nodes(), 1));
        vm.expectRevert(reason);
        this.create(name, abi.encode(twins, models, stranger, _nodes(), 1));
    }

    function test_config_namesChainContractAndNodes() public view {
        vm.assertEq(oracle.configDigest(), keccak256(abi.encode(block.chainid, address(oracle), _nodes(), 1)));
        vm.assertEq(keccak256(abi.encode(oracle.signers())), keccak256(abi.encode(_nodes())));
        vm.assertEq(oracle.quorum(), QUORUM);
        vm.assertEq(oracle.reportDigest(_report(1)), _digest(_report(1)));
    }

    function _proves(IPredictionOracle.Report memory other, uint256 key, bool proven) private {
        IPredictionOracle.Report memory mine = _report(1);
        if (!proven) {
            vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.NotEquivocation.selector));
            this.prove(other, key, mine, keys[1]);
            vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.NotEquivocation.selector));
        }
        this.prove(mine, keys[1], other, key);
    }

    function test_post_needsAQuorum() public {
        bytes32 digest = _digest(_report(1));
        bytes memory two = bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest));
        _refusesSigners(two, abi.encodeWithSelector(IPredictionOracle.QuorumNotMet.selector, 2, QUORUM));
        _refusesSigners("", abi.encodeWithSelector(IPredictionOracle.QuorumNotMet.selector, 0, QUORUM));
    }

    function test_post_takesMoreThanAQuorum() public {
        IPredictionOracle.Report memory report = _report(1);
        bytes memory all;
        for (uint256 i = 0; i < 4; ++i) {
            all = bytes.concat(all, _sign(keys[i], _digest(report)));
        }
        oracle.post(report, all);
        vm.assertEq(oracle.latest(PATIENT, MODEL).round, 1);
    }

    function test_post_countsNobodyTwice() public {
        (address a, address b, address c) = (vm.addr(keys[0]), vm.addr(keys[1]), vm.addr(keys[2]));
        IPredictionOracle.Report memory report = _report(1);
        _refusesSigners(
            _by(report, keys[0], keys[1], keys[1]),
            abi.encodeWithSelector(IPredictionOracle.SignersNotAscending.selector, b, b)
        );
        _refusesSigners(
            _by(report, keys[0], keys[2], keys[1]),
            abi.encodeWithSelector(IPredictionOracle.SignersNotAscending.selector, c, b)
        );
        _refusesSigners(
            _by(report, keys[0], keys[0], keys[0]),
            abi.encodeWithSelector(IPredictionOracle.SignersNotAscending.selector, a, a)
        );
    }

    function test_post_refusesStrangersSignatures() public {
        IPredictionOracle.Report memory report = _report(1);
        _refusesSigners(
            _by(report, STRANGER_KEY, keys[1], keys[2]),
            abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, stranger)
        );
        bytes memory two = bytes.concat(_sign(keys[0], _digest(report)), _sign(keys[1], _digest(report)));
        bytes memory nobody = abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, address(0));
        _refusesSigners(bytes.concat(two, new bytes(65)), nobody);
        _refusesSigners(bytes.concat(_by(report, keys[0], keys[1], keys[2]), "1"), nobody);
        bytes memory all = bytes.concat(_by(report, keys[0], keys[1], keys[2]), _sign(keys[3], _digest(report)));
        _refusesSigners(
            bytes.concat(all, _sign(STRANGER_KEY, _digest(report))),
            abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, stranger)
        );
    }

    function prove(IPredictionOracle.Report memory a, uint256 keyA, IPredictionOracle.Report memory b, uint256 keyB) external {
        oracle.proveEquivocation(_signedBy(keyA, a), _signedBy(keyB, b));
    }

    function _other() private view returns (IPredictionOracle.Report memory report) {
        report = _report(1);
        report.score = 6;
    }

    function test_equivocation_suspendsTheNode() public {
        (IPredictionOracle.Report memory mine, IPredictionOracle.Report memory other) = (_report(1), _other());
        address node = vm.addr(keys[1]);
        vm.assertTrue(oracle.isSigner(node));
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.EquivocationProven(node, PATIENT, MODEL, 1);
        this.prove(mine, keys[1], other, keys[1]);

        vm.assertFalse(oracle.isSigner(node));
        vm.assertTrue(oracle.isSigner(vm.addr(keys[0])));
        _refusesSigners(
            _by(_report(1), keys[0], keys[1], keys[2]),
            abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, node)
        );
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, node));
        this.prove(mine, keys[1], other, keys[1]);
        bytes4 no = oracle.isValidSignature(bytes32("x"), _sign(keys[1], bytes32("x")));
        vm.assertEq(bytes32(no), bytes32(bytes4(0xffffffff)));
        oracle.post(mine, _by(mine, keys[0], keys[2], keys[3]));
    }

    function test_equivocation_needsTwoReportsOfOneRound() public {
        IPredictionOracle.Report memory other = _report(1);
        _proves(other, keys[1], false);
        other = _other();
        other.round = 2;
        _proves(other, keys[1], false);
        other = _other();
        other.twinId = WARD;
        _proves(other, keys[1], false);
        other = _other();
        other.model = 0;
        _proves(other, keys[1], false);
        other = _other();
        other.config = 0;
        _proves(other, keys[1], false);
        _proves(_other(), keys[2], false);
        _proves(_other(), keys[1], true);
    }

    function test_equivocation_refusesAStrangers() public {
        (IPredictionOracle.Report memory mine, IPredictionOracle.Report memory other) = (_report(1), _other());
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, stranger));
        this.prove(mine, STRANGER_KEY, other, STRANGER_KEY);
    }

    function test_isValidSignature_vouchesForItsNodes() public view {
        bytes32 digest = keccak256("request");
        bytes4 yes = oracle.isValidSignature(digest, _sign(keys[0], digest));
        bytes4 no = oracle.isValidSignature(digest, _sign(STRANGER_KEY, digest));
        vm.assertEq(bytes32(yes), bytes32(bytes4(0x1626ba7e)));
        vm.assertEq(bytes32(no), bytes32(bytes4(0xffffffff)));
    }
}
