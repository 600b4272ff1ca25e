// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GuardianRegistry} from "../../contracts/GuardianRegistry.sol";
import {TwinToken} from "../../contracts/TwinToken.sol";
import {ITwinToken} from "../../contracts/interfaces/ITwinToken.sol";
import {VmActors} from "./Decision.t.sol";

/// @notice Who stands in for an owner: whatever is signed, whoever asks, whenever.
contract GuardiansSymbolic {
    /// @dev Recovers whatever key; that it is the guardian's is one of the ways it can go.
    struct Signature {
        bytes32 r;
        bytes32 s;
        uint8 v;
    }

    VmActors private constant vm = VmActors(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    address private constant OWNER = address(0xA11CE);
    address private constant GUARDIAN = address(0xB0B);
    address private constant NEXT = address(0xCAFE);
    uint256 private constant TWIN = 0x71 << 8 | 2;
    uint40 private constant NOW = 1_800_000_000;

    TwinToken private twins;
    GuardianRegistry private guardians;

    function setUp() public {
        vm.warp(NOW);
        twins = new TwinToken();
        guardians = new GuardianRegistry(ITwinToken(address(twins)));
        vm.prank(OWNER);
        twins.mint(TWIN);
    }

    function _bytes(Signature calldata signature) private pure returns (bytes memory) {
        return abi.encodePacked(signature.r, signature.s, signature.v);
    }

    function _appointed(uint40 until, Signature calldata acceptance) private {
        vm.prank(OWNER);
        guardians.appoint(TWIN, GUARDIAN, until, 0, NOW + 1, _bytes(acceptance));
    }

    function _isNobody(uint256 twinId) private view {
        (address guardian, uint40 until) = guardians.guardianOf(twinId);
        assert(guardian == address(0) && until == 0);
    }

    function check_onlyTheOwnerAppoints(address by, address guardian, uint40 until, Signature calldata acceptance) external {
        vm.assume(by != OWNER);
        vm.prank(by);
        try guardians.appoint(TWIN, guardian, until, 0, NOW + 1, _bytes(acceptance)) {
            assert(false);
        } catch {}
    }

    function check_itEndsOnTheSecond(uint40 until, Signature calldata acceptance, uint40 time) external {
        vm.assume(time >= NOW);
        _appointed(until, acceptance);
        vm.warp(time);
        (address guardian, uint40 told) = guardians.guardianOf(TWIN);
        assert(guardian == (time < until ? GUARDIAN : address(0)));
        assert(told == (time < until ? until : 0));
    }

    function check_itIsNeitherOverNorWithoutEnd(uint40 until, Signature calldata acceptance) external {
        _appointed(until, acceptance);
        assert(until > NOW && until <= NOW + guardians.LONGEST());
    }

    function check_itIsOfOneTwin(uint40 until, Signature calldata acceptance, uint256 twinId) external {
        vm.assume(twinId != TWIN);
        _appointed(until, acceptance);
        _isNobody(twinId);
    }

    function check_itEndsWithTheEpoch(uint40 until, Signature calldata acceptance, uint8 how) external {
        _appointed(until, acceptance);
        vm.prank(OWNER);
        if (how == 0) twins.voidGrants(TWIN);
        else if (how == 1) twins.retire(TWIN);
        else twins.transferFrom(OWNER, NEXT, TWIN);
        _isNobody(TWIN);
    }

    function check_handingOverProlongsNothing(uint40 until, Signature calldata first, Signature calldata second) external {
        _appointed(until, first);
        vm.prank(GUARDIAN);
        guardians.handOver(TWIN, NEXT, 0, NOW + 1, _bytes(second));
        (address guardian, uint40 told) = guardians.guardianOf(TWIN);
        assert(guardian == NEXT && told == until);
    }

    function check_onlyTheGuardianHandsOver(address by, uint40 until, Signature calldata first, Signature calldata second)
        external
    {
        vm.assume(by != GUARDIAN);
        _appointed(until, first);
        vm.prank(by);
        try guardians.handOver(TWIN, NEXT, 0, NOW + 1, _bytes(second)) {
            assert(false);
        } catch {}
    }

    function check_nobodyElseDismisses(address by, uint40 until, Signature calldata acceptance) external {
        vm.assume(by != GUARDIAN && by != OWNER);
        _appointed(until, acceptance);
        vm.prank(by);
        try guardians.dismiss(TWIN) {
            assert(false);
        } catch {}
    }

    function check_dismissedIsNobody(bool byOwner, uint40 until, Signature calldata acceptance) external {
        _appointed(until, acceptance);
        vm.prank(byOwner ? OWNER : GUARDIAN);
        guardians.dismiss(TWIN);
        _isNobody(TWIN);
    }

    function check_anAcceptanceCountsOnce(uint40 until, Signature calldata acceptance) external {
        _appointed(until, acceptance);
        vm.prank(OWNER);
        try guardians.appoint(TWIN, GUARDIAN, until, 0, NOW + 1, _bytes(acceptance)) {
            assert(false);
        } catch {}
    }
}
