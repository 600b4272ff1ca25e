// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Fixture} from "./Fixture.sol";

abstract contract OracleFixture is Fixture {
    bytes32 internal constant MODEL = keccak256("model");
    uint256 internal constant NODES = 4;
    uint256 internal constant QUORUM = 3;

    IModelRegistry internal models;
    IReportChallenge internal challenge;
    IPredictionOracle internal oracle;
    /// @dev By ascending address.
    uint256[] internal keys;

    function setUp() public virtual override {
        super.setUp();
        models = IModelRegistry(vm.deployCode("ModelRegistry.sol:ModelRegistry", abi.encode(consents, administrator)));
        for (uint256 key = 1; key <= NODES; ++key) {
            keys.push(key);
        }
        for (uint256 i = 0; i < NODES; ++i) {
            for (uint256 j = i + 1; j < NODES; ++j) {
                if (vm.addr(keys[j]) < vm.addr(keys[i])) (keys[i], keys[j]) = (keys[j], keys[i]);
            }
        }
        challenge = IReportChallenge(vm.deployCode("ReportChallenge.sol:ReportChallenge", abi.encode(models)));
        bytes memory arguments = abi.encode(twins, models, challenge, _nodes(), 1);
        oracle = IPredictionOracle(vm.deployCode("PredictionOracle.sol:PredictionOracle", arguments));
        models.register(MODEL, bytes32("card"), 0, false);
        vm.prank(administrator);
        models.approve(MODEL);
        _pair(DEVICE_KEY, PATIENT, NOW + 700 days, 0);
        _anchor(DEVICE_KEY, PATIENT);
    }

    function _nodes() internal view returns (address[] memory nodes) {
        nodes = new address[](NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            nodes[i] = vm.addr(keys[i]);
        }
    }

    function _report(uint48 round) internal view returns (IPredictionOracle.Report memory) {
        return IPredictionOracle.Report(
            PATIENT, MODEL, round, uint40(block.timestamp), 1, 5, -7, 9, "inputs", "explanation", oracle.configDigest()
        );
    }

    function _digest(IPredictionOracle.Report memory report) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config)"
        );
        return _typed(address(oracle), abi.encode(typehash, report));
    }

    function _by(IPredictionOracle.Report memory report, uint256 a, uint256 b, uint256 c) internal view returns (bytes memory) {
        bytes32 digest = _digest(report);
        return bytes.concat(_sign(a, digest), _sign(b, digest), _sign(c, digest));
    }

    function _signedBy(uint256 key, IPredictionOracle.Report memory report)
        internal
        view
        returns (IPredictionOracle.Signed memory)
    {
        IPredictionOracle.Place memory alone;
        return IPredictionOracle.Signed(report, alone, _sign(key, _digest(report)));
    }

    function _post(IPredictionOracle.Report memory report) internal {
        oracle.post(report, _by(report, keys[0], keys[1], keys[3]));
    }
}

