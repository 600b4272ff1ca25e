// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IGuardianRegistry} from "../../../contracts/interfaces/IGuardianRegistry.sol";
import {Scope} from "../../../contracts/types/Consent.sol";
import {Consents} from "./Consents.sol";

/// @notice Guardians are appointed, hand over, act for the owner, and are dismissed or their time ends.
abstract contract Guardians is Consents {
    struct Guard {
        address account;
        uint40 until;
        uint32 epoch;
    }

    uint256 private constant GUARD_KEY = 0x6A2D;

    mapping(uint256 twinId => Guard) internal guards;
    uint256 private _accepted;

    function appointGuardian() internal returns (bool) {
        Twin storage twin = _liveTwin();
        uint256 which = _draw(2);
        uint40 until = uint40(block.timestamp + 1 + _draw(30 days));
        address by = _usually() ? _ownerOf(twin) : _guard(1 - which);
        uint256 nonce = ++_accepted << 64;
        bytes memory acceptance = _acceptance(twin.id, which, by, until, nonce);
        bytes memory call = abi.encodeCall(
            guardians.appoint, (twin.id, _guard(which), until, nonce, uint40(block.timestamp + 1), acceptance)
        );
        bytes4 why = by == _ownerOf(twin) ? bytes4(0) : IGuardianRegistry.NotTwinOwner.selector;
        if (!_try(by, address(guardians), call, why)) return false;
        guards[twin.id] = Guard(_guard(which), until, twin.epoch);
        if (_oneIn(4)) _refused(by, address(guardians), call, Nonces.InvalidAccountNonce.selector);
        return true;
    }

    /// @dev To the other one, who agreed, by the end that was set.
    function handOver() internal returns (bool) {
        Twin storage twin = _liveTwin();
        Guard memory standing = _guardOf(twin);
        if (standing.account == address(0) && _usually()) return appointGuardian();
        uint256 next = standing.account == _guard(0) ? 1 : 0;
        address by = _guardOrOther(standing.account);
        uint256 nonce = ++_accepted << 64;
        bytes memory acceptance = _acceptance(twin.id, next, by, standing.until, nonce);
        bytes memory call =
            abi.encodeCall(guardians.handOver, (twin.id, _guard(next), nonce, uint40(block.timestamp + 1), acceptance));
        bytes4 why = by == standing.account ? bytes4(0) : IGuardianRegistry.NotTwinGuardian.selector;
        if (!_try(by, address(guardians), call, why)) return false;
        guards[twin.id].account = _guard(next);
        return true;
    }

    function dismiss() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        address standing = _guardOf(twin).account;
        if (standing == address(0) && _usually()) return appointGuardian();
        address by = _oneIn(2) ? _ownerOf(twin) : _guardOrOther(standing);
        bytes4 why = by == standing || by == _ownerOf(twin) ? bytes4(0) : IGuardianRegistry.NotTwinOwner.selector;
        if (standing == address(0)) why = IGuardianRegistry.NotTwinGuardian.selector;
        if (!_try(by, address(guardians), abi.encodeCall(guardians.dismiss, (twin.id)), why)) return false;
        delete guards[twin.id];
        return true;
    }

    /// @dev Half of them last as long as the guardianship, or a second longer.
    function grantByGuardian() internal returns (bool) {
        Twin storage twin = _liveTwin();
        Guard memory standing = _guardOf(twin);
        if (standing.account == address(0) && _usually()) return appointGuardian();
        (address by, address person) = (_guardOrOther(standing.account), _person());
        Scope memory scope = _anyScope();
        if (standing.until != 0 && _oneIn(2)) {
            (scope.notBefore, scope.expiry) = (uint40(block.timestamp - 1), standing.until + uint40(_draw(2)));
        }
        bytes4 why = _runsBought(twin, person) ? IConsentRegistry.GrantActive.selector : bytes4(0);
        if (scope.expiry > standing.until) why = IConsentRegistry.GuardianshipExceeded.selector;
        if (by != standing.account) why = IConsentRegistry.NotTwinOwner.selector;
        bytes memory call = abi.encodeCall(consents.grant, (twin.id, person, scope));
        if (!_try(by, address(consents), call, why)) return false;
        _remember(twin, person, scope, false);
        return true;
    }

    function endByGuardian() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        address standing = _guardOf(twin).account;
        if (standing == address(0) && _usually()) return grantByGuardian();
        (address by, address person, bool denies) = (_guardOrOther(standing), _holder(twin), _oneIn(3));
        bool minted = _isMinted(held[twin.id][person]);
        bytes4 why = minted || denies ? bytes4(0) : IConsentRegistry.NoGrant.selector;
        if (by != standing) why = IConsentRegistry.NotTwinOwner.selector;
        bytes memory call = denies
            ? abi.encodeCall(consents.deny, (twin.id, person))
            : abi.encodeCall(consents.revoke, (twin.id, person));
        if (!_try(by, address(consents), call, why)) return false;
        if (minted) _forget(twin, person, by);
        if (denies) held[twin.id][person].denied = true;
        return true;
    }

    function passToGuardianship() internal returns (bool) {
        return _passTo(guards[twinsOf[_draw(SLOTS)].id].until);
    }

    /// @dev Nobody when the time is over, or the epoch in which it was given.
    function _guardOf(Twin storage twin) internal view returns (Guard memory standing) {
        standing = guards[twin.id];
        if (block.timestamp >= standing.until || standing.epoch != twin.epoch) delete standing;
    }

    function _guard(uint256 which) private pure returns (address) {
        return vm.addr(GUARD_KEY + which);
    }

    function _guardOrOther(address standing) private returns (address) {
        return standing != address(0) && _usually() ? standing : _guard(_draw(2));
    }

    function _acceptance(uint256 twinId, uint256 which, address by, uint40 until, uint256 nonce)
        private
        view
        returns (bytes memory)
    {
        bytes32 typehash = keccak256(
            "Guardianship(uint256 twinId,address guardian,address by,uint40 until,uint256 nonce,uint40 deadline)"
        );
        bytes memory terms = abi.encode(typehash, twinId, _guard(which), by, until, nonce, uint40(block.timestamp + 1));
        return _sign(GUARD_KEY + which, _typed(address(guardians), terms));
    }
}
