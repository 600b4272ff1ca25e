// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {OracleFixture} from "./PredictionOracle.t.sol";

/// @notice Reports with two rows, a base and one feature, of a model with three terms.
contract ReportChallengeTest is OracleFixture {
    bytes32 private constant LINEAR = keccak256("linear");
    bytes32 private constant MANIFEST = bytes32("manifest");
    int64 private constant LEAST = type(int64).min;
    int64 private constant MOST = type(int64).max;

    IPredictionOracle.Place private alone;

    function setUp() public override {
        super.setUp();
        _register(LINEAR, IModelRegistry.Link.Identity);
    }

    // -- what is told ------------------------------------------------------------

    function _register(bytes32 model, IModelRegistry.Link link) private {
        models.register(model, bytes32("card"), 0, false);
        models.registerTerms(model, _pair(_leaf(_base()), _leaf(_rate())), link);
        vm.prank(administrator);
        models.approve(model);
    }

    function _base() private pure returns (IReportChallenge.Term memory) {
        return IReportChallenge.Term(0, "base", true, LEAST, MOST, 70, 0, 0);
    }

    function _rate() private pure returns (IReportChallenge.Term memory) {
        return IReportChallenge.Term(1, "rate", true, -1_000_000, 9_000_000, 20, 5, 1_000_000);
    }

    function _rows(int64 base, int64 margin, int64 value, int64 contribution)
        private
        pure
        returns (IReportChallenge.Row[] memory rows)
    {
        rows = new IReportChallenge.Row[](2);
        rows[0] = IReportChallenge.Row(0, "base", true, margin, base);
        rows[1] = IReportChallenge.Row(1, "rate", true, value, contribution);
        if (_leaf(rows[0]) > _leaf(rows[1])) (rows[0], rows[1]) = (rows[1], rows[0]);
    }

    function _leaf(IReportChallenge.Row memory row) private pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256(abi.encode(row.index, row.name, row.known, row.value, row.contribution)))
        );
    }

    function _leaf(IReportChallenge.Term memory t) private pure returns (bytes32) {
        return keccak256(
            bytes.concat(keccak256(abi.encode(t.index, t.name, t.known, t.from, t.below, t.step, t.slope, t.centre)))
        );
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }

    function _told(bytes32 model, IReportChallenge.Row[] memory rows, int48 score)
        private
        view
        returns (IPredictionOracle.Report memory report)
    {
        report = _report(1);
        (report.model, report.explanationRoot) = (model, _pair(_leaf(rows[0]), _leaf(rows[1])));
        (report.low, report.score, report.high) = (score - 1, score, score + 1);
    }

    function _opened(IReportChallenge.Row[] memory rows, uint256 at, bool base)
        private
        pure
        returns (IReportChallenge.Opened memory opened)
    {
        (opened.row, opened.term) = (rows[at], base ? _base() : _rate());
        (opened.path, opened.termPath) = (new bytes32[](1), new bytes32[](1));
        opened.path[0] = _leaf(rows[1 - at]);
        opened.termPath[0] = base ? _leaf(_rate()) : _leaf(_base());
    }

    function _votes(bytes32 digest) private view returns (bytes memory) {
        return bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest), _sign(keys[2], digest));
    }

    function _bundle(bytes32 root) private view returns (bytes32) {
        bytes32 typehash = keccak256("Bundle(bytes32 root,bytes32 manifest,bytes32 config)");
        return _typed(address(oracle), abi.encode(typehash, root, MANIFEST, oracle.configDigest()));
    }

    function _under(IPredictionOracle.Report memory report) private view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(_digest(report)))));
    }

    function _place(bytes32 sibling) private pure returns (IPredictionOracle.Place memory place) {
        (place.manifest, place.path) = (MANIFEST, new bytes32[](1));
        place.path[0] = sibling;
    }

    function _isFault(IReportChallenge.Fault got, IReportChallenge.Fault wanted) private pure {
        vm.assertEq(uint256(got), uint256(wanted));
    }

    // -- the judge ---------------------------------------------------------------

    function testFuzz_sum_isJudgedExactly(int64 base, int64 margin, int64 contribution) public view {
        IReportChallenge.Row[] memory rows = _rows(base, margin, 0, contribution);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        bool adds = int256(base) + contribution == margin;
        _isFault(
            challenge.sumFault(MODEL, root, 0, rows),
            adds ? IReportChallenge.Fault.None : IReportChallenge.Fault.Sum
        );
    }

    function testFuzz_honestSum_standsWithItsScoreOnly(int40 base, int40 contribution, int48 score) public view {
        int64 margin = int64(base) + contribution;
        IReportChallenge.Row[] memory rows = _rows(base, margin, 0, contribution);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(
            challenge.sumFault(LINEAR, root, score, rows),
            score == margin ? IReportChallenge.Fault.None : IReportChallenge.Fault.Score
        );
        _isFault(challenge.sumFault(LINEAR, root, int48(margin), rows), IReportChallenge.Fault.None);
    }

    /// @dev Halves to even: the nearest integer, and of two as near the even one.
    function testFuzz_term_isJudgedExactly(int64 value, int64 off) public view {
        value = -1_000_000 + int64(uint64(value) % 10_000_000);
        int256 exact = 5 * (int256(value) - 1_000_000) + 20_000_000;
        int256 nearest = exact / 1_000_000;
        while ((nearest + 1) * 1_000_000 - exact < exact - nearest * 1_000_000) ++nearest;
        while (exact - (nearest - 1) * 1_000_000 < nearest * 1_000_000 - exact) --nearest;
        if (exact - nearest * 1_000_000 == 500_000 && nearest % 2 != 0) ++nearest;
        if (nearest * 1_000_000 - exact == 500_000 && nearest % 2 != 0) --nearest;
        _judged(value, int64(nearest), IReportChallenge.Fault.None);
        if (off != 0 && off > LEAST / 2 && off < MOST / 2) {
            _judged(value, int64(nearest) + off, IReportChallenge.Fault.Term);
        }
    }

    function _judged(int64 value, int64 contribution, IReportChallenge.Fault wanted) private view {
        IReportChallenge.Row[] memory rows = _rows(70, 70, value, contribution);
        uint256 at = rows[0].index == 1 ? 0 : 1;
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(challenge.termFault(LINEAR, root, _opened(rows, at, false)), wanted);
    }

    function test_term_roundsHalvesToEven() public view {
        _judged(1_100_000, 20, IReportChallenge.Fault.None);
        _judged(1_300_000, 22, IReportChallenge.Fault.None);
        _judged(900_000, 20, IReportChallenge.Fault.None);
        _judged(700_000, 18, IReportChallenge.Fault.None);
    }

    function test_term_holdsItsRangeToTheUnit() public {
        _judged(-1_000_000, 10, IReportChallenge.Fault.None);
        _judged(8_999_999, 60, IReportChallenge.Fault.None);
        _beyond(-1_000_001);
        _beyond(9_000_000);
    }

    function _beyond(int64 value) private {
        IReportChallenge.Row[] memory rows = _rows(70, 70, value, 0);
        uint256 at = rows[0].index == 1 ? 0 : 1;
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        IReportChallenge.Opened memory opened = _opened(rows, at, false);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TermDoesNotApply.selector, 1));
        challenge.termFault(LINEAR, root, opened);
        opened = _opened(rows, at, true);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TermDoesNotApply.selector, 1));
        challenge.termFault(LINEAR, root, opened);
        opened.term.step += 1;
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TermNotInModel.selector, LINEAR));
        challenge.termFault(LINEAR, root, opened);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.RowsNotInReport.selector, bytes32(0)));
        challenge.termFault(LINEAR, 0, opened);
    }

    function test_rows_areAllOfThem() public {
        IReportChallenge.Row[] memory rows = _rows(1, 2, 0, 1);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        IReportChallenge.Row[] memory one = new IReportChallenge.Row[](1);
        one[0] = rows[0];
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.RowsNotInReport.selector, root));
        challenge.sumFault(MODEL, root, 0, one);
        (rows[0].index, rows[1].index) = (1, 1);
        bytes32 twice = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(challenge.sumFault(MODEL, twice, 0, rows), IReportChallenge.Fault.Rows);
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TooManyRows.selector, 0, 256));
        challenge.sumFault(MODEL, root, 0, new IReportChallenge.Row[](0));
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.TooManyRows.selector, 257, 256));
        challenge.sumFault(MODEL, root, 0, new IReportChallenge.Row[](257));
        vm.expectRevert(abi.encodeWithSelector(IReportChallenge.RowsNotInReport.selector, root));
        challenge.sumFault(MODEL, root, 0, new IReportChallenge.Row[](256));
    }

    function test_rows_areABaseAndNumberedFeatures() public view {
        IReportChallenge.Row[] memory rows = _rows(1, 2, 0, 1);
        uint256 base = rows[0].index == 0 ? 0 : 1;
        (rows[base].known, rows[base].name) = (false, "base");
        _isNoExplanation(rows);
        (rows[base].known, rows[base].name) = (true, "rate");
        _isNoExplanation(rows);
        (rows[base].index, rows[base].name) = (2, "base");
        _isNoExplanation(rows);
    }

    function _isNoExplanation(IReportChallenge.Row[] memory rows) private view {
        IReportChallenge.Row[] memory told = new IReportChallenge.Row[](2);
        bool inOrder = _leaf(rows[0]) < _leaf(rows[1]);
        (told[0], told[1]) = inOrder ? (rows[0], rows[1]) : (rows[1], rows[0]);
        bytes32 root = _pair(_leaf(told[0]), _leaf(told[1]));
        _isFault(challenge.sumFault(MODEL, root, 0, told), IReportChallenge.Fault.Rows);
    }

    /// @dev ln 3 = 1.0986123: shares of a quarter and of three quarters; halves of a millionth apart either way.
    function test_logistic_isJudgedToRounding() public {
        bytes32 logistic = keccak256("logistic");
        _register(logistic, IModelRegistry.Link.Logistic);
        _share(logistic, 0, 500_000);
        _share(logistic, 1_098_612, 750_000);
        _share(logistic, -1_098_612, 250_000);
        _share(logistic, 70_000_000, 1_000_000);
        _share(logistic, -70_000_000, 0);
    }

    function _share(bytes32 model, int64 margin, int48 score) private view {
        IReportChallenge.Row[] memory rows = _rows(margin, margin, 0, 0);
        bytes32 root = _pair(_leaf(rows[0]), _leaf(rows[1]));
        _isFault(challenge.sumFault(model, root, score, rows), IReportChallenge.Fault.None);
        _isFault(challenge.sumFault(model, root, score + 1, rows), IReportChallenge.Fault.Score);
        _isFault(challenge.sumFault(model, root, score - 1, rows), IReportChallenge.Fault.Score);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ReportChallenge.sol:ReportChallenge", abi.encode(stranger));
    }

    // -- what comes of it --------------------------------------------------------

    function test_refute_marksSuspendsAndTells() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory report = _told(MODEL, rows, 3);
        bytes memory votes = _votes(_digest(report));
        oracle.post(report, votes);
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.PredictionRefuted(PATIENT, MODEL, 1, _digest(report), IReportChallenge.Fault.Sum);
        oracle.refuteSum(report, alone, votes, rows);

        vm.assertTrue(oracle.isRefuted(_digest(report)));
        vm.assertEq(oracle.latest(PATIENT, MODEL).status, 3);
        vm.assertEq(oracle.latest(PATIENT, MODEL).config, 1);
        for (uint256 i = 0; i < NODES; ++i) {
            vm.assertTrue(oracle.isSigner(vm.addr(keys[i])) == (i == 3));
        }
        bytes memory reason = abi.encodeWithSelector(IPredictionOracle.PredictionIsRefuted.selector, PATIENT, MODEL, 1);
        vm.expectRevert(reason);
        oracle.consume(PATIENT, MODEL, 1 days, 9);
        vm.expectRevert(reason);
        oracle.refuteSum(report, alone, votes, rows);
    }

    function test_refute_leavesAnotherReportOfTheRoundAlone() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory wrong = _told(MODEL, rows, 3);
        _post(_report(1));
        oracle.refuteSum(wrong, alone, _votes(_digest(wrong)), rows);
        vm.assertEq(oracle.latest(PATIENT, MODEL).status, 1);
    }

    function test_refute_holdsTheWindowToTheSecond() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory report = _told(MODEL, rows, 3);
        bytes memory votes = _votes(_digest(report));
        vm.warp(NOW + 1 hours);
        oracle.post(report, votes);
        vm.assertEq(oracle.finalAt(report, alone), NOW + 1 days);
        vm.warp(NOW + 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IPredictionOracle.PredictionFinal.selector, _digest(report), NOW + 1 days)
        );
        oracle.refuteSum(report, alone, votes, rows);
        vm.warp(NOW + 1 days - 1);
        oracle.refuteSum(report, alone, votes, rows);
    }

    function test_refute_countsALatePostFromThen() public {
        IPredictionOracle.Report memory report = _report(1);
        vm.warp(NOW + 1 hours + 1);
        oracle.post(report, _votes(_digest(report)));
        vm.assertEq(oracle.finalAt(report, alone), NOW + 1 hours + 1 + 1 days);
    }

    function test_refuteTerm_needsAFaultAndAQuorum() public {
        IReportChallenge.Row[] memory rows = _rows(70, 90, 1_000_000, 20);
        uint256 at = rows[0].index == 1 ? 0 : 1;
        IPredictionOracle.Report memory report = _told(LINEAR, rows, 90);
        bytes memory votes = _votes(_digest(report));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionHolds.selector, _digest(report)));
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
        rows = _rows(69, 90, 1_000_000, 21);
        at = rows[0].index == 1 ? 0 : 1;
        report = _told(LINEAR, rows, 90);
        bytes32 digest = _digest(report);
        bytes memory two = bytes.concat(_sign(keys[0], digest), _sign(keys[1], digest));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.QuorumNotMet.selector, 2, QUORUM));
        oracle.refuteTerm(report, alone, two, _opened(rows, at, false));
        votes = _by(report, keys[0], keys[1], STRANGER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.UnknownSigner.selector, stranger));
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
        votes = _by(report, keys[0], keys[0], keys[1]);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPredictionOracle.SignersNotAscending.selector, vm.addr(keys[0]), vm.addr(keys[0])
            )
        );
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
        oracle.refuteTerm(report, alone, _votes(_digest(report)), _opened(rows, at, false));
        report.config = 0;
        vm.expectRevert(
            abi.encodeWithSelector(IPredictionOracle.WrongConfig.selector, bytes32(0), oracle.configDigest())
        );
        oracle.refuteTerm(report, alone, votes, _opened(rows, at, false));
    }

    function test_refute_refusesNoAnswer() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory report = _told(MODEL, rows, 3);
        (report.status, report.low, report.score, report.high) = (2, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.PredictionHolds.selector, _digest(report)));
        oracle.refuteSum(report, alone, "", rows);
    }

    // -- bundles -----------------------------------------------------------------

    function test_bundle_isPostedOnceSettledAndProven() public {
        IPredictionOracle.Report memory first = _report(1);
        IPredictionOracle.Report memory second = _report(2);
        IPredictionOracle.Place memory place = _place(_under(second));
        bytes32 root = _pair(_under(first), _under(second));
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(root, MANIFEST, oracle.configDigest());
        vm.assertEq(oracle.bundleDigest(bundle), _bundle(root));
        bytes memory unknown = abi.encodeWithSelector(IPredictionOracle.BundleUnknown.selector, root, bundle.config);
        vm.expectRevert(unknown);
        oracle.settle(first, place.path);
        vm.expectRevert(unknown);
        oracle.finalAt(first, place);
        vm.expectEmit(address(oracle));
        emit IPredictionOracle.BundlePosted(root, bundle.config, MANIFEST);
        oracle.postBundle(bundle, _votes(_bundle(root)));
        bytes memory again = _votes(_bundle(root));
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.BundleExists.selector, root));
        oracle.postBundle(bundle, again);

        vm.warp(NOW + 10);
        vm.assertEq(oracle.finalAt(first, place), NOW + 1 days);
        vm.assertEq(oracle.consumeProven(first, place.path, 10, 16).round, 1);
        oracle.settle(first, place.path);
        vm.assertEq(oracle.consumeProven(first, place.path, 10, 16).round, 1);
        oracle.settle(second, _place(_under(first)).path);
        vm.assertEq(oracle.latest(PATIENT, MODEL).round, 2);
        bytes memory behind = abi.encodeWithSelector(IPredictionOracle.RoundNotAfter.selector, 1, 2);
        vm.expectRevert(behind);
        oracle.settle(first, place.path);
        vm.expectRevert(behind);
        oracle.consumeProven(first, place.path, 10, 16);
    }

    function test_bundle_isNotEmpty() public {
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(0, MANIFEST, oracle.configDigest());
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.EmptyBundle.selector));
        oracle.postBundle(bundle, "");
        (bundle.root, bundle.manifest) = ("root", 0);
        vm.expectRevert(abi.encodeWithSelector(IPredictionOracle.EmptyBundle.selector));
        oracle.postBundle(bundle, "");
    }

    function test_bundle_refutedReportIsNeitherSettledNorProven() public {
        IReportChallenge.Row[] memory rows = _rows(1, 3, 0, 1);
        IPredictionOracle.Report memory wrong = _told(MODEL, rows, 3);
        IPredictionOracle.Report memory other = _report(2);
        bytes32 root = _pair(_under(wrong), _under(other));
        IPredictionOracle.Bundle memory bundle = IPredictionOracle.Bundle(root, MANIFEST, oracle.configDigest());
        oracle.postBundle(bundle, _votes(_bundle(root)));
        oracle.refuteSum(wrong, _place(_under(other)), _votes(_bundle(root)), rows);
        bytes32[] memory path = _place(_under(other)).path;
        bytes memory reason = abi.encodeWithSelector(IPredictionOracle.PredictionIsRefuted.selector, PATIENT, MODEL, 1);
        vm.expectRevert(reason);
        oracle.settle(wrong, path);
        vm.expectRevert(reason);
        oracle.consumeProven(wrong, path, 10, 16);
        oracle.settle(other, _place(_under(wrong)).path);
        vm.assertEq(oracle.consume(PATIENT, MODEL, 10, 16).round, 2);
    }

    function test_equivocation_isSeenAcrossBundles() public {
        IPredictionOracle.Report memory mine = _report(1);
        IPredictionOracle.Report memory other = _report(1);
        other.score = 6;
        IPredictionOracle.Signed memory a =
            IPredictionOracle.Signed(mine, _place(MANIFEST), _sign(keys[1], _bundle(_pair(_under(mine), MANIFEST))));
        oracle.proveEquivocation(a, _signedBy(keys[1], other));
        vm.assertFalse(oracle.isSigner(vm.addr(keys[1])));
    }
}
