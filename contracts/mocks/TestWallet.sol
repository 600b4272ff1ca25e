// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @notice An account that is a contract with one key, as passkey accounts and multisigs are.
contract TestWallet is IERC1271, ERC721Holder {
    address public immutable KEY;

    error NotKey(address account);

    constructor(address key) {
        KEY = key;
    }

    function execute(address to, bytes calldata data) external returns (bytes memory) {
        if (msg.sender != KEY) revert NotKey(msg.sender);
        return Address.functionCall(to, data);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return signer == KEY ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
