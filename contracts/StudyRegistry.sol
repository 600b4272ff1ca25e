// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IStudyRegistry} from "./interfaces/IStudyRegistry.sol";
import {Grants} from "./libraries/Grants.sol";
import {SignedOnce} from "./libraries/SignedOnce.sol";

/// @notice See IStudyRegistry.
contract StudyRegistry is AccessControl, SignedOnce, IStudyRegistry {
    using Grants for uint32;

    bytes32 public constant BOARD_ROLE = keccak256("BOARD_ROLE");

    bytes32 private constant APPROVAL_TYPEHASH = keccak256(
        "StudyApproval(bytes32 study,address researcher,address board,uint32 purposes,uint40 expiry,uint256 nonce,uint40 deadline)"
    );

    mapping(bytes32 study => mapping(address researcher => Approval)) private _approvals;

    constructor(address administrator) {
        _grantRole(DEFAULT_ADMIN_ROLE, administrator);
    }

    /// @inheritdoc IStudyRegistry
    function approve(
        bytes32 study,
        address researcher,
        address board,
        uint32 purposes,
        uint40 expiry,
        uint256 nonce,
        uint40 deadline,
        bytes calldata signature
    ) external {
        // Check:
        if (study == 0 || researcher == address(0) || purposes == 0 || expiry <= block.timestamp) {
            revert InvalidStudy(study, researcher, purposes, expiry);
        }
        if (!hasRole(BOARD_ROLE, board)) revert NotBoard(board);
        Approval storage given = _approvals[study][researcher];
        if (given.withdrawn) revert StudyIsWithdrawn(study, researcher);
        if (given.board != board && given.board != address(0)) revert OtherBoard(study, researcher, given.board);
        bytes32 structHash = keccak256(abi.encode(APPROVAL_TYPEHASH, study, researcher, board, purposes, expiry, nonce, deadline));
        _useSignature(board, structHash, nonce, deadline, signature);
        // Effect:
        _approvals[study][researcher] = Approval(board, purposes, expiry, false);
        emit StudyApproved(study, researcher, board, purposes, expiry);
    }

    /// @inheritdoc IStudyRegistry
    function withdraw(bytes32 study, address researcher) external {
        Approval storage given = _approvals[study][researcher];
        if (given.board != msg.sender) revert OtherBoard(study, researcher, given.board);
        if (given.withdrawn) revert StudyIsWithdrawn(study, researcher);
        given.withdrawn = true;
        emit StudyWithdrawn(study, researcher, msg.sender);
    }

    /// @inheritdoc IStudyRegistry
    function approvalOf(bytes32 study, address researcher) external view returns (Approval memory) {
        return _approvals[study][researcher];
    }

    /// @inheritdoc IStudyRegistry
    function isApproved(bytes32 study, address researcher, uint32 purposes, uint40 end) external view returns (bool approved) {
        Approval memory given = _approvals[study][researcher];
        return block.timestamp < given.expiry && end <= given.expiry && !given.withdrawn && purposes != 0
            && given.purposes.covers(purposes) && hasRole(BOARD_ROLE, given.board);
    }
}
