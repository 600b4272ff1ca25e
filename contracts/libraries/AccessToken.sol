// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IConsentRegistry} from "../interfaces/IConsentRegistry.sol";

/// @notice The part of ConsentRegistry that wallets see: an ERC-1155 token that is held and never moves.
abstract contract AccessToken is ERC165, IERC1155Errors, IERC1155MetadataURI, IConsentRegistry {
    /// @inheritdoc IERC1155
    function setApprovalForAll(address, bool) external pure {
        revert NonTransferable();
    }

    /// @inheritdoc IERC1155
    function safeTransferFrom(address, address, uint256, uint256, bytes calldata) external pure {
        revert NonTransferable();
    }

    /// @inheritdoc IERC1155
    function safeBatchTransferFrom(address, address, uint256[] calldata, uint256[] calldata, bytes calldata) external pure {
        revert NonTransferable();
    }

    /// @inheritdoc IERC1155
    function balanceOfBatch(address[] calldata accounts, uint256[] calldata twinIds)
        external
        view
        returns (uint256[] memory balances)
    {
        if (accounts.length != twinIds.length) revert ERC1155InvalidArrayLength(twinIds.length, accounts.length);
        balances = new uint256[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            balances[i] = balanceOf(accounts[i], twinIds[i]);
        }
    }

    /// @inheritdoc IERC1155
    function isApprovedForAll(address, address) external pure returns (bool) {
        return false;
    }

    /// @inheritdoc IERC1155MetadataURI
    function uri(uint256) external pure returns (string memory) {
        return "data:application/json;utf8,{\"name\":\"Access to a digital twin\",\"decimals\":0}";
    }

    /// @inheritdoc IERC1155
    function balanceOf(address account, uint256 twinId) public view virtual returns (uint256);

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override(ERC165, IERC165) returns (bool) {
        return id == type(IConsentRegistry).interfaceId || id == type(IERC1155).interfaceId
            || id == type(IERC1155MetadataURI).interfaceId || super.supportsInterface(id);
    }
}
