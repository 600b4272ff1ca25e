// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {MarketFixture} from "./MarketFixture.sol";

/// withdraw
///   given any two times
///     it pays what the seconds until then earned, no more and no less
///   whoever calls
///     it pays the payee and tells it
///   when the period is over
///     it pays the rest and forgets the purchase
///   given a ward that changed hands
///     it pays who owned it then
/// settle
///   given any times of withdrawal, revocation and settling
///     it splits at the revocation
///   when it was revoked
///     it tells, and keeps what is owed to the payee
///     it refunds all of one revoked in its first second
///     it is not held up by a payee the token refuses
///   while it runs, or when nothing is owed back
///     it refuses
///   when the buyer gave up, or the owner revoked after the end
///     it gives a buyer who gave up nothing back
///     it ignores a revocation after the end
///   when the epoch ended too
///     it takes the end of the epoch if that was first
///     it takes the revocation if that was first
contract AccessMarketEarningsTest is MarketFixture {
    // -- withdraw --------------------------------------------------------------

    function testFuzz_withdraw_paysByTheSecond(uint40 first, uint40 second) public {
        _bought();
        first = uint40(_bound(first, 0, 10 days));
        second = uint40(_bound(second, first, 11 days));
        vm.warp(NOW + first);
        _owed(TOTAL * first / 10 days, 0);
        vm.assertEq(market.withdraw(PATIENT, grantee), TOTAL * first / 10 days);
        vm.assertEq(token.balanceOf(owner), TOTAL * first / 10 days);
        if (first == 10 days) return _forgotten();
        vm.warp(NOW + second);
        uint256 due = second < 10 days ? TOTAL * second / 10 days : TOTAL;
        market.withdraw(PATIENT, grantee);
        vm.assertEq(token.balanceOf(owner), due);
        vm.assertEq(token.balanceOf(address(market)), TOTAL - due);
        vm.assertEq(token.balanceOf(grantee), FUNDS - TOTAL);
        if (due == TOTAL) _forgotten();
        else vm.assertEq(market.purchaseOf(PATIENT, grantee).withdrawn, due);
    }

    function test_withdraw_isToldAndPaysThePayeeWhoeverCalls() public {
        _bought();
        vm.warp(NOW + 3 days);
        vm.expectEmit(address(market));
        emit IAccessMarket.EarningsWithdrawn(PATIENT, grantee, owner, 3 * PRICE, 0, 0);
        vm.prank(stranger);
        market.withdraw(PATIENT, grantee);
        vm.assertEq(token.balanceOf(stranger), 0);
        _owed(0, 0);
    }

    function test_withdraw_endsWithTheRecordPaid() public {
        _bought();
        vm.warp(END);
        market.withdraw(PATIENT, grantee);
        _forgotten();
        _owed(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.NoPurchase.selector, PATIENT, grantee));
        market.withdraw(PATIENT, grantee);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.NoPurchase.selector, PATIENT, grantee));
        market.settle(PATIENT, grantee);
    }

    function test_withdraw_paysWhoOwnedTheWardThen() public {
        _approveMarket(WARD);
        _list(_offer(WARD));
        vm.prank(grantee);
        market.purchase(_offer(WARD), 10, type(uint256).max, 0);
        vm.warp(NOW + 2 days);
        vm.prank(owner);
        twins.transferFrom(owner, stranger, WARD);
        vm.warp(NOW + 9 days);
        market.settle(WARD, grantee);
        market.withdraw(WARD, grantee);
        vm.assertEq(token.balanceOf(owner), 2 * uint256(PRICE));
        vm.assertEq(token.balanceOf(grantee), FUNDS - 2 * uint256(PRICE));
        vm.assertEq(token.balanceOf(stranger), 0);
    }

    // -- settle ----------------------------------------------------------------

    function testFuzz_settle_splitsAtTheRevocation(uint40 withdrawnAt, uint40 revokedAt, uint40 settledAt) public {
        revokedAt = uint40(_bound(revokedAt, 0, 10 days - 1));
        withdrawnAt = uint40(_bound(withdrawnAt, 0, revokedAt));
        settledAt = uint40(_bound(settledAt, revokedAt, 30 days));
        _bought();
        vm.warp(NOW + withdrawnAt);
        market.withdraw(PATIENT, grantee);
        vm.warp(NOW + revokedAt);
        _revoke(owner);
        vm.warp(NOW + settledAt);
        uint256 earned = TOTAL * revokedAt / 10 days;
        uint256 before = token.balanceOf(owner);
        _owed(earned - before, TOTAL - earned);

        (uint96 told, uint96 refunded) = market.settle(PATIENT, grantee);

        vm.assertEq(told, earned);
        vm.assertEq(refunded, TOTAL - earned);
        vm.assertEq(token.balanceOf(grantee), FUNDS - earned);
        vm.assertEq(token.balanceOf(owner), before);
        if (earned == before) return _forgotten();
        _owed(earned - before, 0);
        market.withdraw(PATIENT, grantee);
        vm.assertEq(token.balanceOf(owner), earned);
        _forgotten();
    }

    function test_settle_isToldAndKeepsTheRest() public {
        _bought();
        vm.warp(NOW + 4 days);
        _revoke(owner);
        vm.warp(NOW + 20 days);
        vm.expectEmit(address(market));
        emit IAccessMarket.PurchaseSettled(PATIENT, grantee, 4 * PRICE, 6 * PRICE);
        market.settle(PATIENT, grantee);
        IAccessMarket.Purchase memory kept = market.purchaseOf(PATIENT, grantee);
        vm.assertEq(kept.start, NOW);
        vm.assertEq(kept.end, NOW + 4 days);
        vm.assertEq(kept.paid, 4 * uint256(PRICE));
        vm.assertEq(kept.serial, 1);
        vm.assertEq(kept.epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.NothingToRefund.selector, PATIENT, grantee));
        market.settle(PATIENT, grantee);
    }

    function test_settle_inTheFirstSecondRefundsAll() public {
        _bought();
        _revoke(owner);
        (uint96 earned, uint96 refunded) = market.settle(PATIENT, grantee);
        vm.assertEq(earned, 0);
        vm.assertEq(refunded, TOTAL);
        vm.assertEq(token.balanceOf(grantee), FUNDS);
        _forgotten();
    }

    function test_settle_isNotHeldUpByAPayeeTheTokenRefuses() public {
        _bought();
        vm.warp(NOW + 5 days);
        _revoke(owner);
        token.setRefused(owner);
        market.settle(PATIENT, grantee);
        vm.assertEq(token.balanceOf(grantee), FUNDS - 5 * uint256(PRICE));
    }

    function test_settle_refusesWhatRunsOrOwesNothing() public {
        _bought();
        vm.warp(END - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.PurchaseRunning.selector, PATIENT, grantee, END));
        market.settle(PATIENT, grantee);
        vm.warp(END);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.NothingToRefund.selector, PATIENT, grantee));
        market.settle(PATIENT, grantee);
    }

    function test_settle_givesNothingBackToABuyerWhoGaveUp() public {
        _bought();
        vm.warp(NOW + 1);
        _revoke(grantee);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.PurchaseRunning.selector, PATIENT, grantee, END));
        market.settle(PATIENT, grantee);
        vm.warp(END);
        vm.assertEq(market.withdraw(PATIENT, grantee), TOTAL);
    }

    function test_settle_ignoresARevocationAfterTheEnd() public {
        _bought();
        vm.warp(END + 5);
        _revoke(owner);
        _owed(TOTAL, 0);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.NothingToRefund.selector, PATIENT, grantee));
        market.settle(PATIENT, grantee);
    }

    function test_settle_takesTheFirstOfTwoStops() public {
        _bought();
        vm.warp(NOW + 2 days);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        vm.warp(NOW + 3 days);
        _revoke(owner);
        _owed(2 * uint256(PRICE), 8 * uint256(PRICE));
        vm.warp(NOW + 4 days);
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _owed(2 * uint256(PRICE), 8 * uint256(PRICE));
    }

    function test_settle_takesARevocationBeforeTheEpochsEnd() public {
        _bought();
        vm.warp(NOW + 2 days);
        _revoke(owner);
        vm.warp(NOW + 3 days);
        vm.prank(owner);
        twins.retire(PATIENT);
        _owed(2 * uint256(PRICE), 8 * uint256(PRICE));
        market.settle(PATIENT, grantee);
        market.withdraw(PATIENT, grantee);
        _forgotten();
    }
}
