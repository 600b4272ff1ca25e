// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {NoncesKeyed} from "@openzeppelin/contracts/utils/NoncesKeyed.sol";
import {Signed} from "./Signed.sol";

/// @notice Typed data with a keyed nonce and a deadline: accepted once, in time.
abstract contract SignedOnce is Signed, NoncesKeyed {
    /// @param structHash Of the typed data, nonce and deadline included.
    function _useSignature(address signer, bytes32 structHash, uint256 nonce, uint40 deadline, bytes calldata signature) internal {
        _checkInTime(deadline);
        _useCheckedNonce(signer, nonce);
        _checkSignature(signer, _hashTypedDataV4(structHash), signature);
    }
}
