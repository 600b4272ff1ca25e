// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Digests of what a device said
/// @notice Anchors device-signed batches: pairing, calibration, order and time are checked here, on the chain.
/// @dev `digest` is the SHA-256 of the sealed block and so its CID (CIDv1, raw codec).
/// `root` is an OpenZeppelin StandardMerkleTree root over the readings.
interface IDataAnchor {
    struct Batch {
        uint256 twinId;
        uint64 sequence;
        bytes32 previous;
        bytes32 digest;
        bytes32 root;
        uint32 readings;
        uint40 start;
        uint40 end;
    }

    /// @param index Counts the twin's batches from 1, over all its devices.
    event BatchAnchored(uint256 indexed twinId, address indexed device, uint64 index, Batch batch);

    error UnpairedDevice(address device, uint256 twinId);
    error CalibrationExpired(address device, uint40 calibratedUntil);
    error BrokenSequence(address device, uint64 sequence, uint64 expected);
    error BrokenChain(address device, bytes32 previous);
    error InvalidInterval(uint40 start, uint40 end, uint40 notAfter);
    error EmptyBatch();

    /// @notice Anchor a batch; anyone may send what a device signed.
    /// @dev Typed data: Batch(uint256 twinId,uint64 sequence,bytes32 previous,bytes32 digest,bytes32 root,uint32 readings,uint40 start,uint40 end).
    /// The signer is recovered; it must be paired with the twin, calibrated now and at `end`, at its next sequence,
    /// and name its last digest (0 at the first). start <= end <= now; start at or after the pairing is not required, as devices buffer.
    function anchor(Batch calldata batch, bytes calldata signature) external returns (uint64 index);

    /// @notice A device's last sequence, and the first 24 bytes of its last digest (what one slot holds beside it).
    function headOf(address device) external view returns (uint64 sequence, bytes24 digestPrefix);
    /// @notice Number of batches anchored for a twin.
    function batchCount(uint256 twinId) external view returns (uint64 count);
    /// @notice Whether a reading's leaf is under an anchored root; meant for eth_call.
    function isReadingIn(bytes32 root, bytes32[] calldata proof, bytes32 leaf) external pure returns (bool included);
    function batchDigest(Batch calldata batch) external view returns (bytes32);
}
