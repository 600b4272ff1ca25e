// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISigned} from "./ISigned.sol";

/// @title Feedback to a device, within an envelope
/// @notice A command leaves only if it lies within the bounds registered for the device, a clinician whom the patient
/// allows signed it, and the last one is long enough ago. The device answers with a signed ack or nack; a command
/// without an answer expires. The default is no.
/// @dev A record of proposals and answers. It must never be part of a control path: a device keeps its own limits.
interface IDeviceLoop is ISigned {
    enum CommandState {
        Unknown,
        Pending,
        Acknowledged,
        Rejected,
        Expired
    }

    /// @param low Lowest value in millionths of the command's unit. @param interval Shortest time since the last command to the device, whatever its code (s).
    struct Envelope {
        int64 low;
        int64 high;
        uint32 interval;
        bool set;
    }

    struct Command {
        address device;
        uint256 twinId;
        uint16 code;
        int64 value;
        address clinician;
        uint256 nonce;
        uint40 deadline;
    }

    event EnvelopeSet(address indexed device, uint16 indexed code, int64 low, int64 high, uint32 interval);
    event EnvelopeRemoved(address indexed device, uint16 indexed code);
    event CommandSent(uint256 indexed twinId, address indexed device, bytes32 indexed commandId, Command command);
    event CommandAnswered(address indexed device, bytes32 indexed commandId, bool accepted);

    error InvalidEnvelope(int64 low, int64 high);
    error EnvelopeMissing(address device, uint16 code);
    error OutsideEnvelope(int64 value, int64 low, int64 high);
    error UnpairedDevice(address device, uint256 twinId);
    error ClinicianNotAllowed(uint256 twinId, address clinician);
    error InvalidDeadline(uint40 deadline, uint40 latest);
    error CommandTooSoon(address device, uint16 code, uint40 notBefore);
    error CommandExists(bytes32 commandId);
    error CommandNotPending(bytes32 commandId, CommandState state);

    /// @notice Register the bounds of a command; only SAFETY_ROLE.
    function setEnvelope(address device, uint16 code, int64 low, int64 high, uint32 interval) external;
    function removeEnvelope(address device, uint16 code) external;

    /// @notice Send a command that a clinician signed; anyone may relay it. Its id is its typed-data digest.
    /// @dev Typed data: Command(address device,uint256 twinId,uint16 code,int64 value,address clinician,uint256 nonce,uint40 deadline).
    function send(Command calldata command, bytes calldata clinicianSignature) external returns (bytes32 commandId);

    /// @notice The device's answer, before the deadline; anyone may relay it.
    /// @dev Typed data: Answer(bytes32 commandId,bool accepted).
    function answer(bytes32 commandId, bool accepted, bytes calldata deviceSignature) external;

    function stateOf(bytes32 commandId) external view returns (CommandState);
    function envelopeOf(address device, uint16 code) external view returns (Envelope memory);
    function commandDigest(Command calldata command) external view returns (bytes32);
}
