// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {ConsentFixture} from "./ConsentFixture.sol";

/// As a token (ERC-1155)
///   it never moves, and approves nobody
///   balanceOfBatch
///     it answers in order, and refuses lists of two lengths
///   supportsInterface and uri
///     it says what it is, and of whom nothing
contract ConsentRegistryTokenTest is ConsentFixture {
    function test_token_neverMoves() public {
        bytes memory reason = abi.encodeWithSelector(IConsentRegistry.NonTransferable.selector);
        vm.expectRevert(reason);
        consents.setApprovalForAll(stranger, true);
        vm.expectRevert(reason);
        consents.safeTransferFrom(grantee, stranger, PATIENT, 1, "");
        vm.expectRevert(reason);
        consents.safeBatchTransferFrom(grantee, stranger, new uint256[](1), new uint256[](1), "");
        vm.assertFalse(consents.isApprovedForAll(owner, stranger));
    }

    function test_token_balanceOfBatchAnswersInOrder() public {
        _grant(PATIENT, grantee, _scope(NOW, END));
        address[] memory accounts = new address[](3);
        uint256[] memory ids = new uint256[](3);
        (accounts[0], accounts[1], accounts[2]) = (grantee, stranger, grantee);
        (ids[0], ids[1], ids[2]) = (PATIENT, WARD, PATIENT);

        uint256[] memory held = consents.balanceOfBatch(accounts, ids);

        vm.assertEq(held.length, 3);
        vm.assertEq(held[0], 1);
        vm.assertEq(held[1], 0);
        vm.assertEq(held[2], 1);
        vm.expectRevert(abi.encodeWithSelector(IERC1155Errors.ERC1155InvalidArrayLength.selector, 2, 3));
        consents.balanceOfBatch(accounts, new uint256[](2));
    }

    function test_token_saysWhatItIs() public view {
        bytes4[] memory ids =
            _ids(type(IConsentRegistry).interfaceId, type(IERC1155).interfaceId, type(IERC1155MetadataURI).interfaceId);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertTrue(consents.supportsInterface(ids[i]));
        }
        vm.assertTrue(consents.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(consents.supportsInterface(0xffffffff));
        vm.assertEq(
            IERC1155MetadataURI(address(consents)).uri(PATIENT),
            "data:application/json;utf8,{\"name\":\"Access to a digital twin\",\"decimals\":0}"
        );
    }
}
