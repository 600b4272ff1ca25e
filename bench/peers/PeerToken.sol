// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @notice OpenZeppelin's ERC721 with nothing added: what a bare token costs.
contract PeerToken is ERC721 {
    constructor() ERC721("Peer", "PEER") {}

    function mint(uint256 id) external {
        _safeMint(msg.sender, id);
    }
}
