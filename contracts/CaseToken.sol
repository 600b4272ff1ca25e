// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ICaseToken} from "./interfaces/ICaseToken.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Grants} from "./libraries/Grants.sol";
import {RequestVoucher} from "./libraries/RequestVoucher.sol";

/// @notice See ICaseToken.
contract CaseToken is RequestVoucher, ICaseToken {
    using Grants for uint32;

    bytes32 public constant DEPARTMENT_ROLE = keccak256("DEPARTMENT_ROLE");
    /// @notice Longest case (s).
    uint40 public constant MAX_DURATION = 7 days;

    uint32 private constant PURPOSE_CARE = 1;
    bytes32 private constant CASE_TYPEHASH =
        keccak256("Case(uint256 twinId,address from,address to,uint32 categories,uint40 expiry,uint256 nonce,uint40 deadline)");

    mapping(bytes32 caseId => Standing) private _cases;
    mapping(uint256 twinId => mapping(address department => bytes32 caseId)) private _last;

    constructor(ITwinToken twins, address consents, address administrator)
        RequestVoucher(twins, consents, administrator, PURPOSE_CARE)
    {}

    /// @inheritdoc ICaseToken
    function open(Case calldata opened, uint256 nonce, uint40 deadline, bytes calldata fromSignature, bytes calldata toSignature)
        external
        returns (bytes32 caseId)
    {
        // Check:
        _checkTerms(opened, deadline);
        caseId = caseDigest(opened, nonce, deadline);
        if (_cases[caseId].expiry != 0) revert CaseExists(caseId);
        _checkSignature(opened.from, caseId, fromSignature);
        _checkSignature(opened.to, caseId, toSignature);
        // Effect:
        _cases[caseId] = Standing(opened.twinId, opened.to, opened.expiry, false, opened.from, opened.categories);
        _last[opened.twinId][opened.to] = caseId;
        emit CaseOpened(opened.twinId, caseId, opened.to, opened.from, opened.categories, opened.expiry);
    }

    /// @inheritdoc ICaseToken
    function close(bytes32 caseId, bool procedureEnded) external {
        Standing storage standing = _cases[caseId];
        if (block.timestamp >= standing.expiry || standing.closed) revert CaseNotOpen(caseId);
        if (msg.sender != standing.from && msg.sender != standing.to && msg.sender != TWINS.ownerOf(standing.twinId)) {
            revert NotCaseParty(caseId, msg.sender);
        }
        standing.closed = true;
        emit CaseClosed(standing.twinId, caseId, msg.sender, procedureEnded);
    }

    /// @inheritdoc ICaseToken
    function caseOf(bytes32 caseId) external view returns (Standing memory) {
        return _cases[caseId];
    }

    /// @inheritdoc ICaseToken
    function isOpen(uint256 twinId, address department, uint32 categories)
        public
        view
        override(RequestVoucher, ICaseToken)
        returns (bool)
    {
        Standing memory standing = _cases[_last[twinId][department]];
        return block.timestamp < standing.expiry && !standing.closed && categories != 0 && standing.categories.covers(categories)
            && hasRole(DEPARTMENT_ROLE, department) && hasRole(DEPARTMENT_ROLE, standing.from);
    }

    /// @inheritdoc ICaseToken
    function caseDigest(Case calldata opened, uint256 nonce, uint40 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CASE_TYPEHASH, opened, nonce, deadline)));
    }

    function _checkTerms(Case calldata opened, uint40 deadline) private view {
        _checkInTime(deadline);
        if (opened.from == opened.to) revert SameDepartment(opened.from);
        if (opened.categories == 0) revert EmptyCategories();
        uint40 latest = uint40(block.timestamp) + MAX_DURATION;
        if (opened.expiry <= block.timestamp || opened.expiry > latest) revert InvalidExpiry(opened.expiry, latest);
        if (!hasRole(DEPARTMENT_ROLE, opened.from)) revert NotDepartment(opened.from);
        if (!hasRole(DEPARTMENT_ROLE, opened.to)) revert NotDepartment(opened.to);
        TWINS.ownerAndEpochOf(opened.twinId);
    }
}
