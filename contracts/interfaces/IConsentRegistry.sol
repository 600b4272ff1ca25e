// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ISigned} from "./ISigned.sol";
import {Grant, Scope} from "../types/Consent.sol";

/// @title Consent that is an access token
/// @notice A consent record is a non-transferable ERC-1155 token: id = twin,
/// `balanceOf(grantee, twin)` is 1 exactly while the grantee holds an active grant.
/// @dev One question decides everything: `isAllowed`. Default is no. The twin's owner is always allowed.
/// A grant is active while: its epoch is the twin's, `notBefore <= time < expiry`, and it is neither revoked nor denied.
/// The token's burn, TransferSingle(by, grantee, 0, twin, 1), is what tells that a grant was ended, and by whom.
/// Voiding all grants of a twin is `TwinToken.voidGrants`; as its cost is constant, no burn event is emitted per grant.
interface IConsentRegistry is IERC1155, ISigned {
    event ConsentGranted(uint256 indexed twinId, address indexed grantee, uint32 serial, Scope scope, address by);
    event ConsentDenied(uint256 indexed twinId, address indexed grantee, address by);
    event OperatorSet(uint256 indexed twinId, address indexed operator, Scope limits, uint32 maxDuration);

    error NotTwinOwner(uint256 twinId, address account);
    error InvalidGrantee(uint256 twinId, address grantee);
    error EmptyScope(uint256 twinId, uint32 categories, uint32 purposes);
    error InvalidPeriod(uint40 notBefore, uint40 expiry, uint40 latestExpiry);
    error GrantActive(uint256 twinId, address grantee, uint40 expiry);
    error GuardianshipExceeded(uint256 twinId, uint40 expiry, uint40 until);
    error NoGrant(uint256 twinId, address grantee);
    error GranteeDenied(uint256 twinId, address grantee);
    error OperatorScopeExceeded(uint256 twinId, address operator);
    error NonTransferable();

    /// @notice Grant, or replace an earlier grant. A purchased grant must be revoked first.
    /// @dev By the owner, or by its guardian (IGuardianRegistry) for a time that ends with the guardianship.
    /// @param scope Categories and purposes (each non-zero), notBefore and expiry (s);
    /// expiry is after now and at most MAX_DURATION after it.
    function grant(uint256 twinId, address grantee, Scope calldata scope) external;

    /// @notice The same by the owner's signature (EOA or ERC-1271); anyone may send it.
    /// @dev Typed data: ConsentGrant(uint256 twinId,address grantee,uint32 categories,uint32 purposes,uint40 notBefore,uint40 expiry,uint32 epoch,uint256 nonce,uint40 deadline);
    /// the epoch is the twin's, so that voiding all grants also voids those signed and not yet sent. Refuses a denied grantee
    /// @param nonce A keyed nonce (OpenZeppelin NoncesKeyed): different keys are independent.
    function grantBySignature(
        uint256 twinId,
        address grantee,
        Scope calldata scope,
        uint256 nonce,
        uint40 deadline,
        bytes calldata signature
    ) external;

    /// @notice Open a grant as an operator the owner approved; never wider or longer than approved.
    /// @dev Refuses while any grant is active, and for a denied grantee.
    /// @return serial The grant's number for (twin, grantee).
    function open(uint256 twinId, address grantee, Scope calldata scope) external returns (uint32 serial);

    /// @notice End a grant now. By the owner or its guardian, or by the grantee giving it up. Never pausable.
    function revoke(uint256 twinId, address grantee) external;

    /// @notice The same by the owner's signature; anyone may send it, so it can be signed in advance.
    /// @dev Typed data: ConsentRevocation(uint256 twinId,address grantee,uint256 nonce,uint40 deadline)
    function revokeBySignature(uint256 twinId, address grantee, uint256 nonce, uint40 deadline, bytes calldata signature) external;

    /// @notice End a grant and let no operator and no signature open another until the owner itself grants again.
    /// @dev By the owner or its guardian; either lifts it by a grant.
    function deny(uint256 twinId, address grantee) external;

    /// @notice Let `operator` open grants within `limits` (an expiry of 0 withdraws the approval).
    /// @param maxDuration Longest grant it may open (s).
    function setOperator(uint256 twinId, address operator, Scope calldata limits, uint32 maxDuration) external;

    /// @notice The decision. True when `grantee` may use data of every bit of `categories` for every bit of `purposes` now.
    /// @dev Zero categories or purposes are never allowed. The owner of a live twin is allowed.
    function isAllowed(uint256 twinId, address grantee, uint32 categories, uint32 purposes) external view returns (bool allowed);

    /// @notice The stored grant, active or not.
    function grantOf(uint256 twinId, address grantee) external view returns (Grant memory);

    /// @notice What an operator may open, and in which epoch of the twin that holds.
    function operatorOf(uint256 twinId, address operator)
        external
        view
        returns (Scope memory limits, uint32 maxDuration, uint32 epoch);

    /// @notice When the owner revoked a purchased grant (s); 0 if it was not, or if the buyer gave it up.
    function revokedAt(uint256 twinId, address grantee, uint32 serial) external view returns (uint40);

    /// @notice Whether a grant was ended before its time, by owner or grantee or with all grants of the twin; also
    /// when another has replaced it since, as long as that was fewer than 46 grants ago.
    function wasRevoked(uint256 twinId, address grantee, uint32 serial) external view returns (bool);
}
