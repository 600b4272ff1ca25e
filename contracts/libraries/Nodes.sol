// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IPredictionOracle} from "../interfaces/IPredictionOracle.sol";

/// @notice Who may report, and how many must agree: the part of PredictionOracle that knows nodes and no reports.
abstract contract Nodes is EIP712, IPredictionOracle {
    /// @dev Former: was a node of an earlier config.
    enum Standing { Unknown, Active, Former, Suspended }

    /// @dev One slot, so that a report reads no more than this.
    struct Terms {
        uint16 number;
        uint8 quorum;
        bool inForce;
    }

    uint256 private constant MOST_SIGNERS = 31;

    bytes32 private constant ROTATION_TYPEHASH =
        keccak256("Rotation(bytes32 config,address[] signers,uint256 faulty,uint256 number,uint40 deadline)");

    bytes32 private _configDigest;
    address[] private _signers;
    mapping(bytes32 config => Terms) private _terms;
    mapping(address signer => Standing) private _standings;
    /// @dev Read by challenges alone, which may be of an earlier config.
    mapping(bytes32 config => mapping(address signer => bool)) private _isMember;

    /// @param ascending The nodes' addresses, strictly ascending. @param faulty How many of them may lie.
    constructor(address[] memory ascending, uint256 faulty) EIP712("Medtwin", "1") {
        _install(ascending, faulty, 1);
    }

    /// @inheritdoc IPredictionOracle
    function rotate(address[] calldata ascending, uint256 faulty, uint40 deadline, bytes[] calldata signatures) external {
        if (block.timestamp >= deadline) revert SignatureExpired(deadline);
        bytes32 old = _configDigest;
        uint16 number = _checkQuorum(old, rotationDigest(ascending, faulty, deadline), signatures);

        _terms[old].inForce = false;
        for (uint256 i = 0; i < _signers.length; ++i) {
            if (isSigner(_signers[i])) _standings[_signers[i]] = Standing.Former;
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
        return _signers;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return isSigner(signer) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
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

    /// @dev Strictly ascending signers of the config in force, so that none counts twice; the zero address is never one.
    function _checkQuorum(bytes32 config, bytes32 digest, bytes[] calldata signatures) internal view returns (uint16) {
        Terms memory terms = _terms[config];
        if (!terms.inForce) revert WrongConfig(config, _configDigest);
        uint256 count = signatures.length;
        if (count < terms.quorum) revert QuorumNotMet(count, terms.quorum);
        address previous;
        for (uint256 i = 0; i < count; ++i) {
            (address signer,,) = ECDSA.tryRecover(digest, signatures[i]);
            if (!isSigner(signer)) revert UnknownSigner(signer);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            previous = signer;
        }
        return terms.number;
    }

    /// @dev All who signed, whatever became of them and their config; fewer than its quorum prove nothing.
    function _suspendQuorum(bytes32 config, bytes32 digest, bytes[] calldata signatures) internal {
        uint256 needed = _terms[config].quorum;
        uint256 count = signatures.length;
        if (needed == 0) revert WrongConfig(config, _configDigest);
        if (count < needed) revert QuorumNotMet(count, needed);
        address previous;
        for (uint256 i = 0; i < count; ++i) {
            (address signer,,) = ECDSA.tryRecover(digest, signatures[i]);
            if (!_isMember[config][signer]) revert UnknownSigner(signer);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            previous = signer;
            _suspend(signer);
            emit NodeSuspended(signer);
        }
    }

    /// @dev For good.
    function _suspend(address signer) internal {
        _standings[signer] = Standing.Suspended;
    }

    /// @dev Of this config or an earlier one.
    function _nodeOf(bytes32 digest, bytes calldata signature) internal view returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest, signature);
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
        bytes32 config = keccak256(abi.encode(block.chainid, address(this), ascending, faulty));
        address previous;
        for (uint256 i = 0; i < count; ++i) {
            if (ascending[i] <= previous) revert SignersNotAscending(previous, ascending[i]);
            previous = ascending[i];
            if (_standings[previous] == Standing.Suspended) revert UnknownSigner(previous);
            _standings[previous] = Standing.Active;
            _isMember[config][previous] = true;
        }
        _signers = ascending;
        _configDigest = config;
        _terms[config] = Terms(number, uint8((count + faulty) / 2 + 1), true);
        emit ConfigSet(number, config, ascending, faulty);
    }
}
