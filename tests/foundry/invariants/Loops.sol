// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IDeviceLoop} from "../../../contracts/interfaces/IDeviceLoop.sol";
import {ISigned} from "../../../contracts/interfaces/ISigned.sol";
import {Consents} from "./Consents.sol";
import {Data} from "./Data.sol";
import {World} from "./World.sol";

/// @notice Commands to devices, within bounds and by whom the owner lets; devices take them, refuse them or say nothing.
abstract contract Loops is Consents, Data {
    struct Order {
        bytes32 id;
        uint256 speaker;
        uint40 deadline;
        IDeviceLoop.CommandState answer;
    }

    uint16 internal constant CODE = 7;
    uint40 private constant WAIT = 1 hours;
    address private constant OFFICER = address(0x0FF1);

    IDeviceLoop internal loop;
    IDeviceLoop.Envelope[SPEAKERS] internal bounds;
    Order[] internal orders;
    uint40[SPEAKERS] private _lastAt;
    uint256 private _ordered;

    function setUp() public virtual override(World, Data) {
        super.setUp();
        loop = IDeviceLoop(vm.deployCode("DeviceLoop.sol:DeviceLoop", abi.encode(devices, consents, administrator)));
        vm.prank(administrator);
        IAccessControl(address(loop)).grantRole(keccak256("SAFETY_ROLE"), OFFICER);
    }

    function setBounds() internal returns (bool) {
        uint256 which = _draw(SPEAKERS);
        bool removes = bounds[which].set && _oneIn(6);
        int64 low = int64(uint64(_draw(50)));
        IDeviceLoop.Envelope memory next =
            IDeviceLoop.Envelope(-low, int64(uint64(_draw(50))), _oneIn(3) ? 0 : uint32(_draw(2 hours)), true);
        bytes memory call = removes
            ? abi.encodeCall(loop.removeEnvelope, (speakers[which].at, CODE))
            : abi.encodeCall(loop.setEnvelope, (speakers[which].at, CODE, next.low, next.high, next.interval));
        bytes4 why = _usually() ? bytes4(0) : IAccessControl.AccessControlUnauthorizedAccount.selector;
        if (!_try(why == 0 ? OFFICER : _person(), address(loop), call, why)) return false;
        if (removes) delete bounds[which];
        else bounds[which] = next;
        return true;
    }

    function sendCommand() internal returns (bool) {
        uint256 which = _draw(SPEAKERS);
        for (uint256 i = 0; i < SPEAKERS && !speakers[which].paired && _usually(); ++i) which = i;
        if (!speakers[which].paired && _usually()) return agree();
        if (!bounds[which].set && _usually()) return setBounds();
        if (block.timestamp < _freeAt(which) && _usually()) return _passTo(_freeAt(which));
        (address clinician, uint256 key) = _clinician(twinsOf[speakers[which].slot]);
        IDeviceLoop.Command memory order = IDeviceLoop.Command(
            speakers[which].at, speakers[which].twinId, CODE, _value(bounds[which]), clinician, ++_ordered, _deadline()
        );
        bytes4 why = _whyNotSent(which, order);
        if (_oneIn(16)) key = STRANGER_KEY;
        if (why == 0 && key == STRANGER_KEY) why = ISigned.InvalidSignature.selector;
        bytes32 id = _commandDigest(order);
        bytes memory call = abi.encodeCall(loop.send, (order, _sign(key, id)));
        if (!_try(stranger, address(loop), call, why)) return false;
        _lastAt[which] = uint40(block.timestamp);
        orders.push(Order(id, which, order.deadline, IDeviceLoop.CommandState.Pending));
        bytes4 again = bounds[which].interval == 0 ? IDeviceLoop.CommandExists.selector : IDeviceLoop.CommandTooSoon.selector;
        if (_oneIn(4)) _refused(stranger, address(loop), call, again);
        return true;
    }

    function answerCommand() internal returns (bool) {
        if (orders.length == 0) return sendCommand();
        uint256 at = orders.length - 1;
        for (uint256 i = 0; i < 4 && at > 0 && (_stateOf(orders[at]) != IDeviceLoop.CommandState.Pending || _oneIn(2)); ++i) --at;
        Order storage order = orders[at];
        bool pending = _stateOf(order) == IDeviceLoop.CommandState.Pending;
        if (!pending && _usually()) return sendCommand();
        (bool accepted, bool forged) = (_oneIn(2), !_usually());
        bytes32 digest =
            _typed(address(loop), abi.encode(keccak256("Answer(bytes32 commandId,bool accepted)"), order.id, accepted));
        bytes memory signature = _sign(forged ? STRANGER_KEY : speakers[order.speaker].key, digest);
        bytes4 why = forged ? ISigned.InvalidSignature.selector : bytes4(0);
        if (!pending) why = IDeviceLoop.CommandNotPending.selector;
        bytes memory call = abi.encodeCall(loop.answer, (order.id, accepted, signature));
        if (!_try(stranger, address(loop), call, why)) return false;
        order.answer = accepted ? IDeviceLoop.CommandState.Acknowledged : IDeviceLoop.CommandState.Rejected;
        return true;
    }

    function passToCommand() internal returns (bool) {
        if (orders.length == 0) return pass();
        Order storage last = orders[orders.length - 1];
        if (_stateOf(last) != IDeviceLoop.CommandState.Pending) return _passTo(_freeAt(last.speaker));
        _passTo(last.deadline);
        require(loop.stateOf(last.id) == _stateOf(last), "a command waits past its deadline, or not until it");
        return true;
    }

    /// @dev What was not answered by its deadline has expired.
    function _stateOf(Order storage order) internal view returns (IDeviceLoop.CommandState) {
        bool waits = order.answer == IDeviceLoop.CommandState.Pending;
        return waits && block.timestamp >= order.deadline ? IDeviceLoop.CommandState.Expired : order.answer;
    }

    function _freeAt(uint256 which) private view returns (uint40) {
        return _lastAt[which] == 0 ? 0 : _lastAt[which] + bounds[which].interval;
    }

    function _whyNotSent(uint256 which, IDeviceLoop.Command memory order) private view returns (bytes4) {
        IDeviceLoop.Envelope storage within = bounds[which];
        if (!within.set) return IDeviceLoop.EnvelopeMissing.selector;
        if (order.value < within.low || order.value > within.high) return IDeviceLoop.OutsideEnvelope.selector;
        if (block.timestamp < _freeAt(which)) return IDeviceLoop.CommandTooSoon.selector;
        bool inTime = order.deadline > block.timestamp && order.deadline <= block.timestamp + WAIT;
        if (!inTime) return IDeviceLoop.InvalidDeadline.selector;
        if (!speakers[which].paired) return IDeviceLoop.UnpairedDevice.selector;
        return _mayCommand(which, order.clinician) ? bytes4(0) : IDeviceLoop.ClinicianNotAllowed.selector;
    }

    /// @dev The owner of a live twin, or whom it lets use equipment for care.
    function _mayCommand(uint256 which, address who) private view returns (bool) {
        Twin storage twin = twinsOf[speakers[which].slot];
        if (twin.id != speakers[which].twinId || twin.retired) return false;
        Held storage kept = held[twin.id][who];
        bool covered = kept.scope.categories & 32 != 0 && kept.scope.purposes & 1 != 0;
        return who == _ownerOf(twin) || covered && _isOpen(twin, kept) && block.timestamp >= kept.scope.notBefore;
    }

    function _clinician(Twin storage twin) private returns (address, uint256) {
        if (_oneIn(2)) return (_ownerOf(twin), ownerKeys[twin.owner]);
        uint256 who = _draw(PEOPLE);
        for (uint256 i = 0; i < PEOPLE && held[twin.id][people[who]].scope.categories & 32 == 0 && _usually(); ++i) who = i;
        return (people[who], PERSON_KEY + who);
    }

    /// @dev Mostly within, at an end or one beyond it.
    function _value(IDeviceLoop.Envelope storage within) private returns (int64) {
        if (!_usually()) return _oneIn(2) ? within.low - 1 : within.high + 1;
        if (_oneIn(4)) return _oneIn(2) ? within.low : within.high;
        return within.low + int64(uint64(_draw(uint64(within.high - within.low) + 1)));
    }

    function _deadline() private returns (uint40) {
        if (_oneIn(16)) return uint40(_oneIn(2) ? block.timestamp : block.timestamp + WAIT + 1);
        return uint40(block.timestamp + 1 + _draw(WAIT));
    }

    function _commandDigest(IDeviceLoop.Command memory order) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Command(address device,uint256 twinId,uint16 code,int64 value,address clinician,uint256 nonce,uint40 deadline)"
        );
        return _typed(address(loop), abi.encode(typehash, order));
    }
}
