// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @notice Stands in for OpenZeppelin's P256 while coverage is measured: that one compiles with the optimizer only,
/// which coverage switches off. The curve is the chain's own (EIP-7951); everything else is as there.
library P256 {
    uint256 internal constant N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    uint256 internal constant P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF;
    uint256 internal constant B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B;

    function verify(bytes32 h, bytes32 r, bytes32 s, bytes32 qx, bytes32 qy) internal view returns (bool) {
        if (uint256(s) > N / 2) return false;
        (bool done, bytes memory answer) = address(0x100).staticcall(abi.encode(h, r, s, qx, qy));
        return done && answer.length == 32;
    }

    function isValidPublicKey(bytes32 x, bytes32 y) internal pure returns (bool) {
        (uint256 a, uint256 b) = (uint256(x), uint256(y));
        if (a >= P || b >= P) return false;
        uint256 right = addmod(addmod(mulmod(mulmod(a, a, P), a, P), mulmod(P - 3, a, P), P), B, P);
        return mulmod(b, b, P) == right;
    }
}
