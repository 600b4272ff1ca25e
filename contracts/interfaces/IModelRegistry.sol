// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Which model said it
/// @notice Models by the SHA-256 of their artefact, which is also the artefact's CID (CIDv1, raw).
/// @dev Anyone may register a digest once; only an approver makes it usable, and only while it is not withdrawn.
/// A model names the consents it was trained under by the root of a Merkle tree, one leaf (uint256 twinId, address
/// grantee, uint32 serial) for each grant, built as OpenZeppelin's StandardMerkleTree. Whoever shows that one of them was
/// revoked marks the model for good; whether it may then still report was fixed when it was registered.
/// A model that is a sum of one term for each feature may name its terms by the root of another such tree (the leaves are
/// IReportChallenge.Term), so that reports can be computed again on the chain. Whoever runs a model compares the root with
/// the artefact before it reports: with false terms a true report would be refuted.
interface IModelRegistry {
    enum ModelState {
        Unknown,
        Registered,
        Approved,
        Withdrawn
    }

    /// @notice What makes a score of a margin; Unknown for a model whose terms are not registered.
    enum Link {
        Unknown,
        Identity,
        Logistic
    }

    /// @param stopsWhenMarked Whether a revocation among the consents ends its reports.
    /// @param marked Whether somebody showed such a revocation.
    /// @param link Of the registered terms. Fields up to here share a slot.
    struct Model {
        ModelState state;
        address registrar;
        uint40 registeredAt;
        bool stopsWhenMarked;
        bool marked;
        Link link;
        bytes32 cardDigest;
        bytes32 lineageRoot;
        bytes32 termsRoot;
    }

    event ModelRegistered(
        bytes32 indexed model, address indexed registrar, bytes32 cardDigest, bytes32 lineageRoot, bool stopsWhenMarked
    );
    event ModelTermsRegistered(bytes32 indexed model, bytes32 termsRoot, Link link);
    event ModelApproved(bytes32 indexed model, address indexed approver);
    event ModelWithdrawn(bytes32 indexed model, address indexed approver, bytes32 reason);
    event ModelMarked(bytes32 indexed model, uint256 indexed twinId, address indexed grantee, uint32 serial);

    error ModelExists(bytes32 model);
    error ModelNotInState(bytes32 model, ModelState state, ModelState expected);
    error EmptyDigest();
    error ZeroApprover();
    error NotRegistrar(bytes32 model, address account);
    error ModelTermsExist(bytes32 model);
    error ModelIsMarked(bytes32 model);
    error NotInLineage(bytes32 model, bytes32 leaf);
    error ConsentNotRevoked(uint256 twinId, address grantee, uint32 serial);

    /// @param cardDigest SHA-256 of the model card.
    /// @param lineageRoot Merkle root of the consents it was trained under; 0 when it was trained on public data.
    function register(bytes32 model, bytes32 cardDigest, bytes32 lineageRoot, bool stopsWhenMarked) external;
    /// @notice Name a model's terms and link, once, before it is approved.
    /// @dev Only who registered the model.
    function registerTerms(bytes32 model, bytes32 termsRoot, Link link) external;
    /// @dev Only APPROVER_ROLE; the model must be registered and not withdrawn.
    function approve(bytes32 model) external;
    /// @dev Only APPROVER_ROLE. Final.
    function withdraw(bytes32 model, bytes32 reason) external;
    /// @notice Mark a model by a consent of its lineage that ConsentRegistry says was revoked; anyone may.
    function mark(bytes32 model, uint256 twinId, address grantee, uint32 serial, bytes32[] calldata proof) external;
    function modelOf(bytes32 model) external view returns (Model memory);
    function termsOf(bytes32 model) external view returns (bytes32 termsRoot, Link link);
    /// @notice Whether it may report: approved, not withdrawn, and not stopped by a mark.
    function isApproved(bytes32 model) external view returns (bool approved);
}
