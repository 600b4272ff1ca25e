// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IPasskeyAccount} from "../../contracts/interfaces/IPasskeyAccount.sol";
import {IPasskeyFactory} from "../../contracts/interfaces/IPasskeyFactory.sol";
import {PasskeyFixture} from "./PasskeyFixture.sol";

/// create
///   given a point of the curve
///     it makes the account where addressOf says, with that key and site; a second time it is the same
///   given no point of the curve
///     it refuses
/// initialize
///   when the account is made
///     it refuses
contract PasskeyFactoryTest is PasskeyFixture {
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
}
