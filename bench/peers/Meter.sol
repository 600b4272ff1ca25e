// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice Gas that a view spends itself: no transaction, no first touch of the contract's own account.
contract Meter {
    function gasOf(address target, bytes calldata data) external view returns (uint256 used) {
        bytes memory call = data;
        require(target.code.length != 0);
        uint256 before = gasleft();
        (bool success, bytes memory answer) = target.staticcall(call);
        used = before - gasleft();
        require(success && abi.decode(answer, (bool)));
    }
}
