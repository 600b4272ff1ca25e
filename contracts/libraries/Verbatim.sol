// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Structs hashed and logged as they stand in the calldata, as that is their encoding too; the compiler would
/// read, check and write each field anew (2.5k gas of an anchor, 3.4k of a posted report, tests/contracts/gas.json).
/// @dev For structs of static types only, and only where the caller reads every field narrower than a word, because
/// reading is what refuses bits beyond its type.
library Verbatim {
    /// @notice EIP-712's hashStruct.
    function hash(bytes calldata fields, bytes32 typeHash) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 32), fields.offset, fields.length)
            digest := keccak256(free, add(fields.length, 32))
        }
    }

    /// @notice Emit an event of two indexed arguments, a word, and then the fields.
    function log(bytes calldata fields, bytes32 topic, uint256 first, uint256 second, bytes32 word) internal {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, word)
            calldatacopy(add(free, 32), fields.offset, fields.length)
            log3(free, add(fields.length, 32), topic, first, second)
        }
    }

    /// @notice The same with three.
    function log(bytes calldata fields, bytes32 topic, uint256 first, uint256 second, uint256 third, bytes32 word) internal {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, word)
            calldatacopy(add(free, 32), fields.offset, fields.length)
            log4(free, add(fields.length, 32), topic, first, second, third)
        }
    }
}
