// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IPredictionOracle} from "../interfaces/IPredictionOracle.sol";
import {Recover} from "./Recover.sol";
import {Roster, Rosters} from "./Roster.sol";

/// @notice Who may report, and how many must agree: the part of PredictionOracle that knows nodes and no reports.
abstract contract Nodes is EIP712, IPredictionOracle {
    using Recover for bytes;
    using Rosters for Roster;

    /// @dev Former: was a node of an earlier config.
    enum Standing {
        Unknown,
        Active,
        Former,
        Suspended
    }

    /// @dev One slot, so that a report reads no more than this and the roster. suspended: bits of places in the roster.
    struct Terms {
        uint16 number;
        uint8 quorum;
        bool inForce;
        uint32 suspended;
        Roster roster;
    }

    uint256 private constant MOST_SIGNERS = 31;

    bytes32 private constant ROTATION_TYPEHASH =
        keccak256("Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline)");

    bytes32 private _configDigest;
    mapping(bytes32 config => Terms) private _terms;
    mapping(address signer => Standing) private _standings;

    /// @param ascending The nodes' addresses, strictly ascending. @param faulty How many of them may lie.
    constructor(address[] memory ascending, uint256 faulty) EIP712("Medtwin", "1") {
        _install(ascending, faulty, 1);
    }

    /// @inheritdoc IPredictionOracle
    function rotate(address[] calldata ascending, uint256 faulty, uint40 deadline, bytes calldata signatures) external {
        if (block.timestamp >= deadline) revert SignatureExpired(deadline);
        bytes32 old = _configDigest;
        uint16 number = _checkQuorum(old, rotationDigest(ascending, faulty, deadline), signatures);

        _terms[old].inForce = false;
        address[] memory nodes = _terms[old].roster.read();
        for (uint256 i = 0; i < nodes.length; ++i) {
            if (isSigner(nodes[i])) _standings[nodes[i]] = Standing.Former;
        }
        _install(ascending, faulty, number + 1);
    }

    /// @inheritdoc IPredictionOracle
    function configDigest() external view returns (bytes32) {
        return _configDigest;
    }

    /// @inheritdoc IPredictionOracle
    function quorum() external view returns (uint256) {
        return _terms[_configDigest].quorum;
    }

    /// @inheritdoc IPredictionOracle
    function signers() external view returns (address[] memory) {
        return _terms[_configDigest].roster.read();
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return isSigner(signature.signerOf(digest)) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @inheritdoc IPredictionOracle
    function isSigner(address account) public view returns (bool) {
        return _standings[account] == Standing.Active;
    }

    /// @inheritdoc IPredictionOracle
    function rotationDigest(address[] calldata ascending, uint256 faulty, uint40 deadline) public view returns (bytes32) {
        bytes32 nodes = keccak256(abi.encodePacked(ascending));
        uint256 number = configNumber() + 1;
        return _hashTypedDataV4(keccak256(abi.encode(ROTATION_TYPEHASH, _configDigest, nodes, faulty, number, deadline)));
    }

    /// @inheritdoc IPredictionOracle
    function configNumber() public view returns (uint256) {
        return _terms[_configDigest].number;
    }

    /// @dev By nodes of the config in force that are not suspended.
    function _checkQuorum(bytes32 config, bytes32 digest, bytes calldata signatures) internal view returns (uint16) {
        Terms memory terms = _terms[config];
        if (!terms.inForce) revert WrongConfig(config, _configDigest);
        _placesOf(terms.roster.read(), terms.quorum, terms.suspended, digest, signatures);
        return terms.number;
    }

    /// @dev All who signed, whatever became of them and their config; fewer than its quorum prove nothing.
    function _suspendQuorum(bytes32 config, bytes32 digest, bytes calldata signatures) internal {
        Terms memory terms = _terms[config];
        if (terms.quorum == 0) revert WrongConfig(config, _configDigest);
        address[] memory nodes = terms.roster.read();
        uint256 signed = _placesOf(nodes, terms.quorum, 0, digest, signatures);
        for (uint256 place = 0; place < nodes.length; ++place) {
            if (signed >> place & 1 == 0) continue;
            _suspend(nodes[place]);
            emit NodeSuspended(nodes[place]);
        }
    }

    /// @dev For good.
    function _suspend(address signer) internal {
        Terms storage terms = _terms[_configDigest];
        address[] memory nodes = terms.roster.read();
        for (uint256 place = 0; place < nodes.length; ++place) {
            if (nodes[place] == signer) terms.suspended |= uint32(1 << place);
        }
        _standings[signer] = Standing.Suspended;
    }

    /// @dev Of this config or an earlier one.
    function _nodeOf(bytes32 digest, bytes calldata signature) internal view returns (address signer) {
        signer = signature.signerOf(digest);
        Standing standing = _standings[signer];
        if (standing != Standing.Active && standing != Standing.Former) revert UnknownSigner(signer);
    }

    function _isOurs(bytes32 config) internal view returns (bool) {
        return _terms[config].number != 0;
    }

    /// @dev A key that proved false is never a node again.
    function _install(address[] memory ascending, uint256 faulty, uint16 number) private {
        uint256 count = ascending.length;
        if (count == 0 || count > MOST_SIGNERS || count < 3 * faulty + 1) revert InvalidConfig(count, faulty);
        address previous;
        for (uint256 i = 0; i < count; ++i) {
            if (ascending[i] <= previous) revert SignersNotAscending(previous, ascending[i]);
            previous = ascending[i];
            if (_standings[previous] == Standing.Suspended) revert UnknownSigner(previous);
            _standings[previous] = Standing.Active;
        }
        bytes32 config = keccak256(abi.encode(block.chainid, address(this), ascending, faulty));
        _configDigest = config;
        _terms[config] = Terms(number, uint8((count + faulty) / 2 + 1), true, 0, new Roster(ascending));
        emit ConfigSet(number, config, ascending, faulty);
    }

    /// @dev Both ascend, signers and roster, so one pass finds every signer and none counts twice; the zero address is in
    /// no roster.
    /// @return signed Bits of places in the roster.
    function _placesOf(address[] memory nodes, uint256 needed, uint256 barred, bytes32 digest, bytes calldata signatures)
        private
        pure
        returns (uint256 signed)
    {
        uint256 count = signatures.length / Recover.BYTES;
        if (count < needed) revert QuorumNotMet(count, needed);
        if (signatures.length % Recover.BYTES != 0) revert UnknownSigner(address(0));
        uint256 place;
        for (; signatures.length != 0; signatures = signatures[Recover.BYTES:]) {
            address signer = Recover.signerOf(signatures[:Recover.BYTES], digest);
            uint256 next = place;
            while (next < nodes.length && nodes[next] < signer) ++next;
            if (next == nodes.length || nodes[next] != signer) _refuse(nodes, place, signer);
            if (barred >> next & 1 != 0) revert UnknownSigner(signer);
            signed |= 1 << next;
            place = next + 1;
        }
    }

    /// @dev A node before this place is one out of order.
    function _refuse(address[] memory nodes, uint256 place, address signer) private pure {
        for (uint256 i = 0; i < place; ++i) {
            if (nodes[i] == signer) revert SignersNotAscending(nodes[place - 1], signer);
        }
        revert UnknownSigner(signer);
    }
}
