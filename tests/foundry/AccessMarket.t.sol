// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// What is offered, and what a market is made of
///   list
///     given the twin's owner
///       it keeps the offer's hash and tells the offer
///     when price, categories, purposes or days are none
///       it refuses, and takes the least of each
///     given anybody else
///       it refuses, and so does delist
///     when a new epoch began, or the twin is retired
///       it is listed no more, until it is listed again
///   delist
///     it ends the offer, once
///   constructor
///     when the protocol's part is the whole, or nobody's
///       it refuses
///     when a contract it stands on is none
///       it refuses
contract AccessMarketTest is MarketFixture {
    function test_list_keepsTheHashAndTellsTheOffer() public {
        IAccessMarket.Offer memory offer = _offer(PATIENT);
        vm.expectEmit(address(market));
        emit IAccessMarket.OfferListed(PATIENT, keccak256(abi.encode(offer, uint32(0))), offer);
        _list(offer);
        vm.assertTrue(market.isListed(offer));
        vm.assertFalse(market.isListed(_offer(WARD)));
    }

    function test_list_refusesWhatIsNoOffer() public {
        IAccessMarket.Offer memory offer = _offer(PATIENT);
        offer.pricePerDay = 1 days - 1;
        _refusesOffer(offer);
        offer = _offer(PATIENT);
        offer.categories = 0;
        _refusesOffer(offer);
        offer = _offer(PATIENT);
        offer.purposes = 0;
        _refusesOffer(offer);
        offer = _offer(PATIENT);
        offer.maxDays = 0;
        _refusesOffer(offer);
        _list(IAccessMarket.Offer(PATIENT, 1 days, 1, 1, 1, 0, false));
    }

    function _refusesOffer(IAccessMarket.Offer memory offer) private {
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidOffer.selector, PATIENT));
        vm.prank(owner);
        market.list(offer);
    }

    function testFuzz_list_refusesWhoIsNotTheOwner(address account) public {
        vm.assume(account != owner);
        _list(_offer(PATIENT));
        bytes memory reason = abi.encodeWithSelector(IAccessMarket.NotTwinOwner.selector, PATIENT, account);
        vm.expectRevert(reason);
        vm.prank(account);
        market.list(_offer(PATIENT));
        vm.expectRevert(reason);
        vm.prank(account);
        market.delist(PATIENT);
    }

    function test_offer_isOfItsEpoch() public {
        _list(_offer(PATIENT));
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _approveMarket(PATIENT);
        vm.assertFalse(market.isListed(_offer(PATIENT)));
        bytes32 hash = keccak256(abi.encode(_offer(PATIENT), uint32(1)));
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.OfferNotListed.selector, PATIENT, hash));
        _buy(1);
        _list(_offer(PATIENT));
        vm.assertTrue(market.isListed(_offer(PATIENT)));
        _buy(1);
        vm.prank(owner);
        twins.retire(PATIENT);
        vm.assertFalse(market.isListed(_offer(PATIENT)));
    }

    function test_delist_endsTheOffer() public {
        _list(_offer(PATIENT));
        vm.expectEmit(address(market));
        emit IAccessMarket.OfferDelisted(PATIENT);
        vm.prank(owner);
        market.delist(PATIENT);
        vm.assertFalse(market.isListed(_offer(PATIENT)));
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.OfferNotListed.selector, PATIENT, 0));
        vm.prank(owner);
        market.delist(PATIENT);
    }

    function test_constructor_boundsTheProtocolsPart() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidShare.selector, owner, 10_000, 9_999));
        this.create("AccessMarket.sol:AccessMarket", abi.encode(twins, consents, token, studies, owner, 10_000));
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidShare.selector, address(0), 1, 9_999));
        this.create("AccessMarket.sol:AccessMarket", abi.encode(twins, consents, token, studies, address(0), 1));
        this.create("AccessMarket.sol:AccessMarket", abi.encode(twins, consents, token, studies, owner, 9_999));
    }

    function test_constructor_refusesWhatIsNoContract() public {
        bytes memory reason = abi.encodeWithSelector(Wiring.NotAContract.selector, stranger);
        vm.expectRevert(reason);
        this.create("AccessMarket.sol:AccessMarket", abi.encode(stranger, consents, token, studies, owner, 0));
        vm.expectRevert(reason);
        this.create("AccessMarket.sol:AccessMarket", abi.encode(twins, stranger, token, studies, owner, 0));
        vm.expectRevert(reason);
        this.create("AccessMarket.sol:AccessMarket", abi.encode(twins, consents, stranger, studies, owner, 0));
        vm.expectRevert(reason);
        this.create("AccessMarket.sol:AccessMarket", abi.encode(twins, consents, token, stranger, owner, 0));
    }
}
