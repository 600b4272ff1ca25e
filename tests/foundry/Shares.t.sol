// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {MarketFixture} from "./AccessMarket.t.sol";

/// What is earned leaves in three parts
///   given any shares that leave nothing below zero, and any three times
///     each withdrawal pays out what was earned since the last, and the parts never go back
///     when the period is over nothing is left
contract SharesTest is MarketFixture {
    address private constant PROTOCOL = address(0x9207);
    address private constant CUSTODIAN = address(0xC057);

    function testFuzz_everyUnitFindsItsOwner(uint16 protocolShare, uint16 share, uint40 first, uint40 second, uint96 price) public {
        protocolShare = uint16(_bound(protocolShare, 0, 9_999));
        uint16 most = 10_000 - protocolShare;
        share = share % 2 == 0 ? most : uint16(_bound(share, 1, most));
        _sell(protocolShare, share, uint96(_bound(price, 1 days, 10 * uint256(PRICE))));
        first = uint40(_bound(first, 0, 10 days));
        _takes(NOW + first);
        _takes(NOW + uint40(_bound(second, first, 10 days)));
        _takes(NOW + 10 days);
        market.claim(PROTOCOL);
        market.claim(CUSTODIAN);
        vm.assertEq(token.balanceOf(address(market)), 0);
    }

    function test_oneUnitBetweenTwoWithdrawals() public {
        _sell(2_500, 3_000, 1 days);
        _takes(NOW + 3);
        _takes(NOW + 4);
        _takes(NOW + 10 days);
    }

    function test_nothingForThePayee() public {
        _sell(250, 9_750, 1 days);
        _takes(NOW + 1);
        _takes(NOW + 10_000);
        vm.assertEq(token.balanceOf(owner), 0);
    }

    function _sell(uint16 protocolShare, uint16 share, uint96 price) private {
        bytes memory wiring = abi.encode(twins, consents, token, studies, PROTOCOL, protocolShare);
        market = IAccessMarket(vm.deployCode("AccessMarket.sol:AccessMarket", wiring));
        _fund(grantee);
        _approveMarket(PATIENT);
        IAccessMarket.Offer memory offer = _offer(PATIENT);
        offer.pricePerDay = price;
        _list(offer);
        vm.prank(owner);
        market.appointCustodian(PATIENT, CUSTODIAN, share);
        vm.prank(grantee);
        market.purchase(offer, 10, type(uint256).max, 0);
    }

    function _takes(uint40 time) private {
        vm.warp(time);
        if (market.purchaseOf(PATIENT, grantee).end == 0) return;
        (uint96 due,) = market.balanceOf(PATIENT, grantee);
        uint256 before = market.creditOf(PROTOCOL) + market.creditOf(CUSTODIAN);
        uint96 paid = market.withdraw(PATIENT, grantee);
        vm.assertEq(paid + market.creditOf(PROTOCOL) + market.creditOf(CUSTODIAN) - before, due);
    }
}
