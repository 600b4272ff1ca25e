// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessMarket} from "../interfaces/IAccessMarket.sol";

/// @notice A purchase as one word, and what of it is earned.
/// @dev Bits from the lowest: start 40, end 40, paid 96, serial 32, epoch 32.
library Purchases {
    function pack(uint40 start, uint40 end, uint96 paid, uint32 serial, uint32 epoch) internal pure returns (uint256) {
        return uint256(start) | uint256(end) << 40 | uint256(paid) << 80 | uint256(serial) << 176 | uint256(epoch) << 208;
    }

    /// @notice Without payee and what was withdrawn, which are not in the word.
    function unpack(uint256 word) internal pure returns (IAccessMarket.Purchase memory bought) {
        bought.start = uint40(word);
        bought.end = uint40(word >> 40);
        bought.paid = uint96(word >> 80);
        bought.serial = uint32(word >> 176);
        bought.epoch = uint32(word >> 208);
    }

    /// @notice Earned until now, by a purchase that stops at `stop`.
    /// @dev Rounded down: a fraction of the smallest unit stays with the buyer.
    function earned(IAccessMarket.Purchase memory bought, uint40 stop) internal view returns (uint96) {
        uint256 until = stop < block.timestamp ? stop : block.timestamp;
        if (until >= bought.end) return bought.paid;
        return uint96(uint256(bought.paid) * (until - bought.start) / (bought.end - bought.start));
    }
}
