// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IGuardianRegistry} from "./interfaces/IGuardianRegistry.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {SignedOnce} from "./libraries/SignedOnce.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IGuardianRegistry.
contract GuardianRegistry is SignedOnce, IGuardianRegistry {
    /// @notice Longest guardianship (s): from birth until one is of age, wherever that is late.
    uint40 public constant LONGEST = 21 * 366 days;

    bytes32 private constant GUARDIANSHIP_TYPEHASH =
        keccak256("Guardianship(uint256 twinId,address guardian,address by,uint40 until,uint256 nonce,uint40 deadline)");

    ITwinToken public immutable TWINS;

    mapping(uint256 twinId => Guardianship) private _guardianships;

    constructor(ITwinToken twins) {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
    }

    /// @inheritdoc IGuardianRegistry
    function appoint(uint256 twinId, address guardian, uint40 until, uint256 nonce, uint40 deadline, bytes calldata acceptance)
        external
    {
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        if (msg.sender != owner) revert NotTwinOwner(twinId, msg.sender);
        if (guardian == owner) revert InvalidGuardian(twinId, guardian);
        uint40 latest = uint40(block.timestamp) + LONGEST;
        if (until <= block.timestamp || until > latest) revert InvalidEnd(until, latest);
        _useAcceptance(twinId, guardian, until, nonce, deadline, acceptance);
        _set(twinId, Guardianship(guardian, until, epoch));
    }

    /// @inheritdoc IGuardianRegistry
    function handOver(uint256 twinId, address next, uint256 nonce, uint40 deadline, bytes calldata acceptance) external {
        (address guardian, uint40 until) = guardianOf(twinId);
        if (msg.sender != guardian) revert NotTwinGuardian(twinId, msg.sender);
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        if (next == owner) revert InvalidGuardian(twinId, next);
        _useAcceptance(twinId, next, until, nonce, deadline, acceptance);
        _set(twinId, Guardianship(next, until, epoch));
    }

    /// @inheritdoc IGuardianRegistry
    function dismiss(uint256 twinId) external {
        (address guardian,) = guardianOf(twinId);
        if (guardian == address(0)) revert NotTwinGuardian(twinId, guardian);
        if (msg.sender != guardian && msg.sender != TWINS.ownerOf(twinId)) revert NotTwinOwner(twinId, msg.sender);
        delete _guardianships[twinId];
        emit GuardianDismissed(twinId, guardian, msg.sender);
    }

    /// @inheritdoc IGuardianRegistry
    function guardianOf(uint256 twinId) public view returns (address guardian, uint40 until) {
        Guardianship memory standing = _guardianships[twinId];
        // Of a retired twin the last epoch is one in which nobody can be appointed.
        bool stands = block.timestamp < standing.until && standing.epoch == TWINS.currentEpoch(twinId);
        if (stands) return (standing.guardian, standing.until);
    }

    function _useAcceptance(
        uint256 twinId,
        address guardian,
        uint40 until,
        uint256 nonce,
        uint40 deadline,
        bytes calldata acceptance
    ) private {
        bytes32 structHash = keccak256(abi.encode(GUARDIANSHIP_TYPEHASH, twinId, guardian, msg.sender, until, nonce, deadline));
        _useSignature(guardian, structHash, nonce, deadline, acceptance);
    }

    function _set(uint256 twinId, Guardianship memory next) private {
        _guardianships[twinId] = next;
        emit GuardianAppointed(twinId, next.guardian, next.until, msg.sender);
    }
}
