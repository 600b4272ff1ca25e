// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IPasskeyAccount} from "../../contracts/interfaces/IPasskeyAccount.sol";
import {PasskeyFixture} from "./PasskeyFixture.sol";

/// isValidSignature
///   given the passkey's assertion over the account's own message
///     it is valid
///     it is valid with more flags and fields
///   given an assertion for something else
///     it is not for another site
///     it is not for another hash
///     it is not for the bare hash
///     it is not where the challenge stands elsewhere
///     it is not for another account of the same key
///     it is not for another chain
///   given an assertion that shows too little
///     it is not without touch or verification
///     it is not when it registers a key
///     it is not when any byte up to the challenge's end is another
///   given a signature that is no one's here
///     it is not with a high s
///     it is not by a stranger's key
///     it is not by a stranger under a held key's name
///   when bytes are altered, cut or made up
///     it is not with any byte altered
///     it is not with less of the client's data
///     it is never for garbage
contract PasskeyAccountSignatureTest is PasskeyFixture {
    function test_OwnMessageIsValid(bytes32 hash) public view {
        vm.assertTrue(_isValid(account, hash, _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash))));
    }

    function test_MoreFlagsAndFieldsAreValid(bytes32 hash, uint8 flags) public view {
        bytes1 all = bytes1(flags) | TOUCHED;
        vm.assertTrue(_isValid(account, hash, _signed(KEY, SITE, all, _messageDigest(account, hash))));
    }

    function test_OtherSiteIsNot(bytes32 hash, bytes32 site) public view {
        vm.assume(site != SITE);
        vm.assertFalse(_isValid(account, hash, _signed(KEY, site, TOUCHED, _messageDigest(account, hash))));
    }

    function test_OtherHashIsNot(bytes32 hash, bytes32 other) public view {
        vm.assume(hash != other);
        vm.assertFalse(_isValid(account, other, _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash))));
    }

    function test_BareHashIsNot(bytes32 hash) public view {
        vm.assertFalse(_isValid(account, hash, _signed(KEY, SITE, TOUCHED, hash)));
    }

    function test_WithoutTouchOrVerificationIsNot(bytes32 hash, uint8 flags) public view {
        vm.assume(bytes1(flags) & TOUCHED != TOUCHED);
        vm.assertFalse(_isValid(account, hash, _signed(KEY, SITE, bytes1(flags), _messageDigest(account, hash))));
    }

    function test_RegistrationIsNot(bytes32 hash) public view {
        bytes memory client = bytes.concat(
            '{"type":"webauthn.create","challenge":"', bytes(_base64(_messageDigest(account, hash))), '","origin":"x"}'
        );
        vm.assertFalse(_isValid(account, hash, _assertion(KEY, _authenticatorData(SITE, TOUCHED), client)));
    }

    function test_OtherClientDataIsNot() public view {
        bytes memory right =
            bytes.concat('{"type":"webauthn.get","challenge":"', bytes(_base64(_messageDigest(account, bytes32(0)))), '"');
        for (uint256 at = 0; at < right.length; ++at) {
            bytes memory client = bytes.concat(right, ',"origin":"x"}');
            client[at] ^= 0x01;
            vm.assertFalse(_isValid(account, bytes32(0), _assertion(KEY, _authenticatorData(SITE, TOUCHED), client)));
        }
    }

    function test_ChallengeElsewhereIsNot(bytes32 hash, bytes32 other) public view {
        vm.assume(other != hash);
        bytes memory client = bytes.concat(
            '{"type":"webauthn.get","challenge":"', bytes(_base64(_messageDigest(account, other))),
            '","origin":"\\"challenge\\":\\"', bytes(_base64(_messageDigest(account, hash))), '\\""}'
        );
        vm.assertFalse(_isValid(account, hash, _assertion(KEY, _authenticatorData(SITE, TOUCHED), client)));
    }

    function test_ForAnotherAccountOfTheSameKeyIsNot(bytes32 hash) public {
        IPasskeyAccount other = _create(KEY, sha256("elsewhere.example"));
        vm.assertFalse(_isValid(account, hash, _signed(KEY, SITE, TOUCHED, _messageDigest(other, hash))));
    }

    function test_ForAnotherChainIsNot(bytes32 hash) public {
        bytes memory signature = _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash));
        p256.chainId(block.chainid + 1);
        vm.assertFalse(_isValid(account, hash, signature));
    }

    function test_HighSIsNot(bytes32 hash) public view {
        bytes memory signature = _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash));
        (bytes32 id, bytes memory data, bytes memory client, bytes32 r, bytes32 s) =
            abi.decode(signature, (bytes32, bytes, bytes, bytes32, bytes32));
        vm.assertFalse(_isValid(account, hash, abi.encode(id, data, client, r, bytes32(N - uint256(s)))));
    }

    function test_StrangersKeyIsNot(bytes32 hash, uint256 seed) public view {
        uint256 key = _bound(seed, 1, N - 1);
        vm.assume(key != KEY && key != N - KEY);
        vm.assertFalse(_isValid(account, hash, _signed(key, SITE, TOUCHED, _messageDigest(account, hash))));
    }

    function test_StrangersSignatureUnderAHeldKeysNameIsNot(bytes32 hash) public view {
        bytes memory signature = _signed(OTHER_KEY, SITE, TOUCHED, _messageDigest(account, hash));
        (, bytes memory data, bytes memory client, bytes32 r, bytes32 s) =
            abi.decode(signature, (bytes32, bytes, bytes, bytes32, bytes32));
        vm.assertFalse(_isValid(account, hash, abi.encode(_keyId(KEY), data, client, r, s)));
    }

    function test_AlteredByteIsNot(bytes32 hash, uint256 at, uint8 flip) public view {
        bytes memory signature = _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash));
        (bytes32 id, bytes memory data, bytes memory client, bytes32 r, bytes32 s) =
            abi.decode(signature, (bytes32, bytes, bytes, bytes32, bytes32));
        vm.assume(flip != 0);
        if (at % 2 == 0) data[at % data.length] ^= bytes1(flip);
        else client[at % client.length] ^= bytes1(flip);
        vm.assertFalse(_isValid(account, hash, abi.encode(id, data, client, r, s)));
    }

    function test_ClientDataCutShortIsNot(bytes32 hash, uint256 kept) public view {
        bytes memory whole = bytes.concat(
            '{"type":"webauthn.get","challenge":"', bytes(_base64(_messageDigest(account, hash))), '"'
        );
        bytes memory client = new bytes(kept % whole.length);
        for (uint256 i = 0; i < client.length; ++i) client[i] = whole[i];
        vm.assertFalse(_isValid(account, hash, _assertion(KEY, _authenticatorData(SITE, TOUCHED), client)));
        vm.assertTrue(_isValid(account, hash, _assertion(KEY, _authenticatorData(SITE, TOUCHED), whole)));
    }

    function test_GarbageIsNeverValid(bytes32 hash, bytes calldata garbage) public view {
        (bool answered, bytes memory result) =
            address(account).staticcall(abi.encodeCall(IERC1271.isValidSignature, (hash, garbage)));
        vm.assertFalse(answered && abi.decode(result, (bytes4)) == IERC1271.isValidSignature.selector);
    }
}
