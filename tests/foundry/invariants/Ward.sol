// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IAuditTrail} from "../../../contracts/interfaces/IAuditTrail.sol";
import {ICaseToken} from "../../../contracts/interfaces/ICaseToken.sol";
import {IEmergencyAccess} from "../../../contracts/interfaces/IEmergencyAccess.sol";
import {ISigned} from "../../../contracts/interfaces/ISigned.sol";
import {CaseFixture} from "../CaseToken.t.sol";
import {World} from "./World.sol";

/// @notice Emergencies that are opened, closed, reviewed or forgotten; cases between two departments; receipts.
abstract contract Ward is CaseFixture, World {
    struct Use {
        uint256 twinId;
        uint256 first;
        uint256 second;
        uint40 openedAt;
        bool closed;
        bool reviewed;
    }

    struct Opened {
        bytes32 id;
        uint256 twinId;
        uint40 expiry;
        bool closed;
    }

    uint256 internal constant CLINICIANS = 3;
    uint256 internal constant CUSTODIANS = 2;
    address internal constant REVIEWER = address(0x4E);

    IEmergencyAccess internal glass;
    IAuditTrail internal trail;
    Use[] internal uses;
    Opened[] internal opened;
    bool[CLINICIANS] internal suspended;
    uint256[CLINICIANS] private _nonces;
    uint256 private _settled; // all uses before it are reviewed
    mapping(uint256 twinId => uint256) internal lastCase;
    mapping(uint256 twinId => mapping(uint256 clinician => uint256)) internal lastUse;
    uint64[CUSTODIANS] internal sizes;
    bytes32[CUSTODIANS] internal roots;

    function setUp() public virtual override(CaseFixture, World) {
        super.setUp();
        trail = IAuditTrail(vm.deployCode("AuditTrail.sol:AuditTrail"));
        glass = IEmergencyAccess(
            vm.deployCode("EmergencyAccess.sol:EmergencyAccess", abi.encode(twins, consents, administrator))
        );
        for (uint256 i = 0; i < CLINICIANS; ++i) {
            vm.prank(administrator);
            IAccessControl(address(glass)).grantRole(keccak256("CLINICIAN_ROLE"), people[i]);
        }
        vm.prank(administrator);
        IAccessControl(address(glass)).grantRole(keccak256("REVIEWER_ROLE"), REVIEWER);
    }

    // -- emergencies -------------------------------------------------------------

    function breakGlass() internal returns (bool) {
        Twin storage twin = _liveTwin();
        uint256 first = _draw(CLINICIANS);
        for (uint256 i = 0; i < CLINICIANS && _whyNotClinician(first) != 0 && _usually(); ++i) first = i;
        uint256 second = (first + 1 + _draw(CLINICIANS - 1)) % CLINICIANS;
        if (_whyNotClinician(second) != 0 && _usually()) second = (2 * CLINICIANS - first - second) % CLINICIANS;
        if (_oneIn(16)) second = first;
        bytes4 why = first == second ? IEmergencyAccess.SecondSignerIsFirst.selector : _whyNotClinician(first);
        if (why == 0) why = _whyNotClinician(second);
        if (!_try(people[first], address(glass), _emergencyCall(twin.id, first, second), why)) return false;
        ++_nonces[second];
        uses.push(Use(twin.id, first, second, uint40(block.timestamp), false, false));
        lastUse[twin.id][first] = uses.length;
        return true;
    }

    function closeUse() internal returns (bool) {
        if (uses.length == 0) return breakGlass();
        uint256 at = _recent(uses.length);
        for (uint256 i = uses.length; i > 0 && i + 8 > uses.length && _isUseOver(uses[at]) && _usually(); --i) at = i - 1;
        if (_isUseOver(uses[at]) && _usually()) return breakGlass();
        Use storage use = uses[at];
        bytes memory call = abi.encodeCall(glass.close, (at + 1));
        if (!_usually()) return _refused(stranger, address(glass), call, IEmergencyAccess.NotUseParty.selector);
        bool over = _isUseOver(use);
        if (!_try(people[use.first], address(glass), call, over ? IEmergencyAccess.UseClosed.selector : bytes4(0))) return false;
        return use.closed = true;
    }

    function review() internal returns (bool) {
        if (uses.length == 0) return breakGlass();
        uint256 at = _usually() ? _oldestUnreviewed() : _recent(uses.length);
        Use storage use = uses[at];
        if (use.reviewed && _usually()) return reinstate();
        bool justified = !_oneIn(5);
        bytes4 why = use.reviewed ? IEmergencyAccess.UseReviewed.selector : bytes4(0);
        if (!_try(REVIEWER, address(glass), abi.encodeCall(glass.review, (at + 1, justified)), why)) return false;
        use.reviewed = true;
        if (justified) return true;
        (use.closed, suspended[use.first], suspended[use.second]) = (true, true, true);
        return true;
    }

    function reinstate() internal returns (bool) {
        uint256 who = _draw(CLINICIANS);
        bytes memory call = abi.encodeCall(glass.reinstate, (people[who]));
        bytes4 why = IAccessControl.AccessControlUnauthorizedAccount.selector;
        if (_oneIn(8)) return _refused(people[who], address(glass), call, why);
        vm.prank(administrator);
        glass.reinstate(people[who]);
        suspended[who] = false;
        return true;
    }

    function passToUse() internal returns (bool) {
        if (uses.length == 0) return pass();
        uint40 at = uses[_recent(uses.length)].openedAt;
        return _passTo(_oneIn(2) ? at + 4 hours : at + 72 hours);
    }

    function _isUseOpen(uint256 twinId, uint256 who) internal view returns (bool) {
        if (lastUse[twinId][who] == 0) return false;
        Use storage use = uses[lastUse[twinId][who] - 1];
        return block.timestamp < use.openedAt + 4 hours && !use.closed && !suspended[who];
    }

    function _isUseOver(Use storage use) private view returns (bool) {
        return use.closed || block.timestamp >= use.openedAt + 4 hours;
    }

    /// @dev Pending in the order of what is said first: too many, then any that is overdue.
    function _whyNotClinician(uint256 who) private view returns (bytes4) {
        if (suspended[who]) return IEmergencyAccess.ClinicianIsSuspended.selector;
        (uint256 waiting, bool overdue) = (0, false);
        for (uint256 i = _settled; i < uses.length; ++i) {
            Use storage use = uses[i];
            if (use.reviewed || (use.first != who && use.second != who)) continue;
            ++waiting;
            if (block.timestamp >= use.openedAt + 72 hours) overdue = true;
        }
        if (waiting >= 5) return IEmergencyAccess.TooManyPending.selector;
        return overdue ? IEmergencyAccess.ReviewOverdue.selector : bytes4(0);
    }

    function _oldestUnreviewed() private returns (uint256) {
        while (_settled < uses.length && uses[_settled].reviewed) ++_settled;
        return _settled < uses.length ? _settled : uses.length - 1;
    }

    function _recent(uint256 length) private returns (uint256) {
        return length - 1 - _draw(length < 8 ? length : 8);
    }

    function _emergencyCall(uint256 twinId, uint256 first, uint256 second) private view returns (bytes memory) {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes32 typehash = keccak256(
            "Emergency(uint256 twinId,address clinician,uint32 categories,uint16 reason,uint256 nonce,uint40 deadline)"
        );
        bytes memory terms = abi.encode(typehash, twinId, people[first], 6, 3, _nonces[second], deadline);
        bytes memory signature = _sign(PERSON_KEY + second, _typed(address(glass), terms));
        return abi.encodeCall(glass.open, (twinId, 6, 3, people[second], deadline, signature));
    }

    // -- cases -------------------------------------------------------------------

    function openCase() internal returns (bool) {
        Twin storage twin = _liveTwin();
        uint40 expiry = uint40(block.timestamp + 1 + _draw(7 days));
        uint40 deadline = uint40(block.timestamp + 1 + _draw(2 days));
        ICaseToken.Case memory terms = ICaseToken.Case(twin.id, from, to, 6, expiry);
        bytes32 digest = _digest(terms, opened.length, deadline);
        bytes memory signature = _sign(_oneIn(4) ? FROM_KEY : TO_KEY, digest);
        bool forged = keccak256(signature) == keccak256(_sign(FROM_KEY, digest));
        bytes memory call =
            abi.encodeCall(cases.open, (terms, opened.length, deadline, _sign(FROM_KEY, digest), signature));
        if (!_try(stranger, address(cases), call, forged ? ISigned.InvalidSignature.selector : bytes4(0))) return false;
        opened.push(Opened(digest, twin.id, expiry, false));
        lastCase[twin.id] = opened.length;
        _refused(stranger, address(cases), call, ICaseToken.CaseExists.selector);
        return true;
    }

    function closeCase() internal returns (bool) {
        if (opened.length == 0) return openCase();
        Opened storage case_ = opened[_recent(opened.length)];
        for (uint256 i = opened.length; i > 0 && i + 8 > opened.length && _isCaseOver(case_) && _usually(); --i) {
            case_ = opened[i - 1];
        }
        bool over = _isCaseOver(case_);
        if (over && _usually()) return openCase();
        bytes memory call = abi.encodeCall(cases.close, (case_.id, _oneIn(2)));
        if (!over && !_usually()) return _refused(stranger, address(cases), call, ICaseToken.NotCaseParty.selector);
        if (!_try(_oneIn(2) ? from : to, address(cases), call, over ? ICaseToken.CaseNotOpen.selector : bytes4(0))) return false;
        return case_.closed = true;
    }

    function _isCaseOver(Opened storage case_) private view returns (bool) {
        return case_.closed || block.timestamp >= case_.expiry;
    }

    function passToCase() internal returns (bool) {
        return opened.length == 0 ? pass() : _passTo(opened[_recent(opened.length)].expiry);
    }

    // -- receipts ----------------------------------------------------------------

    function postReceipts() internal returns (bool) {
        uint256 who = _draw(CUSTODIANS);
        (uint64 size, bytes32 root) = (sizes[who] + 1 + uint64(_draw(50)), keccak256(abi.encode(who, sizes[who])));
        bytes memory call = abi.encodeCall(trail.post, (sizes[who], roots[who], size, root));
        _try(people[who], address(trail), call, 0);
        (sizes[who], roots[who]) = (size, root);
        _refused(people[who], address(trail), call, IAuditTrail.StaleHead.selector);
        return true;
    }

    /// @dev Shorter, as long, another history, another's log.
    function postWrong() internal returns (bool) {
        uint256 who = _draw(CUSTODIANS);
        if (sizes[who] == 0) return postReceipts();
        uint256 kind = _draw(4);
        (uint64 size, bytes32 root, address by) = (sizes[who], roots[who], people[who]);
        bytes4 why = kind < 2 ? IAuditTrail.LogNotGrowing.selector : IAuditTrail.StaleHead.selector;
        if (kind == 2) root = ~root;
        if (kind == 3) by = stranger;
        uint64 next = kind == 0 ? size - 1 : kind == 1 ? size : size + 1;
        return _refused(by, address(trail), abi.encodeCall(trail.post, (size, root, next, bytes32("other"))), why);
    }
}
