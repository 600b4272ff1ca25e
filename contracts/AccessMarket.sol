// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAccessMarket} from "./interfaces/IAccessMarket.sol";
import {IConsentRegistry} from "./interfaces/IConsentRegistry.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Scope} from "./types/Consent.sol";

/// @notice See IAccessMarket.
contract AccessMarket is ReentrancyGuard, IAccessMarket {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    ITwinToken public immutable TWINS;
    IConsentRegistry public immutable CONSENTS;
    IERC20 public immutable TOKEN;

    mapping(uint256 twinId => bytes32 offerHash) private _offers;
    /// @dev One word, written at once: start 40, end 40, paid 96, serial 32, epoch 32. Who is paid follows from the
    /// epoch, and what was withdrawn is kept apart, so that buying writes one slot (22k gas, tests/contracts/gas.json).
    mapping(uint256 twinId => mapping(address buyer => uint256 packedPurchase)) private _purchases;
    mapping(uint256 twinId => mapping(address buyer => uint96)) private _withdrawn;

    constructor(ITwinToken twins, IConsentRegistry consents, IERC20 token) {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        CONSENTS = IConsentRegistry(Wiring.checked(address(consents)));
        TOKEN = IERC20(Wiring.checked(address(token)));
    }

    /// @inheritdoc IAccessMarket
    function list(Offer calldata offer) external {
        _checkOwner(offer.twinId);
        if (offer.pricePerDay == 0 || offer.categories == 0 || offer.purposes == 0 || offer.maxDays == 0) {
            revert InvalidOffer(offer.twinId);
        }
        bytes32 offerHash = keccak256(abi.encode(offer));
        _offers[offer.twinId] = offerHash;
        emit OfferListed(offer.twinId, offerHash, offer);
    }

    /// @inheritdoc IAccessMarket
    function delist(uint256 twinId) external {
        _checkOwner(twinId);
        if (_offers[twinId] == 0) revert OfferNotListed(twinId, 0);
        delete _offers[twinId];
        emit OfferDelisted(twinId);
    }

    /// @inheritdoc IAccessMarket
    function purchase(Offer calldata offer, uint16 numberOfDays, uint256 maxPrice) external nonReentrant returns (uint32 serial) {
        // Check:
        bytes32 offerHash = keccak256(abi.encode(offer));
        if (_offers[offer.twinId] != offerHash) revert OfferNotListed(offer.twinId, offerHash);
        if (numberOfDays == 0 || numberOfDays > offer.maxDays) revert InvalidDays(numberOfDays, offer.maxDays);
        uint256 price = uint256(offer.pricePerDay) * numberOfDays;
        if (price > maxPrice) revert PriceAboveMaximum(price, maxPrice);
        _closeEarlier(offer.twinId, msg.sender);
        // Effect:
        uint32 epoch = TWINS.epochOf(offer.twinId);
        uint40 start = uint40(block.timestamp);
        uint40 end = start + uint40(numberOfDays) * 1 days;
        serial = CONSENTS.open(offer.twinId, msg.sender, Scope(offer.categories, offer.purposes, start, end));
        _purchases[offer.twinId][msg.sender] = _packed(start, end, price.toUint96(), serial, epoch);
        emit AccessPurchased(offer.twinId, msg.sender, serial, uint96(price), end, offer.terms);
        // Interaction:
        _collect(msg.sender, price);
    }

    /// @inheritdoc IAccessMarket
    function withdraw(uint256 twinId, address buyer) external nonReentrant returns (uint96 amount) {
        return _withdraw(twinId, buyer, _existing(twinId, buyer));
    }

    /// @inheritdoc IAccessMarket
    function settle(uint256 twinId, address buyer) external nonReentrant returns (uint96 earned, uint96 refunded) {
        Purchase memory bought = _existing(twinId, buyer);
        uint40 stop = _stopOf(twinId, buyer, bought);
        if (stop > block.timestamp) revert PurchaseRunning(twinId, buyer, stop);
        if (_earned(bought, stop) == bought.paid) revert NothingToRefund(twinId, buyer);
        return _settle(twinId, buyer, bought, stop);
    }

    /// @inheritdoc IAccessMarket
    function purchaseOf(uint256 twinId, address buyer) external view returns (Purchase memory) {
        return _purchaseOf(twinId, buyer);
    }

    /// @inheritdoc IAccessMarket
    function balanceOf(uint256 twinId, address buyer) external view returns (uint96 earned, uint96 refundable) {
        Purchase memory bought = _purchaseOf(twinId, buyer);
        if (bought.end == 0) return (0, 0);
        uint40 stop = _stopOf(twinId, buyer, bought);
        uint96 total = _earned(bought, stop);
        return (total - bought.withdrawn, stop > block.timestamp ? 0 : bought.paid - total);
    }

    /// @inheritdoc IAccessMarket
    function offerHashOf(uint256 twinId) external view returns (bytes32) {
        return _offers[twinId];
    }

    /// @dev Refund and earnings leave separately: neither party can block what is the other's.
    function _settle(uint256 twinId, address buyer, Purchase memory bought, uint40 stop)
        private
        returns (uint96 earned, uint96 refunded)
    {
        earned = _earned(bought, stop);
        refunded = bought.paid - earned;
        if (earned == bought.withdrawn) {
            _forget(twinId, buyer);
        } else {
            _purchases[twinId][buyer] = _packed(bought.start, stop, earned, bought.serial, bought.epoch);
        }
        emit PurchaseSettled(twinId, buyer, earned, refunded);
        _pay(buyer, refunded);
    }

    function _withdraw(uint256 twinId, address buyer, Purchase memory bought) private returns (uint96 amount) {
        amount = _earned(bought, _stopOf(twinId, buyer, bought)) - bought.withdrawn;
        if (bought.withdrawn + amount == bought.paid) {
            _forget(twinId, buyer);
        } else {
            _withdrawn[twinId][buyer] = bought.withdrawn + amount;
        }
        emit EarningsWithdrawn(twinId, buyer, bought.payee, amount);
        _pay(bought.payee, amount);
    }

    /// @dev Two purchases of one buyer never overlap, so one record holds all that is owed.
    function _closeEarlier(uint256 twinId, address buyer) private {
        if (_purchases[twinId][buyer] == 0) return;
        Purchase memory bought = _purchaseOf(twinId, buyer);
        uint40 stop = _stopOf(twinId, buyer, bought);
        if (stop > block.timestamp) revert PurchaseRunning(twinId, buyer, stop);
        if (_earned(bought, stop) != bought.paid) _settle(twinId, buyer, bought, stop);
        if (_purchases[twinId][buyer] != 0) _withdraw(twinId, buyer, _purchaseOf(twinId, buyer));
    }

    function _forget(uint256 twinId, address buyer) private {
        delete _purchases[twinId][buyer];
        delete _withdrawn[twinId][buyer];
    }

    /// @dev Every token that leaves, leaves here.
    function _pay(address to, uint256 amount) private {
        if (amount != 0) TOKEN.safeTransfer(to, amount);
    }

    /// @dev What was not received cannot be owed: tokens that take a fee are refused.
    function _collect(address from, uint256 amount) private {
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(from, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert WrongAmountReceived(amount, received);
    }

    function _purchaseOf(uint256 twinId, address buyer) private view returns (Purchase memory bought) {
        uint256 word = _purchases[twinId][buyer];
        if (word == 0) return bought;
        bought.start = uint40(word);
        bought.end = uint40(word >> 40);
        bought.paid = uint96(word >> 80);
        bought.serial = uint32(word >> 176);
        bought.epoch = uint32(word >> 208);
        bought.withdrawn = _withdrawn[twinId][buyer];
        bought.payee = TWINS.ownerDuring(twinId, bought.epoch);
    }

    function _checkOwner(uint256 twinId) private view {
        (address owner,) = TWINS.ownerAndEpochOf(twinId);
        if (msg.sender != owner) revert NotTwinOwner(twinId, msg.sender);
    }

    function _existing(uint256 twinId, address buyer) private view returns (Purchase memory bought) {
        bought = _purchaseOf(twinId, buyer);
        if (bought.end == 0) revert NoPurchase(twinId, buyer);
    }

    /// @dev The first of: end, revocation, end of the twin's epoch. Neither of the last two moves once it is set.
    function _stopOf(uint256 twinId, address buyer, Purchase memory bought) private view returns (uint40 stop) {
        stop = bought.end;
        uint40 revokedAt = CONSENTS.revokedAt(twinId, buyer, bought.serial);
        if (revokedAt != 0 && revokedAt < stop) stop = revokedAt;
        uint40 epochEnd = TWINS.epochEnd(twinId, bought.epoch);
        if (epochEnd != 0 && epochEnd < stop) stop = epochEnd;
    }

    /// @dev Rounded down: a fraction of the smallest unit stays with the buyer.
    function _earned(Purchase memory bought, uint40 stop) private view returns (uint96) {
        uint256 until = stop < block.timestamp ? stop : block.timestamp;
        if (until >= bought.end) return bought.paid;
        return (uint256(bought.paid) * (until - bought.start) / (bought.end - bought.start)).toUint96();
    }

    function _packed(uint40 start, uint40 end, uint96 paid, uint32 serial, uint32 epoch) private pure returns (uint256) {
        return uint256(start) | uint256(end) << 40 | uint256(paid) << 80 | uint256(serial) << 176 | uint256(epoch) << 208;
    }
}
