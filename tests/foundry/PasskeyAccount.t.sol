// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {IPasskeyAccount} from "../../contracts/interfaces/IPasskeyAccount.sol";
import {IPasskeyFactory} from "../../contracts/interfaces/IPasskeyFactory.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {Fixture} from "./Fixture.sol";

interface VmP256 {
    function publicKeyP256(uint256 key) external pure returns (uint256 x, uint256 y);
    function signP256(uint256 key, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function chainId(uint256 id) external;
}

/// Passkey accounts
///   factory
///     given a point of the curve, the account is where addressOf says, with that key and site; a second time it is the same
///     given another key or site, it is another account
///     given no point of the curve, it refuses
///   signature
///     given the passkey's assertion over the account's own message, it is valid
///     given another site, hash, type, challenge, account or chain; no touch, no verification; a high s; a stranger's
///     or a removed key; an altered byte: it is not
///   execute
///     given the passkey's call, anybody may send it, once, before its deadline, and a revert comes through
///     given any field changed, it refuses
///   keys
///     given the account, it adds and removes; the last one stays
///     given anybody else, it refuses
///   guardians
///     given enough of them and the waiting time, the new key stands alone and old signatures are worth nothing
///     given too few, too early, a stranger, a cancelled recovery or one before guardians changed, it refuses
///     given one of two for another key, the recovery that runs is not held up
///   a twin
///     given an account that owns one, consent and revocation by its passkey stand like anybody's
contract PasskeyAccountTest is Fixture {
    VmP256 private constant p256 = VmP256(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    uint256 private constant P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF;
    uint256 private constant KEY = 0xFACE;
    uint256 private constant OTHER_KEY = 0xCAFE;
    bytes32 private constant SITE = 0x925ce5fc402dd6aa9facd13d8769ace74fcfd7d51e2ab7bca0aa8fa0bf2d8d90; // SHA-256 of hospital.example
    bytes1 private constant TOUCHED = 0x05;
    IPasskeyFactory private factory;
    IPasskeyAccount private account;

    function setUp() public override {
        super.setUp();
        factory = IPasskeyFactory(vm.deployCode("PasskeyFactory.sol:PasskeyFactory"));
        account = _create(KEY, SITE);
    }

    // -- factory ---------------------------------------------------------------------------------

    function test_AccountIsWhereItWillBe(uint256 seed) public {
        uint256 key = _bound(seed, 1, N - 1);
        (bytes32 x, bytes32 y) = _public(key);
        address expected = factory.addressOf(x, y, SITE);
        IPasskeyAccount made = _create(key, SITE);
        vm.assertEq(address(made), expected);
        vm.assertEq(address(_create(key, SITE)), expected);
        vm.assertTrue(made.hasKey(_keyId(key)));
        vm.assertEq(made.rpIdHash(), SITE);
        vm.assertTrue(address(_create(key, sha256("elsewhere.example"))) != expected);
    }

    function test_RevertWhen_KeyIsNotOnTheCurve(uint256 seed, uint256 flip) public {
        (bytes32 x, bytes32 y) = _public(_bound(seed, 1, N - 1));
        bytes32 mirrored = bytes32(P - uint256(y)); // the only other point over this x
        y ^= bytes32(flip);
        vm.assume(flip != 0 && y != mirrored);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyFactory.InvalidKey.selector, x, y));
        factory.create(x, y, SITE);
    }

