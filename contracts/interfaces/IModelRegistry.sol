// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which model said it
/// @notice Models by the SHA-256 of their artefact, which is also the artefact's CID (CIDv1, raw).
/// @dev Anyone may register a digest once; only an approver makes it usable, and only while it is not withdrawn.
interface IModelRegistry {
    enum ModelState { Unknown, Registered, Approved, Withdrawn }

    struct Model {
        ModelState state;
        address registrar;
        uint40 registeredAt;
        bytes32 cardDigest;
        bytes32 lineageRoot;
    }

    event ModelRegistered(bytes32 indexed model, address indexed registrar, bytes32 cardDigest, bytes32 lineageRoot);
    event ModelApproved(bytes32 indexed model, address indexed approver);
    event ModelWithdrawn(bytes32 indexed model, address indexed approver, bytes32 reason);

    error ModelExists(bytes32 model);
    error ModelNotInState(bytes32 model, ModelState state, ModelState expected);
    error EmptyDigest();
    error ZeroApprover();

    /// @param cardDigest SHA-256 of the model card.
    /// @param lineageRoot Merkle root of the consents it was trained under; 0 when it was trained on public data.
    function register(bytes32 model, bytes32 cardDigest, bytes32 lineageRoot) external;
    /// @dev Only APPROVER_ROLE; the model must be registered and not withdrawn.
    function approve(bytes32 model) external;
    /// @dev Only APPROVER_ROLE. Final.
    function withdraw(bytes32 model, bytes32 reason) external;
    function modelOf(bytes32 model) external view returns (Model memory);
    function isApproved(bytes32 model) external view returns (bool approved);
}
