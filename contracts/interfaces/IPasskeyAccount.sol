// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title An account that passkeys control: no seed phrase, no ether, no key of the chain's own kind.
/// @notice A signature is abi.encode(bytes32 keyId, bytes authenticatorData, bytes clientDataJSON, bytes32 r, bytes32 s),
/// with a low s, where keyId is keccak256(x, y). Present and verified user, this account's site, and as the WebAuthn
/// challenge a digest of this account's own EIP-712 domain, so that it serves no other account and no other chain.
/// @dev Guardians can replace the passkeys, after a waiting time in which the owner can call it off, and nothing else.
interface IPasskeyAccount is IERC1271 {
    event KeyAdded(bytes32 indexed keyId, bytes32 x, bytes32 y);
    event KeyRemoved(bytes32 indexed keyId);
    event GuardiansSet(address[] guardians, uint8 threshold, uint40 waiting);
    event RecoverySupported(address indexed guardian, bytes32 x, bytes32 y, uint40 readyAt);
    event RecoveryCancelled();
    event Recovered(bytes32 indexed keyId);

    error AlreadyInitialized();
    error NotAccount(address account);
    error NotGuardian(address account);
    error InvalidKey(bytes32 x, bytes32 y);
    error LastKey(bytes32 keyId);
    error InvalidGuardians(uint256 count, uint8 threshold, uint40 waiting);
    error NoRecovery(bytes32 x, bytes32 y);
    error RecoveryNotReady(uint40 readyAt);
    error InvalidSignature(address account);
    error SignatureExpired(uint40 deadline);

    /// @notice The first passkey; once, by the factory.
    function initialize(bytes32 x, bytes32 y) external;

    /// @notice Do what a passkey signed; anyone may send it.
    /// @dev Typed data of this account: Call(address target,bytes data,uint256 nonce,uint40 deadline), with a keyed nonce.
    function execute(address target, bytes calldata data, uint256 nonce, uint40 deadline, bytes calldata signature)
        external
        returns (bytes memory result);

    /// @notice Whether a passkey of this account signed AccountMessage(bytes32 hash) of this account.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view override returns (bytes4 magic);

    /// @notice By the account itself.
    function addKey(bytes32 x, bytes32 y) external;

    /// @notice By the account itself; the last one stays.
    function removeKey(bytes32 keyId) external;

    /// @notice By the account itself: who may recover it (at most 8), how many it takes, and how long the owner can
    /// object (s, 1 to 30 days). None withdraws all. Ends a recovery under way.
    function setGuardians(address[] calldata guardians, uint8 threshold, uint40 waiting) external;

    /// @notice By a guardian: put this key in the place of all others. Support for one key does not count for another,
    /// so that no single guardian can hold a recovery up.
    function supportRecovery(bytes32 x, bytes32 y) external;

    /// @notice By the account itself: whatever guardians ask for is void.
    function cancelRecovery() external;

    /// @notice After the waiting time; anyone may call.
    function finishRecovery(bytes32 x, bytes32 y) external;

    /// @notice The site whose passkeys count: SHA-256 of its name.
    function rpIdHash() external view returns (bytes32 hash);
    function hasKey(bytes32 keyId) external view returns (bool held);
    function guardians() external view returns (address[] memory accounts, uint8 threshold, uint40 waiting);

    /// @notice How many guardians ask for a key, and from when it may be put in place (s; 0: too few do).
    function recoveryOf(bytes32 x, bytes32 y) external view returns (uint8 supporters, uint40 readyAt);
}
