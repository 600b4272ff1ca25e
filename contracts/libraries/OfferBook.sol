// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IAccessMarket} from "../interfaces/IAccessMarket.sol";
import {ITwinToken} from "../interfaces/ITwinToken.sol";
import {Wiring} from "./Wiring.sol";

/// @notice What owners offer and with whom they share: the part of AccessMarket that moves no token.
abstract contract OfferBook is IAccessMarket {
    /// @notice Lowest price of a day: each second earns at least one of the token's smallest units.
    uint96 public constant LEAST_PRICE = 1 days;

    uint16 internal constant WHOLE = 1e4; // 100 %

    ITwinToken public immutable TWINS;
    address public immutable PROTOCOL;
    uint16 public immutable PROTOCOL_SHARE;

    mapping(uint256 twinId => bytes32 offerHash) private _offers;
    mapping(uint256 twinId => mapping(uint32 epoch => Custodian)) private _custodians;

    /// @param protocol Who is paid `protocolShare` (1e4 = 100 %) of what is earned; both for good.
    constructor(ITwinToken twins, address protocol, uint16 protocolShare) {
        TWINS = ITwinToken(Wiring.checked(address(twins)));
        if (protocolShare >= WHOLE || (protocolShare != 0 && protocol == address(0))) {
            revert InvalidShare(protocol, protocolShare, WHOLE - 1);
        }
        (PROTOCOL, PROTOCOL_SHARE) = (protocol, protocolShare);
    }

    /// @inheritdoc IAccessMarket
    function list(Offer calldata offer) external {
        uint32 epoch = _epochForOwner(offer.twinId);
        if (offer.pricePerDay < LEAST_PRICE || offer.categories == 0 || offer.purposes == 0 || offer.maxDays == 0) {
            revert InvalidOffer(offer.twinId);
        }
        bytes32 offerHash = _hash(offer, epoch);
        _offers[offer.twinId] = offerHash;
        emit OfferListed(offer.twinId, offerHash, offer);
    }

    /// @inheritdoc IAccessMarket
    function delist(uint256 twinId) external {
        _epochForOwner(twinId);
        if (_offers[twinId] == 0) revert OfferNotListed(twinId, 0);
        delete _offers[twinId];
        emit OfferDelisted(twinId);
    }

    /// @inheritdoc IAccessMarket
    function appointCustodian(uint256 twinId, address custodian, uint16 share) external {
        uint32 epoch = _epochForOwner(twinId);
        uint16 most = WHOLE - PROTOCOL_SHARE;
        if (custodian == address(0) || share == 0 || share > most) revert InvalidShare(custodian, share, most);
        if (_custodians[twinId][epoch].share != 0) revert CustodianFixed(twinId, epoch);
        _custodians[twinId][epoch] = Custodian(custodian, share);
        emit CustodianAppointed(twinId, epoch, custodian, share);
    }

    /// @inheritdoc IAccessMarket
    function isListed(Offer calldata offer) external view returns (bool listed) {
        // Of a retired twin the last epoch is one in which nothing can be offered.
        return _offers[offer.twinId] == _hash(offer, TWINS.currentEpoch(offer.twinId));
    }

    /// @inheritdoc IAccessMarket
    function custodianOf(uint256 twinId, uint32 epoch) external view returns (Custodian memory) {
        return _custodians[twinId][epoch];
    }

    /// @return epoch The twin's, for which the offer stands.
    function _checkListed(Offer calldata offer) internal view returns (uint32 epoch) {
        (, epoch) = TWINS.ownerAndEpochOf(offer.twinId);
        bytes32 offerHash = _hash(offer, epoch);
        if (_offers[offer.twinId] != offerHash) revert OfferNotListed(offer.twinId, offerHash);
    }

    /// @notice The parts of custodian and protocol in what was earned between two totals of one purchase.
    /// @dev Counted from the first unit on, so that withdrawing often rounds nothing away.
    function _parts(uint256 twinId, uint32 epoch, uint96 from, uint96 to)
        internal
        view
        returns (address custodian, uint96 forCustodian, uint96 forProtocol)
    {
        Custodian memory appointed = _custodians[twinId][epoch];
        (uint96 custodianBefore, uint96 protocolBefore) = _partsOf(from, appointed.share);
        (uint96 custodianAfter, uint96 protocolAfter) = _partsOf(to, appointed.share);
        return (appointed.account, custodianAfter - custodianBefore, protocolAfter - protocolBefore);
    }

    function _epochForOwner(uint256 twinId) private view returns (uint32) {
        (address owner, uint32 epoch) = TWINS.ownerAndEpochOf(twinId);
        if (msg.sender != owner) revert NotTwinOwner(twinId, msg.sender);
        return epoch;
    }

    /// @dev An offer is of one epoch: who buys a twin does not sell what its last owner offered.
    function _hash(Offer calldata offer, uint32 epoch) private pure returns (bytes32) {
        return keccak256(abi.encode(offer, epoch));
    }

    /// @dev Rounded down: a fraction of the smallest unit is the payee's. The custodian's part is taken of what the
    /// protocol's leaves, so that with each unit earned one of the three parts grows by one and none shrinks.
    function _partsOf(uint96 total, uint16 share) private view returns (uint96 forCustodian, uint96 forProtocol) {
        forProtocol = uint96(uint256(total) * PROTOCOL_SHARE / WHOLE);
        forCustodian = uint96(uint256(total - forProtocol) * share / (WHOLE - PROTOCOL_SHARE));
    }
}
