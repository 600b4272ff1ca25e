// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

struct Attestation {
    bytes32 uid;
    bytes32 schema;
    uint64 time;
    uint64 expirationTime;
    uint64 revocationTime;
    bytes32 refUID;
    address recipient;
    address attester;
    bool revocable;
    bytes data;
}

interface IEAS {
    function getAttestation(bytes32 uid) external view returns (Attestation memory);
}

interface IOwned {
    function ownerOf(uint256 id) external view returns (address);
}

/// @notice What ConsentRegistry.isAllowed decides, decided from an EAS attestation of
/// (twinId, terms); terms packs categories, purposes and notBefore, from the lowest bit on.
contract EasGate {
    IEAS private immutable EAS;
    IOwned private immutable TWINS;
    bytes32 private immutable SCHEMA;

    constructor(IEAS eas, IOwned twins, bytes32 schema) {
        (EAS, TWINS, SCHEMA) = (eas, twins, schema);
    }

    function isAllowed(bytes32 uid, uint256 twinId, address grantee, uint32 categories, uint32 purposes)
        external
        view
        returns (bool)
    {
        Attestation memory held = EAS.getAttestation(uid);
        if (held.schema != SCHEMA || held.recipient != grantee || held.revocationTime != 0) return false;
        if (block.timestamp >= held.expirationTime || held.attester != TWINS.ownerOf(twinId)) return false;
        (uint256 id, uint256 terms) = abi.decode(held.data, (uint256, uint256));
        return id == twinId && block.timestamp >= uint40(terms >> 64) && categories & ~uint32(terms) == 0
            && purposes & ~uint32(terms >> 32) == 0;
    }
}