    function test_RevertWhen_InitializedAgain() public {
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.AlreadyInitialized.selector));
        account.initialize(x, y);
    }

    // -- signature -------------------------------------------------------------------------------

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

    // -- execute ---------------------------------------------------------------------------------

    function test_AnybodySendsTheCall(uint192 lane) public {
        uint256 id = uint256(keccak256(abi.encode(lane))) << 8 | 1;
        bytes memory data = abi.encodeCall(twins.mint, (id));
        _execute(address(twins), data, uint256(lane) << 64);
        vm.assertEq(twins.ownerOf(id), address(account));
    }

    function test_RevertWhen_CallIsSentTwice() public {
        bytes memory data = abi.encodeCall(twins.voidGrants, (_mint()));
        bytes memory signature = _callSigned(address(twins), data, 0, NOW + 1);
        account.execute(address(twins), data, 0, NOW + 1, signature);
        vm.expectRevert(abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", account, 1));
        account.execute(address(twins), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_CallIsLate() public {
        bytes memory data = abi.encodeCall(twins.mint, (1));
        bytes memory signature = _callSigned(address(twins), data, 0, NOW);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.SignatureExpired.selector, NOW));
        account.execute(address(twins), data, 0, NOW, signature);
    }

    function test_RevertWhen_FieldWasChanged(uint8 field) public {
        address target = address(twins);
        bytes memory data = abi.encodeCall(twins.mint, (1));
        uint256 nonce = 0;
        uint40 deadline = NOW + 1;
        bytes memory signature = _callSigned(target, data, nonce, deadline);
        if (field % 4 == 0) target = address(consents);
        if (field % 4 == 1) data = abi.encodeCall(twins.mint, (257));
        if (field % 4 == 2) nonce = 1 << 64;
        if (field % 4 == 3) deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidSignature.selector, account));
        account.execute(target, data, nonce, deadline, signature);
    }

    function test_RevertWhen_MessageIsUsedAsCall() public {
        bytes memory data = abi.encodeCall(twins.mint, (1));
        bytes32 hash = _callDigest(address(twins), data, 0, NOW + 1);
        bytes memory signature = _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash));
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidSignature.selector, account));
        account.execute(address(twins), data, 0, NOW + 1, signature);
    }

    function test_RevertOfTheTargetComesThrough() public {
        bytes memory data = abi.encodeCall(twins.voidGrants, (PATIENT));
        bytes memory signature = _callSigned(address(twins), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSignature("NotTwinOwner(uint256,address)", PATIENT, account));
        account.execute(address(twins), data, 0, NOW + 1, signature);
    }

    // -- keys ------------------------------------------------------------------------------------

    function test_SecondKeySigns_RemovedOneDoesNot(bytes32 hash) public {
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _execute(address(account), abi.encodeCall(account.addKey, (x, y)), 0);
        bytes memory signature = _signed(OTHER_KEY, SITE, TOUCHED, _messageDigest(account, hash));
        vm.assertTrue(_isValid(account, hash, signature));
        _execute(address(account), abi.encodeCall(account.removeKey, (_keyId(OTHER_KEY))), 1);
        vm.assertFalse(account.hasKey(_keyId(OTHER_KEY)));
        vm.assertFalse(_isValid(account, hash, signature));
    }

    function test_RevertWhen_KeyIsHeldAlready() public {
        (bytes32 x, bytes32 y) = _public(KEY);
        bytes memory data = abi.encodeCall(account.addKey, (x, y));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidKey.selector, x, y));
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_LastKeyWouldGo() public {
        bytes memory data = abi.encodeCall(account.removeKey, (_keyId(KEY)));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.LastKey.selector, _keyId(KEY)));
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_RemovedKeyIsUnknown() public {
        bytes memory data = abi.encodeCall(account.removeKey, (_keyId(OTHER_KEY)));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidKey.selector, bytes32(0), bytes32(0)));
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    function test_RevertWhen_OthersChangeKeysOrGuardians() public {
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        bytes memory refusal = abi.encodeWithSelector(IPasskeyAccount.NotAccount.selector, stranger);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.addKey(x, y);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.removeKey(_keyId(KEY));
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.setGuardians(_two(), 2, 1 days);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        account.cancelRecovery();
    }

    // -- guardians -------------------------------------------------------------------------------

    function test_GuardiansReplaceTheKeys(bytes32 hash) public {
        _appoint(2, 3 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(grantee, x, y);
        _support(owner, x, y);
        (uint8 supporters, uint40 readyAt) = account.recoveryOf(x, y);
        vm.assertEq(uint256(supporters), 2);
        vm.assertEq(uint256(readyAt), uint256(NOW + 3 days));
        vm.warp(readyAt);
        account.finishRecovery(x, y);
        vm.assertFalse(account.hasKey(_keyId(KEY)));
        vm.assertFalse(_isValid(account, hash, _signed(KEY, SITE, TOUCHED, _messageDigest(account, hash))));
        vm.assertTrue(_isValid(account, hash, _signed(OTHER_KEY, SITE, TOUCHED, _messageDigest(account, hash))));
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
    }

    function test_RevertWhen_RecoveryIsEarly(uint40 wait) public {
        _appoint(2, 3 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(grantee, x, y);
        _support(owner, x, y);
        vm.warp(NOW + _bound(wait, 0, 3 days - 1));
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.RecoveryNotReady.selector, NOW + 3 days));
        account.finishRecovery(x, y);
    }

    function test_OneGuardianTwiceIsOne() public {
        _appoint(2, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(grantee, x, y);
        _support(grantee, x, y);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
    }

    function test_SupportForAnotherKeyHoldsNothingUp() public {
        _appoint(2, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        (bytes32 falseX, bytes32 falseY) = _public(0xBAD);
        _support(grantee, x, y);
        _support(owner, x, y);
        _support(owner, falseX, falseY);
        _support(owner, x, y);
        vm.warp(NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, falseX, falseY));
        account.finishRecovery(falseX, falseY);
        account.finishRecovery(x, y);
        vm.assertTrue(account.hasKey(_keyId(OTHER_KEY)));
    }

    function test_OwnerCallsItOff() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(owner, x, y);
        _execute(address(account), abi.encodeCall(account.cancelRecovery, ()), 1);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
    }

    function test_NewGuardiansEndARecovery() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        _support(owner, x, y);
        _execute(address(account), abi.encodeCall(account.setGuardians, (new address[](0), 0, 0)), 1);
        vm.warp(NOW + 30 days);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NoRecovery.selector, x, y));
        account.finishRecovery(x, y);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NotGuardian.selector, owner));
        vm.prank(owner);
        account.supportRecovery(x, y);
    }

    function test_RevertWhen_StrangerSupports() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.NotGuardian.selector, stranger));
        vm.prank(stranger);
        account.supportRecovery(x, y);
    }

    function test_RevertWhen_SupportedKeyIsNotOnTheCurve() public {
        _appoint(1, 1 days);
        (bytes32 x, bytes32 y) = _public(OTHER_KEY);
        y = bytes32(uint256(y) ^ 1);
        vm.expectRevert(abi.encodeWithSelector(IPasskeyAccount.InvalidKey.selector, x, y));
        vm.prank(owner);
        account.supportRecovery(x, y);
    }

    function test_GuardiansAreTold() public {
        _appoint(2, 3 days);
        (address[] memory told, uint8 threshold, uint40 waiting) = account.guardians();
        vm.assertEq(keccak256(abi.encode(told)), keccak256(abi.encode(_two())));
        vm.assertEq(uint256(threshold), 2);
        vm.assertEq(uint256(waiting), uint256(3 days));
    }

    function test_RevertWhen_GuardiansMakeNoSense(uint8 kind) public {
        address[] memory all = _two();
        uint8 threshold = 2;
        uint40 waiting = 1 days;
        if (kind % 6 == 0) threshold = 0;
        if (kind % 6 == 1) threshold = 3;
        if (kind % 6 == 2) waiting = 1 days - 1;
        if (kind % 6 == 3) waiting = 30 days + 1;
        if (kind % 6 == 4) (all[0], all[1]) = (all[1], all[0]);
        if (kind % 6 == 5) all = new address[](9);
        bytes memory data = abi.encodeCall(account.setGuardians, (all, threshold, waiting));
        bytes memory signature = _callSigned(address(account), data, 0, NOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPasskeyAccount.InvalidGuardians.selector, all.length, threshold, waiting)
        );
        account.execute(address(account), data, 0, NOW + 1, signature);
    }

    // -- a twin ----------------------------------------------------------------------------------

    function test_ConsentAndRevocationByPasskey() public {
        uint256 id = _mint();
        Scope memory scope = _scope(NOW, NOW + 7 days);
        bytes32 grantHash = _typed(
            address(consents),
            abi.encode(
                keccak256(
                    "ConsentGrant(uint256 twinId,address grantee,uint32 categories,uint32 purposes,uint40 notBefore,uint40 expiry,uint32 epoch,uint256 nonce,uint40 deadline)"
                ),
                id, grantee, scope, twins.epochOf(id), 0, NOW + 1
            )
        );
        consents.grantBySignature(
            id, grantee, scope, 0, NOW + 1, _signed(KEY, SITE, TOUCHED, _messageDigest(account, grantHash))
        );
        vm.assertTrue(consents.isAllowed(id, grantee, 2, 1));
        bytes32 stopHash = _typed(
            address(consents),
            abi.encode(
                keccak256("ConsentRevocation(uint256 twinId,address grantee,uint256 nonce,uint40 deadline)"),
                id, grantee, 1, NOW + 1
            )
        );
        consents.revokeBySignature(
            id, grantee, 1, NOW + 1, _signed(KEY, SITE, TOUCHED, _messageDigest(account, stopHash))
        );
        vm.assertFalse(consents.isAllowed(id, grantee, 2, 1));
    }

    // -- inside ----------------------------------------------------------------------------------

    function _create(uint256 key, bytes32 site) private returns (IPasskeyAccount) {
        (bytes32 x, bytes32 y) = _public(key);
        return IPasskeyAccount(factory.create(x, y, site));
    }

    function _public(uint256 key) private pure returns (bytes32, bytes32) {
        (uint256 x, uint256 y) = p256.publicKeyP256(key);
        return (bytes32(x), bytes32(y));
    }

    function _keyId(uint256 key) private pure returns (bytes32) {
        (bytes32 x, bytes32 y) = _public(key);
        return keccak256(abi.encodePacked(x, y));
    }

    function _mint() private returns (uint256 id) {
        id = uint256(keccak256("passkey")) << 8 | 1;
        _execute(address(twins), abi.encodeCall(twins.mint, (id)), 7 << 64);
    }

    function _execute(address target, bytes memory data, uint256 nonce) private {
        uint40 deadline = uint40(block.timestamp) + 1;
        bytes memory signature = _callSigned(target, data, nonce, deadline);
        vm.prank(stranger);
        account.execute(target, data, nonce, deadline, signature);
    }

    function _appoint(uint8 threshold, uint40 waiting) private {
        _execute(address(account), abi.encodeCall(account.setGuardians, (_two(), threshold, waiting)), 0);
    }

    function _two() private view returns (address[] memory all) {
        all = new address[](2);
        (all[0], all[1]) = owner < grantee ? (owner, grantee) : (grantee, owner);
    }

    function _support(address guardian, bytes32 x, bytes32 y) private {
        vm.prank(guardian);
        account.supportRecovery(x, y);
    }

    function _isValid(IPasskeyAccount of_, bytes32 hash, bytes memory signature) private view returns (bool) {
        return of_.isValidSignature(hash, signature) == IERC1271.isValidSignature.selector;
    }

    function _messageDigest(IPasskeyAccount of_, bytes32 hash) private view returns (bytes32) {
        return _typed(address(of_), abi.encode(keccak256("AccountMessage(bytes32 hash)"), hash));
    }

    function _callDigest(address target, bytes memory data, uint256 nonce, uint40 deadline) private view returns (bytes32) {
        bytes32 typehash = keccak256("Call(address target,bytes data,uint256 nonce,uint40 deadline)");
        return _typed(address(account), abi.encode(typehash, target, keccak256(data), nonce, deadline));
    }

    function _callSigned(address target, bytes memory data, uint256 nonce, uint40 deadline)
        private
        view
        returns (bytes memory)
    {
        return _signed(KEY, SITE, TOUCHED, _callDigest(target, data, nonce, deadline));
    }

    function _signed(uint256 key, bytes32 site, bytes1 flags, bytes32 challenge) private pure returns (bytes memory) {
        bytes memory client = bytes.concat(
            '{"type":"webauthn.get","challenge":"', bytes(_base64(challenge)),
            '","origin":"https://hospital.example","crossOrigin":false}'
        );
        return _assertion(key, _authenticatorData(site, flags), client);
    }

    function _authenticatorData(bytes32 site, bytes1 flags) private pure returns (bytes memory) {
        return abi.encodePacked(site, flags, uint32(1));
    }

    function _assertion(uint256 key, bytes memory data, bytes memory client) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = p256.signP256(key, sha256(bytes.concat(data, sha256(client))));
        if (uint256(s) > N / 2) s = bytes32(N - uint256(s));
        return abi.encode(_keyId(key), data, client, r, s);
    }

    function _base64(bytes32 value) private pure returns (string memory) {
        return Base64.encodeURL(abi.encodePacked(value));
    }
}
