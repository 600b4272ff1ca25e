// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Checks} from "./Checks.sol";

interface VmFile {
    function writeLine(string calldata path, string calldata line) external;
    function toString(uint256 value) external pure returns (string memory);
}

/// @notice All checks after every walk. Two halves, so that two cores are busy.
/// @dev What each run did is left in a file for `scripts/campaign.py`, which adds it up: a harness that does not say
/// how much it tried has shown nothing.
abstract contract Campaign {
    struct FuzzSelector { address addr; bytes4[] selectors; }

    VmFile private constant vm = VmFile(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    Checks internal life;

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(life);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory chosen) {
        bytes4[] memory ids = new bytes4[](1);
        ids[0] = life.walk.selector;
        chosen = new FuzzSelector[](1);
        chosen[0] = FuzzSelector(address(life), ids);
    }

    function invariant_everythingHolds() public view {
        life.checkConsents();
        life.checkMarkets();
        life.checkData();
        life.checkWard();
        life.checkAccounts();
        life.checkGuardians();
        life.checkEdge();
        life.checkBundles();
    }

    /// @dev The half, then calls, refusals among them, and faults; forge calls this once more after its last run.
    function afterInvariant() public {
        string memory told = vm.toString(life.half());
        uint256[3] memory counts = [life.calls(), life.refusals(), life.faults()];
        for (uint256 i = 0; i < 3; ++i) {
            told = string.concat(told, " ", vm.toString(counts[i]));
        }
        vm.writeLine("build/foundry/walks.txt", told);
    }
}

contract FirstHalfTest is Campaign {
    function setUp() public {
        life = new Checks(1);
    }
}

contract SecondHalfTest is Campaign {
    function setUp() public {
        life = new Checks(2);
    }
}
