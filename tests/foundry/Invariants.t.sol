// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {Grant} from "../../contracts/types/Consent.sol";
import {MarketFixture} from "./AccessMarket.t.sol";

/// @notice A patient, three buyers and two devices who do whatever they may, in any order; every call must succeed.
contract Life is MarketFixture {
    uint256 internal constant BUYERS = 3;
    uint40 internal constant LAST = NOW + 600 days;

    address[] public buyers;
    mapping(address buyer => bool) public ended;
    mapping(uint256 key => uint64) public anchored;
    uint256 public calls;
    uint256 public idle;

    constructor() {
        setUp();
        market = IAccessMarket(
            vm.deployCode(
                "AccessMarket.sol:AccessMarket", abi.encode(twins, consents, token, studies, administrator, 333)
            )
        );
        _openShop();
        for (uint256 i = 0; i < BUYERS; ++i) {
            buyers.push(address(uint160(0xB0000 + i)));
            _fund(buyers[i]);
            ended[buyers[i]] = true;
        }
        _pair(DEVICE_KEY, PATIENT, LAST, 0);
        _pair(DEVICE_KEY + 1, PATIENT, LAST, 0);
    }

    function buy(uint256 who, uint16 numberOfDays) external {
        address buyer = _first(who, _canBuy);
        if (buyer == address(0)) return _nothing();
        ++calls;
        vm.prank(buyer);
        market.purchase(_offer(PATIENT), uint16(_bound(numberOfDays, 1, 30)), type(uint256).max, 0);
        ended[buyer] = false;
    }

    function withdraw(uint256 who) external {
        address buyer = _first(who, _canWithdraw);
        if (buyer == address(0)) return _nothing();
        ++calls;
        market.withdraw(PATIENT, buyer);
    }

    function claim(uint256 who) external {
        ++calls;
        market.claim([owner, stranger, administrator][who % 3]);
    }

    function settle(uint256 who) external {
        address buyer = _first(who, _canSettle);
        if (buyer == address(0)) return anchorNext(who);
        ++calls;
        market.settle(PATIENT, buyer);
    }

    function revoke(uint256 who, bool byOwner) external {
        address buyer = _first(who, _canRevoke);
        if (buyer == address(0)) return _nothing();
        ++calls;
        vm.prank(byOwner ? owner : buyer);
        consents.revoke(PATIENT, buyer);
        ended[buyer] = true;
    }

    function voidAll(uint256 chance) external {
        if (chance % 4 != 0) return anchorNext(chance);
        ++calls;
        vm.prank(owner);
        twins.voidGrants(PATIENT);
        _openShop();
        for (uint256 i = 0; i < BUYERS; ++i) {
            ended[buyers[i]] = true;
        }
    }

    function anchorNext(uint256 which) public {
        if (block.timestamp >= LAST) return _nothing();
        ++calls;
        uint256 key = DEVICE_KEY + which % 2;
        _anchor(key, PATIENT);
        ++anchored[key];
    }

    function pass(uint256 time) external {
        ++calls;
        uint256 then = block.timestamp + _bound(time, 1, 3 days);
        vm.warp(then < LAST ? then : LAST);
    }

    function owed() external view returns (uint256 total) {
        for (uint256 i = 0; i < BUYERS; ++i) {
            IAccessMarket.Purchase memory bought = market.purchaseOf(PATIENT, buyers[i]);
            total += bought.paid - bought.withdrawn;
        }
        total += market.creditOf(owner) + market.creditOf(stranger) + market.creditOf(administrator);
    }

    function balance() external view returns (uint256) {
        return token.balanceOf(address(market));
    }

    function seesAnything(address buyer) external view returns (bool) {
        for (uint256 bits = 1; bits < 8; ++bits) {
            if (consents.isAllowed(PATIENT, buyer, uint32(bits), 1)) return true;
            if (consents.isAllowed(PATIENT, buyer, uint32(bits), 4)) return true;
        }
        return false;
    }

    function isOver(address buyer) external view returns (bool) {
        return ended[buyer] || block.timestamp >= consents.grantOf(PATIENT, buyer).expiry;
    }

    function sequenceOf(uint256 key) external view returns (uint64 sequence) {
        (sequence,) = anchor.headOf(vm.addr(key));
    }

    function batches() external view returns (uint64) {
        return anchor.batchCount(PATIENT);
    }

    /// @dev The custodian is the stranger, with another part in each epoch.
    function _openShop() private {
        _approveMarket(PATIENT);
        _list(_offer(PATIENT));
        uint16 share = uint16(1 + twins.epochOf(PATIENT) * 777 % 9667);
        vm.prank(owner);
        market.appointCustodian(PATIENT, stranger, share);
    }

    function _nothing() private {
        ++calls;
        ++idle;
        vm.warp(block.timestamp + 1 hours < LAST ? block.timestamp + 1 hours : LAST);
    }

    /// @dev The first buyer, from a drawn one on, who may.
    function _first(uint256 from, function(address) internal view returns (bool) may) private view returns (address) {
        for (uint256 i = 0; i < BUYERS; ++i) {
            address buyer = buyers[(from % BUYERS + i) % BUYERS];
            if (may(buyer)) return buyer;
        }
        return address(0);
    }

    function _canBuy(address buyer) internal view returns (bool) {
        return consents.balanceOf(buyer, PATIENT) == 0 && _stopped(buyer);
    }

    function _canWithdraw(address buyer) internal view returns (bool) {
        return market.purchaseOf(PATIENT, buyer).end != 0;
    }

    function _canSettle(address buyer) internal view returns (bool) {
        (, uint96 refundable) = market.balanceOf(PATIENT, buyer);
        return refundable != 0;
    }

    function _canRevoke(address buyer) internal view returns (bool) {
        Grant memory grant = consents.grantOf(PATIENT, buyer);
        return grant.serial != 0 && !grant.revoked;
    }

    function _stopped(address buyer) private view returns (bool) {
        IAccessMarket.Purchase memory bought = market.purchaseOf(PATIENT, buyer);
        return block.timestamp >= bought.end || consents.revokedAt(PATIENT, buyer, bought.serial) != 0
            || twins.epochEnd(PATIENT, bought.epoch) != 0;
    }
}

