// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {IPasskeyAccount} from "../../../contracts/interfaces/IPasskeyAccount.sol";
import {IPasskeyFactory} from "../../../contracts/interfaces/IPasskeyFactory.sol";
import {VmP256} from "../PasskeyFixture.sol";
import {World} from "./World.sol";

interface INonces {
    function nonces(address account, uint192 key) external view returns (uint256);
}

/// @notice A passkey account: its keys come and go, guardians give it back, and what was signed once counts once.
abstract contract Accounts is World {
    uint256 internal constant PASSKEYS = 3;
    uint256 private constant HALF_ORDER = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8;
    uint256 private constant ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    bytes32 private constant SITE = keccak256("site");
    VmP256 private constant p256 = VmP256(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    IPasskeyAccount internal account;
    bool[PASSKEYS] internal isKey;
    bytes32[PASSKEYS] internal keyIds;
    uint256 internal callsMade;
    uint40 internal readyAt;
    uint256 private _lostBy;

    function setUp() public virtual override {
        super.setUp();
        IPasskeyFactory factory = IPasskeyFactory(vm.deployCode("PasskeyFactory.sol:PasskeyFactory"));
        for (uint256 i = 0; i < PASSKEYS; ++i) {
            (bytes32 x, bytes32 y) = _point(i);
            keyIds[i] = keccak256(abi.encode(x, y));
        }
        (bytes32 firstX, bytes32 firstY) = _point(0);
        account = IPasskeyAccount(factory.create(firstX, firstY, SITE));
        isKey[0] = true;
        address[] memory helpers = new address[](1);
        helpers[0] = people[0];
        _execute(0, abi.encodeCall(account.setGuardians, (helpers, 1, 1 days)), 0);
    }

    /// @dev Adds a key that is not there, removes one that is, or is refused; then the same call is tried again.
    function changeKeys() internal returns (bool) {
        uint256 which = _draw(PASSKEYS);
        (bytes32 x, bytes32 y) = _point(which);
        bytes4 why = isKey[which] && _keyCount() == 1 ? IPasskeyAccount.LastKey.selector : bytes4(0);
        uint256 by = _anyKey();
        bytes memory change = isKey[which] ? abi.encodeCall(account.removeKey, (keyIds[which])) : abi.encodeCall(account.addKey, (x, y));
        bytes memory call = _execute(by, change, why);
        if (why != 0) return false;
        isKey[which] = !isKey[which];
        why = isKey[by] ? Nonces.InvalidAccountNonce.selector : IPasskeyAccount.InvalidSignature.selector;
        _refused(stranger, address(account), call, why);
        return true;
    }

    /// @dev A key that was removed or never added says what only a key may.
    function signAsStranger() internal returns (bool) {
        uint256 which = _draw(PASSKEYS);
        if (isKey[which]) return changeKeys();
        _execute(which, abi.encodeCall(account.cancelRecovery, ()), IPasskeyAccount.InvalidSignature.selector);
        return false;
    }

    /// @dev A guardian asks for a key; when the time has come it stands alone, unless the owner objected.
    function recover() internal returns (bool) {
        (bytes32 x, bytes32 y) = _point(_lostBy);
        if (readyAt == 0) {
            _lostBy = _draw(PASSKEYS);
            (x, y) = _point(_lostBy);
            vm.prank(people[0]);
            account.supportRecovery(x, y);
            readyAt = uint40(block.timestamp + 1 days);
            return true;
        }
        if (block.timestamp < readyAt && _oneIn(2)) {
            _execute(_anyKey(), abi.encodeCall(account.cancelRecovery, ()), 0);
            readyAt = 0;
            return true;
        }
        bytes memory call = abi.encodeCall(account.finishRecovery, (x, y));
        bytes4 why = block.timestamp < readyAt ? IPasskeyAccount.RecoveryNotReady.selector : bytes4(0);
        if (!_try(stranger, address(account), call, why)) return false;
        for (uint256 i = 0; i < PASSKEYS; ++i) {
            isKey[i] = i == _lostBy;
        }
        readyAt = 0;
        return true;
    }

    function passToRecovery() internal returns (bool) {
        return _passTo(readyAt);
    }

    function _keyCount() internal view returns (uint256 count) {
        for (uint256 i = 0; i < PASSKEYS; ++i) {
            if (isKey[i]) ++count;
        }
    }

    function _anyKey() private returns (uint256 which) {
        which = _draw(PASSKEYS);
        while (!isKey[which]) which = (which + 1) % PASSKEYS;
    }

    function _point(uint256 which) private pure returns (bytes32, bytes32) {
        (uint256 x, uint256 y) = p256.publicKeyP256(which + 1);
        return (bytes32(x), bytes32(y));
    }

    function _execute(uint256 which, bytes memory data, bytes4 why) private returns (bytes memory call) {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes32 typehash = keccak256("Call(address target,bytes data,uint256 nonce,uint40 deadline)");
        bytes32 digest = _typed(address(account), abi.encode(typehash, account, keccak256(data), callsMade, deadline));
        bytes memory client =
            bytes.concat('{"type":"webauthn.get","challenge":"', bytes(Base64.encodeURL(abi.encode(digest))), '"}');
        bytes memory said = abi.encodePacked(SITE, bytes1(0x05), uint32(1));
        (bytes32 r, bytes32 s) = p256.signP256(which + 1, sha256(bytes.concat(said, sha256(client))));
        if (uint256(s) > HALF_ORDER) s = bytes32(ORDER - uint256(s));
        bytes memory signature = abi.encode(keyIds[which], said, client, r, s);
        call = abi.encodeCall(account.execute, (address(account), data, callsMade, deadline, signature));
        if (_try(stranger, address(account), call, why)) ++callsMade;
    }
}
