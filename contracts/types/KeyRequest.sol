// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What a grantee asks custodians for; the typed data it signs under ConsentRegistry's domain.
/// @dev Typed data: KeyRequest(uint256 twinId,address grantee,bytes32 recipient,bytes32[] batches,uint32 category,uint32 purpose,uint256 nonce,uint40 deadline).
/// @param recipient SHA-256 of the HPKE key the shares shall be sealed to.
/// @param batches SHA-256 digests of the sealed blocks.
/// @param category Bit of the data kind. @param purpose Bits of the purposes of use.
struct KeyRequest {
    uint256 twinId;
    address grantee;
    bytes32 recipient;
    bytes32[] batches;
    uint32 category;
    uint32 purpose;
    uint256 nonce;
    uint40 deadline;
}
