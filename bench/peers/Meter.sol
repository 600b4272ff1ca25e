// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice Gas that a view spends itself: no transaction, no first touch of the contract's own account.
contract Meter {
    function gasOf(address target, bytes calldata data) external view returns (uint256 used) {
        bytes memory asked = data;
        require(target.code.length != 0);
        bool success;
        bool answer;
        // Solidity's own staticcall copies what is asked first, and that copy is no part of the view.
        assembly ("memory-safe") {
            let before := gas()
            success := staticcall(gas(), target, add(asked, 32), mload(asked), 0, 32)
            used := sub(before, gas())
            answer := mload(0)
        }
        require(success && answer);
    }
}
