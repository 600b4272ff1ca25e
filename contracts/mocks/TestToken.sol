// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Play money for development chains: anybody may mint it.
contract TestToken is ERC20 {
    constructor() ERC20("Medtwin test token", "TEST") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
