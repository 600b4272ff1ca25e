// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Accounts kept as a contract's code: all of them are read for 2,700 gas instead of 2,100 each.
/// @dev It begins with a zero byte, as the first of an account's 32 do, so that calling it does nothing.
contract Roster {
    constructor(address[] memory accounts) {
        assembly ("memory-safe") {
            return(add(accounts, 32), mul(mload(accounts), 32))
        }
    }
}

/// @notice What a Roster holds, in the order it was given.
library Rosters {
    function read(Roster roster) internal view returns (address[] memory accounts) {
        bytes memory words = address(roster).code;
        assembly ("memory-safe") {
            mstore(words, div(mload(words), 32))
            accounts := words
        }
    }
}
