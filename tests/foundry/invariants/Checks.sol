// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Grant, Scope} from "../../../contracts/types/Consent.sol";
import {IPredictionOracle} from "../../../contracts/interfaces/IPredictionOracle.sol";
import {Life} from "./Life.sol";
import {INonces} from "./Accounts.sol";

/// @notice What holds after any walk; each says what is wrong when it does not hold.
contract Checks is Life {
    constructor(uint256 half) Life(half) {
        setUp();
    }

    function checkConsents() external view {
        for (uint256 i = 0; i < SLOTS; ++i) {
            for (uint256 j = 0; j < PEOPLE; ++j) {
                _checkConsent(twinsOf[i], people[j]);
            }
            _checkOwners(twinsOf[i]);
        }
        for (uint256 i = retired.length; i > 0 && i + 4 > retired.length; --i) {
            _checkRetired(retired[i - 1]);
        }
    }

    /// @dev 1 to 7: the decision is the model's, and so is each way in which a grant ends.
    function _checkConsent(Twin storage twin, address person) private view {
        Held storage kept = held[twin.id][person];
        bool active = !twin.retired && _isOpen(twin, kept) && block.timestamp >= kept.scope.notBefore;
        bool any = _seesAnything(twin.id, person);
        require(consents.balanceOf(person, twin.id) == (active ? 1 : 0), "1: the access token is not the grant");
        require(!any || !kept.revoked, "2: who was revoked sees");
        require(!any || !kept.denied, "3: who was denied sees");
        require(!any || block.timestamp < kept.scope.expiry, "4: an expired grant is open");
        require(!any || kept.epoch == twin.epoch, "5: a grant of another epoch is open");
        require(any == active, "6: the decision is not the model's");
        if (active) {
            (uint32 c, uint32 p) = (kept.scope.categories, kept.scope.purposes);
            require(consents.isAllowed(twin.id, person, c, p), "6: the decision is not the model's");
            require(!consents.isAllowed(twin.id, person, c | (1 << 31), p), "7: more kinds of data than granted");
            require(!consents.isAllowed(twin.id, person, c, p | (1 << 31)), "7: more purposes than granted");
        }
        Grant memory told = consents.grantOf(twin.id, person);
        require(told.serial == kept.serial && told.purchased == kept.bought, "8: a grant is lost or counted twice");
        require(consents.revokedAt(twin.id, person, told.serial) == kept.revokedAt, "9: the time of a revocation moved");
        require(!kept.revoked || consents.wasRevoked(twin.id, person, told.serial), "9: a revocation is forgotten");
    }

    function _checkOwners(Twin storage twin) private view {
        require(twins.ownerOf(twin.id) == _ownerOf(twin), "10: the owner is another");
        require(consents.isAllowed(twin.id, _ownerOf(twin), 1, 1) == !twin.retired, "10: the owner of a live twin is locked out");
        require(!_seesAnything(twin.id, owners[1 - twin.owner]), "11: a former owner sees");
        uint32 epoch = twins.currentEpoch(twin.id);
        require(twins.isRetired(twin.id) == twin.retired && epoch == twin.epoch, "12: epochs are not those begun");
        require(epoch == 0 || twins.epochEnd(twin.id, epoch - 1) != 0, "12: an epoch ended without a time");
    }

    function _checkRetired(uint256 twinId) private view {
        for (uint256 j = 0; j < PEOPLE; ++j) {
            require(!_seesAnything(twinId, people[j]), "13: a retired twin is open");
        }
        require(!_seesAnything(twinId, owners[0]) && !_seesAnything(twinId, owners[1]), "13: a retired twin is open");
    }

    function checkMarkets() external view {
        for (uint256 i = 0; i < DIALECTS; ++i) {
            uint256 balance = tokens[i].balanceOf(address(markets[i])) - tokens[i].gift(address(markets[i]));
            require(balance == _owed(i), "14: a market does not hold what it owes");
            require(balance == moneyIn[i] - moneyOut[i], "15: money came or went unseen");
            require(i < HONEST || balance == 0, "16: a token that cheats was taken");
            require(tokens[i].entered() == 0, "17: a market was entered twice");
        }
        for (uint256 i = deals.length; i > 0 && i + 8 > deals.length; --i) {
            Deal storage deal = deals[i - 1];
            (uint96 earned, uint96 refundable) = markets[deal.at].balanceOf(deal.twinId, deal.buyer);
            uint256 rest = markets[deal.at].purchaseOf(deal.twinId, deal.buyer).paid
                - markets[deal.at].purchaseOf(deal.twinId, deal.buyer).withdrawn;
            require(uint256(earned) + refundable <= rest, "18: more is promised than was paid");
        }
    }

    function checkData() external view {
        for (uint256 i = 0; i < SPEAKERS; ++i) {
            (uint64 sequence, bytes24 last) = anchor.headOf(speakers[i].at);
            require(sequence == speakers[i].sequence, "19: a sequence has a gap or went back");
            require(last == bytes24(speakers[i].last), "20: a batch does not name the one before");
            require(devices.deviceOf(speakers[i].at).paired == speakers[i].paired, "21: a device speaks that was cut off");
        }
        for (uint256 i = 0; i < SLOTS; ++i) {
            uint256 id = twinsOf[i].id;
            require(anchor.batchCount(id) == batches[id], "22: a batch is missing or counted twice");
            for (uint256 j = 0; j < MODELS; ++j) {
                uint48 round = oracle.latest(id, modelAt[j]).round;
                require(round == rounds[id][modelAt[j]], "23: a round went back");
            }
            for (uint256 j = withdrawn.length; j > 0 && j + 4 > withdrawn.length; --j) {
                uint48 then = roundsAtWithdrawal[id][withdrawn[j - 1]];
                require(oracle.latest(id, withdrawn[j - 1]).round == then, "24: a withdrawn model reported");
            }
        }
        require(oracle.isSigner(vm.addr(keys[0])) == !liarFound, "25: a liar still counts");
    }

    function checkWard() external view {
        for (uint256 i = 0; i < SLOTS; ++i) {
            uint256 id = twinsOf[i].id;
            for (uint256 j = 0; j < CLINICIANS; ++j) {
                require(glass.isOpen(id, people[j], 6) == _isUseOpen(id, j), "26: an emergency is open past its end, or shut before");
                require(!glass.isOpen(id, people[j], 8), "27: an emergency is wider than it was");
                require(glass.isSuspended(people[j]) == suspended[j], "28: a suspension is lost or made up");
            }
            bool open = lastCase[id] != 0 && !opened[lastCase[id] - 1].closed && block.timestamp < opened[lastCase[id] - 1].expiry;
            require(cases.isOpen(id, to, 6) == open, "29: a case is open past its end, or shut before");
            require(!cases.isOpen(id, from, 6) && !cases.isOpen(id, to, 8), "30: a case is open for others");
        }
        for (uint256 i = opened.length; i > 0 && i + 4 > opened.length; --i) {
            require(cases.caseOf(opened[i - 1].id).closed == opened[i - 1].closed, "31: a closed case is open again");
        }
        for (uint256 i = 0; i < CUSTODIANS; ++i) {
            require(trail.isHead(people[i], sizes[i], roots[i]), "32: the chain of receipts is broken");
        }
    }

    function checkAccounts() external view {
        require(INonces(address(account)).nonces(address(account), 0) == callsMade, "33: a call counted twice or not at all");
        for (uint256 i = 0; i < PASSKEYS; ++i) {
            require(account.hasKey(keyIds[i]) == isKey[i], "34: a key is held that was taken away, or lost");
        }
    }

    function checkGuardians() external view {
        for (uint256 i = 0; i < SLOTS; ++i) {
            (address guardian, uint40 until) = guardians.guardianOf(twinsOf[i].id);
            Guard memory standing = _guardOf(twinsOf[i]);
            require(guardian == standing.account && until == standing.until, "35: a guardian stands past the end, or is lost");
        }
        for (uint256 i = retired.length; i > 0 && i + 4 > retired.length; --i) {
            (address guardian,) = guardians.guardianOf(retired[i - 1]);
            require(guardian == address(0), "36: a retired twin has a guardian");
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            (address person, address other) = (people[i], people[(i + 1) % PEOPLE]);
            uint40 next = uint40(block.timestamp + 1);
            bool approved_ = studies.isApproved(studyOf[person].id, person, 5, next);
            require(approved_ == _isStudied(person, next), "37: a study is approved that is not, or is lost");
            require(!studies.isApproved(studyOf[person].id, other, 5, next), "38: a study is another's");
        }
    }

    function checkEdge() external view {
        for (uint256 i = orders.length; i > 0 && i + 8 > orders.length; --i) {
            require(loop.stateOf(orders[i - 1].id) == _stateOf(orders[i - 1]), "39: a command is answered late, or by another");
        }
        for (uint256 i = 0; i < SPEAKERS; ++i) {
            bytes32 known = keccak256(abi.encode(loop.envelopeOf(speakers[i].at, CODE)));
            require(known == keccak256(abi.encode(bounds[i])), "40: the bounds of a device are others");
        }
        for (uint256 i = 0; i < GATEWAYS; ++i) {
            Gateway storage gateway = gateways[i];
            (uint40 number, bytes21 head, uint40 until, bool barred_) = epochs.headOf(gateway.device.at);
            require(number == gateway.number && head == gateway.head, "41: an epoch is missing, or counted twice");
            require(until == gateway.admitted && until <= block.timestamp + 1 days, "42: a gateway is admitted too long");
            require(barred_ == gateway.suspended, "43: a gateway is suspended without a fault, or not with one");
        }
        for (uint256 i = barred.length; i > 0 && i + 4 > barred.length; --i) {
            (,,, bool still) = epochs.headOf(barred[i - 1]);
            require(still, "44: a false gateway is back");
        }
        for (uint256 i = 0; i < MODELS; ++i) {
            require(models.modelOf(modelAt[i]).marked == lineageOf[modelAt[i]].marked, "45: a mark is lost or made up");
            require(models.isApproved(modelAt[i]) == !_isStopped(modelAt[i]), "46: a marked model reports that must not");
        }
    }

    function checkBundles() external view {
        for (uint256 i = tellings.length; i > 0 && i + 8 > tellings.length; --i) {
            Told storage one = tellings[i - 1];
            require(!court.isRefuted(_courtDigest(_saidBy(one))), "47: a report is refuted that nobody refuted");
            IPredictionOracle.Latest memory kept = court.latest(one.twinId, keccak256("linear"));
            Slot memory settled = slots[address(court)][one.twinId];
            require(kept.round == settled.round, "48: a slot is not what was settled last");
            require(kept.config == settled.number, "49: a report is told under another config than it was posted");
        }
        require(court.configNumber() == number, "50: nodes changed without a quorum, or did not");
        for (uint256 i = 0; i < POOL; ++i) {
            bool present = i >= 2 * crew && i < 2 * crew + NODES;
            require(court.isSigner(pool[i]) == present, "51: a node is out that signed nothing false, or one counts that left");
        }
    }

    /// @dev What the person held, or the first bits; `ask` draws others.
    function _seesAnything(uint256 twinId, address person) private view returns (bool) {
        Scope storage had = held[twinId][person].scope;
        (uint32 c, uint32 p) = had.categories == 0 ? (uint32(1), uint32(1)) : (had.categories, had.purposes);
        return consents.isAllowed(twinId, person, c & (~c + 1), p & (~p + 1));
    }
}