contract PredictionOracleTest is OracleFixture {
    function _refuses(IPredictionOracle.Report memory report, bytes memory reason) private {
        bytes memory signatures = _by(report, keys[0], keys[1], keys[2]);
        vm.expectRevert(reason);
        oracle.post(report, signatures);
    }

    function _refusesSigners(bytes memory signatures, bytes memory reason) private {
        IPredictionOracle.Report memory report = _report(1);
        vm.expectRevert(reason);
        oracle.post(report, signatures);
    }

    // -- post ------------------------------------------------------------------

    function test_post_isStoredAndTold() public {
        IPredictionOracle.Report memory report = _report(1);
        bytes memory signatures = _by(report, keys[0], keys[2], keys[3]);
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.PredictionPosted(PATIENT, MODEL, 1, _digest(report), report);
        oracle.post(report, signatures);

        bytes32 kept = keccak256(abi.encode(oracle.latest(PATIENT, MODEL)));
        vm.assertEq(kept, keccak256(abi.encode(IPredictionOracle.Latest(1, NOW, 1, 5, -7, 9, 1))));
        vm.assertEq(oracle.latest(WARD, MODEL).round, 0);
    }

    function testFuzz_post_keepsEveryNumber(int48 low, uint48 above, uint48 more) public {
        int256 score = int256(low) + int256(uint256(above));
        int256 high = score + int256(uint256(more));
        vm.assume(score <= type(int48).max && high <= type(int48).max);
        IPredictionOracle.Report memory report = _report(1);
        (report.low, report.score, report.high) = (low, int48(score), int48(high));
        _post(report);
        IPredictionOracle.Latest memory kept = oracle.latest(PATIENT, MODEL);
        vm.assertEq(kept.low, low);
        vm.assertEq(kept.score, score);
        vm.assertEq(kept.high, high);
    }

    function test_post_takesAnAnswerThatIsAPointOrWithheld() public {
        IPredictionOracle.Report memory report = _report(1);
        (report.low, report.high) = (5, 5);
        _post(report);
        _anchor(DEVICE_KEY, PATIENT);
        report = _report(2);
        (report.status, report.low, report.score, report.high) = (2, 0, 0, 0);
        _post(report);
        vm.assertEq(oracle.latest(PATIENT, MODEL).status, 2);
    }

    function test_post_refusesWhatIsNoAnswer() public {
        _refusesAnswer(1, 6, 5, 9);
        _refusesAnswer(1, -7, 10, 9);
        _refusesAnswer(0, -7, 5, 9);
        _refusesAnswer(3, -7, 5, 9);
        _refusesAnswer(3, 0, 0, 0);
        _refusesAnswer(2, -1, 0, 0);
        _refusesAnswer(2, 0, 1, 0);
        _refusesAnswer(2, 0, 0, 1);
    }

    function _refusesAnswer(uint8 status, int48 low, int48 score, int48 high) private {
        IPredictionOracle.Report memory report = _report(1);
        (report.status, report.low, report.score, report.high) = (status, low, score, high);
        _refuses(report, abi.encodeWithSelector(IPredictionOracle.InvalidAnswer.selector, status, low, score, high));
    }

    function test_post_takesRoundsForwardOnly() public {
        _refuses(_report(0), abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 0, 0));
        _anchor(DEVICE_KEY, PATIENT);
        _anchor(DEVICE_KEY, PATIENT);
        _post(_report(2));
        _refuses(_report(2), abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 2, 2));
        _refuses(_report(1), abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 1, 2));
        _post(_report(3));
    }

    function test_post_refusesTheFuture() public {
        IPredictionOracle.Report memory report = _report(1);
        report.asOf = NOW + 1;
        _refuses(report, abi.encodeWithSelector(IPredictionOracle.InvalidTime.selector, NOW + 1, NOW));
    }

    function test_post_refusesAnotherConfig() public {
        IPredictionOracle.Report memory report = _report(1);
        report.config = 0;
        _refuses(
            report, abi.encodeWithSelector(IPredictionOracle.WrongConfig.selector, bytes32(0), oracle.configDigest())
        );
    }

    function test_post_needsALiveTwinAndAnApprovedModel() public {
        vm.prank(administrator);
        models.withdraw(MODEL, 0);
        _refuses(_report(1), abi.encodeWithSelector(IPredictionOracle.ModelNotApproved.selector, MODEL));
    }

    function test_post_refusesARetiredTwin() public {
        vm.prank(owner);
        twins.retire(PATIENT);
        _refuses(_report(1), abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
    }

    // -- quorum ----------------------------------------------------------------

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
    }

    // -- equivocation ----------------------------------------------------------

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

    function _proves(IPredictionOracle.Report memory other, uint256 key, bool proven) private {
        IPredictionOracle.Report memory mine = _report(1);
        if (!proven) {
            vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.NotEquivocation.selector));
            this.prove(other, key, mine, keys[1]);
            vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.NotEquivocation.selector));
        }
        this.prove(mine, keys[1], other, key);
    }

    function test_equivocation_refusesAStrangers() public {
        (IPredictionOracle.Report memory mine, IPredictionOracle.Report memory other) = (_report(1), _other());
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, stranger));
        this.prove(mine, STRANGER_KEY, other, STRANGER_KEY);
    }

    // -- reading ---------------------------------------------------------------

    function test_consume_holdsAgeAndWidthToTheUnit() public {
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionMissing.selector, PATIENT, MODEL));
        oracle.consume(PATIENT, MODEL, 100, 16);
        _post(_report(1));
        vm.warp(NOW + 100);
        vm.assertEq(oracle.consume(PATIENT, MODEL, 100, 16).score, 5);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionStale.selector, NOW, NOW + 1));
        oracle.consume(PATIENT, MODEL, 99, 16);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionTooWide.selector, -7, 9, 15));
        oracle.consume(PATIENT, MODEL, 100, 15);
        vm.assertEq(oracle.consume(PATIENT, MODEL, type(uint40).max, 17).round, 1);
    }

    function test_consume_refusesWhatIsWithheldOrWithdrawn() public {
        IPredictionOracle.Report memory report = _report(1);
        (report.status, report.low, report.score, report.high) = (2, 0, 0, 0);
        _post(report);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionWithheld.selector, PATIENT, MODEL));
        oracle.consume(PATIENT, MODEL, 100, 16);
        vm.prank(administrator);
        models.withdraw(MODEL, 0);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.ModelNotApproved.selector, MODEL));
        oracle.consume(PATIENT, MODEL, 100, 16);
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT));
        oracle.consume(PATIENT, MODEL, 100, 16);
    }

    function test_isValidSignature_vouchesForItsNodes() public view {
        bytes32 digest = keccak256("request");
        bytes4 yes = oracle.isValidSignature(digest, _sign(keys[0], digest));
        bytes4 no = oracle.isValidSignature(digest, _sign(STRANGER_KEY, digest));
        vm.assertEq(bytes32(yes), bytes32(bytes4(0x1626ba7e)));
        vm.assertEq(bytes32(no), bytes32(bytes4(0xffffffff)));
    }
}
