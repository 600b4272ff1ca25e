// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IConsentRegistry} from "./interfaces/IConsentRegistry.sol";
import {IDeviceLoop} from "./interfaces/IDeviceLoop.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {Signed} from "./libraries/Signed.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IDeviceLoop.
contract DeviceLoop is AccessControl, Signed, IDeviceLoop {
    bytes32 public constant SAFETY_ROLE = keccak256("SAFETY_ROLE");
    /// @notice Longest time a command may wait for its answer (s).
    uint40 public constant MAX_WAIT = 1 hours;

    uint32 private constant CATEGORY_EQUIPMENT = 1 << 5;
    uint32 private constant PURPOSE_CARE = 1;
    bytes32 private constant COMMAND_TYPEHASH =
        keccak256("Command(address device,uint256 twinId,uint16 code,int64 value,address clinician,uint256 nonce,uint40 deadline)");
    bytes32 private constant ANSWER_TYPEHASH = keccak256("Answer(bytes32 commandId,bool accepted)");

    /// @dev One slot.
    struct Sent {
        address device;
        uint40 deadline;
        CommandState state;
    }

    IDeviceRegistry public immutable DEVICES;
    IConsentRegistry public immutable CONSENTS;

    mapping(address device => mapping(uint16 code => Envelope)) private _envelopes;
    mapping(address device => uint40 time) private _lastSent;
    mapping(bytes32 commandId => Sent) private _sent;

    constructor(IDeviceRegistry devices, IConsentRegistry consents, address administrator) {
        DEVICES = IDeviceRegistry(Wiring.checked(address(devices)));
        CONSENTS = IConsentRegistry(Wiring.checked(address(consents)));
        _grantRole(DEFAULT_ADMIN_ROLE, administrator);
    }

    /// @inheritdoc IDeviceLoop
    function setEnvelope(address device, uint16 code, int64 low, int64 high, uint32 interval) external onlyRole(SAFETY_ROLE) {
        if (low > high) revert InvalidEnvelope(low, high);
        _envelopes[device][code] = Envelope(low, high, interval, true);
        emit EnvelopeSet(device, code, low, high, interval);
    }

    /// @inheritdoc IDeviceLoop
    function removeEnvelope(address device, uint16 code) external onlyRole(SAFETY_ROLE) {
        if (!_envelopes[device][code].set) revert EnvelopeMissing(device, code);
        delete _envelopes[device][code];
        emit EnvelopeRemoved(device, code);
    }

    /// @inheritdoc IDeviceLoop
    function send(Command calldata command, bytes calldata clinicianSignature) external returns (bytes32 commandId) {
        // Check:
        _checkEnvelope(command);
        uint40 latest = uint40(block.timestamp) + MAX_WAIT;
        if (command.deadline <= block.timestamp || command.deadline > latest) revert InvalidDeadline(command.deadline, latest);
        IDeviceRegistry.Device memory device = DEVICES.deviceOf(command.device);
        if (!device.paired || device.twinId != command.twinId) revert UnpairedDevice(command.device, command.twinId);
        if (!CONSENTS.isAllowed(command.twinId, command.clinician, CATEGORY_EQUIPMENT, PURPOSE_CARE)) {
            revert ClinicianNotAllowed(command.twinId, command.clinician);
        }
        commandId = commandDigest(command);
        if (_sent[commandId].state != CommandState.Unknown) revert CommandExists(commandId);
        _checkSignature(command.clinician, commandId, clinicianSignature);
        // Effect:
        _sent[commandId] = Sent(command.device, command.deadline, CommandState.Pending);
        _lastSent[command.device] = uint40(block.timestamp);
        emit CommandSent(command.twinId, command.device, commandId, command);
    }

    /// @inheritdoc IDeviceLoop
    function answer(bytes32 commandId, bool accepted, bytes calldata deviceSignature) external {
        CommandState state = stateOf(commandId);
        if (state != CommandState.Pending) revert CommandNotPending(commandId, state);
        address device = _sent[commandId].device;
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(ANSWER_TYPEHASH, commandId, accepted)));
        if (!_isByKey(device, digest, deviceSignature)) revert InvalidSignature(device);
        _sent[commandId].state = accepted ? CommandState.Acknowledged : CommandState.Rejected;
        emit CommandAnswered(device, commandId, accepted);
    }

    /// @inheritdoc IDeviceLoop
    function stateOf(bytes32 commandId) public view returns (CommandState) {
        Sent memory sent = _sent[commandId];
        bool expired = sent.state == CommandState.Pending && block.timestamp >= sent.deadline;
        return expired ? CommandState.Expired : sent.state;
    }

    /// @inheritdoc IDeviceLoop
    function envelopeOf(address device, uint16 code) external view returns (Envelope memory) {
        return _envelopes[device][code];
    }

    /// @inheritdoc IDeviceLoop
    function commandDigest(Command calldata command) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(COMMAND_TYPEHASH, command)));
    }

    function _checkEnvelope(Command calldata command) private view {
        Envelope memory envelope = _envelopes[command.device][command.code];
        if (!envelope.set) revert EnvelopeMissing(command.device, command.code);
        if (command.value < envelope.low || command.value > envelope.high) {
            revert OutsideEnvelope(command.value, envelope.low, envelope.high);
        }
        uint40 last = _lastSent[command.device];
        uint40 notBefore = last + envelope.interval;
        if (last != 0 && block.timestamp < notBefore) revert CommandTooSoon(command.device, command.code, notBefore);
    }
}
