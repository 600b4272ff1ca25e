// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ISigned} from "./ISigned.sol";

/// @title A case handed from one department to another
/// @notice Two departments, say radiology and the operating room, sign one case: a twin, kinds of data, an end.
/// While it is open the receiving department may ask for the data; it closes at its end, by either side, or when the
/// procedure is over. Outside it nothing is allowed.
/// @dev Patients let this contract in beforehand by a consent with the purpose CARE. See RequestVoucher.
interface ICaseToken is IERC1271, ISigned {
    struct Case {
        uint256 twinId;
        address from;
        address to;
        uint32 categories;
        uint40 expiry;
    }

    /// @param expiry 0 for a case never opened. @param closed Before its end.
    struct Standing {
        uint256 twinId;
        address to;
        uint40 expiry;
        bool closed;
        address from;
        uint32 categories;
    }

    event CaseOpened(
        uint256 indexed twinId, bytes32 indexed caseId, address indexed to, address from, uint32 categories, uint40 expiry
    );
    event CaseClosed(uint256 indexed twinId, bytes32 indexed caseId, address by, bool procedureEnded);

    error NotDepartment(address account);
    error SameDepartment(address department);
    error EmptyCategories();
    error InvalidExpiry(uint40 expiry, uint40 latest);
    error CaseExists(bytes32 caseId);
    error CaseNotOpen(bytes32 caseId);
    error NotCaseParty(bytes32 caseId, address account);

    /// @notice Open a case both departments signed; anyone may send it, and once only: the digest is the case's id.
    /// @dev Typed data: Case(uint256 twinId,address from,address to,uint32 categories,uint40 expiry,uint256 nonce,uint40 deadline).
    /// @param nonce Any number; makes the case's id unique.
    function open(Case calldata opened, uint256 nonce, uint40 deadline, bytes calldata fromSignature, bytes calldata toSignature)
        external
        returns (bytes32 caseId);

    /// @notice Close now; by either department or the twin's owner.
    function close(bytes32 caseId, bool procedureEnded) external;

    function caseOf(bytes32 caseId) external view returns (Standing memory);
    /// @notice Whether `department` may ask for a twin's categories under its last case.
    function isOpen(uint256 twinId, address department, uint32 categories) external view returns (bool open);
    function caseDigest(Case calldata opened, uint256 nonce, uint40 deadline) external view returns (bytes32);
}
