// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Grant, Scope} from "../types/Consent.sol";

/// @notice The rules of a grant's life, in one place so that no second reading of a boundary second can exist.
/// @dev A grant is stored as one word and read in place: the compiler would write each field of a struct on its own
/// (2.8k gas of a grant, tests/contracts/gas.json). Bits from the lowest: categories 32, purposes 32, notBefore 40,
/// expiry 40, epoch 32, serial 32, then the flags. The top bits are REVOKED of this grant and of those before it,
/// newest lowest: what became of a replaced grant stays known at no cost.
library Grants {
    uint256 internal constant DENIED = 1 << 208;
    uint256 internal constant PURCHASED = 1 << 209;
    uint256 internal constant REVOKED = 1 << HISTORY_AT;
    uint256 private constant HISTORY_AT = 210;

    /// @notice A new grant, neither revoked nor denied.
    function pack(Scope calldata scope, uint32 epoch, uint32 serial, uint256 flags) internal pure returns (uint256) {
        return uint256(scope.categories) | uint256(scope.purposes) << 32 | uint256(scope.notBefore) << 64 | uint256(scope.expiry)
            << 104 | uint256(epoch) << 144 | uint256(serial) << 176 | flags;
    }

    function unpack(uint256 word) internal pure returns (Grant memory) {
        return Grant({
            categories: categoriesOf(word),
            purposes: purposesOf(word),
            notBefore: notBeforeOf(word),
            expiry: expiryOf(word),
            epoch: epochOf(word),
            serial: serialOf(word),
            revoked: has(word, REVOKED),
            denied: has(word, DENIED),
            purchased: has(word, PURCHASED)
        });
    }

    function categoriesOf(uint256 word) internal pure returns (uint32) {
        return uint32(word);
    }

    function purposesOf(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 32);
    }

    function notBeforeOf(uint256 word) internal pure returns (uint40) {
        return uint40(word >> 64);
    }

    function expiryOf(uint256 word) internal pure returns (uint40) {
        return uint40(word >> 104);
    }

    function epochOf(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 144);
    }

    function serialOf(uint256 word) internal pure returns (uint32) {
        return uint32(word >> 176);
    }

    function has(uint256 word, uint256 flag) internal pure returns (bool) {
        return word & flag != 0;
    }

    /// @notice Neither withdrawn nor over in `epoch` at `time`; it may begin later.
    function isOpen(uint256 word, uint32 epoch, uint256 time) internal pure returns (bool) {
        return epochOf(word) == epoch && _isStanding(word, time);
    }

    /// @notice Begun, neither withdrawn nor over at `time`; its epoch is not looked at.
    function isRunning(uint256 word, uint256 time) internal pure returns (bool) {
        return time >= notBeforeOf(word) && _isStanding(word, time);
    }

    /// @notice The history with which the next grant begins.
    function past(uint256 word) internal pure returns (uint256) {
        return word >> HISTORY_AT << (HISTORY_AT + 1);
    }

    /// @notice Whether the history says that a grant was revoked; false for one more than 45 grants ago.
    function wasRevoked(uint256 word, uint32 serial) internal pure returns (bool) {
        return serial != 0 && serial <= serialOf(word) && word >> HISTORY_AT >> (serialOf(word) - serial) & 1 != 0;
    }

    /// @notice Whether a mint event stands without a burn event.
    function isMinted(uint256 word) internal pure returns (bool) {
        return serialOf(word) != 0 && !has(word, REVOKED);
    }

    /// @notice Whether every bit asked for is there.
    function covers(uint32 held, uint32 asked) internal pure returns (bool) {
        return asked & ~held == 0;
    }

    /// @notice The same for data and purposes at once, as both lie at the word's end.
    function covers(uint256 word, uint32 categories, uint32 purposes) internal pure returns (bool) {
        return (uint256(categories) | uint256(purposes) << 32) & ~word == 0;
    }

    /// @notice Whether `inner` stays within `outer` in data, purpose and time.
    function contains(Scope memory outer, Scope calldata inner) internal pure returns (bool) {
        return covers(outer.categories, inner.categories) && covers(outer.purposes, inner.purposes)
            && inner.notBefore >= outer.notBefore && inner.expiry <= outer.expiry;
    }

    function _isStanding(uint256 word, uint256 time) private pure returns (bool) {
        return time < expiryOf(word) && !has(word, REVOKED | DENIED);
    }
}
