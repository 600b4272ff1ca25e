// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IDataAnchor} from "./interfaces/IDataAnchor.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IEpochAnchor} from "./interfaces/IEpochAnchor.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IEpochAnchor.
contract EpochAnchor is IEpochAnchor {
    /// @notice Longest time until a gateway must be admitted anew (s).
    uint40 public constant LONGEST = 1 days;

    uint256 private constant SUSPENDED = 1;

    IDataAnchor public immutable ANCHOR;
    IDeviceRegistry public immutable DEVICES;

    /// @dev One word, written at once: 168 bits of a hash, which are enough to name a history, the number of epochs
    /// (40), the end of the gateway's admission (40), whether it is suspended (8). That the admission lies here, and is
    /// not asked of DeviceRegistry at every epoch, is 9k gas of an epoch (tests/contracts/gas.json).
    mapping(address gateway => uint256 packedHead) private _heads;

    constructor(IDataAnchor dataAnchor, IDeviceRegistry devices) {
        ANCHOR = IDataAnchor(Wiring.checked(address(dataAnchor)));
        DEVICES = IDeviceRegistry(Wiring.checked(address(devices)));
    }

    /// @inheritdoc IEpochAnchor
    function admit(address gateway) external returns (uint40 until) {
        IDeviceRegistry.Device memory device = DEVICES.deviceOf(gateway);
        uint40 latest = uint40(block.timestamp) + LONGEST;
        if (device.paired) until = device.calibratedUntil < latest ? device.calibratedUntil : latest;
        uint256 head = _heads[gateway];
        _heads[gateway] = head & ~(uint256(type(uint40).max) << 8) | uint256(until) << 8;
        emit GatewayAdmitted(gateway, until);
    }

    /// @inheritdoc IEpochAnchor
    function anchorEpoch(Epoch calldata epoch) external returns (uint40 number) {
        // Check:
        if (epoch.root == 0 || epoch.batches == 0) revert EmptyEpoch();
        uint256 head = _heads[msg.sender];
        if (head & SUSPENDED != 0) revert GatewayIsSuspended(msg.sender);
        if (block.timestamp >= _admittedUntil(head)) revert NotGateway(msg.sender);
        // Effect:
        number = _numberOf(head) + 1;
        _heads[msg.sender] =
            uint256(bytes32(_next(_hashOf(head), epoch))) | uint256(number) << 48 | uint256(_admittedUntil(head)) << 8;
        emit EpochAnchored(msg.sender, number, epoch);
    }

    /// @inheritdoc IEpochAnchor
    function proveUnknownDevice(address gateway, Place calldata place, Included calldata found) external {
        address device = _signerIn(gateway, place, found);
        // A device that was cut off since then still has its pairing on record: that is no fault of the gateway.
        (uint40 pairedAt,,) = DEVICES.pairingOf(device, found.batch.twinId);
        if (pairedAt != 0) revert NoFault();
        _suspend(gateway, Fault.UnknownDevice);
    }

    /// @inheritdoc IEpochAnchor
    function proveBrokenSequence(
        address gateway,
        Place calldata placeA,
        Included calldata a,
        Place calldata placeB,
        Included calldata b
    ) external {
        address device = _signerIn(gateway, placeA, a);
        if (device == address(0) || device != _signerIn(gateway, placeB, b)) revert NoFault();
        if (a.batch.sequence == b.batch.sequence && ANCHOR.batchDigest(a.batch) != ANCHOR.batchDigest(b.batch)) {
            _suspend(gateway, Fault.DuplicateSequence);
        } else if (uint256(a.batch.sequence) + 1 == b.batch.sequence && a.batch.digest != b.batch.previous) {
            _suspend(gateway, Fault.BrokenChain);
        } else {
            revert NoFault();
        }
    }

    /// @inheritdoc IEpochAnchor
    function headOf(address gateway) external view returns (uint40 number, bytes21 head, uint40 until, bool suspended) {
        uint256 kept = _heads[gateway];
        return (_numberOf(kept), _hashOf(kept), _admittedUntil(kept), kept & SUSPENDED != 0);
    }

    /// @inheritdoc IEpochAnchor
    function leafOf(IDataAnchor.Batch calldata batch, bytes calldata signature) public view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(ANCHOR.batchDigest(batch), keccak256(signature)))));
    }

    function _suspend(address gateway, Fault fault) private {
        if (_heads[gateway] & SUSPENDED != 0) revert GatewayIsSuspended(gateway);
        _heads[gateway] |= SUSPENDED;
        emit GatewaySuspended(gateway, fault, msg.sender);
    }

    /// @dev The signer of a batch that is in an epoch of the gateway; zero if nobody signed it.
    function _signerIn(address gateway, Place calldata place, Included calldata found) private view returns (address device) {
        bytes21 hash = _next(place.before, place.epoch);
        for (uint256 i = 0; i < place.later.length; ++i) {
            hash = _next(hash, place.later[i]);
        }
        uint256 head = _heads[gateway];
        if (_numberOf(head) == 0 || hash != _hashOf(head)) revert PlaceNotFound(gateway);
        bytes32 leaf = leafOf(found.batch, found.signature);
        if (!MerkleProof.verifyCalldata(found.proof, place.epoch.root, leaf)) revert BatchNotIncluded(leaf);
        (device,,) = ECDSA.tryRecover(ANCHOR.batchDigest(found.batch), found.signature);
    }

    function _hashOf(uint256 head) private pure returns (bytes21) {
        return bytes21(bytes32(head));
    }

    function _numberOf(uint256 head) private pure returns (uint40) {
        return uint40(head >> 48);
    }

    function _admittedUntil(uint256 head) private pure returns (uint40) {
        return uint40(head >> 8);
    }

    function _next(bytes21 hash, Epoch calldata epoch) private pure returns (bytes21) {
        return bytes21(keccak256(abi.encode(hash, epoch)));
    }
}
