// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {IPasskeyAccount} from "../../contracts/interfaces/IPasskeyAccount.sol";
import {IPasskeyFactory} from "../../contracts/interfaces/IPasskeyFactory.sol";
import {Fixture} from "./Fixture.sol";

interface VmP256 {
    function publicKeyP256(uint256 key) external pure returns (uint256 x, uint256 y);
    function signP256(uint256 key, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function chainId(uint256 id) external;
}

/// @notice An account of one passkey, and what that passkey signs.
abstract contract PasskeyFixture is Fixture {
    VmP256 internal constant p256 = VmP256(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    uint256 internal constant P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF;
    uint256 internal constant KEY = 0xFACE;
    uint256 internal constant OTHER_KEY = 0xCAFE;
    bytes32 internal constant SITE = 0x925ce5fc402dd6aa9facd13d8769ace74fcfd7d51e2ab7bca0aa8fa0bf2d8d90; // SHA-256 of hospital.example
    bytes1 internal constant TOUCHED = 0x05;
    IPasskeyFactory internal factory;
    IPasskeyAccount internal account;

    function setUp() public virtual override {
        super.setUp();
        factory = IPasskeyFactory(vm.deployCode("PasskeyFactory.sol:PasskeyFactory"));
        account = _create(KEY, SITE);
    }

    function _create(uint256 key, bytes32 site) internal returns (IPasskeyAccount) {
        (bytes32 x, bytes32 y) = _public(key);
        return IPasskeyAccount(factory.create(x, y, site));
    }

    function _public(uint256 key) internal pure returns (bytes32, bytes32) {
        (uint256 x, uint256 y) = p256.publicKeyP256(key);
        return (bytes32(x), bytes32(y));
    }

    function _keyId(uint256 key) internal pure returns (bytes32) {
        (bytes32 x, bytes32 y) = _public(key);
        return keccak256(abi.encodePacked(x, y));
    }

    function _mint() internal returns (uint256 id) {
        id = uint256(keccak256("passkey")) << 8 | 1;
        _execute(address(twins), abi.encodeCall(twins.mint, (id)), 7 << 64);
    }

    function _execute(address target, bytes memory data, uint256 nonce) internal {
        uint40 deadline = uint40(block.timestamp) + 1;
        bytes memory signature = _callSigned(target, data, nonce, deadline);
        vm.prank(stranger);
        account.execute(target, data, nonce, deadline, signature);
    }

    function _appoint(uint8 threshold, uint40 waiting) internal {
        _execute(address(account), abi.encodeCall(account.setGuardians, (_two(), threshold, waiting)), 0);
    }

    function _two() internal view returns (address[] memory all) {
        all = new address[](2);
        (all[0], all[1]) = owner < grantee ? (owner, grantee) : (grantee, owner);
    }

    function _support(address guardian, bytes32 x, bytes32 y) internal {
        vm.prank(guardian);
        account.supportRecovery(x, y);
    }

    function _isValid(IPasskeyAccount of_, bytes32 hash, bytes memory signature) internal view returns (bool) {
        return of_.isValidSignature(hash, signature) == IERC1271.isValidSignature.selector;
    }

    function _messageDigest(IPasskeyAccount of_, bytes32 hash) internal view returns (bytes32) {
        return _typed(address(of_), abi.encode(keccak256("AccountMessage(bytes32 hash)"), hash));
    }

    function _callDigest(address target, bytes memory data, uint256 nonce, uint40 deadline) internal view returns (bytes32) {
        bytes32 typehash = keccak256("Call(address target,bytes data,uint256 nonce,uint40 deadline)");
        return _typed(address(account), abi.encode(typehash, target, keccak256(data), nonce, deadline));
    }

    function _callSigned(address target, bytes memory data, uint256 nonce, uint40 deadline)
        internal
        view
        returns (bytes memory)
    {
        return _signed(KEY, SITE, TOUCHED, _callDigest(target, data, nonce, deadline));
    }

    function _signed(uint256 key, bytes32 site, bytes1 flags, bytes32 challenge) internal pure returns (bytes memory) {
        bytes memory client = bytes.concat(
            '{"type":"webauthn.get","challenge":"', bytes(_base64(challenge)),
            '","origin":"https://hospital.example","crossOrigin":false}'
        );
        return _assertion(key, _authenticatorData(site, flags), client);
    }

    function _authenticatorData(bytes32 site, bytes1 flags) internal pure returns (bytes memory) {
        return abi.encodePacked(site, flags, uint32(1));
    }

    function _assertion(uint256 key, bytes memory data, bytes memory client) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = p256.signP256(key, sha256(bytes.concat(data, sha256(client))));
        if (uint256(s) > N / 2) s = bytes32(N - uint256(s));
        return abi.encode(_keyId(key), data, client, r, s);
    }

    function _base64(bytes32 value) internal pure returns (string memory) {
        return Base64.encodeURL(abi.encodePacked(value));
    }
}
