// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Fixture} from "./Fixture.sol";

/// mint
///   given one of three kinds
///     it is the caller's
///   given another kind
///     it refuses
///   given a contract that takes no tokens
///     it refuses
/// voidGrants
///   given the owner
///     it starts an epoch, and tells
/// retire
///   given the owner
///     it starts an epoch and ends the twin
/// voidGrants, retire
///   given anybody else
///     it refuses
/// transferFrom
///   given a ward's twin
///     it starts an epoch, and nobody is approved any more
///   given a patient's
///     it refuses
///   given equipment's
///     it moves
///   when the twin is retired
///     it refuses
/// ownerAndEpochOf
///   it answers for a twin that lives only
/// balanceOf
///   it counts each twin once
/// tokenURI
///   it names the kind only
/// supportsInterface
///   it names its own and the standards'
contract TwinTokenTest is Fixture {
    function test_mint_takesTheThreeKinds() public {
        for (uint256 kind = 1; kind <= 3; ++kind) {
            vm.prank(owner);
            twins.mint(0xABCD00 | kind);
            vm.assertEq(twins.ownerOf(0xABCD00 | kind), owner);
            vm.assertEq(twins.epochOf(0xABCD00 | kind), 0);
        }
    }

    function testFuzz_mint_refusesOtherKinds(uint256 twinId) public {
        vm.assume(uint8(twinId) == 0 || uint8(twinId) > 3);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.UnknownTwinKind.selector, twinId, uint8(twinId)));
        vm.prank(owner);
        twins.mint(twinId);
    }

    function test_mint_refusesAReceiverThatIsNone() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(this)));
        twins.mint(0x0103);
    }

    function test_voidGrants_startsAnEpoch() public {
        vm.expectEmit(address(twins));
        emit ITwinToken.EpochStarted(PATIENT, 1);
        vm.prank(owner);
        twins.voidGrants(PATIENT);

        vm.assertEq(twins.currentEpoch(PATIENT), 1);
        vm.assertEq(twins.epochOf(PATIENT), 1);
        vm.assertEq(twins.epochEnd(PATIENT, 0), NOW);
        vm.assertEq(twins.epochEnd(PATIENT, 1), 0);
        vm.assertEq(twins.ownerDuring(PATIENT, 0), owner);
        vm.assertEq(twins.ownerDuring(PATIENT, 1), owner);
        vm.assertEq(twins.ownerDuring(PATIENT, 2), address(0));
        vm.assertEq(twins.epochOf(WARD), 0);
    }

    function test_retire_endsTheTwin() public {
        vm.expectEmit(address(twins));
        emit ITwinToken.EpochStarted(PATIENT, 1);
        vm.expectEmit(address(twins));
        emit ITwinToken.TwinRetired(PATIENT);
        vm.prank(owner);
        twins.retire(PATIENT);

        vm.assertEq(twins.currentEpoch(PATIENT), 1);
        vm.assertTrue(twins.isRetired(PATIENT));
        vm.assertFalse(twins.isRetired(WARD));
        vm.assertEq(twins.ownerOf(PATIENT), owner);
        bytes memory retired = abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, PATIENT);
        vm.expectRevert(retired);
        twins.epochOf(PATIENT);
        vm.expectRevert(retired);
        twins.ownerAndEpochOf(PATIENT);
        vm.expectRevert(retired);
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.expectRevert(retired);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
    }

    function testFuzz_epoch_isTheOwnersToEnd(address account) public {
        vm.assume(account != owner);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.NotTwinOwner.selector, PATIENT, account));
        vm.prank(account);
        twins.voidGrants(PATIENT);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.NotTwinOwner.selector, PATIENT, account));
        vm.prank(account);
        twins.retire(PATIENT);
    }

    function test_transfer_ofAWardStartsAnEpoch() public {
        vm.prank(owner);
        twins.approve(stranger, WARD);
        vm.expectEmit(address(twins));
        emit ITwinToken.EpochStarted(WARD, 1);
        vm.recordLogs();
        vm.prank(stranger);
        twins.transferFrom(owner, grantee, WARD);
        vm.assertEq(vm.getRecordedLogs().length, 2); // with Transfer; that an approval ended goes without saying in ERC-721

        vm.assertEq(twins.ownerOf(WARD), grantee);
        vm.assertEq(twins.ownerDuring(WARD, 0), owner);
        vm.assertEq(twins.ownerDuring(WARD, 1), grantee);
        vm.assertEq(twins.epochEnd(WARD, 0), NOW);
        vm.assertEq(twins.getApproved(WARD), address(0));
    }

    function test_transfer_ofAPatientIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.PatientTwinBound.selector, PATIENT));
        vm.prank(owner);
        twins.transferFrom(owner, grantee, PATIENT);
    }

    function test_transfer_ofEquipmentMoves() public {
        vm.prank(owner);
        twins.mint(0xEE02);
        vm.prank(owner);
        twins.safeTransferFrom(owner, grantee, 0xEE02);
        vm.assertEq(twins.ownerOf(0xEE02), grantee);
    }

    function test_transfer_ofARetiredTwinIsRefused() public {
        vm.prank(owner);
        twins.retire(WARD);
        vm.expectRevert(abi.encodeWithSelector(ITwinToken.TwinIsRetired.selector, WARD));
        vm.prank(owner);
        twins.transferFrom(owner, grantee, WARD);
    }

    function test_ownerAndEpochOf_answersForALiveTwinOnly() public {
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        (address who, uint32 epoch) = twins.ownerAndEpochOf(PATIENT);
        vm.assertEq(who, owner);
        vm.assertEq(epoch, 1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 0x7701));
        twins.ownerAndEpochOf(0x7701);
    }

    function test_balanceOf_countsEachTwinOnce() public {
        vm.assertEq(twins.balanceOf(owner), 2);
        vm.assertEq(twins.balanceOf(stranger), 0);
        vm.prank(owner);
        twins.transferFrom(owner, stranger, WARD);
        vm.assertEq(twins.balanceOf(owner), 1);
        vm.assertEq(twins.balanceOf(stranger), 1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidOwner.selector, address(0)));
        twins.balanceOf(address(0));
    }

    function test_tokenURI_namesTheKindOnly() public {
        vm.prank(owner);
        twins.mint(0xEE02);
        IERC721Metadata named = IERC721Metadata(address(twins));
        vm.assertEq(named.name(), "Medtwin");
        vm.assertEq(named.symbol(), "TWIN");
        vm.assertEq(named.tokenURI(PATIENT), "data:application/json;utf8,{\"name\":\"Patient twin\"}");
        vm.assertEq(named.tokenURI(0xEE02), "data:application/json;utf8,{\"name\":\"Equipment twin\"}");
        vm.assertEq(named.tokenURI(WARD), "data:application/json;utf8,{\"name\":\"Ward twin\"}");
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 0x7701));
        named.tokenURI(0x7701);
    }

    function test_supportsInterface_namesItsOwn() public view {
        bytes4[] memory ids = _ids(type(ITwinToken).interfaceId, type(IERC721).interfaceId, type(IERC165).interfaceId);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertTrue(twins.supportsInterface(ids[i]));
        }
        vm.assertFalse(twins.supportsInterface(0xffffffff));
    }
}
