// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {Fixture} from "./Fixture.sol";

/// @notice A grantee, and an operator who may open grants once the patient approved it.
abstract contract ConsentFixture is Fixture {
    uint40 internal constant END = NOW + 1 days;
    uint40 internal constant LONGEST = 731 days;

    address internal operator = address(0x0B);

    function _approve(Scope memory limits, uint32 longest) internal {
        vm.prank(owner);
        consents.setOperator(PATIENT, operator, limits, longest);
    }

    function _open(Scope memory scope) internal returns (uint32) {
        vm.prank(operator);
        return consents.open(PATIENT, grantee, scope);
    }

    /// @dev A grant an operator opened, as a purchase is.
    function _purchased() internal {
        _approve(_scope(0, NOW + 30 days), 1 days);
        _open(_scope(NOW, END));
    }

    function _allowed() internal view returns (bool) {
        return consents.isAllowed(PATIENT, grantee, 2, 4);
    }

    function _expectsRevocation(address by) internal {
        vm.expectEmit(address(consents));
        emit IERC1155.TransferSingle(by, grantee, address(0), PATIENT, 1);
    }
}
