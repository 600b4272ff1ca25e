// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @notice Checks what a constructor is wired to; a wrong address could never be put right later.
library Wiring {
    error NotAContract(address dependency);

    function checked(address dependency) internal view returns (address) {
        if (dependency.code.length == 0) revert NotAContract(dependency);
        return dependency;
    }
}
