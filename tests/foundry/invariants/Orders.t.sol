// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IAccessMarket} from "../../../contracts/interfaces/IAccessMarket.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {Scope} from "../../../contracts/types/Consent.sol";
import {Fixture} from "../Fixture.sol";
import {DialectToken} from "./DialectToken.sol";

/// @notice Six transactions of one block, in every order that whoever builds the block may choose: listing, raising the
/// price, buying at the lower one, revoking, and handing the twin over. A model says what each comes to.
contract OrdersTest is Fixture {
    enum Act { List, Raise, Buy, Revoke, Transfer }

    struct State {
        uint256 owner;
        uint256 epoch;
        uint256 listed; // the price of a day, 0 if the offer is of an earlier epoch
        bool minted;
        bool active;
        bool paid;
    }

    uint256 private constant DEPTH = 6;
    uint96 private constant PRICE = 1_000_003;
    uint256 private constant FUNDS = 1e12;

    IAccessMarket private market;
    DialectToken private token;
    address[2] private owners = [owner, stranger];

    error Explored(uint256 orders);

    function setUp() public override {
        super.setUp();
        token = new DialectToken(DialectToken.Dialect.Plain);
        address studies = vm.deployCode("StudyRegistry.sol:StudyRegistry", abi.encode(administrator));
        bytes memory wiring = abi.encode(twins, consents, token, studies, address(0x9207), 500);
        market = IAccessMarket(vm.deployCode("AccessMarket.sol:AccessMarket", wiring));
        token.mint(grantee, FUNDS);
        vm.prank(grantee);
        token.approve(address(market), type(uint256).max);
    }

    function test_everyOrder_isAsTheModelSays() public {
        State memory start;
        vm.assertEq(_exploreAll(start, 0), 5 ** DEPTH);
    }

    /// @notice One act, all that may follow it, and back.
    function explore(uint256 act, State memory state, uint256 depth) external {
        _do(Act(act), state);
        vm.assertEq(consents.isAllowed(WARD, grantee, 2, 1) ? 1 : 0, uint256(state.active ? 1 : 0));
        vm.assertEq(token.balanceOf(address(market)), state.paid ? PRICE : 0);
        vm.assertEq(token.balanceOf(grantee), FUNDS - (state.paid ? PRICE : 0));
        if (depth < DEPTH) revert Explored(_exploreAll(state, depth));
        _end(state);
        revert Explored(1);
    }

    function _exploreAll(State memory state, uint256 depth) private returns (uint256 orders) {
        for (uint256 act = 0; act < 5; ++act) {
            (, bytes memory answer) = address(this).call(abi.encodeCall(this.explore, (act, state, depth + 1)));
            if (bytes4(answer) != Explored.selector) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
            assembly ("memory-safe") {
                orders := add(orders, mload(add(answer, 36)))
            }
        }
    }

    function _do(Act act, State memory state) private {
        address by = owners[state.owner];
        if (act == Act.List || act == Act.Raise) {
            state.listed = act == Act.List ? PRICE : 2 * PRICE;
            _must(by, address(market), abi.encodeCall(market.list, (_offer(uint96(state.listed)))), 0);
            Scope memory limits = Scope(6, 5, 0, NOW + 30 days);
            _must(by, address(consents), abi.encodeCall(consents.setOperator, (WARD, address(market), limits, 10 days)), 0);
        } else if (act == Act.Buy) {
            bytes4 why = state.active ? IAccessMarket.PurchaseRunning.selector : bytes4(0);
            if (state.listed != PRICE) why = IAccessMarket.OfferNotListed.selector;
            bytes memory call = abi.encodeCall(market.purchase, (_offer(PRICE), 1, PRICE, 0));
            if (_must(grantee, address(market), call, why)) (state.minted, state.active, state.paid) = (true, true, true);
        } else if (act == Act.Revoke) {
            bytes4 why = state.minted ? bytes4(0) : IConsentRegistry.NoGrant.selector;
            _must(by, address(consents), abi.encodeCall(consents.revoke, (WARD, grantee)), why);
            (state.minted, state.active) = (false, false);
        } else {
            address to = owners[1 - state.owner];
            _must(by, address(twins), abi.encodeCall(IERC721.transferFrom, (by, to, WARD)), 0);
            (state.owner, state.listed, state.active) = (1 - state.owner, 0, false);
            ++state.epoch;
        }
    }

    /// @dev In the second in which it was bought nothing is earned: what does not run is given back to the last unit.
    function _end(State memory state) private {
        bytes4 why = state.active ? IAccessMarket.PurchaseRunning.selector : bytes4(0);
        if (!state.paid) why = IAccessMarket.NoPurchase.selector;
        if (_must(stranger, address(market), abi.encodeCall(market.settle, (WARD, grantee)), why)) {
            vm.assertEq(token.balanceOf(grantee), FUNDS);
        }
    }

    function _must(address by, address target, bytes memory call, bytes4 why) private returns (bool done) {
        bytes memory answer;
        vm.prank(by);
        (done, answer) = target.call(call);
        vm.assertTrue(done == (why == 0) && (done || bytes4(answer) == why));
    }

    function _offer(uint96 price) private pure returns (IAccessMarket.Offer memory) {
        return IAccessMarket.Offer(WARD, price, 6, 5, 3, "terms", false);
    }
}
