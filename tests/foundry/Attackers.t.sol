// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {MarketFixture} from "./MarketFixture.sol";

interface IHostileWallet {
    function setWay(uint8 way) external;
    function execute(address to, bytes calldata data) external returns (bytes memory);
}

interface IShrinking {
    function burn(address from, uint256 amount) external;
}

/// Accounts that lie, tokens that shrink, and crowds.
/// a wallet with code
///   when it lies, reverts or burns its gas
///     it signs nothing
/// a token
///   when its balances shrink
///     it gets nobody more than is owed, and the rest once it is there
/// a crowd of ten thousand
///   it makes no grant, decision or end of an epoch dearer
///   it makes no purchase, revocation or refund dearer
contract AttackersTest is MarketFixture {
    uint8 private constant WAYS = 9;
    uint256 private constant CROWD = 10_000;
    uint256 private constant TWIN = uint256(keccak256("hostile")) << 8 | 1;

    function _scopeNow() private pure returns (Scope memory) {
        return Scope(6, 5, NOW, NOW + 10 days);
    }

    /// @dev Whatever its wallet answers, nothing is granted, revoked or agreed in its name, and no nonce is used.
    function test_wallets_thatLieOrBurnGasSignNothing() public {
        IHostileWallet wallet = IHostileWallet(vm.deployCode("HostileWallet.sol:HostileWallet"));
        wallet.execute(address(twins), abi.encodeCall(twins.mint, (TWIN)));
        wallet.execute(address(consents), abi.encodeCall(consents.grant, (TWIN, stranger, _scopeNow())));
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(consents.grantBySignature, (TWIN, grantee, _scopeNow(), 0, NOW + 1, ""));
        calls[1] = abi.encodeCall(consents.revokeBySignature, (TWIN, stranger, 0, NOW + 1, ""));
        bytes memory appointment =
            abi.encodeCall(guardians.appoint, (PATIENT, address(wallet), NOW + 1 days, 0, NOW + 1, ""));
        for (uint8 way = 0; way < WAYS; ++way) {
            wallet.setWay(way);
            for (uint256 i = 0; i < calls.length; ++i) {
                (bool done,) = address(consents).call{gas: 3_000_000}(calls[i]);
                vm.assertFalse(done);
            }
            vm.prank(owner);
            (bool appointed,) = address(guardians).call{gas: 3_000_000}(appointment);
            vm.assertFalse(appointed);
        }
        vm.assertFalse(consents.isAllowed(TWIN, grantee, 6, 5));
        vm.assertTrue(consents.isAllowed(TWIN, stranger, 6, 5));
        (, bytes memory nonce) =
            address(consents).staticcall(abi.encodeWithSignature("nonces(address,uint192)", address(wallet), 0));
        vm.assertEq(abi.decode(nonce, (uint256)), 0);
    }

    /// @dev A token whose balances shrink by themselves: nobody gets more than is owed, what cannot be paid stays owed,
    /// and is paid once somebody makes the market whole.
    function test_market_paysWhatItHoldsAndOwesTheRest() public {
        _list(_offer(PATIENT));
        _buy(10);
        vm.warp(NOW + 5 days);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        uint256 half = 5 * uint256(PRICE);
        IShrinking(address(token)).burn(address(market), half + 1);
        (bool paid,) = address(market).call(abi.encodeCall(market.withdraw, (PATIENT, grantee)));
        vm.assertFalse(paid);
        (uint96 earned, uint96 refundable) = market.balanceOf(PATIENT, grantee);
        vm.assertEq(earned, half);
        vm.assertEq(refundable, half);
        token.mint(address(market), half + 1);
        market.withdraw(PATIENT, grantee);
        market.settle(PATIENT, grantee);
        vm.assertEq(token.balanceOf(owner), half);
        vm.assertEq(token.balanceOf(address(market)), 0);
    }

    function test_grants_costTheSameInACrowd() public {
        this.granted(1);
        uint256 second = this.granted(2);
        for (uint256 i = 3; i < CROWD; ++i) {
            this.granted(i);
        }
        _same(this.granted(CROWD), second);
        uint256 gas = gasleft();
        vm.assertTrue(consents.isAllowed(PATIENT, address(uint160(0xC0000 + CROWD)), 6, 5));
        vm.assertTrue(gas - gasleft() < 30_000);
        gas = gasleft();
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        vm.assertTrue(gas - gasleft() < 60_000);
        for (uint256 i = 1; i <= CROWD; i += 1_111) {
            vm.assertFalse(consents.isAllowed(PATIENT, address(uint160(0xC0000 + i)), 6, 5));
        }
    }

    /// @notice In a frame of its own, whose memory is empty, so that only the contract's gas is counted.
    function granted(uint256 number) external returns (uint256 gas) {
        address to = address(uint160(0xC0000 + number));
        vm.prank(owner);
        gas = gasleft();
        consents.grant(PATIENT, to, _scopeNow());
        gas -= gasleft();
    }

    /// @dev Within one part in a hundred.
    function _same(uint256 late, uint256 early) private pure {
        vm.assertTrue(late * 100 < early * 101 && early * 100 < late * 101);
    }

    /// @dev Dust bought by thousands: each purchase, revocation and refund costs what the first cost, to the unit exact.
    function test_purchases_costTheSameInACrowd() public {
        IAccessMarket.Offer memory offer = IAccessMarket.Offer(PATIENT, 1 days, 6, 5, 30, "", false);
        _list(offer);
        this.bought(offer, 1);
        uint256 early = this.bought(offer, 2);
        for (uint256 i = 3; i < CROWD; ++i) {
            this.bought(offer, i);
        }
        _same(this.bought(offer, CROWD), early);
        vm.warp(NOW + 12 hours);
        this.revoked(1);
        uint256 sooner = this.revoked(2);
        _same(this.revoked(CROWD), sooner);
        vm.assertEq(token.balanceOf(address(uint160(0xC0000 + CROWD))), 12 hours);
    }

    function bought(IAccessMarket.Offer memory offer, uint256 number) external returns (uint256 gas) {
        address buyer = address(uint160(0xC0000 + number));
        token.mint(buyer, 1 days);
        vm.prank(buyer);
        token.approve(address(market), 1 days);
        vm.prank(buyer);
        gas = gasleft();
        market.purchase(offer, 1, 1 days, 0);
        gas -= gasleft();
    }

    function revoked(uint256 number) external returns (uint256 gas) {
        address buyer = address(uint160(0xC0000 + number));
        vm.prank(owner);
        consents.revoke(PATIENT, buyer);
        gas = gasleft();
        market.settle(PATIENT, buyer);
        gas -= gasleft();
    }
}
