// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Fixture} from "./Fixture.sol";

/// @notice A parent who may become the patient's guardian.
abstract contract GuardianFixture is Fixture {
    bytes32 internal constant TYPEHASH = keccak256(
        "Guardianship(uint256 twinId,address guardian,address by,uint40 until,uint256 nonce,uint40 deadline)"
    );
    uint256 internal constant PARENT_KEY = 0x9A2E;
    uint256 internal constant NEXT_KEY = 0x9A2F;
    uint40 internal constant END = NOW + 100 days;
    uint40 internal constant DEADLINE = NOW + 10;
    uint40 internal constant LONGEST = 21 * 366 days;

    address internal parent = vm.addr(PARENT_KEY);
    address internal next = vm.addr(NEXT_KEY);

    function _accept(uint256 key, address by, uint40 until, uint256 nonce) internal view returns (bytes memory) {
        bytes memory encoded = abi.encode(TYPEHASH, PATIENT, vm.addr(key), by, until, nonce, DEADLINE);
        return _sign(key, _typed(address(guardians), encoded));
    }

    function _appoint(uint256 key, address by, uint40 until, uint256 nonce) internal {
        bytes memory acceptance = _accept(key, by, until, nonce);
        vm.prank(by);
        guardians.appoint(PATIENT, vm.addr(key), until, nonce, DEADLINE, acceptance);
    }
}
