// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What every contract that takes signatures says of those it refuses
interface ISigned {
    error InvalidSignature(address signer);
    error SignatureExpired(uint40 deadline);
}
