// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDataAnchor} from "./IDataAnchor.sol";

/// @title One root for many batches
/// @notice A gateway, itself a paired device, posts one Merkle root over the device-signed batches of a hospital.
/// The chain checks the gateway; whoever holds a batch checks the rest, and a proof of fault suspends the gateway.
/// @dev A leaf is keccak256(keccak256(abi.encode(DataAnchor.batchDigest(batch), keccak256(signature)))), under an
/// OpenZeppelin StandardMerkleTree root. Of a gateway's epochs the chain keeps a running hash: to point at an old
/// one, a caller gives those after it.
/// A gateway is admitted for a day, or until its calibration ends. Cutting it off in DeviceRegistry is seen here at once
/// when somebody calls `admit` again, and within that day when nobody does; an epoch posted in between gives it nothing,
/// as every batch needs a paired device's signature.
interface IEpochAnchor {
    enum Fault {
        None,
        UnknownDevice,
        DuplicateSequence,
        BrokenChain
    }

    struct Epoch {
        bytes32 root;
        uint32 batches;
        bytes32 manifest;
    }

    /// @param before The running hash before the epoch. @param later The epochs after it, oldest first.
    struct Place {
        bytes21 before;
        Epoch epoch;
        Epoch[] later;
    }

    /// @param proof From the batch's leaf to its epoch's root.
    struct Included {
        IDataAnchor.Batch batch;
        bytes signature;
        bytes32[] proof;
    }

    event GatewayAdmitted(address indexed gateway, uint40 until);
    event EpochAnchored(address indexed gateway, uint40 indexed number, Epoch epoch);
    event GatewaySuspended(address indexed gateway, Fault fault, address by);

    error NotGateway(address account);
    error GatewayIsSuspended(address gateway);
    error EmptyEpoch();
    error PlaceNotFound(address gateway);
    error BatchNotIncluded(bytes32 leaf);
    error NoFault();

    /// @notice Copy what DeviceRegistry says of a gateway now: admitted for a day at most, or not at all.
    /// @dev Anyone may call it: a gateway once a day, others at once after cutting one off.
    function admit(address gateway) external returns (uint40 until);

    /// @notice Post the caller's next epoch.
    /// @param epoch manifest is the SHA-256 of the list of batches, kept off-chain.
    /// @return number Counts the gateway's epochs from 1.
    function anchorEpoch(Epoch calldata epoch) external returns (uint40 number);

    /// @notice Show that an epoch holds a batch that nobody signed, or a key never paired with that twin.
    function proveUnknownDevice(address gateway, Place calldata place, Included calldata found) external;

    /// @notice Show that one device's batches in two epochs (or one) share a number or do not name each other.
    function proveBrokenSequence(
        address gateway,
        Place calldata placeA,
        Included calldata a,
        Place calldata placeB,
        Included calldata b
    ) external;

    function headOf(address gateway) external view returns (uint40 number, bytes21 head, uint40 until, bool suspended);
    function leafOf(IDataAnchor.Batch calldata batch, bytes calldata signature) external view returns (bytes32);
}
