// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IConsentRegistry} from "./interfaces/IConsentRegistry.sol";
import {IGuardianRegistry} from "./interfaces/IGuardianRegistry.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {AccessToken} from "./libraries/AccessToken.sol";
import {Grants} from "./libraries/Grants.sol";
import {SignedOnce} from "./libraries/SignedOnce.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Grant, Scope} from "./types/Consent.sol";

/// @notice See IConsentRegistry.
contract ConsentRegistry is AccessToken, SignedOnce {
    using Grants for Scope;
    using Grants for uint32;
    using Grants for uint256;

    /// @dev One slot, see Grants; a struct so that what was found is not looked up again to be written.
    struct Record {
        uint256 word;
    }

    /// @dev One slot; worth something only in its epoch.
    struct Approval {
        Scope limits;
        uint32 maxDuration;
        uint32 epoch;
    }

    /// @notice Longest time from now to a grant's expiry (s): two years, one of them a leap year.
    uint40 public constant MAX_DURATION = 731 days;

    bytes32 private constant GRANT_TYPEHASH = keccak256(
        "ConsentGrant(uint256 twinId,address grantee,uint32 categories,uint32 purposes,uint40 notBefore,uint40 expiry,uint32 epoch,uint256 nonce,uint40 deadline)"
    );
    bytes32 private constant REVOCATION_TYPEHASH =
        keccak256("ConsentRevocation(uint256 twinId,address grantee,uint256 nonce,uint40 deadline)");

    ITwinToken public immutable TWINS;
    IGuardianRegistry public immutable GUARDIANS;

    mapping(uint256 twinId => mapping(address grantee => Record)) private _grants;
    mapping(uint256 twinId => mapping(address operator => Approval)) private _approvals;
    mapping(uint256 twinId => mapping(address grantee => mapping(uint32 serial => uint40))) private _revokedAt;

    constructor(ITwinToken twins, IGuardianRegistry guardians) {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        GUARDIANS = IGuardianRegistry(Wiring.checked(address(guardians)));
    }

    /// @inheritdoc IConsentRegistry
    function grant(uint256 twinId, address grantee, Scope calldata scope) external {
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        if (msg.sender != owner) {
            uint40 until = _checkGuardian(twinId);
            if (scope.expiry > until) revert GuardianshipExceeded(twinId, scope.expiry, until);
        }
        _grantByOwner(twinId, grantee, scope, owner, epoch, msg.sender);
    }

    /// @inheritdoc IConsentRegistry
    function grantBySignature(
        uint256 twinId,
        address grantee,
        Scope calldata scope,
        uint256 nonce,
        uint40 deadline,
        bytes calldata signature
    ) external {
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        bytes32 structHash = keccak256(abi.encode(GRANT_TYPEHASH, twinId, grantee, scope, epoch, nonce, deadline));
        _useSignature(owner, structHash, nonce, deadline, signature);
        if (_grants[twinId][grantee].word.has(Grants.DENIED)) revert GranteeDenied(twinId, grantee);
        _grantByOwner(twinId, grantee, scope, owner, epoch, owner);
    }

    /// @inheritdoc IConsentRegistry
    function open(uint256 twinId, address grantee, Scope calldata scope) external returns (uint32 serial) {
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        Approval memory approval = _approvals[twinId][msg.sender];
        if (
            approval.epoch != epoch || block.timestamp >= approval.limits.expiry || !approval.limits.contains(scope)
                || scope.expiry > uint256(scope.notBefore) + approval.maxDuration
        ) revert OperatorScopeExceeded(twinId, msg.sender);
        Record storage record = _grants[twinId][grantee];
        uint256 held = record.word;
        if (held.has(Grants.DENIED)) revert GranteeDenied(twinId, grantee);
        if (held.isOpen(epoch, block.timestamp)) revert GrantActive(twinId, grantee, held.expiryOf());
        if (grantee == owner) revert InvalidGrantee(twinId, grantee);
        return _store(record, twinId, grantee, scope, epoch, Grants.PURCHASED, msg.sender);
    }

    /// @inheritdoc IConsentRegistry
    function revoke(uint256 twinId, address grantee) external {
        if (msg.sender != grantee) _checkOwner(twinId);
        _revoke(twinId, grantee, msg.sender);
    }

    /// @inheritdoc IConsentRegistry
    function revokeBySignature(uint256 twinId, address grantee, uint256 nonce, uint40 deadline, bytes calldata signature) external {
        address owner = TWINS.ownerOf(twinId);
        bytes32 structHash = keccak256(abi.encode(REVOCATION_TYPEHASH, twinId, grantee, nonce, deadline));
        _useSignature(owner, structHash, nonce, deadline, signature);
        _revoke(twinId, grantee, owner);
    }

    /// @inheritdoc IConsentRegistry
    function deny(uint256 twinId, address grantee) external {
        _checkOwner(twinId);
        if (_grants[twinId][grantee].word.isMinted()) _revoke(twinId, grantee, msg.sender);
        _grants[twinId][grantee].word |= Grants.DENIED;
        emit ConsentDenied(twinId, grantee, msg.sender);
    }

    /// @inheritdoc IConsentRegistry
    function setOperator(uint256 twinId, address operator, Scope calldata limits, uint32 maxDuration) external {
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        if (msg.sender != owner) revert NotTwinOwner(twinId, msg.sender);
        if (limits.expiry != 0) _checkScope(twinId, limits);

        _approvals[twinId][operator] = Approval(limits, maxDuration, epoch);
        emit OperatorSet(twinId, operator, limits, maxDuration);
    }

    /// @inheritdoc IConsentRegistry
    function isAllowed(uint256 twinId, address grantee, uint32 categories, uint32 purposes) external view returns (bool allowed) {
        if (categories == 0 || purposes == 0) return false;
        uint256 held = _grants[twinId][grantee].word;
        return held.covers(categories, purposes) && _isActive(twinId, held) || _isOwnerOfLive(twinId, grantee);
    }

    /// @inheritdoc IConsentRegistry
    function grantOf(uint256 twinId, address grantee) external view returns (Grant memory) {
        return _grants[twinId][grantee].word.unpack();
    }

    /// @inheritdoc IConsentRegistry
    function operatorOf(uint256 twinId, address operator)
        external
        view
        returns (Scope memory limits, uint32 maxDuration, uint32 epoch)
    {
        Approval memory approval = _approvals[twinId][operator];
        return (approval.limits, approval.maxDuration, approval.epoch);
    }

    /// @inheritdoc IConsentRegistry
    function revokedAt(uint256 twinId, address grantee, uint32 serial) external view returns (uint40) {
        return _revokedAt[twinId][grantee][serial];
    }

    /// @inheritdoc IConsentRegistry
    function wasRevoked(uint256 twinId, address grantee, uint32 serial) external view returns (bool) {
        uint256 held = _grants[twinId][grantee].word;
        return held.wasRevoked(serial) || (serial == held.serialOf() && _isVoided(twinId, held))
            || _revokedAt[twinId][grantee][serial] != 0;
    }

    /// @inheritdoc IERC1155
    function balanceOf(address account, uint256 twinId) public view override returns (uint256) {
        return _isActive(twinId, _grants[twinId][account].word) ? 1 : 0;
    }

    /// @dev An owner or its guardian may always replace such a grant; a purchased one has been paid for and is ended in the open.
    function _grantByOwner(uint256 twinId, address grantee, Scope calldata scope, address owner, uint32 epoch, address by) private {
        Record storage record = _grants[twinId][grantee];
        uint256 held = record.word;
        if (held.has(Grants.PURCHASED) && held.isOpen(epoch, block.timestamp)) {
            revert GrantActive(twinId, grantee, held.expiryOf());
        }
        if (grantee == owner) revert InvalidGrantee(twinId, grantee);
        _store(record, twinId, grantee, scope, epoch, 0, by);
    }

    /// @dev No call to the grantee: consent is not value, and a grantee must not be able to refuse being named.
    function _store(
        Record storage record,
        uint256 twinId,
        address grantee,
        Scope calldata scope,
        uint32 epoch,
        uint256 flags,
        address by
    ) private returns (uint32 serial) {
        if (grantee == address(0)) revert InvalidGrantee(twinId, grantee);
        _checkScope(twinId, scope);
        uint256 held = record.word;
        serial = held.serialOf() + 1;
        bool burned = !held.isMinted();
        if (held.epochOf() != epoch && _isVoided(twinId, held)) held |= Grants.REVOKED;
        record.word = Grants.pack(scope, epoch, serial, flags | held.past());
        emit ConsentGranted(twinId, grantee, serial, scope, by);
        if (burned) emit TransferSingle(by, address(0), grantee, twinId, 1);
    }

    function _revoke(uint256 twinId, address grantee, address by) private {
        Record storage record = _grants[twinId][grantee];
        uint256 held = record.word;
        if (!held.isMinted()) revert NoGrant(twinId, grantee);
        record.word = held | Grants.REVOKED;
        // What a buyer gives up stays paid: else everything could be fetched in the first second and the price taken back.
        if (held.has(Grants.PURCHASED) && by != grantee) _revokedAt[twinId][grantee][held.serialOf()] = uint40(block.timestamp);
        emit TransferSingle(by, grantee, address(0), twinId, 1);
    }

    /// @dev ownerOf, as consent must be ended on a retired twin too.
    function _checkOwner(uint256 twinId) private view {
        if (msg.sender != TWINS.ownerOf(twinId)) _checkGuardian(twinId);
    }

    function _checkGuardian(uint256 twinId) private view returns (uint40 until) {
        address guardian;
        (guardian, until) = GUARDIANS.guardianOf(twinId);
        if (msg.sender != guardian) revert NotTwinOwner(twinId, msg.sender);
    }

    function _checkScope(uint256 twinId, Scope calldata scope) private view {
        if (scope.categories == 0 || scope.purposes == 0) revert EmptyScope(twinId, scope.categories, scope.purposes);
        uint40 latestExpiry = uint40(block.timestamp) + MAX_DURATION;
        if (scope.notBefore >= scope.expiry || scope.expiry <= block.timestamp || scope.expiry > latestExpiry) {
            revert InvalidPeriod(scope.notBefore, scope.expiry, latestExpiry);
        }
    }

    /// @dev The twin is asked last, as it costs most.
    function _isActive(uint256 twinId, uint256 held) private view returns (bool) {
        return held.isRunning(block.timestamp) && held.epochOf() == TWINS.currentEpoch(twinId);
    }

    /// @dev Whether all grants of the twin were voided before this one was over.
    function _isVoided(uint256 twinId, uint256 held) private view returns (bool) {
        uint40 ended = TWINS.epochEnd(twinId, held.epochOf());
        return ended != 0 && ended < held.expiryOf();
    }

    function _isOwnerOfLive(uint256 twinId, address account) private view returns (bool) {
        try TWINS.ownerAndEpochOf(twinId) returns (address owner, uint32) {
            return account == owner;
        } catch {
            return false;
        }
    }
}
