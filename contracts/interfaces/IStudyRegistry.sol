// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISigned} from "./ISigned.sol";

/// @title Studies an ethics board approved
/// @notice A study is the SHA-256 of its protocol. A registered board signs that a researcher may use data for it, for
/// which purposes and until when; anyone may bring the signature.
/// @dev Boards are the holders of BOARD_ROLE. What a board approved holds only while it is registered. A withdrawal is
/// final: the same study is approved for the same researcher by nobody again, also not by a signature given before.
interface IStudyRegistry is ISigned {
    /// @notice One slot. @param purposes Bits, as in consents. @param expiry The approval holds before it (s).
    struct Approval {
        address board;
        uint32 purposes;
        uint40 expiry;
        bool withdrawn;
    }

    event StudyApproved(bytes32 indexed study, address indexed researcher, address indexed board, uint32 purposes, uint40 expiry);
    event StudyWithdrawn(bytes32 indexed study, address indexed researcher, address indexed board);

    error InvalidStudy(bytes32 study, address researcher, uint32 purposes, uint40 expiry);
    error NotBoard(address account);
    error OtherBoard(bytes32 study, address researcher, address board);
    error StudyIsWithdrawn(bytes32 study, address researcher);

    /// @notice Record a board's approval (EOA or ERC-1271), or its amendment of one it gave before.
    /// @dev Typed data: StudyApproval(bytes32 study,address researcher,address board,uint32 purposes,uint40 expiry,uint256 nonce,uint40 deadline);
    /// @param nonce A keyed nonce of the board (OpenZeppelin NoncesKeyed).
    function approve(
        bytes32 study,
        address researcher,
        address board,
        uint32 purposes,
        uint40 expiry,
        uint256 nonce,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice Take an approval back, by the board that gave it: nothing more can be bought for the study.
    /// @dev Access that was bought runs on; the twin's owner can revoke it.
    function withdraw(bytes32 study, address researcher) external;

    function approvalOf(bytes32 study, address researcher) external view returns (Approval memory);

    /// @notice Whether `researcher` may use data for every one of `purposes` in this study from now until `end` (s).
    function isApproved(bytes32 study, address researcher, uint32 purposes, uint40 end) external view returns (bool approved);
}
