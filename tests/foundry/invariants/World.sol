// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ITwinToken} from "../../../contracts/interfaces/ITwinToken.sol";
import {Fixture} from "../Fixture.sol";

/// @notice Chance, time, people and twins of a walk, and what the walk counts. Everything is drawn from one seed.
abstract contract World is Fixture {
    struct Twin {
        uint256 id;
        uint8 owner;
        uint32 epoch;
        uint32 minted;
        bool retired;
    }

    uint256 internal constant PEOPLE = 4;
    uint256 internal constant PERSON_KEY = 0x9E0;
    uint256 internal constant SLOTS = 3;

    address[] internal people;
    address[] internal owners;
    uint256[] internal ownerKeys;
    Twin[SLOTS] internal twinsOf;
    uint256[] internal retired;

    uint256 public calls;
    uint256 public refusals;
    uint256 public faults;
    uint256 private _chance;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < PEOPLE; ++i) {
            people.push(vm.addr(PERSON_KEY + i));
        }
        ownerKeys = [OWNER_KEY, OWNER_KEY + 1];
        owners = [owner, vm.addr(OWNER_KEY + 1)];
        twinsOf[0].id = PATIENT;
        twinsOf[2].id = WARD;
        _mint(twinsOf[1], 2);
    }

    // -- chance ------------------------------------------------------------------

    function _begin(uint256 seed) internal {
        _chance = seed;
    }

    function _draw(uint256 below) internal returns (uint256) {
        _chance = uint256(keccak256(abi.encode(_chance)));
        return _chance % below;
    }

    function _oneIn(uint256 many) internal returns (bool) {
        return _draw(many) == 0;
    }

    function _person() internal returns (address) {
        return people[_draw(PEOPLE)];
    }

    /// @dev Mostly true, so that most people do what they may; else whatever was drawn.
    function _usually() internal returns (bool) {
        return !_oneIn(8);
    }

    // -- time --------------------------------------------------------------------

    /// @dev Seconds, hours or days on; half-open intervals are tried at their ends by `_passTo`.
    function pass() internal returns (bool) {
        uint256 kind = _draw(4);
        vm.warp(block.timestamp + 1 + _draw(kind == 0 ? 3 : kind < 3 ? 3 hours : 3 days));
        return true;
    }

    /// @dev The second before an end, the end, or the second after it.
    function _passTo(uint40 end) internal returns (bool) {
        uint256 then = uint256(end) + _draw(3);
        if (then == 0 || then - 1 <= block.timestamp || then > block.timestamp + 90 days) return pass();
        vm.warp(then - 1);
        return true;
    }

    // -- twins -------------------------------------------------------------------

    function _ownerOf(Twin storage twin) internal view returns (address) {
        return owners[twin.owner];
    }

    /// @dev A drawn twin; in the place of a retired one another is minted.
    function _liveTwin() internal returns (Twin storage twin) {
        uint256 slot = _draw(SLOTS);
        twin = twinsOf[slot];
        if (twin.retired) _mint(twin, uint8(twin.id));
    }

    function voidGrants() internal returns (bool) {
        Twin storage twin = _liveTwin();
        vm.prank(_ownerOf(twin));
        twins.voidGrants(twin.id);
        ++twin.epoch;
        return true;
    }

    function transfer() internal returns (bool) {
        Twin storage twin = _liveTwin();
        address to = owners[1 - twin.owner];
        bytes memory move = abi.encodeCall(IERC721.transferFrom, (_ownerOf(twin), to, twin.id));
        if (uint8(twin.id) == 1) return _refused(_ownerOf(twin), address(twins), move, ITwinToken.PatientTwinBound.selector);
        vm.prank(_ownerOf(twin));
        twins.transferFrom(_ownerOf(twin), to, twin.id);
        twin.owner = 1 - twin.owner;
        ++twin.epoch;
        return true;
    }

    function retire() internal returns (bool) {
        Twin storage twin = _liveTwin();
        vm.prank(_ownerOf(twin));
        twins.retire(twin.id);
        ++twin.epoch;
        twin.retired = true;
        retired.push(twin.id);
        return true;
    }

    function meddleWithTwin() internal returns (bool) {
        Twin storage twin = _liveTwin();
        bytes4 why = ITwinToken.NotTwinOwner.selector;
        if (_oneIn(2)) return _refused(_person(), address(twins), abi.encodeCall(twins.voidGrants, (twin.id)), why);
        return _refused(_person(), address(twins), abi.encodeCall(twins.retire, (twin.id)), why);
    }

    function _mint(Twin storage twin, uint8 kind) private {
        twin.id = uint256(keccak256(abi.encode(kind, ++twin.minted))) << 8 | kind;
        (twin.epoch, twin.retired, twin.owner) = (0, false, 0);
        vm.prank(owner);
        twins.mint(twin.id);
    }

    // -- faults ------------------------------------------------------------------

    /// @dev Somebody tries what must not be; it must end for the reason given, and counts as a fault injected. False,
    /// as nothing was done.
    function _refused(address by, address target, bytes memory call, bytes4 why) internal returns (bool) {
        ++faults;
        vm.prank(by);
        (bool done, bytes memory answer) = target.call(call);
        require(!done, "a fault went through");
        require(bytes4(answer) == why, "a fault was refused for another reason");
        return false;
    }

    /// @dev Done if `why` is 0, else refused for it. Whether it was done.
    function _try(address by, address target, bytes memory call, bytes4 why) internal returns (bool) {
        if (why != 0) {
            _refused(by, target, call, why);
            return false;
        }
        vm.prank(by);
        (bool done, bytes memory answer) = target.call(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer)) // as it came, for whoever reads the trace
            }
        }
        return true;
    }
}
