// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IDataAnchor} from "./interfaces/IDataAnchor.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Recover} from "./libraries/Recover.sol";
import {Verbatim} from "./libraries/Verbatim.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IDataAnchor.
contract DataAnchor is EIP712, IDataAnchor {
    using Recover for bytes;
    using Verbatim for bytes;

    bytes32 private constant BATCH_TYPEHASH = keccak256(
        "Batch(uint256 twinId,uint64 sequence,bytes32 previous,bytes32 digest,bytes32 root,uint32 readings,uint40 start,uint40 end)"
    );

    /// @dev One word, written at once: the first 24 bytes of the last digest, which are enough to name it, then the
    /// sequence. A struct so that what was found is not looked up again to be written.
    struct Head {
        bytes32 word;
    }

    ITwinToken public immutable TWINS;
    IDeviceRegistry public immutable DEVICES;

    mapping(address device => Head) private _heads;
    mapping(uint256 twinId => uint256 count) private _counts;

    constructor(ITwinToken twins, IDeviceRegistry devices) EIP712("Medtwin", "1") {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        DEVICES = IDeviceRegistry(Wiring.checked(address(devices)));
    }

    /// @inheritdoc IDataAnchor
    function anchor(Batch calldata batch, bytes calldata signature) external returns (uint64 index) {
        // Check:
        if (batch.readings == 0 || batch.digest == 0 || batch.root == 0) revert EmptyBatch();
        (uint40 start, uint40 end) = (batch.start, batch.end);
        if (start > end || end > block.timestamp) revert InvalidInterval(start, end, uint40(block.timestamp));
        TWINS.ownerAndEpochOf(batch.twinId); // refuses a retired twin
        address device = _speakerOf(batch, signature);
        Head storage head = _heads[device];
        uint64 sequence = _checkOrder(device, head.word, batch);
        // Effect:
        head.word = bytes24(batch.digest) | bytes32(uint256(sequence));
        index = uint64(++_counts[batch.twinId]);
        // BatchAnchored(twinId, device, index, batch)
        _fieldsOf(batch).log(BatchAnchored.selector, batch.twinId, uint160(device), bytes32(uint256(index)));
    }

    /// @inheritdoc IDataAnchor
    function headOf(address device) external view returns (uint64 sequence, bytes24 digestPrefix) {
        bytes32 head = _heads[device].word;
        return (uint64(uint256(head)), bytes24(head));
    }

    /// @inheritdoc IDataAnchor
    function batchCount(uint256 twinId) external view returns (uint64 count) {
        return uint64(_counts[twinId]);
    }

    /// @inheritdoc IDataAnchor
    function isReadingIn(bytes32 root, bytes32[] calldata proof, bytes32 leaf) external pure returns (bool included) {
        return MerkleProof.verifyCalldata(proof, root, leaf);
    }

    /// @inheritdoc IDataAnchor
    function batchDigest(Batch calldata batch) public view returns (bytes32) {
        return _hashTypedDataV4(_fieldsOf(batch).hash(BATCH_TYPEHASH));
    }

    /// @dev Eight words.
    function _fieldsOf(Batch calldata batch) private pure returns (bytes calldata fields) {
        assembly ("memory-safe") {
            fields.offset := batch
            fields.length := 256
        }
    }

    /// @dev A signature that recovers nothing gives the zero address, which no twin is paired with.
    /// A batch ends by now, so a calibration that holds now held at its end.
    function _speakerOf(Batch calldata batch, bytes calldata signature) private view returns (address device) {
        device = signature.signerOf(batchDigest(batch));
        uint40 calibratedUntil = DEVICES.calibrationOf(device, batch.twinId);
        if (calibratedUntil == 0) revert UnpairedDevice(device, batch.twinId);
        if (block.timestamp >= calibratedUntil) revert CalibrationExpired(device, calibratedUntil);
    }

    function _checkOrder(address device, bytes32 head, Batch calldata batch) private pure returns (uint64 sequence) {
        uint64 expected = uint64(uint256(head)) + 1;
        sequence = batch.sequence;
        if (sequence != expected) revert BrokenSequence(device, sequence, expected);
        if (bytes24(batch.previous) != bytes24(head)) revert BrokenChain(device, batch.previous);
    }
}
