// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Signed} from "./libraries/Signed.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IDeviceRegistry.
contract DeviceRegistry is Signed, Nonces, IDeviceRegistry {
    bytes32 private constant PAIRING_TYPEHASH =
        keccak256("Pairing(address device,uint256 twinId,address owner,uint40 calibratedUntil,uint256 nonce,uint40 deadline)");

    ITwinToken public immutable TWINS;

    /// @dev One slot, by device and twin, so that whoever knows both reads no more than it.
    struct Pairing {
        uint40 pairedAt;
        uint40 calibratedUntil;
        bool paired;
    }

    mapping(address device => uint256 twinId) private _twinOf;
    mapping(address device => mapping(uint256 twinId => Pairing)) private _pairings;

    constructor(ITwinToken twins) {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
    }

    /// @inheritdoc IDeviceRegistry
    function pair(address device, uint256 twinId, uint40 calibratedUntil, uint40 deadline, bytes calldata deviceSignature)
        external
    {
        uint256 pairedTwin = _twinOf[device];
        if (_pairings[device][pairedTwin].paired) revert DeviceAlreadyPaired(device, pairedTwin);
        _checkAgreement(device, twinId, calibratedUntil, deadline, deviceSignature);

        _twinOf[device] = twinId;
        _pairings[device][twinId] = Pairing(uint40(block.timestamp), calibratedUntil, true);
        emit DevicePaired(device, twinId, calibratedUntil);
    }

    /// @inheritdoc IDeviceRegistry
    function calibrate(address device, uint40 calibratedUntil, uint40 deadline, bytes calldata deviceSignature) external {
        uint256 twinId = _pairedTwinOf(device);
        _checkAgreement(device, twinId, calibratedUntil, deadline, deviceSignature);

        _pairings[device][twinId].calibratedUntil = calibratedUntil;
        emit DeviceCalibrated(device, twinId, calibratedUntil);
    }

    /// @inheritdoc IDeviceRegistry
    function unpair(address device) external {
        uint256 twinId = _pairedTwinOf(device);
        // ownerOf, as a device must be cut off from a retired twin too.
        if (msg.sender != device && msg.sender != TWINS.ownerOf(twinId)) revert NotPairingParty(device, msg.sender);

        _pairings[device][twinId].paired = false;
        emit DeviceUnpaired(device, twinId, msg.sender);
    }

    /// @inheritdoc IDeviceRegistry
    function deviceOf(address device) external view returns (Device memory) {
        uint256 twinId = _twinOf[device];
        Pairing memory last = _pairings[device][twinId];
        return Device(twinId, last.pairedAt, last.calibratedUntil, last.paired);
    }

    /// @inheritdoc IDeviceRegistry
    function pairingOf(address device, uint256 twinId)
        external
        view
        returns (uint40 pairedAt, uint40 calibratedUntil, bool paired)
    {
        Pairing memory known = _pairings[device][twinId];
        return (known.pairedAt, known.calibratedUntil, known.paired);
    }

    /// @inheritdoc IDeviceRegistry
    function calibrationOf(address device, uint256 twinId) external view returns (uint40 calibratedUntil) {
        Pairing memory known = _pairings[device][twinId];
        return known.paired ? known.calibratedUntil : 0;
    }

    /// @inheritdoc IDeviceRegistry
    function pairingDigest(address device, uint256 twinId, address owner, uint40 calibratedUntil, uint256 nonce, uint40 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(PAIRING_TYPEHASH, device, twinId, owner, calibratedUntil, nonce, deadline)));
    }

    /// @dev The caller owns the live twin and the device's key signed the same facts.
    function _checkAgreement(address device, uint256 twinId, uint40 calibratedUntil, uint40 deadline, bytes calldata signature)
        private
    {
        (address owner,) = TWINS.ownerAndEpochOf(twinId);
        if (msg.sender != owner) revert NotPairingParty(device, msg.sender);
        if (block.timestamp >= calibratedUntil) revert CalibrationNotInFuture(device, calibratedUntil);
        _checkInTime(deadline);
        bytes32 digest = pairingDigest(device, twinId, owner, calibratedUntil, _useNonce(device), deadline);
        if (!_isByKey(device, digest, signature)) revert InvalidDeviceSignature(device);
    }

    function _pairedTwinOf(address device) private view returns (uint256 twinId) {
        twinId = _twinOf[device];
        if (!_pairings[device][twinId].paired) revert DeviceNotPaired(device);
    }
}
