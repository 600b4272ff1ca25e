// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISigned} from "./ISigned.sol";

/// @title Guardians of twins
/// @notice Somebody who decides for the person a twin stands for, for instance a parent until a child is of age: a
/// guardian may grant, revoke and deny (ConsentRegistry), and nothing else; it does not own the twin.
/// @dev A twin has one guardian at most. It agrees by its signature, so nobody is made one unasked. Every guardianship
/// has an end, holds before it, and no grant a guardian gives outlives it. It is of the twin's epoch: who voids all
/// grants appoints anew.
interface IGuardianRegistry is ISigned {
    /// @notice One slot. @param until The guardianship holds before it (s). @param epoch Of the twin.
    struct Guardianship {
        address guardian;
        uint40 until;
        uint32 epoch;
    }

    event GuardianAppointed(uint256 indexed twinId, address indexed guardian, uint40 until, address by);
    event GuardianDismissed(uint256 indexed twinId, address indexed guardian, address by);

    error NotTwinOwner(uint256 twinId, address account);
    error NotTwinGuardian(uint256 twinId, address account);
    error InvalidGuardian(uint256 twinId, address guardian);
    error InvalidEnd(uint40 until, uint40 latest);

    /// @notice Make somebody guardian until a time, in place of an earlier one; by the owner, who may be the hospital
    /// that minted the twin.
    /// @dev Signed by the guardian. Typed data: Guardianship(uint256 twinId,address guardian,address by,uint40 until,uint256 nonce,uint40 deadline);
    /// `by` is who appoints.
    /// @param until After now and at most LONGEST after it (s).
    /// @param nonce A keyed nonce of the guardian (OpenZeppelin NoncesKeyed).
    function appoint(uint256 twinId, address guardian, uint40 until, uint256 nonce, uint40 deadline, bytes calldata acceptance)
        external;

    /// @notice Hand one's own guardianship to another, who agrees by the same signature; its end stays.
    function handOver(uint256 twinId, address next, uint256 nonce, uint40 deadline, bytes calldata acceptance) external;

    /// @notice End a guardianship now; by the owner, or by the guardian itself.
    /// @dev What the guardian granted stays until somebody revokes it or it expires.
    function dismiss(uint256 twinId) external;

    /// @notice Who is guardian now, and until when; zeros when nobody is.
    function guardianOf(uint256 twinId) external view returns (address guardian, uint40 until);
}
