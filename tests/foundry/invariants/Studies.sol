// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {ISigned} from "../../../contracts/interfaces/ISigned.sol";
import {IStudyRegistry} from "../../../contracts/interfaces/IStudyRegistry.sol";
import {Consents} from "./Consents.sol";

/// @notice A board approves people's studies and withdraws them; sometimes it is no board for a while.
abstract contract Studies is Consents {
    struct Study {
        bytes32 id;
        uint40 expiry;
        uint32 purposes;
        bool given;
        bool withdrawn;
    }

    uint256 private constant BOARD_KEY = 0xB0A2D;

    IStudyRegistry internal studies;
    mapping(address person => Study) internal studyOf;
    bool private _sits;
    uint256 private _numbered;

    function setUp() public virtual override {
        super.setUp();
        studies = IStudyRegistry(vm.deployCode("StudyRegistry.sol:StudyRegistry", abi.encode(administrator)));
        seatBoard();
    }

    function seatBoard() internal returns (bool) {
        _sits = !_sits;
        IAccessControl roles = IAccessControl(address(studies));
        vm.prank(administrator);
        if (_sits) roles.grantRole(keccak256("BOARD_ROLE"), vm.addr(BOARD_KEY));
        else roles.revokeRole(keccak256("BOARD_ROLE"), vm.addr(BOARD_KEY));
        return true;
    }

    function approveStudy(address person) internal returns (bool) {
        if (!_sits && _usually()) return seatBoard();
        Study storage study = studyOf[person];
        if (study.id == 0 || study.withdrawn && _usually()) {
            delete studyOf[person];
            study.id = keccak256(abi.encode("study", ++_numbered));
        }
        (uint40 expiry, uint32 purposes) = (uint40(block.timestamp + 1 + _draw(60 days)), uint32(_oneIn(4) ? 1 : 5));
        bool forged = _oneIn(12);
        bytes4 why = forged ? ISigned.InvalidSignature.selector : bytes4(0);
        if (study.withdrawn) why = IStudyRegistry.StudyIsWithdrawn.selector;
        if (!_sits) why = IStudyRegistry.NotBoard.selector;
        bytes memory call = _approval(study.id, person, purposes, expiry, forged ? STRANGER_KEY : BOARD_KEY);
        if (!_try(person, address(studies), call, why)) return false;
        (study.expiry, study.purposes, study.given) = (expiry, purposes, true);
        return true;
    }

    function withdrawStudy() internal returns (bool) {
        address person = _person();
        Study storage study = studyOf[person];
        if (!study.given || study.withdrawn && _usually()) return approveStudy(person);
        address by = _usually() ? vm.addr(BOARD_KEY) : person;
        bytes4 why = study.withdrawn ? IStudyRegistry.StudyIsWithdrawn.selector : bytes4(0);
        if (by == person) why = IStudyRegistry.OtherBoard.selector;
        if (!_try(by, address(studies), abi.encodeCall(studies.withdraw, (study.id, person)), why)) return false;
        return study.withdrawn = true;
    }

    function passToStudy() internal returns (bool) {
        return _passTo(studyOf[_person()].expiry);
    }

    /// @dev For purposes 1 and 4, until `end`.
    function _isStudied(address person, uint40 end) internal view returns (bool) {
        Study storage study = studyOf[person];
        return study.given && !study.withdrawn && _sits && study.purposes == 5 && block.timestamp < study.expiry
            && end <= study.expiry;
    }

    function _approval(bytes32 study, address person, uint32 purposes, uint40 expiry, uint256 key)
        private
        returns (bytes memory)
    {
        (address board, uint256 nonce, uint40 deadline) =
            (vm.addr(BOARD_KEY), ++_numbered << 64, uint40(block.timestamp + 1));
        bytes32 typehash = keccak256(
            "StudyApproval(bytes32 study,address researcher,address board,uint32 purposes,uint40 expiry,uint256 nonce,uint40 deadline)"
        );
        bytes memory terms = abi.encode(typehash, study, person, board, purposes, expiry, nonce, deadline);
        bytes memory signature = _sign(key, _typed(address(studies), terms));
        return abi.encodeWithSelector(
            studies.approve.selector, study, person, board, purposes, expiry, nonce, deadline, signature
        );
    }
}
