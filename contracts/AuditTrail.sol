// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAuditTrail} from "./interfaces/IAuditTrail.sol";

/// @notice See IAuditTrail.
contract AuditTrail is IAuditTrail {
    mapping(address custodian => bytes32 head) private _heads;

    /// @inheritdoc IAuditTrail
    function post(uint64 lastSize, bytes32 lastRoot, uint64 size, bytes32 root) external {
        if (!isHead(msg.sender, lastSize, lastRoot)) revert StaleHead(msg.sender, lastSize, lastRoot);
        if (size <= lastSize) revert LogNotGrowing(msg.sender, lastSize, size);

        _heads[msg.sender] = _commitment(size, root);
        emit ReceiptsRooted(msg.sender, size, root);
    }

    /// @inheritdoc IAuditTrail
    function headOf(address custodian) external view returns (bytes32) {
        return _heads[custodian];
    }

    /// @inheritdoc IAuditTrail
    function isHead(address custodian, uint64 size, bytes32 root) public view returns (bool) {
        return _heads[custodian] == _commitment(size, root);
    }

    /// @dev The empty log's head is what an untouched slot holds.
    function _commitment(uint64 size, bytes32 root) private pure returns (bytes32) {
        return size == 0 && root == 0 ? bytes32(0) : keccak256(abi.encode(size, root));
    }
}
