// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAccessMarket} from "./interfaces/IAccessMarket.sol";
import {IConsentRegistry} from "./interfaces/IConsentRegistry.sol";
import {IStudyRegistry} from "./interfaces/IStudyRegistry.sol";
import {ITwinToken} from "./interfaces/ITwinToken.sol";
import {OfferBook} from "./libraries/OfferBook.sol";
import {Purchases} from "./libraries/Purchases.sol";
import {Wiring} from "./libraries/Wiring.sol";
import {Scope} from "./types/Consent.sol";

/// @notice See IAccessMarket.
contract AccessMarket is OfferBook, ReentrancyGuard {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Purchases for Purchase;

    /// @notice Most twins bought at once.
    uint256 public constant MOST_TWINS = 100;

    IConsentRegistry public immutable CONSENTS;
    IERC20 public immutable TOKEN;
    IStudyRegistry public immutable STUDIES;

    mapping(address account => uint256) private _credits;
    /// @dev One word, as Purchases packs it. Who is paid follows from the epoch, and what was withdrawn is kept apart,
    /// so that buying writes one slot (22k gas, tests/contracts/gas.json).
    mapping(uint256 twinId => mapping(address buyer => uint256 packedPurchase)) private _purchases;
    mapping(uint256 twinId => mapping(address buyer => uint96)) private _withdrawn;

    constructor(
        ITwinToken twins,
        IConsentRegistry consents,
        IERC20 token,
        IStudyRegistry studies,
        address protocol,
        uint16 protocolShare
    ) OfferBook(twins, protocol, protocolShare) {
        CONSENTS = IConsentRegistry(Wiring.checked(address(consents)));
        TOKEN = IERC20(Wiring.checked(address(token)));
        STUDIES = IStudyRegistry(Wiring.checked(address(studies)));
    }

    /// @inheritdoc IAccessMarket
    function purchase(Offer calldata offer, uint16 numberOfDays, uint256 maxPrice, bytes32 study)
        external
        nonReentrant
        returns (uint32 serial)
    {
        uint256 price;
        (serial, price) = _buy(offer, numberOfDays, study);
        _collect(msg.sender, price, maxPrice);
    }

    /// @inheritdoc IAccessMarket
    function purchaseCohort(Offer[] calldata offers, uint16 numberOfDays, uint256 maxPrice, bytes32 study)
        external
        nonReentrant
        returns (uint256 price)
    {
        if (offers.length == 0 || offers.length > MOST_TWINS) revert InvalidCohort(offers.length, MOST_TWINS);
        for (uint256 i = 0; i < offers.length; ++i) {
            (, uint256 one) = _buy(offers[i], numberOfDays, study);
            price += one;
        }
        _collect(msg.sender, price, maxPrice);
    }

    /// @inheritdoc IAccessMarket
    function withdraw(uint256 twinId, address buyer) external nonReentrant returns (uint96 amount) {
        Purchase memory bought = _existing(twinId, buyer);
        amount = _share(twinId, buyer, bought);
        _pay(bought.payee, amount);
    }

    /// @inheritdoc IAccessMarket
    function claim(address account) external nonReentrant returns (uint256 amount) {
        amount = _credits[account];
        delete _credits[account];
        emit CreditClaimed(account, amount);
        _pay(account, amount);
    }

    /// @inheritdoc IAccessMarket
    function settle(uint256 twinId, address buyer) external nonReentrant returns (uint96 earned, uint96 refunded) {
        Purchase memory bought = _existing(twinId, buyer);
        uint40 stop = _stopOf(twinId, buyer, bought);
        if (stop > block.timestamp) revert PurchaseRunning(twinId, buyer, stop);
        if (bought.earned(stop) == bought.paid) revert NothingToRefund(twinId, buyer);
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
        uint96 total = bought.earned(stop);
        return (total - bought.withdrawn, stop > block.timestamp ? 0 : bought.paid - total);
    }

    /// @inheritdoc IAccessMarket
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    function _buy(Offer calldata offer, uint16 numberOfDays, bytes32 study) private returns (uint32 serial, uint256 price) {
        // Check:
        uint32 epoch = _checkListed(offer);
        if (numberOfDays == 0 || numberOfDays > offer.maxDays) revert InvalidDays(numberOfDays, offer.maxDays);
        uint40 start = uint40(block.timestamp);
        uint40 end = start + uint40(numberOfDays) * 1 days;
        if ((offer.needsStudy || study != 0) && !STUDIES.isApproved(study, msg.sender, offer.purposes, end)) {
            revert StudyNotApproved(study, msg.sender);
        }
        price = uint256(offer.pricePerDay) * numberOfDays;
        _closeEarlier(offer.twinId, msg.sender);
        // Effect:
        serial = CONSENTS.open(offer.twinId, msg.sender, Scope(offer.categories, offer.purposes, start, end));
        _purchases[offer.twinId][msg.sender] = Purchases.pack(start, end, price.toUint96(), serial, epoch);
        emit AccessPurchased(offer.twinId, msg.sender, serial, uint96(price), end, offer.terms, study);
    }

    /// @dev Refund and earnings leave separately: neither party can block what is the other's.
    function _settle(uint256 twinId, address buyer, Purchase memory bought, uint40 stop)
        private
        returns (uint96 earned, uint96 refunded)
    {
        earned = bought.earned(stop);
        refunded = bought.paid - earned;
        if (earned == bought.withdrawn) {
            _forget(twinId, buyer);
        } else {
            _purchases[twinId][buyer] = Purchases.pack(bought.start, stop, earned, bought.serial, bought.epoch);
        }
        emit PurchaseSettled(twinId, buyer, earned, refunded);
        _pay(buyer, refunded);
    }

    /// @dev What is earned leaves the escrow for those it is for.
    /// @return rest The payee's part, to be paid or credited by the caller.
    function _share(uint256 twinId, address buyer, Purchase memory bought) private returns (uint96 rest) {
        uint96 total = bought.earned(_stopOf(twinId, buyer, bought));
        if (total == bought.paid) {
            _forget(twinId, buyer);
        } else {
            _withdrawn[twinId][buyer] = total;
        }
        (address custodian, uint96 forCustodian, uint96 forProtocol) = _parts(twinId, bought.epoch, bought.withdrawn, total);
        rest = total - bought.withdrawn - forCustodian - forProtocol;
        _credit(custodian, forCustodian);
        _credit(PROTOCOL, forProtocol);
        emit EarningsWithdrawn(twinId, buyer, bought.payee, rest, forCustodian, forProtocol);
    }

    function _credit(address account, uint256 amount) private {
        if (amount != 0) _credits[account] += amount;
    }

    /// @dev Two purchases of one buyer never overlap, so one record holds all that is owed. The payee of the earlier
    /// one is credited, not paid: an account the token refuses must not stop others from buying.
    function _closeEarlier(uint256 twinId, address buyer) private {
        if (_purchases[twinId][buyer] == 0) return;
        Purchase memory bought = _purchaseOf(twinId, buyer);
        uint40 stop = _stopOf(twinId, buyer, bought);
        if (stop > block.timestamp) revert PurchaseRunning(twinId, buyer, stop);
        if (bought.earned(stop) != bought.paid) _settle(twinId, buyer, bought, stop);
        if (_purchases[twinId][buyer] != 0) _credit(bought.payee, _share(twinId, buyer, _purchaseOf(twinId, buyer)));
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
    function _collect(address from, uint256 amount, uint256 most) private {
        if (amount > most) revert PriceAboveMaximum(amount, most);
        uint256 before = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(from, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert WrongAmountReceived(amount, received);
    }

    function _purchaseOf(uint256 twinId, address buyer) private view returns (Purchase memory bought) {
        uint256 word = _purchases[twinId][buyer];
        if (word == 0) return bought;
        bought = Purchases.unpack(word);
        bought.withdrawn = _withdrawn[twinId][buyer];
        bought.payee = TWINS.ownerDuring(twinId, bought.epoch);
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
}
