// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {NoncesKeyed} from "@openzeppelin/contracts/utils/NoncesKeyed.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ISignedOnce} from "../interfaces/ISignedOnce.sol";

/// @notice The one place where typed data with a keyed nonce and a deadline is accepted: for this contract, on this
/// chain, once, in time, from an EOA or an ERC-1271 wallet.
abstract contract SignedOnce is EIP712, NoncesKeyed, ISignedOnce {
    constructor() EIP712("Medtwin", "1") {}

    /// @param structHash Of the typed data, nonce and deadline included.
    function _useSignature(address signer, bytes32 structHash, uint256 nonce, uint40 deadline, bytes calldata signature)
        internal
    {
        if (block.timestamp >= deadline) revert SignatureExpired(deadline);
        _useCheckedNonce(signer, nonce);
        if (!SignatureChecker.isValidSignatureNow(signer, _hashTypedDataV4(structHash), signature)) {
            revert InvalidSignature(signer);
        }
    }
}
