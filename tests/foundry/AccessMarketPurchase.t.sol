// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {Grant} from "../../contracts/types/Consent.sol";
import {MarketFixture} from "./MarketFixture.sol";
import {Vm} from "./Fixture.sol";

/// purchase
///   given a listed offer
///     it opens the grant and takes the price
///     it remembers the epoch and who owned the twin
///   when the offer is not as listed
///     it refuses
///   when days or price are beyond what offer and buyer allow
///     it refuses, and takes the most they allow
///   when no record holds the price
///     it refuses
///   when the token takes a fee, or answers false
///     it refuses
///   given an offer for studies
///     it refuses a study that no board approved for so long, and tells the one it was for
///   given an earlier purchase
///     while it runs
///       it refuses
///     when it is over
///       it credits what is owed, and the payee claims it
///       it begins with nothing withdrawn
///       it is not held up by a payee the token refuses
///     when it was revoked
///       it refunds the buyer and credits the payee
///       it owes nobody for one that was stopped in its first second
/// every writer
///   when the token calls back
///     it refuses
contract AccessMarketPurchaseTest is MarketFixture {
    function test_purchase_opensTheGrantAndTakesThePrice() public {
        _list(_offer(PATIENT));
        vm.assertEq(market.purchaseOf(PATIENT, grantee).payee, address(0));
        vm.expectEmit(address(market));
        emit IAccessMarket.AccessPurchased(PATIENT, grantee, 1, uint96(TOTAL), END, keccak256("terms"), 0);
        vm.assertEq(_buy(10), 1);

        IAccessMarket.Purchase memory kept = market.purchaseOf(PATIENT, grantee);
        vm.assertEq(kept.payee, owner);
        vm.assertEq(kept.start, NOW);
        vm.assertEq(kept.end, END);
        vm.assertEq(kept.paid, TOTAL);
        vm.assertEq(kept.withdrawn, 0);
        vm.assertEq(kept.serial, 1);
        vm.assertEq(kept.epoch, 0);
        vm.assertEq(token.balanceOf(address(market)), TOTAL);
        vm.assertEq(token.balanceOf(grantee), FUNDS - TOTAL);
        Grant memory opened = consents.grantOf(PATIENT, grantee);
        vm.assertEq(opened.categories, 6);
        vm.assertEq(opened.purposes, 5);
        vm.assertEq(opened.notBefore, NOW);
        vm.assertEq(opened.expiry, END);
    }

    function test_purchase_remembersTheEpoch() public {
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _approveMarket(PATIENT);
        _bought();
        vm.assertEq(market.purchaseOf(PATIENT, grantee).epoch, 1);
        vm.assertEq(market.purchaseOf(PATIENT, grantee).payee, owner);
    }

    function test_purchase_refusesAnotherOffer() public {
        _list(_offer(PATIENT));
        IAccessMarket.Offer memory other = _offer(PATIENT);
        other.pricePerDay -= 1;
        vm.expectRevert(
            abi.encodeWithSelector(IAccessMarket.OfferNotListed.selector, PATIENT, keccak256(abi.encode(other, uint32(0))))
        );
        vm.prank(grantee);
        market.purchase(other, 10, type(uint256).max, 0);
    }

    function test_purchase_boundsDaysAndPrice() public {
        _list(_offer(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidDays.selector, 0, 30));
        _buy(0);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.InvalidDays.selector, 31, 30));
        _buy(31);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.PriceAboveMaximum.selector, TOTAL, TOTAL - 1));
        vm.prank(grantee);
        market.purchase(_offer(PATIENT), 10, TOTAL - 1, 0);
        vm.prank(grantee);
        market.purchase(_offer(PATIENT), 30, 3 * TOTAL, 0);
    }

    function test_purchase_refusesAPriceNoRecordHolds() public {
        IAccessMarket.Offer memory offer = _offer(PATIENT);
        offer.pricePerDay = type(uint96).max;
        _list(offer);
        uint256 price = 2 * uint256(type(uint96).max);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, price));
        vm.prank(grantee);
        market.purchase(offer, 2, type(uint256).max, 0);
    }

    function test_purchase_refusesTokensThatCheat() public {
        _list(_offer(PATIENT));
        token.setFee(1);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.WrongAmountReceived.selector, TOTAL, TOTAL - 1));
        _buy(10);
        token.setFee(0);
        token.setAnswersFalse(true);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        _buy(10);
    }

    // -- for a study -----------------------------------------------------------

    function test_purchase_needsTheStudyTheOfferAsksFor() public {
        _study("study", 5, NOW + 10 days);
        _list(_offer(PATIENT));
        _refusesStudy(_offer(PATIENT), 1, "false");
        IAccessMarket.Offer memory offer = _offer(PATIENT);
        offer.needsStudy = true;
        _list(offer);
        _refusesStudy(offer, 1, 0);
        _refusesStudy(offer, 1, "false");
        _refusesStudy(offer, 11, "study");
        vm.expectEmit(address(market));
        emit IAccessMarket.AccessPurchased(PATIENT, grantee, 1, uint96(TOTAL), END, keccak256("terms"), "study");
        vm.prank(grantee);
        market.purchase(offer, 10, type(uint256).max, "study");
    }

    function _study(bytes32 study, uint32 purposes, uint40 end) private {
        vm.prank(administrator);
        IAccessControl(address(studies)).grantRole(keccak256("BOARD_ROLE"), stranger);
        bytes32 typehash = keccak256(
            "StudyApproval(bytes32 study,address researcher,address board,uint32 purposes,uint40 expiry,uint256 nonce,uint40 deadline)"
        );
        bytes memory encoded = abi.encode(typehash, study, grantee, stranger, purposes, end, 0, end);
        bytes memory signature = _sign(STRANGER_KEY, _typed(address(studies), encoded));
        studies.approve(study, grantee, stranger, purposes, end, 0, end, signature);
    }

    function _refusesStudy(IAccessMarket.Offer memory offer, uint16 numberOfDays, bytes32 study) private {
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.StudyNotApproved.selector, study, grantee));
        vm.prank(grantee);
        market.purchase(offer, numberOfDays, type(uint256).max, study);
    }

    // -- over an earlier one ---------------------------------------------------

    function test_purchase_refusesWhileOneRuns() public {
        _bought();
        vm.warp(END - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessMarket.PurchaseRunning.selector, PATIENT, grantee, END));
        _buy(10);
    }

    function test_purchase_paysOutAnEarlierOne() public {
        _bought();
        vm.warp(END);
        vm.expectEmit(address(market));
        emit IAccessMarket.EarningsWithdrawn(PATIENT, grantee, owner, uint96(TOTAL), 0, 0);
        vm.assertEq(_buy(1), 2);
        vm.assertEq(market.creditOf(owner), TOTAL);
        vm.assertEq(token.balanceOf(address(market)), TOTAL + PRICE);
        vm.assertEq(market.claim(owner), TOTAL);
        vm.assertEq(token.balanceOf(owner), TOTAL);
        vm.assertEq(market.purchaseOf(PATIENT, grantee).withdrawn, 0);
    }

    function test_purchase_beginsWithNothingWithdrawn() public {
        _bought();
        vm.warp(NOW + 1 days);
        market.withdraw(PATIENT, grantee);
        vm.warp(END);
        market.withdraw(PATIENT, grantee);
        _buy(10);
        _owed(0, 0);
        vm.warp(END + 10 days);
        vm.assertEq(market.withdraw(PATIENT, grantee), TOTAL);
        _forgotten();
    }

    function test_purchase_isNotHeldUpByAPayeeTheTokenRefuses() public {
        _bought();
        vm.warp(END);
        token.setRefused(owner);
        vm.assertEq(_buy(1), 2);
        vm.assertEq(market.creditOf(owner), TOTAL);
    }

    function test_purchase_settlesAnEarlierOneThatWasRevoked() public {
        _bought();
        vm.warp(NOW + 1 days);
        market.withdraw(PATIENT, grantee);
        vm.warp(NOW + 4 days);
        _revoke(owner);
        vm.warp(NOW + 5 days);
        _buy(1);
        vm.assertEq(token.balanceOf(owner), PRICE);
        vm.assertEq(market.creditOf(owner), 3 * uint256(PRICE));
        vm.assertEq(token.balanceOf(grantee), FUNDS - 5 * uint256(PRICE));
        vm.assertEq(token.balanceOf(address(market)), 4 * uint256(PRICE));
        vm.assertEq(market.purchaseOf(PATIENT, grantee).serial, 2);
    }

    function test_purchase_afterAStopInItsFirstSecond() public {
        _bought();
        _revoke(owner);
        vm.recordLogs();
        vm.assertEq(_buy(1), 2);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            vm.assertTrue(logs[i].topics[0] != IAccessMarket.EarningsWithdrawn.selector);
        }
        vm.assertEq(token.balanceOf(owner), 0);
        vm.assertEq(token.balanceOf(grantee), FUNDS - PRICE);
    }

    // -- again while it runs ---------------------------------------------------

    function test_everyWriter_isGuardedAgainstReentry() public {
        IAccessMarket.Offer memory offer = _offer(PATIENT);
        _list(offer);
        bytes memory reason = abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector);
        bytes[3] memory calls = [
            abi.encodeCall(market.purchase, (offer, 1, type(uint256).max, 0)),
            abi.encodeCall(market.withdraw, (PATIENT, grantee)),
            abi.encodeCall(market.settle, (PATIENT, grantee))
        ];
        for (uint256 i = 0; i < 3; ++i) {
            token.setCall(address(market), calls[i]);
            vm.expectRevert(reason);
            _buy(10);
        }
        token.setCall(address(0), "");
        _buy(10);
        vm.warp(NOW + 1 days);
        token.setCall(address(market), calls[1]);
        vm.expectRevert(reason);
        market.withdraw(PATIENT, grantee);
        _revoke(owner);
        vm.expectRevert(reason);
        market.settle(PATIENT, grantee);
    }
}
