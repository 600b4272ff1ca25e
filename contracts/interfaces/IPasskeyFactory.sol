// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Makes passkey accounts, each at an address that its first key and its site fix.
interface IPasskeyFactory {
    event AccountCreated(address indexed account, bytes32 x, bytes32 y, bytes32 rpIdHash);

    error InvalidKey(bytes32 x, bytes32 y);

    /// @notice Make an account, or return the one that is there; anyone may call.
    /// @param x Of the P-256 public key, as y. @param rpIdHash SHA-256 of the site's name (WebAuthn's RP ID).
    function create(bytes32 x, bytes32 y, bytes32 rpIdHash) external returns (address account);

    /// @notice Where that account is or will be.
    function addressOf(bytes32 x, bytes32 y, bytes32 rpIdHash) external view returns (address account);
}
