// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IEmergencyAccess} from "./interfaces/IEmergencyAccess.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Grants} from "./libraries/Grants.sol";
import {RequestVoucher} from "./libraries/RequestVoucher.sol";

/// @notice See IEmergencyAccess.
contract EmergencyAccess is RequestVoucher, Nonces, IEmergencyAccess {
    using Grants for uint32;

    bytes32 public constant CLINICIAN_ROLE = keccak256("CLINICIAN_ROLE");
    bytes32 public constant REVIEWER_ROLE = keccak256("REVIEWER_ROLE");
    /// @notice How long an opening lasts (s).
    uint40 public constant DURATION = 4 hours;
    /// @notice Time for the review, from the opening (s).
    uint40 public constant REVIEW_WITHIN = 72 hours;
    /// @notice Most uses that one clinician opened or agreed to and that wait for a review.
    uint256 public constant MOST_PENDING = 5;

    uint32 private constant PURPOSE_EMERGENCY = 1 << 1;
    bytes32 private constant EMERGENCY_TYPEHASH =
        keccak256("Emergency(uint256 twinId,address clinician,uint32 categories,uint16 reason,uint256 nonce,uint40 deadline)");

    uint256 private _count;
    mapping(uint256 useId => Use) private _uses;
    mapping(uint256 twinId => mapping(address clinician => uint256 useId)) private _last;
    mapping(address clinician => uint256[] useIds) private _pending;
    mapping(address clinician => bool) private _suspended;

    constructor(ITwinToken twins, address consents, address administrator)
        RequestVoucher(twins, consents, administrator, PURPOSE_EMERGENCY)
    {}

    /// @inheritdoc IEmergencyAccess
    function open(uint256 twinId, uint32 categories, uint16 reason, address second, uint40 deadline, bytes calldata secondSignature)
        external
        returns (uint256 useId)
    {
        // Check:
        if (second == msg.sender) revert SecondSignerIsFirst(msg.sender);
        if (reason == 0) revert EmptyReason();
        if (categories == 0) revert EmptyCategories();
        TWINS.ownerAndEpochOf(twinId);
        _checkClinician(msg.sender);
        _checkClinician(second);
        _useSignature(twinId, categories, reason, second, deadline, secondSignature);
        // Effect:
        useId = ++_count;
        (uint40 expiry, uint40 reviewBy) = (uint40(block.timestamp) + DURATION, uint40(block.timestamp) + REVIEW_WITHIN);
        _uses[useId] = Use(twinId, msg.sender, expiry, reviewBy, Review.Pending, false, second, categories, reason);
        _last[twinId][msg.sender] = useId;
        _pending[msg.sender].push(useId);
        _pending[second].push(useId);
        emit EmergencyOpened(twinId, msg.sender, useId, second, categories, reason, expiry, reviewBy);
    }

    /// @inheritdoc IEmergencyAccess
    function close(uint256 useId) external {
        Use storage use = _existing(useId);
        if (msg.sender != use.clinician && msg.sender != use.second && msg.sender != TWINS.ownerOf(use.twinId)) {
            revert NotUseParty(useId, msg.sender);
        }
        if (use.closed || block.timestamp >= use.expiry) revert UseClosed(useId);
        use.closed = true;
        emit EmergencyClosed(use.twinId, useId, msg.sender);
    }

    /// @inheritdoc IEmergencyAccess
    function review(uint256 useId, bool justified) external onlyRole(REVIEWER_ROLE) {
        Use storage use = _existing(useId);
        if (msg.sender == use.clinician || msg.sender == use.second) revert ReviewerInvolved(useId, msg.sender);
        if (use.review != Review.Pending) revert UseReviewed(useId);
        use.review = justified ? Review.Justified : Review.Unjustified;
        _settlePending(use.clinician, useId);
        _settlePending(use.second, useId);
        emit EmergencyReviewed(use.twinId, useId, msg.sender, justified);
        if (justified) return;
        use.closed = true;
        _suspend(use.clinician, useId);
        _suspend(use.second, useId);
    }

    /// @inheritdoc IEmergencyAccess
    function reinstate(address clinician) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _suspended[clinician] = false;
        emit ClinicianReinstated(clinician, msg.sender);
    }

    /// @inheritdoc IEmergencyAccess
    function useOf(uint256 useId) external view returns (Use memory) {
        return _uses[useId];
    }

    /// @inheritdoc IEmergencyAccess
    function isOpen(uint256 twinId, address clinician, uint32 categories)
        public
        view
        override(RequestVoucher, IEmergencyAccess)
        returns (bool)
    {
        Use memory use = _uses[_last[twinId][clinician]];
        return block.timestamp < use.expiry && !use.closed && !_suspended[clinician] && categories != 0
            && use.categories.covers(categories) && hasRole(CLINICIAN_ROLE, clinician);
    }

    /// @inheritdoc IEmergencyAccess
    function isSuspended(address clinician) external view returns (bool suspended) {
        return _suspended[clinician];
    }

    function _useSignature(
        uint256 twinId,
        uint32 categories,
        uint16 reason,
        address second,
        uint40 deadline,
        bytes calldata signature
    ) private {
        _checkInTime(deadline);
        bytes32 structHash =
            keccak256(abi.encode(EMERGENCY_TYPEHASH, twinId, msg.sender, categories, reason, _useNonce(second), deadline));
        _checkSignature(second, _hashTypedDataV4(structHash), signature);
    }

    function _suspend(address clinician, uint256 useId) private {
        _suspended[clinician] = true;
        emit ClinicianSuspended(clinician, useId);
    }

    /// @dev At most MOST_PENDING entries.
    function _settlePending(address clinician, uint256 useId) private {
        uint256[] storage waiting = _pending[clinician];
        for (uint256 i = 0; i < waiting.length; ++i) {
            if (waiting[i] != useId) continue;
            waiting[i] = waiting[waiting.length - 1];
            waiting.pop();
            return;
        }
    }

    function _checkClinician(address account) private view {
        if (!hasRole(CLINICIAN_ROLE, account)) revert NotClinician(account);
        if (_suspended[account]) revert ClinicianIsSuspended(account);
        uint256[] storage waiting = _pending[account];
        if (waiting.length >= MOST_PENDING) revert TooManyPending(account, MOST_PENDING);
        for (uint256 i = 0; i < waiting.length; ++i) {
            uint40 reviewBy = _uses[waiting[i]].reviewBy;
            if (block.timestamp >= reviewBy) revert ReviewOverdue(account, waiting[i], reviewBy);
        }
    }

    function _existing(uint256 useId) private view returns (Use storage use) {
        use = _uses[useId];
        if (use.clinician == address(0)) revert UnknownUse(useId);
    }
}
