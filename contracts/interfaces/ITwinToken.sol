// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title Twins as tokens
/// @notice An ERC-721 token per digital twin. The low byte of the id says what it stands for:
/// 1 patient, 2 equipment, 3 ward; the other 31 bytes are random and chosen by the minter.
/// @dev Patient twins do not move: every transfer of one reverts. Other twins move like any ERC-721 token.
/// A transfer, a retirement and `voidGrants` each start a new epoch, and a consent is worth
/// something only in the epoch it was given in. Nothing about a person is stored here.
interface ITwinToken is IERC721 {
    /// @notice A new epoch began; every consent of an earlier one is void from this block on.
    event EpochStarted(uint256 indexed twinId, uint32 epoch);
    /// @notice The twin takes no more grants, devices, batches or predictions; its history stays.
    event TwinRetired(uint256 indexed twinId);

    error UnknownTwinKind(uint256 twinId, uint8 kind);
    error PatientTwinBound(uint256 twinId);
    error NotTwinOwner(uint256 twinId, address account);
    error TwinIsRetired(uint256 twinId);

    /// @notice Mint a twin to the caller.
    /// @param twinId 31 random bytes, then the kind.
    function mint(uint256 twinId) external;

    /// @notice Void every consent of the twin at once, at a cost that does not depend on their number.
    function voidGrants(uint256 twinId) external;

    /// @notice Close the twin for good. Voids every consent.
    function retire(uint256 twinId) external;

    /// @notice The current epoch of a live twin.
    /// @dev Reverts with TwinIsRetired for a retired twin. The epoch of an id never minted is 0, as nobody can have a grant there.
    function epochOf(uint256 twinId) external view returns (uint32 epoch);

    /// @notice The epoch begun last, of a retired twin too; never reverts.
    /// @dev Retiring begins an epoch in which nothing can be granted, so whoever compares a grant's epoch with this
    /// needs not ask whether the twin is live.
    function currentEpoch(uint256 twinId) external view returns (uint32 epoch);

    /// @notice The owner and epoch of a live twin; reverts with ERC721NonexistentToken or TwinIsRetired.
    function ownerAndEpochOf(uint256 twinId) external view returns (address owner, uint32 epoch);

    /// @notice When an epoch ended (s); 0 while it lasts.
    function epochEnd(uint256 twinId, uint32 epoch) external view returns (uint40 endedAt);

    /// @notice Who owned the twin in an epoch that began; zero for one that has not.
    function ownerDuring(uint256 twinId, uint32 epoch) external view returns (address owner);

    function isRetired(uint256 twinId) external view returns (bool retired);
}
