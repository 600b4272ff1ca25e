// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Accounts} from "./Accounts.sol";
import {Bundles} from "./Bundles.sol";
import {Epochs} from "./Epochs.sol";
import {Guardians} from "./Guardians.sol";
import {Loops} from "./Loops.sol";
import {Markets} from "./Markets.sol";
import {Reports} from "./Reports.sol";
import {Ward} from "./Ward.sol";
import {World} from "./World.sol";

/// @notice Everybody does what they may, or tries what they may not, in any order. A call is a walk of many steps.
abstract contract Life is Markets, Guardians, Reports, Bundles, Loops, Epochs, Ward, Accounts {
    uint256 public constant STEPS = 64;
    uint256 public immutable half;

    constructor(uint256 half_) {
        half = half_;
    }

    function setUp() public virtual override(World, Markets, Reports, Bundles, Loops, Epochs, Ward, Accounts) {
        super.setUp();
    }

    function walk(uint256 seed) external {
        _begin(uint256(keccak256(abi.encode(half, seed))));
        for (uint256 i = 0; i < STEPS; ++i) {
            ++calls;
            if (!_step(_draw(86))) ++refusals;
        }
    }

    /// @dev Rare things are rare, so that there is something to end.
    function _step(uint256 kind) private returns (bool) {
        if (kind < 8) return kind < 5 ? pass() : kind < 6 ? passToCalibration() : kind < 7 ? passToUse() : passToCase();
        if (kind < 24) return _consent(kind - 8);
        if (kind < 36) return _market(kind - 24);
        if (kind < 50) return _data(kind - 36);
        if (kind < 62) return _ward(kind - 50);
        if (kind >= 64) return kind < 72 ? _guarded(kind - 64) : kind < 80 ? _edge(kind - 72) : _bundled(kind - 80);
        if (_draw(4) != 0) return _oneIn(2) ? passToGrant() : ask();
        return kind == 62 ? changeKeys() : _oneIn(3) ? signAsStranger() : _oneIn(2) ? recover() : passToRecovery();
    }

    /// @dev Guardians and studies.
    function _guarded(uint256 kind) private returns (bool) {
        if (kind < 2) return kind < 1 ? appointGuardian() : handOver();
        if (kind < 4) return kind < 3 ? grantByGuardian() : endByGuardian();
        if (kind < 6) return kind < 5 ? approveStudy(_person()) : withdrawStudy();
        if (kind < 7) return _oneIn(2) ? passToGuardianship() : passToStudy();
        return _oneIn(2) ? dismiss() : _oneIn(4) ? seatBoard() : markModel();
    }

    function _bundled(uint256 kind) private returns (bool) {
        if (kind < 3) return kind < 1 ? (_oneIn(4) ? rotateCourt() : tell()) : kind < 2 ? tellBundle() : settleTold();
        return kind < 4 ? readTold() : kind < 5 ? refuteTold() : passToFinal();
    }

    /// @dev Commands and epochs.
    function _edge(uint256 kind) private returns (bool) {
        if (kind < 4) return kind < 3 ? sendCommand() : setBounds();
        if (kind < 6) return kind < 5 ? answerCommand() : postEpoch();
        if (kind < 7) return _oneIn(2) ? proveFault() : changeGateway();
        return _oneIn(2) ? passToCommand() : passToAdmission();
    }

    function _market(uint256 kind) private returns (bool) {
        if (kind < 5) return kind < 4 ? buy() : buyCohort();
        if (kind < 10) return kind < 8 ? withdraw() : settle();
        return kind < 11 ? claim() : changeMoods();
    }

    function _consent(uint256 kind) private returns (bool) {
        if (kind < 3) return grant();
        if (kind < 6) return kind < 5 ? revoke() : revokeBySignature();
        if (kind < 8) return kind < 7 ? deny() : meddleWithConsent();
        if (kind < 11) return kind < 9 ? writeLetter() : deliverLetter();
        if (kind < 14) return kind < 12 ? approveAgent() : openByAgent();
        if (kind < 15) return _oneIn(3) ? voidGrants() : meddleWithTwin();
        return _oneIn(4) ? retire() : transfer();
    }

    function _data(uint256 kind) private returns (bool) {
        if (kind < 3) return kind < 2 ? agree() : _oneIn(4) ? unpair() : agree();
        if (kind < 8) return sayNext();
        if (kind < 10) return sayWrong();
        if (kind < 12) return report();
        if (kind < 13) return reportWrong();
        return _oneIn(3) ? withdrawModel() : _oneIn(4) ? equivocate() : reportWithdrawn();
    }

    function _ward(uint256 kind) private returns (bool) {
        if (kind < 3) return kind < 2 ? breakGlass() : closeUse();
        if (kind < 6) return kind < 5 ? review() : reinstate();
        if (kind < 9) return kind < 8 ? openCase() : closeCase();
        return kind < 11 ? postReceipts() : postWrong();
    }

    /// @dev To the beginning or the end of what somebody holds.
    function passToGrant() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        Held storage kept = held[twin.id][_person()];
        return _passTo(_oneIn(3) ? kept.scope.notBefore : kept.scope.expiry);
    }
}
