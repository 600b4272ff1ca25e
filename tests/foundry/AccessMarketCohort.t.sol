// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// purchaseCohort
///   given offers of several twins
///     it buys all of them for one price, or none
///   when there is none, or more than a hundred
///     it refuses
///   when the token calls back, here or in claim
///     it refuses
contract AccessMarketCohortTest is MarketFixture {
    function _cohort(uint256 count) private pure returns (IAccessMarket.Offer[] memory offers) {
        offers = new IAccessMarket.Offer[](count);
        for (uint256 i = 0; i < count; ++i) {
            offers[i] = _offer(i % 2 == 0 ? PATIENT : WARD);
        }
    }

    function test_purchaseCohort_isAllOrNothing() public {
        _list(_offer(PATIENT));
        _list(_offer(WARD));
        bytes memory reason =
            abi.encodeWithSignature("OperatorScopeExceeded(uint256,address)", WARD, address(market));
        vm.expectRevert(reason);
        vm.prank(grantee);
        market.purchaseCohort(_cohort(2), 5, type(uint256).max, 0);
        _approveMarket(WARD);
        uint256 price = 10 * uint256(PRICE);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.PriceAboveMaximum.selector, price, price - 1));
        vm.prank(grantee);
        market.purchaseCohort(_cohort(2), 5, price - 1, 0);
        vm.assertEq(token.balanceOf(grantee), FUNDS);
        vm.prank(grantee);
        vm.assertEq(market.purchaseCohort(_cohort(2), 5, price, 0), price);
        vm.assertEq(token.balanceOf(address(market)), price);
        vm.assertEq(market.purchaseOf(PATIENT, grantee).paid, 5 * uint256(PRICE));
        vm.assertEq(market.purchaseOf(WARD, grantee).paid, 5 * uint256(PRICE));
    }

    function test_purchaseCohort_boundsTheNumber() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidCohort.selector, 0, 100));
        market.purchaseCohort(_cohort(0), 5, type(uint256).max, 0);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidCohort.selector, 101, 100));
        market.purchaseCohort(_cohort(101), 5, type(uint256).max, 0);
        bytes32 hash = keccak256(abi.encode(_offer(PATIENT), uint32(0)));
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.OfferNotListed.selector, PATIENT, hash));
        market.purchaseCohort(_cohort(100), 5, type(uint256).max, 0);
    }

    function test_purchaseCohort_isGuarded() public {
        _list(_offer(PATIENT));
        token.setCall(address(market), abi.encodeCall(market.purchaseCohort, (_cohort(1), 1, type(uint256).max, 0)));
        vm.expectRevert(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector));
        vm.prank(grantee);
        market.purchaseCohort(_cohort(1), 1, type(uint256).max, 0);
        token.setCall(address(market), abi.encodeCall(market.claim, (grantee)));
        vm.expectRevert(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector));
        _buy(1);
    }
}
