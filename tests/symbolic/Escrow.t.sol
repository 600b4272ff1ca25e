// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {OfferBook} from "../../contracts/libraries/OfferBook.sol";
import {Purchases} from "../../contracts/libraries/Purchases.sol";

interface VmWarp {
    function warp(uint256 time) external;
    function assume(bool wanted) external pure;
}

/// @notice The arithmetic of escrow, for every amount, period, stop and second.
contract EscrowSymbolic {
    using Purchases for IAccessMarket.Purchase;

    VmWarp private constant vm = VmWarp(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function _bought(uint40 start, uint40 end, uint96 paid) private pure returns (IAccessMarket.Purchase memory bought) {
        vm.assume(start < end);
        (bought.start, bought.end, bought.paid) = (start, end, paid);
    }

    function check_packKeepsEveryField(uint40 start, uint40 end, uint96 paid, uint32 serial, uint32 epoch) external pure {
        IAccessMarket.Purchase memory told = Purchases.unpack(Purchases.pack(start, end, paid, serial, epoch));
        assert(told.start == start && told.end == end && told.paid == paid);
        assert(told.serial == serial && told.epoch == epoch && told.withdrawn == 0 && told.payee == address(0));
    }

    function check_allIsEarnedAtTheEnd(uint40 start, uint40 end, uint96 paid, uint40 time) external {
        vm.assume(time >= end);
        vm.warp(time);
        assert(_bought(start, end, paid).earned(end) == paid);
    }

    function check_nothingIsEarnedAtTheStart(uint40 start, uint40 end, uint96 paid, uint40 stop) external {
        vm.assume(stop >= start);
        vm.warp(start);
        assert(_bought(start, end, paid).earned(stop) == 0);
    }

    function check_nothingIsEarnedAfterAStop(uint40 start, uint40 end, uint96 paid, uint40 stop, uint40 time) external {
        vm.assume(stop >= start && time >= stop);
        IAccessMarket.Purchase memory bought = _bought(start, end, paid);
        vm.warp(stop);
        uint96 then = bought.earned(stop);
        vm.warp(time);
        assert(bought.earned(stop) == then);
    }

    /// @dev That the formula never pays more than was paid and never goes back is shown over all integers by
    /// `scripts/symbolic.py`; here, that the code is the formula and no product overflows.
    function check_earnedIsTheFormula(uint40 start, uint40 end, uint96 paid, uint40 stop, uint40 time) external {
        vm.assume(stop >= start && time >= start && stop < end && time < end);
        IAccessMarket.Purchase memory bought = _bought(start, end, paid);
        vm.warp(time);
        uint256 until = stop < time ? stop : time;
        assert(bought.earned(stop) == uint96(uint256(paid) * (until - start) / (end - start)));
    }
}

/// @notice What is earned leaves in three parts, as the formula says.
contract SharesSymbolic is OfferBook {
    constructor() OfferBook(ITwinToken(address(new Owned())), address(1), 250) {}

    function check_partsAreTheFormula(uint256 twinId, uint96 to, uint16 share) external {
        if (share == 0 || share > WHOLE - PROTOCOL_SHARE) return;
        this.appointCustodian(twinId, address(2), share);
        (address custodian, uint96 forCustodian, uint96 forProtocol) = _parts(twinId, 0, 0, to);
        uint256 protocol = uint256(to) * PROTOCOL_SHARE / WHOLE;
        assert(custodian == address(2) && forProtocol == uint96(protocol));
        assert(forCustodian == uint96((uint256(to) - uint96(protocol)) * share / (WHOLE - PROTOCOL_SHARE)));
    }

    function check_withoutCustodianThereIsNoPartForOne(uint256 twinId, uint32 epoch, uint96 to) external view {
        (address custodian, uint96 forCustodian,) = _parts(twinId, epoch, 0, to);
        assert(custodian == address(0) && forCustodian == 0);
    }

    function check_aPartIsFixedForItsEpoch(uint256 twinId, uint16 share, uint16 other) external {
        if (share == 0 || share > WHOLE - PROTOCOL_SHARE) return;
        this.appointCustodian(twinId, address(2), share);
        try this.appointCustodian(twinId, address(3), other) {
            assert(false);
        } catch {}
        assert(this.custodianOf(twinId, 0).account == address(2) && this.custodianOf(twinId, 0).share == share);
    }

    // The rest of the market, which is not asked here.
    function purchase(Offer calldata, uint16, uint256, bytes32) external returns (uint32) {}
    function purchaseCohort(Offer[] calldata, uint16, uint256, bytes32) external returns (uint256) {}
    function withdraw(uint256, address) external returns (uint96) {}
    function claim(address) external returns (uint256) {}
    function settle(uint256, address) external returns (uint96, uint96) {}
    function purchaseOf(uint256, address) external view returns (Purchase memory) {}
    function balanceOf(uint256, address) external view returns (uint96, uint96) {}
    function creditOf(address) external view returns (uint256) {}
}

/// @notice A twin whose owner is whoever asks.
contract Owned {
    function ownerAndEpochOf(uint256) external view returns (address, uint32) {
        return (msg.sender, 0);
    }
}
