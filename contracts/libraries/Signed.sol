// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ISigned} from "../interfaces/ISigned.sol";

/// @notice The one place where people's signatures are accepted: for this contract, on this chain, in time. That one
/// counts once is the caller's part: SignedOnce has a nonce, others an id that exists once.
abstract contract Signed is EIP712, ISigned {
    constructor() EIP712("Medtwin", "1") {}

    function _checkInTime(uint40 deadline) internal view {
        if (block.timestamp >= deadline) revert SignatureExpired(deadline);
    }

    /// @param signer An EOA or an ERC-1271 wallet.
    function _checkSignature(address signer, bytes32 digest, bytes calldata signature) internal view {
        if (!SignatureChecker.isValidSignatureNow(signer, digest, signature)) revert InvalidSignature(signer);
    }

    /// @dev A device is a bare key (DataAnchor recovers it), so ERC-1271 has no place here.
    function _isByKey(address key, bytes32 digest, bytes calldata signature) internal pure returns (bool) {
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecover(digest, signature);
        return problem == ECDSA.RecoverError.NoError && signer == key;
    }
}
