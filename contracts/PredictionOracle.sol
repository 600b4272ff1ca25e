// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "./interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "./interfaces/IReportChallenge.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Nodes} from "./libraries/Nodes.sol";
import {Reports} from "./libraries/Reports.sol";
import {Verbatim} from "./libraries/Verbatim.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IPredictionOracle.
contract PredictionOracle is Nodes {
    using Reports for Report;
    using Reports for uint256;
    using Verbatim for bytes;

    /// @dev One slot. number is its config's; at is 0 for a bundle that nobody posted.
    struct Posted {
        uint16 number;
        uint40 at;
    }

    /// @inheritdoc IPredictionOracle
    uint40 public constant WINDOW = 1 days;
    /// @inheritdoc IPredictionOracle
    uint40 public constant PROMPT = 1 hours;

    bytes32 private constant BUNDLE_TYPEHASH = keccak256("Bundle(bytes32 root,bytes32 manifest,bytes32 config)");

    ITwinToken public immutable TWINS;
    IModelRegistry public immutable MODELS;
    IReportChallenge public immutable CHALLENGE;

    /// @dev One word, written at once; see Reports.
    mapping(uint256 twinId => mapping(bytes32 model => uint256 packedLatest)) private _latest;
    mapping(bytes32 config => mapping(bytes32 root => Posted)) private _bundles;
    /// @dev Kept of a report only that was posted later than PROMPT after its asOf: the others need no word for it.
    mapping(bytes32 digest => uint40 at) private _postedLate;
    mapping(bytes32 digest => bool) private _refuted;

    /// @param ascending The nodes' addresses, strictly ascending. @param faulty How many of them may lie.
    constructor(ITwinToken twins, IModelRegistry models, IReportChallenge challenge, address[] memory ascending, uint256 faulty)
        Nodes(ascending, faulty)
    {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        MODELS = IModelRegistry(Wiring.checked(address(models)));
        CHALLENGE = IReportChallenge(Wiring.checked(address(challenge)));
    }

    /// @inheritdoc IPredictionOracle
    function post(Report calldata report, bytes calldata signatures) external {
        bytes32 digest = reportDigest(report);
        _keep(report, digest, _checkQuorum(report.config, digest, signatures));
        if (block.timestamp - report.asOf > PROMPT) _postedLate[digest] = uint40(block.timestamp);
    }

    /// @inheritdoc IPredictionOracle
    function postBundle(Bundle calldata bundle, bytes calldata signatures) external {
        // Check:
        if (bundle.root == 0 || bundle.manifest == 0) revert EmptyBundle();
        if (_bundles[bundle.config][bundle.root].at != 0) revert BundleExists(bundle.root);
        uint16 number = _checkQuorum(bundle.config, bundleDigest(bundle), signatures);
        // Effect:
        _bundles[bundle.config][bundle.root] = Posted(number, uint40(block.timestamp));
        emit BundlePosted(bundle.root, bundle.config, bundle.manifest);
    }

    /// @inheritdoc IPredictionOracle
    function settle(Report calldata report, bytes32[] calldata path) external {
        (bytes32 digest, uint16 number) = _proven(report, path);
        _keep(report, digest, number);
    }

    /// @inheritdoc IPredictionOracle
    function refuteSum(
        Report calldata report,
        Place calldata place,
        bytes calldata signatures,
        IReportChallenge.Row[] calldata rows
    ) external {
        _refute(report, place, signatures, CHALLENGE.sumFault(report.model, report.explanationRoot, report.score, rows));
    }

    /// @inheritdoc IPredictionOracle
    function refuteTerm(
        Report calldata report,
        Place calldata place,
        bytes calldata signatures,
        IReportChallenge.Opened calldata opened
    ) external {
        _refute(report, place, signatures, CHALLENGE.termFault(report.model, report.explanationRoot, opened));
    }

    /// @inheritdoc IPredictionOracle
    function proveEquivocation(Signed calldata a, Signed calldata b) external {
        (bytes32 digestA, bytes32 digestB) = (reportDigest(a.report), reportDigest(b.report));
        bool sameRound = a.report.twinId == b.report.twinId && a.report.model == b.report.model && a.report.round == b.report.round;
        bool ours = a.report.config == b.report.config && _isOurs(a.report.config);
        address signer = _nodeOf(_signedDigest(a.report, digestA, a.place), a.signature);
        address other = _nodeOf(_signedDigest(b.report, digestB, b.place), b.signature);
        if (!sameRound || !ours || digestA == digestB || signer != other) revert NotEquivocation();
        _suspend(signer);
        emit EquivocationProven(signer, a.report.twinId, a.report.model, a.report.round);
    }

    /// @inheritdoc IPredictionOracle
    function consume(uint256 twinId, bytes32 model, uint40 maxAge, uint48 maxWidth) external view returns (Latest memory) {
        Latest memory last = latest(twinId, model);
        if (last.round == 0) revert PredictionMissing(twinId, model);
        TWINS.epochOf(twinId);
        if (!MODELS.isApproved(model)) revert ModelNotApproved(model);
        if (last.status == Reports.REFUTED) revert PredictionIsRefuted(twinId, model, last.round);
        _checkUse(twinId, model, last, maxAge, maxWidth);
        return last;
    }

    /// @inheritdoc IPredictionOracle
    function consumeProven(Report calldata report, bytes32[] calldata path, uint40 maxAge, uint48 maxWidth)
        external
        view
        returns (Latest memory proven)
    {
        (, uint16 number) = _proven(report, path);
        uint256 word = report.toWord(number);
        _checkReport(report);
        if (word != _latest[report.twinId][report.model]) _checkRound(report);
        proven = word.unpacked();
        _checkUse(report.twinId, report.model, proven, maxAge, maxWidth);
    }

    /// @inheritdoc IPredictionOracle
    function latest(uint256 twinId, bytes32 model) public view returns (Latest memory) {
        return _latest[twinId][model].unpacked();
    }

    /// @inheritdoc IPredictionOracle
    function isRefuted(bytes32 digest) external view returns (bool) {
        return _refuted[digest];
    }

    /// @inheritdoc IPredictionOracle
    function finalAt(Report calldata report, Place calldata place) public view returns (uint40) {
        bytes32 digest = reportDigest(report);
        if (place.manifest == 0) {
            uint40 late = _postedLate[digest];
            return (late == 0 ? report.asOf : late) + WINDOW;
        }
        bytes32 root = _rootOf(digest, place.path);
        uint40 at = _bundles[report.config][root].at;
        if (at == 0) revert BundleUnknown(root, report.config);
        return at + WINDOW;
    }

    /// @inheritdoc IPredictionOracle
    function reportDigest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(report.hash());
    }

    /// @inheritdoc IPredictionOracle
    function bundleDigest(Bundle memory bundle) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(BUNDLE_TYPEHASH, bundle)));
    }

    function _keep(Report calldata report, bytes32 digest, uint16 number) private {
        // Check:
        _checkReport(report);
        _checkRound(report);
        // Effect:
        _latest[report.twinId][report.model] = report.toWord(number);
        // PredictionPosted(twinId, model, round, digest, report)
        report.fields().log(PredictionPosted.selector, report.twinId, uint256(report.model), report.round, digest);
    }

    function _refute(Report calldata report, Place calldata place, bytes calldata signatures, IReportChallenge.Fault fault)
        private
    {
        // Check:
        bytes32 digest = reportDigest(report);
        if (report.status != Reports.ANSWER || fault == IReportChallenge.Fault.None) revert PredictionHolds(digest);
        if (_refuted[digest]) revert PredictionIsRefuted(report.twinId, report.model, report.round);
        uint40 end = finalAt(report, place);
        if (block.timestamp >= end) revert PredictionFinal(digest, end);
        // Effect:
        _suspendQuorum(report.config, _signedDigest(report, digest, place), signatures);
        _refuted[digest] = true;
        uint256 kept = _latest[report.twinId][report.model];
        // What a slot keeps, its config's number apart, is of this report: a quorum signs one of a round.
        if (kept.isSame(report.toWord(0))) _latest[report.twinId][report.model] = kept.refuted();
        emit PredictionRefuted(report.twinId, report.model, report.round, digest, fault);
    }

    /// @dev A report of a bundle that was posted, and that nobody refuted.
    function _proven(Report calldata report, bytes32[] calldata path) private view returns (bytes32 digest, uint16 number) {
        digest = reportDigest(report);
        bytes32 root = _rootOf(digest, path);
        number = _bundles[report.config][root].number;
        if (number == 0) revert BundleUnknown(root, report.config);
        if (_refuted[digest]) revert PredictionIsRefuted(report.twinId, report.model, report.round);
    }

    /// @dev What nodes signed: the report, or a bundle that holds it.
    function _signedDigest(Report calldata report, bytes32 digest, Place calldata place) private view returns (bytes32) {
        if (place.manifest == 0) return digest;
        return bundleDigest(Bundle(_rootOf(digest, place.path), place.manifest, report.config));
    }

    function _checkReport(Report calldata report) private view {
        report.checkAnswer();
        if (report.asOf > block.timestamp) revert InvalidTime(report.asOf, uint40(block.timestamp));
        if (!MODELS.isApproved(report.model)) revert ModelNotApproved(report.model);
        TWINS.ownerAndEpochOf(report.twinId); // refuses a retired twin
    }

    function _checkRound(Report calldata report) private view {
        uint48 last = _latest[report.twinId][report.model].roundOf();
        if (report.round <= last) revert RoundNotAfter(report.round, last);
    }

    function _checkUse(uint256 twinId, bytes32 model, Latest memory last, uint40 maxAge, uint48 maxWidth) private view {
        if (last.status != Reports.ANSWER) revert PredictionWithheld(twinId, model);
        if (block.timestamp > uint256(last.asOf) + maxAge) {
            revert PredictionStale(last.asOf, uint40(block.timestamp) - maxAge);
        }
        if (int256(last.high) - last.low > int256(uint256(maxWidth))) revert PredictionTooWide(last.low, last.high, maxWidth);
    }

    function _rootOf(bytes32 digest, bytes32[] calldata path) private pure returns (bytes32) {
        return MerkleProof.processProofCalldata(path, keccak256(bytes.concat(keccak256(abi.encode(digest)))));
    }
}
