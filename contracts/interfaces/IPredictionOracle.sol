// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IReportChallenge} from "./IReportChallenge.sol";

/// @title Predictions a quorum signed
/// @notice n nodes of which at most f may lie; a report needs floor((n+f)/2)+1 of them, so that two different
/// reports of one round cannot both be valid while at most f lie and an honest node signs once a round.
/// @dev A round of (twin, model) is the number of batches anchored for the twin, by themselves or in a gateway's epoch:
/// what goes in is a pure function of (twin, model, round). Batches in epochs are not counted on the chain, so that a
/// round is not beyond the data is the nodes' to check; the chain sees that rounds only go forward. The contract is the
/// grantee patients name: by ERC-1271 it vouches for the keys of its nodes that are not suspended.
///
/// Many reports may be posted as one bundle, by the root of their tree: one quorum, one word, whatever their number. A
/// report of a bundle goes into its slot when the first one who needs it there settles it, under the rules of `post`; or
/// it is proven to a reader and stays where it is (`consumeProven`). A bundle makes no round go back and none be skipped
/// unseen: what is in the slot is never older than what was settled, and a reader's own greatest age bounds what of newer
/// bundles it was not shown. Its manifest, a block of the content store, lists the reports.
///
/// A report that does not follow from its own explanation, or from its model's registered terms, can be refuted by anyone
/// until it is final. Then consumers are refused, and all who signed it are suspended. As these are a quorum, more than
/// may lie, the oracle stops: it is never to go on with nodes that were shown to agree on what is false.
interface IPredictionOracle is IERC1271 {
    /// @param status 1 answer, 2 no answer (then score, low and high are 0 and the explanation holds the reason). A kept
    /// report that was refuted has 3.
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

    /// @param root Of the tree of the reports' digests (OpenZeppelin's StandardMerkleTree, leaves (bytes32 digest)).
    /// @param manifest SHA-256 of the list of reports, kept off-chain; not 0. @param config The oracle's configDigest.
    struct Bundle {
        bytes32 root;
        bytes32 manifest;
        bytes32 config;
    }

    /// @notice Where nodes signed a report: by itself, all zero; or in the bundle of that manifest, by a path to its root.
    struct Place {
        bytes32 manifest;
        bytes32[] path;
    }

    /// @notice A report that one node signed.
    struct Signed {
        Report report;
        Place place;
        bytes signature;
    }

    event PredictionPosted(
        uint256 indexed twinId, bytes32 indexed model, uint48 indexed round, bytes32 reportDigest, Report report
    );
    event BundlePosted(bytes32 indexed root, bytes32 indexed config, bytes32 manifest);
    event PredictionRefuted(
        uint256 indexed twinId, bytes32 indexed model, uint48 indexed round, bytes32 reportDigest, IReportChallenge.Fault fault
    );
    /// @param number Counts the configs from 1.
    event ConfigSet(uint256 indexed number, bytes32 indexed config, address[] signers, uint256 faulty);
    /// @notice For good, as it signed what was refuted.
    event NodeSuspended(address indexed signer);
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
    error EmptyBundle();
    error BundleExists(bytes32 root);
    error BundleUnknown(bytes32 root, bytes32 config);
    error PredictionHolds(bytes32 reportDigest);
    error PredictionFinal(bytes32 reportDigest, uint40 finalAt);
    error PredictionIsRefuted(uint256 twinId, bytes32 model, uint48 round);
    error PredictionMissing(uint256 twinId, bytes32 model);
    error PredictionStale(uint40 asOf, uint40 oldest);
    error PredictionTooWide(int48 low, int48 high, uint48 maxWidth);
    error PredictionWithheld(uint256 twinId, bytes32 model);

    /// @notice Post a report; anyone may send what a quorum signed.
    /// @dev Typed data: Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config).
    /// @param signatures Of `quorum` nodes or more, 65 bytes each (r, s, v), one after the other by strictly ascending
    /// signer address.
    function post(Report calldata report, bytes calldata signatures) external;

    /// @notice Post many reports by their root; anyone may send what a quorum signed. Nothing in it counts before it is
    /// settled or proven.
    /// @dev Typed data: Bundle(bytes32 root,bytes32 manifest,bytes32 config). A root is posted once under a config.
    function postBundle(Bundle calldata bundle, bytes calldata signatures) external;

    /// @notice Put a report of a posted bundle where `post` would have put it; anyone may. Also under an earlier config.
    function settle(Report calldata report, bytes32[] calldata path) external;

    /// @notice Refute a report by all rows of its explanation, in the order of their leaves.
    /// @param signatures Those it, or its bundle, was posted with: a quorum of its config. All of them are suspended.
    function refuteSum(
        Report calldata report,
        Place calldata place,
        bytes calldata signatures,
        IReportChallenge.Row[] calldata rows
    ) external;

    /// @notice Refute a report by one row of its explanation and the model's term for it.
    function refuteTerm(
        Report calldata report,
        Place calldata place,
        bytes calldata signatures,
        IReportChallenge.Opened calldata opened
    ) external;

    /// @notice Put other nodes, or another f, in place of the present ones, by a quorum of them; anyone may send it. What was
    /// posted stays, with the number of its config; what was signed before and not posted is void, unless the same nodes and f
    /// come back.
    /// @dev Typed data: Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline); config is
    /// the present one, number the next. Refuses a suspended key.
    function rotate(address[] calldata ascending, uint256 faulty, uint40 deadline, bytes calldata signatures) external;

    /// @notice Show that a node, also one of an earlier config, signed two different reports of one round; it is suspended
    /// at once, and for good.
    function proveEquivocation(Signed calldata a, Signed calldata b) external;

    /// @notice The last report, for contracts that act on it: not older than `maxAge` (s), not wider than `maxWidth` (millionths), and an answer.
    function consume(uint256 twinId, bytes32 model, uint40 maxAge, uint48 maxWidth) external view returns (Latest memory);

    /// @notice The same for a report of a posted bundle, settled or not, and not older than what is in the slot.
    function consumeProven(Report calldata report, bytes32[] calldata path, uint40 maxAge, uint48 maxWidth)
        external
        view
        returns (Latest memory);

    /// @notice From when on a report cannot be refuted: WINDOW after its bundle was posted; by itself WINDOW after its
    /// asOf, or after it was posted if that was more than PROMPT later.
    function finalAt(Report calldata report, Place calldata place) external view returns (uint40);

    /// @notice How long a report may be refuted (s).
    function WINDOW() external view returns (uint40);
    /// @notice How long after its asOf a report is still posted in time (s).
    function PROMPT() external view returns (uint40);
    function isRefuted(bytes32 digest) external view returns (bool);
    function bundleDigest(Bundle calldata bundle) external view returns (bytes32);
    function latest(uint256 twinId, bytes32 model) external view returns (Latest memory);
    function configNumber() external view returns (uint256);
    function rotationDigest(address[] calldata ascending, uint256 faulty, uint40 deadline) external view returns (bytes32);
    function configDigest() external view returns (bytes32);
    function quorum() external view returns (uint256);
    function isSigner(address account) external view returns (bool);
    function signers() external view returns (address[] memory);
    function reportDigest(Report calldata report) external view returns (bytes32);
}
