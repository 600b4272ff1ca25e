// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IConsentRegistry} from "./interfaces/IConsentRegistry.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IModelRegistry.
contract ModelRegistry is AccessControl, IModelRegistry {
    bytes32 public constant APPROVER_ROLE = keccak256("APPROVER_ROLE");

    IConsentRegistry public immutable CONSENTS;

    mapping(bytes32 model => Model) private _models;

    constructor(IConsentRegistry consents, address approver) {
        CONSENTS = IConsentRegistry(Wiring.checked(address(consents)));
        if (approver == address(0)) revert ZeroApprover();
        _grantRole(DEFAULT_ADMIN_ROLE, approver);
        _grantRole(APPROVER_ROLE, approver);
    }

    /// @inheritdoc IModelRegistry
    function register(bytes32 model, bytes32 cardDigest, bytes32 lineageRoot, bool stopsWhenMarked) external {
        if (model == 0 || cardDigest == 0) revert EmptyDigest();
        if (_models[model].state != ModelState.Unknown) revert ModelExists(model);

        Model storage made = _models[model];
        (made.state, made.registrar, made.registeredAt) = (ModelState.Registered, msg.sender, uint40(block.timestamp));
        (made.stopsWhenMarked, made.cardDigest, made.lineageRoot) = (stopsWhenMarked, cardDigest, lineageRoot);
        emit ModelRegistered(model, msg.sender, cardDigest, lineageRoot, stopsWhenMarked);
    }

    /// @inheritdoc IModelRegistry
    function registerTerms(bytes32 model, bytes32 termsRoot, Link link) external {
        Model storage known = _models[model];
        if (known.state != ModelState.Registered) revert ModelNotInState(model, known.state, ModelState.Registered);
        if (msg.sender != known.registrar) revert NotRegistrar(model, msg.sender);
        if (termsRoot == 0 || link == Link.Unknown) revert EmptyDigest();
        if (known.termsRoot != 0) revert ModelTermsExist(model);

        (known.termsRoot, known.link) = (termsRoot, link);
        emit ModelTermsRegistered(model, termsRoot, link);
    }

    /// @inheritdoc IModelRegistry
    function approve(bytes32 model) external onlyRole(APPROVER_ROLE) {
        ModelState state = _models[model].state;
        if (state != ModelState.Registered) revert ModelNotInState(model, state, ModelState.Registered);

        _models[model].state = ModelState.Approved;
        emit ModelApproved(model, msg.sender);
    }

    /// @inheritdoc IModelRegistry
    function withdraw(bytes32 model, bytes32 reason) external onlyRole(APPROVER_ROLE) {
        ModelState state = _models[model].state;
        if (state == ModelState.Unknown || state == ModelState.Withdrawn) {
            revert ModelNotInState(model, state, ModelState.Approved);
        }

        _models[model].state = ModelState.Withdrawn;
        emit ModelWithdrawn(model, msg.sender, reason);
    }

    /// @inheritdoc IModelRegistry
    function mark(bytes32 model, uint256 twinId, address grantee, uint32 serial, bytes32[] calldata proof) external {
        Model storage known = _models[model];
        if (known.marked) revert ModelIsMarked(model);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(twinId, grantee, serial))));
        if (!MerkleProof.verifyCalldata(proof, known.lineageRoot, leaf)) revert NotInLineage(model, leaf);
        if (!CONSENTS.wasRevoked(twinId, grantee, serial)) revert ConsentNotRevoked(twinId, grantee, serial);

        known.marked = true;
        emit ModelMarked(model, twinId, grantee, serial);
    }

    /// @inheritdoc IModelRegistry
    function modelOf(bytes32 model) external view returns (Model memory) {
        return _models[model];
    }

    /// @inheritdoc IModelRegistry
    function termsOf(bytes32 model) external view returns (bytes32 termsRoot, Link link) {
        return (_models[model].termsRoot, _models[model].link);
    }

    /// @inheritdoc IModelRegistry
    function isApproved(bytes32 model) external view returns (bool approved) {
        Model storage known = _models[model];
        return known.state == ModelState.Approved && !(known.marked && known.stopsWhenMarked);
    }
}
