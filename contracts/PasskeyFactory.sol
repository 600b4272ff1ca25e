// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {PasskeyAccount} from "./PasskeyAccount.sol";
import {IPasskeyAccount} from "./interfaces/IPasskeyAccount.sol";
import {IPasskeyFactory} from "./interfaces/IPasskeyFactory.sol";

/// @notice See IPasskeyFactory.
contract PasskeyFactory is IPasskeyFactory {
    address public immutable PATTERN = address(new PasskeyAccount());

    /// @inheritdoc IPasskeyFactory
    function create(bytes32 x, bytes32 y, bytes32 rpIdHash) external returns (address account) {
        if (!P256.isValidPublicKey(x, y)) revert InvalidKey(x, y);
        account = addressOf(x, y, rpIdHash);
        if (account.code.length > 0) return account;
        Clones.cloneDeterministicWithImmutableArgs(PATTERN, abi.encode(rpIdHash), keccak256(abi.encode(x, y)));
        IPasskeyAccount(account).initialize(x, y);
        emit AccountCreated(account, x, y, rpIdHash);
    }

    /// @inheritdoc IPasskeyFactory
    function addressOf(bytes32 x, bytes32 y, bytes32 rpIdHash) public view returns (address account) {
        return Clones.predictDeterministicAddressWithImmutableArgs(PATTERN, abi.encode(rpIdHash), keccak256(abi.encode(x, y)));
    }
}
