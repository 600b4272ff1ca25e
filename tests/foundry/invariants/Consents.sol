// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {ISigned} from "../../../contracts/interfaces/ISigned.sol";
import {ITwinToken} from "../../../contracts/interfaces/ITwinToken.sol";
import {Scope} from "../../../contracts/types/Consent.sol";
import {World} from "./World.sol";

/// @notice Owners grant, revoke, deny and sign; an operator opens. Beside it a model of what is held, stated apart
/// from the contract: a list of facts, not a packed word.
abstract contract Consents is World {
    struct Held {
        Scope scope;
        uint32 epoch;
        uint32 serial;
        bool revoked;
        bool denied;
        bool bought;
        uint40 revokedAt;
    }

    /// @dev What became of a grant, by its number.
    struct Past {
        uint32 epoch;
        uint40 expiry;
        bool revoked;
        bool replaced;
    }

    struct Letter {
        uint256 slot;
        uint256 twinId;
        address signer;
        address person;
        Scope scope;
        uint32 epoch;
        uint256 nonce;
        uint40 deadline;
        bool used;
        bytes signature;
    }

    struct Approved {
        uint32 epoch;
        uint40 until;
        bool given;
    }

    uint32 internal constant LONGEST = 100 days;
    address internal constant AGENT = address(0xA6E27);

    mapping(uint256 twinId => mapping(address person => Held)) internal held;
    mapping(uint256 twinId => mapping(address person => mapping(uint32 serial => Past))) private _past;
    mapping(uint256 twinId => mapping(address operator => Approved)) internal approved;
    Letter private _letter;
    uint256 private _nonceKey;

    // -- the owner ---------------------------------------------------------------

    function grant() internal returns (bool) {
        Twin storage twin = _liveTwin();
        address person = _person();
        Scope memory scope = _anyScope();
        bytes4 why = _runsBought(twin, person) ? IConsentRegistry.GrantActive.selector : bytes4(0);
        bytes memory call = abi.encodeCall(consents.grant, (twin.id, person, scope));
        if (!_try(_ownerOf(twin), address(consents), call, why)) return false;
        _remember(twin, person, scope, false);
        return true;
    }

    function revoke() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        address person = _holder(twin);
        address by = _oneIn(3) ? person : _ownerOf(twin);
        bytes4 why = _isMinted(held[twin.id][person]) ? bytes4(0) : IConsentRegistry.NoGrant.selector;
        bytes memory call = abi.encodeCall(consents.revoke, (twin.id, person));
        if (!_try(by, address(consents), call, why)) return false;
        _forget(twin, person, by);
        return true;
    }

    function revokeBySignature() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        address person = _holder(twin);
        bytes4 why = _isMinted(held[twin.id][person]) ? bytes4(0) : IConsentRegistry.NoGrant.selector;
        bytes memory call = _signedRevocation(twin, person, ++_nonceKey << 64);
        if (!_try(stranger, address(consents), call, why)) return false;
        _forget(twin, person, _ownerOf(twin));
        _refused(stranger, address(consents), call, Nonces.InvalidAccountNonce.selector);
        return true;
    }

    function deny() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        address person = _person();
        vm.prank(_ownerOf(twin));
        consents.deny(twin.id, person);
        if (_isMinted(held[twin.id][person])) _forget(twin, person, _ownerOf(twin));
        held[twin.id][person].denied = true;
        return true;
    }

    function meddleWithConsent() internal returns (bool) {
        Twin storage twin = _liveTwin();
        (address by, address of_) = (people[0], people[1 + _draw(PEOPLE - 1)]);
        bytes4 why = IConsentRegistry.NotTwinOwner.selector;
        uint256 kind = _draw(4);
        if (kind == 0) return _refused(by, address(consents), abi.encodeCall(consents.revoke, (twin.id, of_)), why);
        if (kind == 1) return _refused(by, address(consents), abi.encodeCall(consents.deny, (twin.id, of_)), why);
        Scope memory scope = _anyScope();
        if (kind == 2) return _refused(by, address(consents), abi.encodeCall(consents.grant, (twin.id, by, scope)), why);
        return _refused(by, address(consents), abi.encodeCall(consents.setOperator, (twin.id, by, scope, 1 days)), why);
    }

    /// @dev Somebody asks for something: the model knows the answer.
    function ask() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        address person = _person();
        Held storage kept = held[twin.id][person];
        (uint32 categories, uint32 purposes) = (uint32(_draw(64)), uint32(_draw(16)));
        bool covered = categories != 0 && purposes != 0 && categories | kept.scope.categories == kept.scope.categories
            && purposes | kept.scope.purposes == kept.scope.purposes;
        bool active = !twin.retired && _isOpen(twin, kept) && block.timestamp >= kept.scope.notBefore;
        bool answer = consents.isAllowed(twin.id, person, categories, purposes);
        require(answer == (covered && active), "the decision is not the model's");
        return true;
    }

    // -- letters -----------------------------------------------------------------

    /// @dev The owner signs a grant, which somebody delivers now, later, twice or never.
    function writeLetter() internal returns (bool) {
        uint256 slot = _draw(SLOTS);
        Twin storage twin = twinsOf[slot];
        _letter.slot = slot;
        (_letter.twinId, _letter.signer, _letter.epoch) = (twin.id, _ownerOf(twin), twin.epoch);
        (_letter.person, _letter.scope, _letter.used) = (_person(), _anyScope(), false);
        (_letter.nonce, _letter.deadline) = (++_nonceKey << 64, uint40(block.timestamp + 1 + _draw(4 days)));
        bytes32 typehash = keccak256(
            "ConsentGrant(uint256 twinId,address grantee,uint32 categories,uint32 purposes,uint40 notBefore,uint40 expiry,uint32 epoch,uint256 nonce,uint40 deadline)"
        );
        bytes memory terms = abi.encode(typehash, twin.id, _letter.person, _letter.scope, twin.epoch, _letter.nonce, _letter.deadline);
        _letter.signature = _sign(ownerKeys[twin.owner], _typed(address(consents), terms));
        return true;
    }

    function deliverLetter() internal returns (bool) {
        Letter storage said = _letter;
        if (said.twinId == 0 || said.used && _usually()) return writeLetter();
        bytes memory call = abi.encodeCall(
            consents.grantBySignature, (said.twinId, said.person, said.scope, said.nonce, said.deadline, said.signature)
        );
        bytes4 why = _whyNotDelivered(said, twinsOf[said.slot]);
        if (!_try(stranger, address(consents), call, why)) return false;
        said.used = true;
        _remember(twinsOf[said.slot], said.person, said.scope, false);
        return true;
    }

    function _whyNotDelivered(Letter storage said, Twin storage twin) private view returns (bytes4) {
        if (twin.id != said.twinId || twin.retired) return ITwinToken.TwinIsRetired.selector;
        if (block.timestamp >= said.deadline) return ISigned.SignatureExpired.selector;
        if (said.used && said.signer == _ownerOf(twin)) return Nonces.InvalidAccountNonce.selector;
        if (said.epoch != twin.epoch || said.signer != _ownerOf(twin)) return ISigned.InvalidSignature.selector;
        if (held[twin.id][said.person].denied) return IConsentRegistry.GranteeDenied.selector;
        if (_runsBought(twin, said.person)) return IConsentRegistry.GrantActive.selector;
        if (block.timestamp >= said.scope.expiry) return IConsentRegistry.InvalidPeriod.selector;
        return 0;
    }

    // -- operators ---------------------------------------------------------------

    function approveAgent() internal returns (bool) {
        _approve(_liveTwin(), AGENT);
        return true;
    }

    function openByAgent() internal returns (bool) {
        Twin storage twin = _liveTwin();
        uint40 start = uint40(block.timestamp);
        Scope memory scope =
            Scope(uint32(1 + _draw(_usually() ? 7 : 15)), uint32(1 + _draw(7)), start, start + 1 + uint40(_draw(40 days)));
        address person = _free(twin, AGENT, scope.expiry);
        if (!approved[twin.id][AGENT].given || approved[twin.id][AGENT].epoch != twin.epoch) return approveAgent();
        bytes4 why = scope.categories > 7 ? IConsentRegistry.OperatorScopeExceeded.selector : _whyNotOpened(twin, AGENT, person, scope.expiry);
        bytes memory call = abi.encodeCall(consents.open, (twin.id, person, scope));
        if (!_try(AGENT, address(consents), call, why)) return false;
        _remember(twin, person, scope, true);
        return true;
    }

    function _approve(Twin storage twin, address operator) internal {
        Scope memory limits = Scope(7, 7, 0, uint40(block.timestamp) + 120 days);
        vm.prank(_ownerOf(twin));
        consents.setOperator(twin.id, operator, limits, LONGEST);
        approved[twin.id][operator] = Approved(twin.epoch, limits.expiry, true);
    }

    /// @dev Why an operator may not open categories and purposes below 8 from now to an expiry.
    function _whyNotOpened(Twin storage twin, address operator, address person, uint40 expiry) internal view returns (bytes4) {
        Approved storage given = approved[twin.id][operator];
        bool may = given.given && given.epoch == twin.epoch && block.timestamp < given.until && expiry <= given.until
            && expiry <= block.timestamp + LONGEST;
        if (!may) return IConsentRegistry.OperatorScopeExceeded.selector;
        if (held[twin.id][person].denied) return IConsentRegistry.GranteeDenied.selector;
        if (_isOpen(twin, held[twin.id][person])) return IConsentRegistry.GrantActive.selector;
        return 0;
    }

    /// @dev Mostly somebody an operator may let in now.
    function _free(Twin storage twin, address operator, uint40 expiry) internal returns (address person) {
        person = _person();
        for (uint256 i = 0; i < PEOPLE && _whyNotOpened(twin, operator, person, expiry) != 0 && _usually(); ++i) {
            person = people[i];
        }
    }

    /// @dev Mostly somebody who has a grant.
    function _holder(Twin storage twin) internal returns (address person) {
        person = _person();
        for (uint256 i = 0; i < PEOPLE && !_isMinted(held[twin.id][person]) && _usually(); ++i) {
            person = people[i];
        }
    }

    // -- the model ---------------------------------------------------------------

    function _isMinted(Held storage kept) internal view returns (bool) {
        return kept.serial != 0 && !kept.revoked;
    }

    function _isOpen(Twin storage twin, Held storage kept) internal view returns (bool) {
        return _isMinted(kept) && !kept.denied && kept.epoch == twin.epoch && block.timestamp < kept.scope.expiry;
    }

    function _runsBought(Twin storage twin, address person) internal view returns (bool) {
        return held[twin.id][person].bought && _isOpen(twin, held[twin.id][person]);
    }

    function _remember(Twin storage twin, address person, Scope memory scope, bool bought) internal {
        Held storage kept = held[twin.id][person];
        if (!_wasEnded(twin.id, person, kept.serial)) _past[twin.id][person][kept.serial].replaced = true;
        (kept.scope, kept.epoch, kept.serial) = (scope, twin.epoch, kept.serial + 1);
        (kept.revoked, kept.denied, kept.bought, kept.revokedAt) = (false, false, bought, 0);
        _past[twin.id][person][kept.serial] = Past(twin.epoch, scope.expiry, false, false);
    }

    function _forget(Twin storage twin, address person, address by) internal {
        Held storage kept = held[twin.id][person];
        kept.revoked = true;
        _past[twin.id][person][kept.serial].revoked = true;
        if (kept.bought && by != person) kept.revokedAt = uint40(block.timestamp);
    }

    /// @dev Whether a grant was ended before its time: revoked, or with all others of its epoch. One that was replaced
    /// before is ended by neither.
    function _wasEnded(uint256 twinId, address person, uint32 serial) internal view returns (bool) {
        Past storage given = _past[twinId][person][serial];
        uint40 over = twins.epochEnd(twinId, given.epoch);
        return given.revoked || !given.replaced && over != 0 && over < given.expiry;
    }

    /// @dev Begins now, a little earlier or a little later.
    function _anyScope() internal returns (Scope memory) {
        uint40 start = uint40(block.timestamp - 1 hours + _draw(3 hours));
        uint40 end = uint40(block.timestamp + 4 hours + _draw(20 days));
        return Scope(uint32(1 + _draw(63)), uint32(1 + _draw(15)), start, end);
    }

    function _signedRevocation(Twin storage twin, address person, uint256 nonce) private view returns (bytes memory) {
        uint40 deadline = uint40(block.timestamp + 1);
        bytes32 typehash = keccak256("ConsentRevocation(uint256 twinId,address grantee,uint256 nonce,uint40 deadline)");
        bytes32 digest = _typed(address(consents), abi.encode(typehash, twin.id, person, nonce, deadline));
        bytes memory signature = _sign(ownerKeys[twin.owner], digest);
        return abi.encodeCall(consents.revokeBySignature, (twin.id, person, nonce, deadline, signature));
    }
}
