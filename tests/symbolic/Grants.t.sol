// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Grants} from "../../contracts/libraries/Grants.sol";
import {Grant, Scope} from "../../contracts/types/Consent.sol";

/// @notice The rules of a grant's life, for every word, every second and every scope at once.
contract GrantsSymbolic {
    using Grants for uint256;
    using Grants for uint32;
    using Grants for Scope;

    function check_packKeepsEveryField(Scope calldata scope, uint32 epoch, uint32 serial) external pure {
        uint256 word = Grants.pack(scope, epoch, serial, 0);
        assert(word.categoriesOf() == scope.categories && word.purposesOf() == scope.purposes);
        assert(word.notBeforeOf() == scope.notBefore && word.expiryOf() == scope.expiry);
        assert(word.epochOf() == epoch && word.serialOf() == serial);
    }

    function check_packSetsNoFlag(Scope calldata scope, uint32 epoch, uint32 serial) external pure {
        uint256 word = Grants.pack(scope, epoch, serial, 0);
        assert(!word.has(Grants.REVOKED) && !word.has(Grants.DENIED) && !word.has(Grants.PURCHASED));
    }

    function check_unpackTellsEveryField(uint256 word) external pure {
        Grant memory told = word.unpack();
        assert(told.categories == word.categoriesOf() && told.purposes == word.purposesOf());
        assert(told.notBefore == word.notBeforeOf() && told.expiry == word.expiryOf());
        assert(told.epoch == word.epochOf() && told.serial == word.serialOf());
        assert(told.revoked == word.has(Grants.REVOKED) && told.denied == word.has(Grants.DENIED));
        assert(told.purchased == word.has(Grants.PURCHASED));
    }

    function check_revokedIsNeverOpen(uint256 word, uint32 epoch, uint256 time) external pure {
        assert(!(word | Grants.REVOKED).isOpen(epoch, time));
    }

    function check_deniedIsNeverOpen(uint256 word, uint32 epoch, uint256 time) external pure {
        assert(!(word | Grants.DENIED).isOpen(epoch, time));
    }

    function check_anotherEpochIsNeverOpen(uint256 word, uint32 epoch, uint256 time) external pure {
        if (word.epochOf() == epoch) return;
        assert(!word.isOpen(epoch, time));
    }

    function check_expiryIsHalfOpen(Scope calldata scope, uint32 epoch, uint32 serial) external pure {
        uint256 word = Grants.pack(scope, epoch, serial, 0);
        assert(!word.isOpen(epoch, scope.expiry));
        if (scope.expiry != 0) assert(word.isOpen(epoch, uint256(scope.expiry) - 1));
    }

    function check_onceOverIsAlwaysOver(uint256 word, uint32 epoch, uint256 time, uint256 later) external pure {
        if (later < time || word.isOpen(epoch, time)) return;
        assert(!word.isOpen(epoch, later));
    }

    function check_openIsExactlyTheRule(uint256 word, uint32 epoch, uint256 time) external pure {
        Grant memory told = word.unpack();
        bool rule = time < told.expiry && told.epoch == epoch && !told.revoked && !told.denied;
        assert(word.isOpen(epoch, time) == rule);
    }

    function check_coversIsBitByBit(uint32 held, uint32 asked, uint8 bit) external pure {
        uint32 one = uint32(1) << (bit % 32);
        if (held.covers(asked) && asked & one != 0) assert(held & one != 0);
        if (!held.covers(asked)) assert(asked | held != held);
    }

    function check_coversItselfAndNothingMore(uint32 held, uint32 more) external pure {
        assert(held.covers(held));
        assert(held.covers(held | more) == (more & ~held == 0));
    }

    function check_coversIsTransitive(uint32 a, uint32 b, uint32 c) external pure {
        if (a.covers(b) && b.covers(c)) assert(a.covers(c));
    }

    function check_containedIsNowhereWider(Scope memory outer, Scope calldata inner) external pure {
        if (!outer.contains(inner)) return;
        assert(inner.categories & ~outer.categories == 0 && inner.purposes & ~outer.purposes == 0);
        assert(inner.notBefore >= outer.notBefore && inner.expiry <= outer.expiry);
    }

    function check_containsItself(Scope calldata scope) external pure {
        assert(scope.contains(scope));
    }

    function check_containedIsOpenOnlyWhileTheOuterIs(Scope calldata outer, Scope calldata inner, uint32 epoch, uint256 time)
        external
        pure
    {
        if (!outer.contains(inner) || !Grants.pack(inner, epoch, 1, 0).isOpen(epoch, time)) return;
        assert(Grants.pack(outer, epoch, 1, 0).isOpen(epoch, time));
    }

    function check_mintedIsNumberedAndNotRevoked(uint256 word) external pure {
        assert(word.isMinted() == (word.serialOf() != 0 && !word.has(Grants.REVOKED)));
        assert(!(word | Grants.REVOKED).isMinted());
    }

    function check_historyKeepsARevocation(Scope calldata scope, uint256 word, uint32 epoch) external pure {
        uint32 serial = word.serialOf();
        if (serial == 0 || serial == type(uint32).max) return;
        uint256 next = Grants.pack(scope, epoch, serial + 1, (word | Grants.REVOKED).past());
        assert(next.wasRevoked(serial) && !next.wasRevoked(serial + 1));
    }

    function check_historyMakesNothingUp(Scope calldata scope, uint256 word, uint32 epoch) external pure {
        uint32 serial = word.serialOf();
        if (serial == 0 || serial == type(uint32).max || word.has(Grants.REVOKED)) return;
        assert(!Grants.pack(scope, epoch, serial + 1, word.past()).wasRevoked(serial));
    }

    function check_historyTouchesNoField(uint256 word) external pure {
        assert(word.past() & ((1 << 211) - 1) == 0);
    }
}
