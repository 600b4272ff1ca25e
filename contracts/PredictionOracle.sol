// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "./interfaces/IPredictionOracle.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Verbatim} from "./libraries/Verbatim.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IPredictionOracle.
contract PredictionOracle is EIP712, IPredictionOracle {
    using Verbatim for bytes;

    /// @dev Former: was a node of an earlier config.
    enum Standing { Unknown, Active, Former, Suspended }

    /// @dev One slot. quorum is 0 but for the config in force, so that a report reads no more than this.
    struct Terms {
        uint16 number;
        uint8 quorum;
    }

    uint8 private constant ANSWER = 1;
    uint8 private constant NO_ANSWER = 2;
    uint256 private constant MOST_SIGNERS = 31;

    bytes32 private constant REPORT_TYPEHASH = keccak256(
        "Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config)"
    );

    bytes32 private constant ROTATION_TYPEHASH =
        keccak256("Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline)");

    ITwinToken public immutable TWINS;
    IModelRegistry public immutable MODELS;

    bytes32 private _configDigest;
    address[] private _signers;
    mapping(bytes32 config => Terms) private _terms;
    mapping(address signer => Standing) private _standings;
    /// @dev One word, written at once: round 48, asOf 40, status 8, score 48, low 48, high 48, config's number 16 bits.
    mapping(uint256 twinId => mapping(bytes32 model => uint256 packedLatest)) private _latest;

    /// @param ascending The nodes' addresses, strictly ascending. @param faulty How many of them may lie.
    constructor(ITwinToken twins, IModelRegistry models, address[] memory ascending, uint256 faulty) EIP712("Medtwin", "1") {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        MODELS = IModelRegistry(Wiring.checked(address(models)));
        _install(ascending, faulty, 1);
    }

    /// @inheritdoc IPredictionOracle
    function post(Report calldata report, bytes[] calldata signatures) external {
        // Check:
        Terms memory terms = _terms[report.config];
        if (terms.quorum == 0) revert WrongConfig(report.config, _configDigest);
        _checkReport(report);
        bytes32 digest = reportDigest(report);
        _checkSignatures(digest, signatures, terms.quorum);
        // Effect:
        _latest[report.twinId][report.model] = uint256(report.round) | uint256(report.asOf) << 48
            | uint256(report.status) << 88 | uint256(uint48(report.score)) << 96 | uint256(uint48(report.low)) << 144
            | uint256(uint48(report.high)) << 192 | uint256(terms.number) << 240;
        bytes memory told = bytes.concat(digest, _fieldsOf(report));
        // PredictionPosted(twinId, model, round, digest, report)
        told.log(PredictionPosted.selector, report.twinId, uint256(report.model), report.round);
    }

    /// @inheritdoc IPredictionOracle
    function rotate(address[] calldata ascending, uint256 faulty, uint40 deadline, bytes[] calldata signatures) external {
        if (block.timestamp >= deadline) revert SignatureExpired(deadline);
        bytes32 old = _configDigest;
        _checkSignatures(rotationDigest(ascending, faulty, deadline), signatures, _terms[old].quorum);

        _terms[old].quorum = 0;
        for (uint256 i = 0; i < _signers.length; ++i) {
            if (isSigner(_signers[i])) _standings[_signers[i]] = Standing.Former;
        }
        _install(ascending, faulty, _terms[old].number + 1);
    }

    /// @inheritdoc IPredictionOracle
    function proveEquivocation(
        Report calldata a,
        bytes calldata signatureA,
        Report calldata b,
        bytes calldata signatureB
    ) external {
        bytes32 digestA = reportDigest(a);
        bytes32 digestB = reportDigest(b);
        bool sameRound = a.twinId == b.twinId && a.model == b.model && a.round == b.round;
        bool ours = a.config == b.config && _terms[a.config].number != 0;
        address signer = _nodeOf(digestA, signatureA);
        if (!sameRound || !ours || digestA == digestB || signer != _nodeOf(digestB, signatureB)) {
            revert NotEquivocation();
        }
        _standings[signer] = Standing.Suspended;
        emit EquivocationProven(signer, a.twinId, a.model, a.round);
    }

    /// @inheritdoc IPredictionOracle
    function consume(uint256 twinId, bytes32 model, uint40 maxAge, uint48 maxWidth) external view returns (Latest memory) {
        Latest memory last = latest(twinId, model);
        if (last.round == 0) revert PredictionMissing(twinId, model);
        TWINS.epochOf(twinId);
        if (!MODELS.isApproved(model)) revert ModelNotApproved(model);
        if (last.status != ANSWER) revert PredictionWithheld(twinId, model);
        if (block.timestamp > uint256(last.asOf) + maxAge) {
            revert PredictionStale(last.asOf, uint40(block.timestamp) - maxAge);
        }
        if (int256(last.high) - last.low > int256(uint256(maxWidth))) revert PredictionTooWide(last.low, last.high, maxWidth);
        return last;
    }

    /// @inheritdoc IPredictionOracle
    function latest(uint256 twinId, bytes32 model) public view returns (Latest memory) {
        uint256 word = _latest[twinId][model];
        return Latest({
            round: uint48(word),
            asOf: uint40(word >> 48),
            status: uint8(word >> 88),
            score: int48(uint48(word >> 96)),
            low: int48(uint48(word >> 144)),
            high: int48(uint48(word >> 192)),
            config: uint16(word >> 240)
        });
    }

    /// @inheritdoc IPredictionOracle
    function configDigest() external view returns (bytes32) {
        return _configDigest;
    }

    /// @inheritdoc IPredictionOracle
    function quorum() external view returns (uint256) {
        return _terms[_configDigest].quorum;
    }

    /// @inheritdoc IPredictionOracle
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return isSigner(signer) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @inheritdoc IPredictionOracle
    function isSigner(address account) public view returns (bool) {
        return _standings[account] == Standing.Active;
    }

    /// @inheritdoc IPredictionOracle
    function reportDigest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(_fieldsOf(report).hash(REPORT_TYPEHASH));
    }

    /// @inheritdoc IPredictionOracle
    function rotationDigest(address[] calldata ascending, uint256 faulty, uint40 deadline) public view returns (bytes32) {
        bytes32 nodes = keccak256(abi.encodePacked(ascending));
        uint256 number = configNumber() + 1;
        return _hashTypedDataV4(keccak256(abi.encode(ROTATION_TYPEHASH, _configDigest, nodes, faulty, number, deadline)));
    }

    /// @inheritdoc IPredictionOracle
    function configNumber() public view returns (uint256) {
        return _terms[_configDigest].number;
    }

    /// @dev A key that proved false is never a node again.
    function _install(address[] memory ascending, uint256 faulty, uint16 number) private {
        uint256 count = ascending.length;
        if (count == 0 || count > MOST_SIGNERS || count < 3 * faulty + 1) revert InvalidConfig(count, faulty);
        address previous;
        for (uint256 i = 0; i < count; ++i) {
            if (ascending[i] <= previous) revert SignersNotAscending(previous, ascending[i]);
            previous = ascending[i];
            if (_standings[previous] == Standing.Suspended) revert UnknownSigner(previous);
            _standings[previous] = Standing.Active;
        }
        _signers = ascending;
        bytes32 config = keccak256(abi.encode(block.chainid, address(this), ascending, faulty));
        _configDigest = config;
        _terms[config] = Terms(number, uint8((count + faulty) / 2 + 1));
        emit ConfigSet(number, config, ascending, faulty);
    }

    function _checkReport(Report calldata report) private view {
        _checkAnswer(report);
        if (report.asOf > block.timestamp) revert InvalidTime(report.asOf, uint40(block.timestamp));
        uint48 last = uint48(_latest[report.twinId][report.model]);
        if (report.round <= last) revert RoundNotAfter(report.round, last);
        if (!MODELS.isApproved(report.model)) revert ModelNotApproved(report.model);
        if (TWINS.isRetired(report.twinId)) revert ITwinToken.TwinIsRetired(report.twinId);
    }

    /// @dev An interval is refused, never clamped; a withheld answer carries no number that could be taken for one.
    function _checkAnswer(Report calldata report) private pure {
        bool answer = report.status == ANSWER && report.low <= report.score && report.score <= report.high;
        bool withheld = report.status == NO_ANSWER && report.low == 0 && report.score == 0 && report.high == 0;
        if (!answer && !withheld) revert InvalidAnswer(report.status, report.low, report.score, report.high);
    }

    /// @dev Strictly ascending signers, so that none counts twice; the zero address is never a signer.
    function _checkSignatures(bytes32 digest, bytes[] calldata signatures, uint256 needed) private view {
        uint256 count = signatures.length;
        if (count < needed) revert QuorumNotMet(count, needed);
        address previous;
        for (uint256 i = 0; i < count; ++i) {
            address signer = _activeSignerOf(digest, signatures[i]);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            previous = signer;
        }
    }

    function _activeSignerOf(bytes32 digest, bytes calldata signature) private view returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest, signature);
        if (!isSigner(signer)) revert UnknownSigner(signer);
    }

    /// @dev Of this config or an earlier one.
    function _nodeOf(bytes32 digest, bytes calldata signature) private view returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest, signature);
        Standing standing = _standings[signer];
        if (standing != Standing.Active && standing != Standing.Former) revert UnknownSigner(signer);
    }

    /// @dev Eleven words, each of which posting reads before it counts.
    function _fieldsOf(Report calldata report) private pure returns (bytes calldata fields) {
        assembly ("memory-safe") {
            fields.offset := report
            fields.length := 352
        }
    }
}
