// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which model said it
/// @notice Models by the SHA-256 of their artefact, which is also the artefact's CID (CIDv1, raw).
/// @dev Anyone may register a digest once; only an approver makes it usable, and only while it is not withdrawn.
/// A model names the consents it was trained under by the root of a Merkle tree, one leaf (uint256 twinId, address
/// grantee, uint32 serial) for each grant, built as OpenZeppelin's StandardMerkleTree. Whoever shows that one of them was
/// revoked marks the model for good; whether it may then still report was fixed when it was registered.
interface IModelRegistry {
    enum ModelState { Unknown, Registered, Approved, Withdrawn }

    /// @param stopsWhenMarked Whether a revocation among the consents ends its reports.
    /// @param marked Whether somebody showed such a revocation. Fields up to here share a slot.
    struct Model {
        ModelState state;
        address registrar;
        uint40 registeredAt;
        bool stopsWhenMarked;
        bool marked;
        bytes32 cardDigest;
        bytes32 lineageRoot;
    }

    event ModelRegistered(bytes32 indexed model, address indexed registrar, bytes32 cardDigest, bytes32 lineageRoot, bool stopsWhenMarked);
    event ModelApproved(bytes32 indexed model, address indexed approver);
    event ModelWithdrawn(bytes32 indexed model, address indexed approver, bytes32 reason);
    event ModelMarked(bytes32 indexed model, uint256 indexed twinId, address indexed grantee, uint32 serial);

    error ModelExists(bytes32 model);
    error ModelNotInState(bytes32 model, ModelState state, ModelState expected);
    error EmptyDigest();
    error ZeroApprover();
    error ModelIsMarked(bytes32 model);
    error NotInLineage(bytes32 model, bytes32 leaf);
    error ConsentNotRevoked(uint256 twinId, address grantee, uint32 serial);

    /// @param cardDigest SHA-256 of the model card.
    /// @param lineageRoot Merkle root of the consents it was trained under; 0 when it was trained on public data.
    function register(bytes32 model, bytes32 cardDigest, bytes32 lineageRoot, bool stopsWhenMarked) external;
    /// @dev Only APPROVER_ROLE; the model must be registered and not withdrawn.
    function approve(bytes32 model) external;
    /// @dev Only APPROVER_ROLE. Final.
    function withdraw(bytes32 model, bytes32 reason) external;
    /// @notice Mark a model by a consent of its lineage that ConsentRegistry says was revoked; anyone may.
    function mark(bytes32 model, uint256 twinId, address grantee, uint32 serial, bytes32[] calldata proof) external;
    function modelOf(bytes32 model) external view returns (Model memory);
    /// @notice Whether it may report: approved, not withdrawn, and not stopped by a mark.
    function isApproved(bytes32 model) external view returns (bool approved);
}
