// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title Predictions a quorum signed
/// @notice n nodes of which at most f may lie; a report needs floor((n+f)/2)+1 of them, so that two different
/// reports of one round cannot both be valid while at most f lie and an honest node signs once a round.
/// @dev A round of (twin, model) is the number of batches anchored for the twin, by themselves or in a gateway's epoch:
/// what goes in is a pure function of (twin, model, round). Batches in epochs are not counted on the chain, so that a
/// round is not beyond the data is the nodes' to check; the chain sees that rounds only go forward. The contract is the grantee patients name: by ERC-1271 it vouches for the keys of its
/// nodes that are not suspended.
interface IPredictionOracle is IERC1271 {
    /// @param status 1 answer, 2 no answer (then score, low and high are 0 and the explanation holds the reason).
    /// @param score In millionths of the model's unit, low <= score <= high.
    /// @param config The oracle's configDigest.
    struct Report {
        uint256 twinId;
        bytes32 model;
        uint48 round;
        uint40 asOf;
        uint8 status;
        int48 score;
        int48 low;
        int48 high;
        bytes32 inputsRoot;
        bytes32 explanationRoot;
        bytes32 config;
    }

    /// @notice What is kept of the last report of (twin, model); one slot.
    /// @param config The number of the config its nodes signed under.
    struct Latest {
        uint48 round;
        uint40 asOf;
        uint8 status;
        int48 score;
        int48 low;
        int48 high;
        uint16 config;
    }

    event PredictionPosted(uint256 indexed twinId, bytes32 indexed model, uint48 indexed round, bytes32 reportDigest, Report report);
    /// @param number Counts the configs from 1.
    event ConfigSet(uint256 indexed number, bytes32 indexed config, address[] signers, uint256 faulty);
    event EquivocationProven(address indexed signer, uint256 indexed twinId, bytes32 indexed model, uint48 round);

    error InvalidConfig(uint256 signers, uint256 faulty);
    error WrongConfig(bytes32 config, bytes32 expected);
    error ModelNotApproved(bytes32 model);
    error RoundNotAfter(uint48 round, uint48 last);
    error InvalidTime(uint40 asOf, uint40 notAfter);
    error InvalidAnswer(uint8 status, int48 low, int48 score, int48 high);
    error QuorumNotMet(uint256 signatures, uint256 needed);
    error UnknownSigner(address signer);
    error SignersNotAscending(address previous, address signer);
    error SignatureExpired(uint40 deadline);
    error NotEquivocation();
    error PredictionMissing(uint256 twinId, bytes32 model);
    error PredictionStale(uint40 asOf, uint40 oldest);
    error PredictionTooWide(int48 low, int48 high, uint48 maxWidth);
    error PredictionWithheld(uint256 twinId, bytes32 model);

    /// @notice Post a report; anyone may send what a quorum signed.
    /// @dev Typed data: Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config).
    /// @param signatures Of exactly `quorum` nodes or more, by strictly ascending signer address.
    function post(Report calldata report, bytes[] calldata signatures) external;

    /// @notice Put other nodes, or another f, in place of the present ones, by a quorum of them; anyone may send it. What was
    /// posted stays, with the number of its config; what was signed before and not posted is void.
    /// @dev Typed data: Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline); config is
    /// the present one, number the next. Refuses a suspended key.
    function rotate(address[] calldata ascending, uint256 faulty, uint40 deadline, bytes[] calldata signatures) external;

    /// @notice Show that a node, also one of an earlier config, signed two different reports of one round; it is suspended
    /// at once, and for good.
    function proveEquivocation(Report calldata a, bytes calldata signatureA, Report calldata b, bytes calldata signatureB) external;

    /// @notice The last report, for contracts that act on it: not older than `maxAge` (s), not wider than `maxWidth` (millionths), and an answer.
    function consume(uint256 twinId, bytes32 model, uint40 maxAge, uint48 maxWidth) external view returns (Latest memory);

    function latest(uint256 twinId, bytes32 model) external view returns (Latest memory);
    function configNumber() external view returns (uint256);
    function rotationDigest(address[] calldata ascending, uint256 faulty, uint40 deadline) external view returns (bytes32);
    function configDigest() external view returns (bytes32);
    function quorum() external view returns (uint256);
    function isSigner(address account) external view returns (bool);
    function signers() external view returns (address[] memory);
    function reportDigest(Report calldata report) external view returns (bytes32);
}
