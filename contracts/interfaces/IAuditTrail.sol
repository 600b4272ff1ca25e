// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Witness of the custodians' receipts
/// @notice Each custodian's receipts form an append-only RFC 6962 log. The chain keeps a commitment to its last
/// (size, root), so a custodian cannot show two histories. Consistency of the roots is checked off-chain from the entries.
interface IAuditTrail {
    event ReceiptsRooted(address indexed custodian, uint64 size, bytes32 root);

    error StaleHead(address custodian, uint64 size, bytes32 root);
    error LogNotGrowing(address custodian, uint64 size, uint64 newSize);

    /// @notice Post the caller's new (size, root); names the last one (0, 0 at first).
    function post(uint64 lastSize, bytes32 lastRoot, uint64 size, bytes32 root) external;
    /// @notice keccak256(abi.encode(size, root)) of the last head; 0 before the first.
    function headOf(address custodian) external view returns (bytes32);
    function isHead(address custodian, uint64 size, bytes32 root) external view returns (bool);
}
