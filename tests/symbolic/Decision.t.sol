// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ConsentRegistry} from "../../contracts/ConsentRegistry.sol";
import {GuardianRegistry} from "../../contracts/GuardianRegistry.sol";
import {TwinToken} from "../../contracts/TwinToken.sol";
import {IGuardianRegistry} from "../../contracts/interfaces/IGuardianRegistry.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {Scope} from "../../contracts/types/Consent.sol";

interface VmActors {
    function warp(uint256 time) external;
    function assume(bool wanted) external pure;
    function prank(address sender) external;
}

/// @notice The decision of the contracts themselves: whatever was granted, whoever asks, for whatever, whenever.
contract DecisionSymbolic {
    VmActors private constant vm = VmActors(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    address private constant OWNER = address(0xA11CE);
    address private constant GRANTEE = address(0xB0B);
    uint256 private constant TWIN = 0x71 << 8 | 2;
    uint40 private constant NOW = 1_800_000_000;

    TwinToken private twins;
    ConsentRegistry private consents;

    function setUp() public {
        vm.warp(NOW);
        twins = new TwinToken();
        consents = new ConsentRegistry(
            ITwinToken(address(twins)), IGuardianRegistry(address(new GuardianRegistry(ITwinToken(address(twins)))))
        );
        vm.prank(OWNER);
        twins.mint(TWIN);
    }

    function _granted(Scope calldata scope) private {
        vm.assume(scope.categories != 0 && scope.purposes != 0 && scope.notBefore < scope.expiry);
        vm.assume(scope.expiry > NOW && scope.expiry <= NOW + 731 days);
        vm.prank(OWNER);
        consents.grant(TWIN, GRANTEE, scope);
    }

    function _sees(uint32 categories, uint32 purposes, uint40 time) private returns (bool) {
        vm.assume(time >= NOW);
        vm.warp(time);
        return consents.isAllowed(TWIN, GRANTEE, categories, purposes);
    }

    function check_theDefaultIsNo(address account, uint32 categories, uint32 purposes) external view {
        if (account == OWNER) return;
        assert(!consents.isAllowed(TWIN, account, categories, purposes));
    }

    function check_anotherTwinIsNotMeant(Scope calldata scope, uint256 twinId, uint32 c, uint32 p) external {
        vm.assume(twinId != TWIN);
        _granted(scope);
        assert(!consents.isAllowed(twinId, GRANTEE, c, p));
    }

    function check_anotherAccountIsNotMeant(Scope calldata scope, address account, uint32 c, uint32 p) external {
        vm.assume(account != GRANTEE && account != OWNER);
        _granted(scope);
        assert(!consents.isAllowed(TWIN, account, c, p));
    }

    function check_grantedIsExactlyTheScope(Scope calldata scope, uint32 c, uint32 p, uint40 time) external {
        _granted(scope);
        bool covered = c != 0 && p != 0 && c & ~scope.categories == 0 && p & ~scope.purposes == 0;
        assert(_sees(c, p, time) == (covered && time >= scope.notBefore && time < scope.expiry));
    }

    function check_revokedSeesNothing(Scope calldata scope, uint32 c, uint32 p, uint40 time, bool byOwner) external {
        _granted(scope);
        vm.prank(byOwner ? OWNER : GRANTEE);
        consents.revoke(TWIN, GRANTEE);
        assert(!_sees(c, p, time));
    }

    function check_deniedSeesNothing(Scope calldata scope, uint32 c, uint32 p, uint40 time) external {
        _granted(scope);
        vm.prank(OWNER);
        consents.deny(TWIN, GRANTEE);
        assert(!_sees(c, p, time));
    }

    function check_voidedSeesNothing(Scope calldata scope, uint32 c, uint32 p, uint40 time) external {
        _granted(scope);
        vm.prank(OWNER);
        twins.voidGrants(TWIN);
        assert(!_sees(c, p, time));
    }

    function check_transferredSeesNothing(Scope calldata scope, uint32 c, uint32 p, uint40 time) external {
        _granted(scope);
        vm.prank(OWNER);
        twins.transferFrom(OWNER, address(0xCAFE), TWIN);
        assert(!_sees(c, p, time));
        assert(c == 0 || p == 0 || !consents.isAllowed(TWIN, OWNER, c, p));
    }

    function check_retiredSeesNothing(Scope calldata scope, uint32 c, uint32 p, uint40 time) external {
        _granted(scope);
        vm.prank(OWNER);
        twins.retire(TWIN);
        assert(!_sees(c, p, time) && !consents.isAllowed(TWIN, OWNER, c, p));
    }

    function check_onlyTheOwnerGrants(address by, address grantee, Scope calldata scope) external {
        vm.assume(by != OWNER);
        vm.prank(by);
        try consents.grant(TWIN, grantee, scope) {
            assert(false);
        } catch {}
    }

    function check_nobodyElseRevokes(Scope calldata scope, address by) external {
        vm.assume(by != OWNER && by != GRANTEE && by != address(0)); // nobody sends from the zero address
        _granted(scope);
        vm.prank(by);
        try consents.revoke(TWIN, GRANTEE) {
            assert(false);
        } catch {}
    }

    function check_noOperatorWithoutApproval(address by, address grantee, Scope calldata scope) external {
        vm.prank(by);
        try consents.open(TWIN, grantee, scope) {
            assert(false);
        } catch {}
    }

    function check_anOperatorStaysWithinItsLimits(Scope calldata limits, uint32 longest, Scope calldata scope) external {
        vm.prank(OWNER);
        consents.setOperator(TWIN, address(0x0BE), limits, longest);
        vm.prank(address(0x0BE));
        consents.open(TWIN, GRANTEE, scope);
        assert(scope.categories & ~limits.categories == 0 && scope.purposes & ~limits.purposes == 0);
        assert(scope.notBefore >= limits.notBefore && scope.expiry <= limits.expiry);
        assert(uint256(scope.expiry) - scope.notBefore <= longest && NOW < limits.expiry);
    }

    function check_theTokenIsTheGrant(Scope calldata scope, uint40 time) external {
        _granted(scope);
        vm.assume(time >= NOW);
        vm.warp(time);
        bool active = time >= scope.notBefore && time < scope.expiry;
        assert(consents.balanceOf(GRANTEE, TWIN) == (active ? 1 : 0));
    }
}
