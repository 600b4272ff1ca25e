// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice What a grant covers. Half-open in time: notBefore <= t < expiry.
/// @param categories Bits of data kinds. @param purposes Bits of purposes of use. Both listed in docs/formats.md.
struct Scope {
    uint32 categories;
    uint32 purposes;
    uint40 notBefore;
    uint40 expiry;
}

/// @notice A consent record; one slot (248 bits).
/// @param epoch The twin's epoch it was given in. @param serial Counts the grants of (twin, grantee) from 1.
struct Grant {
    uint32 categories;
    uint32 purposes;
    uint40 notBefore;
    uint40 expiry;
    uint32 epoch;
    uint32 serial;
    bool revoked;
    bool denied;
    bool purchased;
}
