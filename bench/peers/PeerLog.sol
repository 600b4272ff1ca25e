// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice The least that puts a reading on a chain: one transaction, one log, nothing checked, nothing hidden.
contract PeerLog {
    event Reading(uint256 indexed twinId, uint64 timeMs, int64 valueE6);

    function put(uint256 twinId, uint64 timeMs, int64 valueE6) external {
        emit Reading(twinId, timeMs, valueE6);
    }
}
