// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISigned} from "./ISigned.sol";

/// @title Who may speak for a twin
/// @notice A device's key speaks for one twin from its pairing until it is cut off or its calibration ends.
interface IDeviceRegistry is ISigned {
    struct Device {
        uint256 twinId;
        uint40 pairedAt;
        uint40 calibratedUntil;
        bool paired;
    }

    event DevicePaired(address indexed device, uint256 indexed twinId, uint40 calibratedUntil);
    event DeviceCalibrated(address indexed device, uint256 indexed twinId, uint40 calibratedUntil);
    event DeviceUnpaired(address indexed device, uint256 indexed twinId, address by);

    error DeviceAlreadyPaired(address device, uint256 twinId);
    error DeviceNotPaired(address device);
    error NotPairingParty(address device, address account);
    error CalibrationNotInFuture(address device, uint40 calibratedUntil);
    error InvalidDeviceSignature(address device);

    /// @notice Pair a device; the caller owns the twin and the device's key signed the same facts.
    /// @dev Typed data: Pairing(address device,uint256 twinId,address owner,uint40 calibratedUntil,uint256 nonce,uint40 deadline);
    /// the nonce is the device's next one (OpenZeppelin Nonces), so a cut-off device is not paired again with an old signature.
    /// @param calibratedUntil End of the calibration's validity (s), after now.
    function pair(address device, uint256 twinId, uint40 calibratedUntil, uint40 deadline, bytes calldata deviceSignature) external;

    /// @notice Prolong or shorten the calibration, signed anew by the device over the same typed data.
    function calibrate(address device, uint40 calibratedUntil, uint40 deadline, bytes calldata deviceSignature) external;

    /// @notice Cut a device off at once; by the twin's owner or by the device itself.
    function unpair(address device) external;

    /// @notice The pairing a device has now, or had last.
    function deviceOf(address device) external view returns (Device memory);
    /// @notice A device's pairing with one twin; what was before stays on record. pairedAt is 0 if there was none.
    function pairingOf(address device, uint256 twinId) external view returns (uint40 pairedAt, uint40 calibratedUntil, bool paired);
    /// @notice Until when (s) a device may speak for a twin; 0 if they are not paired.
    function calibrationOf(address device, uint256 twinId) external view returns (uint40 calibratedUntil);
    /// @notice EIP-712 digest the device signs.
    function pairingDigest(address device, uint256 twinId, address owner, uint40 calibratedUntil, uint256 nonce, uint40 deadline)
        external
        view
        returns (bytes32);
}
