// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice The key behind a signature, read where it lies in the calldata (300 gas of each, tests/contracts/gas.json).
library Recover {
    /// @notice Of a signature: r, s, v.
    uint256 internal constant BYTES = 65;

    /// @return signer The zero address for what is no signature: of another length, malleable, or of no key.
    function signerOf(bytes calldata signature, bytes32 digest) internal pure returns (address signer) {
        if (signature.length != BYTES) return address(0);
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := calldataload(signature.offset)
            s := calldataload(add(signature.offset, 32))
            v := byte(0, calldataload(add(signature.offset, 64)))
        }
        (signer,,) = ECDSA.tryRecover(digest, v, r, s);
    }
}
