// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {NoncesKeyed} from "@openzeppelin/contracts/utils/NoncesKeyed.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {IPasskeyAccount} from "./interfaces/IPasskeyAccount.sol";

/// @notice See IPasskeyAccount. Deployed once; each account is a clone that carries its site's hash in its code.
contract PasskeyAccount is EIP712, NoncesKeyed, ERC721Holder, ERC1155Holder, IPasskeyAccount {
    /// @dev Counts only in its generation: a recovery begins a new one.
    struct Key {
        bytes32 x;
        bytes32 y;
        uint32 generation;
    }

    struct Recovery {
        uint8 supporters;
        uint40 readyAt;
    }

    uint256 public constant MOST_GUARDIANS = 8;
    uint40 public constant SHORTEST_WAITING = 1 days;
    uint40 public constant LONGEST_WAITING = 30 days;

    bytes32 private constant MESSAGE_TYPEHASH = keccak256("AccountMessage(bytes32 hash)");
    bytes32 private constant CALL_TYPEHASH = keccak256("Call(address target,bytes data,uint256 nonce,uint40 deadline)");
    bytes private constant CLIENT_DATA = '{"type":"webauthn.get","challenge":"';
    uint256 private constant FLAGS_AT = 32;
    uint256 private constant AUTHENTICATOR_DATA_BYTES = 37;
    bytes1 private constant PRESENT_AND_VERIFIED = 0x05;

    mapping(bytes32 keyId => Key) private _keys;
    uint32 private _generation;
    uint32 private _keyCount;
    uint32 private _round;
    uint8 private _threshold;
    uint40 private _waiting;
    address[] private _guardians;
    mapping(uint32 round => mapping(bytes32 keyId => Recovery)) private _recoveries;

    modifier onlyAccount() {
        if (msg.sender != address(this)) revert NotAccount(msg.sender);
        _;
    }

    constructor() EIP712("Medtwin", "1") {
        _generation = type(uint32).max; // nobody can have the pattern itself
    }

    /// @inheritdoc IPasskeyAccount
    function initialize(bytes32 x, bytes32 y) external {
        if (_generation != 0) revert AlreadyInitialized();
        _generation = 1;
        _addKey(x, y);
    }

    /// @inheritdoc IPasskeyAccount
    function execute(address target, bytes calldata data, uint256 nonce, uint40 deadline, bytes calldata signature)
        external
        returns (bytes memory result)
    {
        if (block.timestamp >= deadline) revert SignatureExpired(deadline);
        bytes32 message = keccak256(abi.encode(CALL_TYPEHASH, target, keccak256(data), nonce, deadline));
        if (!_isSigned(_hashTypedDataV4(message), signature)) revert InvalidSignature(address(this));
        _useCheckedNonce(address(this), nonce);
        return Address.functionCall(target, data);
    }

    /// @inheritdoc IPasskeyAccount
    function addKey(bytes32 x, bytes32 y) external onlyAccount {
        _addKey(x, y);
    }

    /// @inheritdoc IPasskeyAccount
    function removeKey(bytes32 keyId) external onlyAccount {
        Key memory key = _keys[keyId];
        if (key.generation != _generation) revert InvalidKey(key.x, key.y);
        if (_keyCount == 1) revert LastKey(keyId);
        --_keyCount;
        delete _keys[keyId];
        emit KeyRemoved(keyId);
    }

    /// @inheritdoc IPasskeyAccount
    function setGuardians(address[] calldata accounts, uint8 threshold, uint40 waiting) external onlyAccount {
        bool none = accounts.length == 0 && threshold == 0 && waiting == 0;
        bool some = threshold > 0 && threshold <= accounts.length && accounts.length <= MOST_GUARDIANS
            && waiting >= SHORTEST_WAITING && waiting <= LONGEST_WAITING;
        if (!none && !some) revert InvalidGuardians(accounts.length, threshold, waiting);
        for (uint256 i = 1; i < accounts.length; ++i) {
            if (accounts[i] <= accounts[i - 1]) revert InvalidGuardians(accounts.length, threshold, waiting); // ascending: each once
        }
        ++_round;
        (_guardians, _threshold, _waiting) = (accounts, threshold, waiting);
        emit GuardiansSet(accounts, threshold, waiting);
    }

    /// @inheritdoc IPasskeyAccount
    function supportRecovery(bytes32 x, bytes32 y) external {
        uint8 bit = _guardianBit(msg.sender);
        if (!P256.isValidPublicKey(x, y)) revert InvalidKey(x, y);
        Recovery storage asked = _recoveries[_round][_keyId(x, y)];
        asked.supporters |= bit;
        if (asked.readyAt == 0 && _count(asked.supporters) >= _threshold) asked.readyAt = uint40(block.timestamp) + _waiting;
        emit RecoverySupported(msg.sender, x, y, asked.readyAt);
    }

    /// @inheritdoc IPasskeyAccount
    function cancelRecovery() external onlyAccount {
        ++_round;
        emit RecoveryCancelled();
    }

    /// @inheritdoc IPasskeyAccount
    function finishRecovery(bytes32 x, bytes32 y) external {
        uint40 readyAt = _recoveries[_round][_keyId(x, y)].readyAt;
        if (readyAt == 0) revert NoRecovery(x, y);
        if (block.timestamp < readyAt) revert RecoveryNotReady(readyAt);
        ++_round;
        ++_generation;
        _keyCount = 0;
        emit Recovered(_addKey(x, y));
    }

    /// @inheritdoc IPasskeyAccount
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4 magic) {
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(MESSAGE_TYPEHASH, hash)));
        return _isSigned(digest, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @inheritdoc IPasskeyAccount
    function hasKey(bytes32 keyId) external view returns (bool held) {
        return _isHeld(_keys[keyId]);
    }

    /// @inheritdoc IPasskeyAccount
    function guardians() external view returns (address[] memory accounts, uint8 threshold, uint40 waiting) {
        return (_guardians, _threshold, _waiting);
    }

    /// @inheritdoc IPasskeyAccount
    function recoveryOf(bytes32 x, bytes32 y) external view returns (uint8 supporters, uint40 readyAt) {
        Recovery memory asked = _recoveries[_round][_keyId(x, y)];
        return (_count(asked.supporters), asked.readyAt);
    }

    /// @inheritdoc IPasskeyAccount
    function rpIdHash() public view returns (bytes32 hash) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (bytes32));
    }

    function _addKey(bytes32 x, bytes32 y) private returns (bytes32 keyId) {
        keyId = _keyId(x, y);
        if (!P256.isValidPublicKey(x, y) || _isHeld(_keys[keyId])) revert InvalidKey(x, y);
        _keys[keyId] = Key(x, y, _generation);
        ++_keyCount;
        emit KeyAdded(keyId, x, y);
    }

    /// @dev The limited verification algorithm of WebAuthn (section 5.8.1.2): browsers write type and challenge first.
    function _isSigned(bytes32 digest, bytes calldata signature) private view returns (bool) {
        (bytes32 keyId, bytes memory authenticatorData, bytes memory clientData, bytes32 r, bytes32 s) =
            abi.decode(signature, (bytes32, bytes, bytes, bytes32, bytes32));
        Key memory key = _keys[keyId];
        return _isHeld(key) && _isOfThisSite(authenticatorData) && _isAnswerTo(digest, clientData)
            && P256.verify(sha256(bytes.concat(authenticatorData, sha256(clientData))), r, s, key.x, key.y);
    }

    function _isHeld(Key memory key) private view returns (bool) {
        return key.generation != 0 && key.generation == _generation;
    }

    function _isOfThisSite(bytes memory authenticatorData) private view returns (bool) {
        return authenticatorData.length >= AUTHENTICATOR_DATA_BYTES && bytes32(authenticatorData) == rpIdHash()
            && authenticatorData[FLAGS_AT] & PRESENT_AND_VERIFIED == PRESENT_AND_VERIFIED;
    }

    function _isAnswerTo(bytes32 digest, bytes memory clientData) private pure returns (bool) {
        bytes memory expected = bytes.concat(CLIENT_DATA, bytes(Base64.encodeURL(abi.encode(digest))), '"');
        if (clientData.length < expected.length) return false;
        for (uint256 i = 0; i < expected.length; ++i) {
            if (clientData[i] != expected[i]) return false;
        }
        return true;
    }

    function _guardianBit(address account) private view returns (uint8) {
        for (uint256 i = 0; i < _guardians.length; ++i) {
            if (_guardians[i] == account) return uint8(1 << i);
        }
        revert NotGuardian(account);
    }

    function _keyId(bytes32 x, bytes32 y) private pure returns (bytes32) {
        return keccak256(abi.encode(x, y));
    }

    function _count(uint8 bits) private pure returns (uint8 count) {
        for (; bits != 0; bits &= bits - 1) {
            ++count;
        }
    }
}
