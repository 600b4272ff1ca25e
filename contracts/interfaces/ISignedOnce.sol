// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What is refused of a signature that somebody else may bring.
interface ISignedOnce {
    error InvalidSignature(address signer);
    error SignatureExpired(uint40 deadline);
}
