// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ISigned} from "./ISigned.sol";

/// @title Breaking the glass
/// @notice A clinician and a second signer open a patient's data for a short time, for a stated reason.
/// It closes by itself, the patient is told by an event, and somebody else reviews it: a use that is found
/// unjustified suspends both, a review that is overdue blocks their next use.
/// @dev Patients let this contract in beforehand by a consent with the purpose EMERGENCY, and cap the categories there;
/// without it nothing opens. See RequestVoucher for how custodians are asked.
interface IEmergencyAccess is IERC1271, ISigned {
    enum Review {
        Pending,
        Justified,
        Unjustified
    }

    /// @param reason A code of docs/formats.md. @param reviewBy End of the time for the review (s).
    struct Use {
        uint256 twinId;
        address clinician;
        uint40 expiry;
        uint40 reviewBy;
        Review review;
        bool closed;
        address second;
        uint32 categories;
        uint16 reason;
    }

    event EmergencyOpened(
        uint256 indexed twinId,
        address indexed clinician,
        uint256 indexed useId,
        address second,
        uint32 categories,
        uint16 reason,
        uint40 expiry,
        uint40 reviewBy
    );
    event EmergencyClosed(uint256 indexed twinId, uint256 indexed useId, address by);
    event EmergencyReviewed(uint256 indexed twinId, uint256 indexed useId, address indexed reviewer, bool justified);
    event ClinicianSuspended(address indexed clinician, uint256 indexed useId);
    event ClinicianReinstated(address indexed clinician, address by);

    error NotClinician(address account);
    error SecondSignerIsFirst(address clinician);
    error EmptyReason();
    error EmptyCategories();
    error ClinicianIsSuspended(address clinician);
    error ReviewOverdue(address clinician, uint256 useId, uint40 reviewBy);
    error TooManyPending(address clinician, uint256 most);
    error UnknownUse(uint256 useId);
    error NotUseParty(uint256 useId, address account);
    error UseClosed(uint256 useId);
    error UseReviewed(uint256 useId);
    error ReviewerInvolved(uint256 useId, address reviewer);

    /// @notice Open; the caller is the clinician, the second signer signed the same facts.
    /// @dev Typed data: Emergency(uint256 twinId,address clinician,uint32 categories,uint16 reason,uint256 nonce,uint40 deadline);
    /// the nonce is the second signer's next one.
    function open(uint256 twinId, uint32 categories, uint16 reason, address second, uint40 deadline, bytes calldata secondSignature)
        external
        returns (uint256 useId);

    /// @notice End a use early; by the clinician, the second signer or the twin's owner.
    function close(uint256 useId) external;

    /// @notice Judge a use, once; by a reviewer who took no part in it.
    function review(uint256 useId, bool justified) external;

    /// @notice Lift a suspension; only the administrator, who answers for it.
    function reinstate(address clinician) external;

    function useOf(uint256 useId) external view returns (Use memory);
    /// @notice Whether a clinician may ask for a twin's categories at this moment.
    function isOpen(uint256 twinId, address clinician, uint32 categories) external view returns (bool open);
    function isSuspended(address clinician) external view returns (bool suspended);
}