/// @notice What holds after any sequence of calls.
contract InvariantsTest {
    Life private _life;
    uint256 private constant DEVICE_KEY = 0xDE71CE;

    function setUp() public {
        _life = new Life();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_life);
    }

    struct FuzzSelector { address addr; bytes4[] selectors; }

    function targetSelectors() public view returns (FuzzSelector[] memory chosen) {
        bytes4[] memory ids = new bytes4[](8);
        (ids[0], ids[1], ids[2], ids[3]) = (Life.buy.selector, Life.withdraw.selector, Life.settle.selector, Life.revoke.selector);
        (ids[4], ids[5], ids[6], ids[7]) =
            (Life.voidAll.selector, Life.anchorNext.selector, Life.pass.selector, Life.claim.selector);
        chosen = new FuzzSelector[](1);
        chosen[0] = FuzzSelector(address(_life), ids);
    }

    /// @notice The market holds exactly what it owes, to the unit.
    function invariant_marketIsSolventToTheUnit() public view {
        require(_life.balance() == _life.owed(), "owed is not held");
    }

    /// @notice Whoever was revoked, voided or is past the expiry sees nothing, for any category or purpose.
    function invariant_whatEndedStaysClosed() public view {
        for (uint256 i = 0; i < 3; ++i) {
            address buyer = _life.buyers(i);
            require(!(_life.isOver(buyer) && _life.seesAnything(buyer)), "an ended grant is open");
        }
    }

    /// @notice A device's sequence is the number of its batches, and the twin counts them all.
    function invariant_sequencesHaveNoGaps() public view {
        (uint64 one, uint64 two) = (_life.anchored(DEVICE_KEY), _life.anchored(DEVICE_KEY + 1));
        require(_life.sequenceOf(DEVICE_KEY) == one && _life.sequenceOf(DEVICE_KEY + 1) == two, "a gap");
        require(_life.batches() == one + two, "a batch is missing");
    }

    /// @notice The walk is a walk: of its calls at least seven in ten did something.
    function afterInvariant() public view {
        require(_life.calls() < 50 || _life.idle() * 10 <= _life.calls() * 3, "too idle");
    }
}
