// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Structs hashed and logged as they stand in the calldata, as that is their encoding too; the compiler would
/// read, check and write each field anew (1.6k gas of an anchor, 2.5k of a posted report, tests/contracts/gas.json).
/// @dev For structs of static types only, and only where the caller reads every field narrower than a word, because
/// reading is what refuses bits beyond its type.
library Verbatim {
    /// @notice EIP-712's hashStruct.
    function hash(bytes calldata fields, bytes32 typeHash) internal pure returns (bytes32) {
        return keccak256(bytes.concat(typeHash, fields));
    }

    /// @notice Emit an event of two indexed arguments.
    function log(bytes memory data, bytes32 topic, uint256 first, uint256 second) internal {
        assembly ("memory-safe") {
            log3(add(data, 32), mload(data), topic, first, second)
        }
    }

    /// @notice The same with three.
    function log(bytes memory data, bytes32 topic, uint256 first, uint256 second, uint256 third) internal {
        assembly ("memory-safe") {
            log4(add(data, 32), mload(data), topic, first, second, third)
        }
    }
}
