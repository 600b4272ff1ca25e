// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Paid access that can be taken back
/// @notice An owner offers a twin's data at a price a day; a buyer pays in advance into escrow and gets exactly the
/// offered grant. It is earned by the second; when the grant ends early the rest is the buyer's.
/// @dev The owner approves this contract as an operator of ConsentRegistry. An offer is kept as its hash:
/// a buyer passes the whole offer and so pays the price it saw or nothing.
/// A period bought ends at the earliest of: its end, the grant's revocation, the end of the twin's epoch.
interface IAccessMarket {
    /// @param pricePerDay In the smallest unit of the payment token.
    /// @param terms SHA-256 of the terms of use.
    struct Offer {
        uint256 twinId;
        uint96 pricePerDay;
        uint32 categories;
        uint32 purposes;
        uint16 maxDays;
        bytes32 terms;
    }

    /// @param payee The owner at the time of purchase.
    struct Purchase {
        address payee;
        uint40 start;
        uint40 end;
        uint96 paid;
        uint96 withdrawn;
        uint32 serial;
        uint32 epoch;
    }

    event OfferListed(uint256 indexed twinId, bytes32 indexed offerHash, Offer offer);
    event OfferDelisted(uint256 indexed twinId);
    event AccessPurchased(uint256 indexed twinId, address indexed buyer, uint32 serial, uint96 paid, uint40 end, bytes32 terms);
    event EarningsWithdrawn(uint256 indexed twinId, address indexed buyer, address indexed payee, uint96 amount);
    event PurchaseSettled(uint256 indexed twinId, address indexed buyer, uint96 earned, uint96 refunded);

    error NotTwinOwner(uint256 twinId, address account);
    error OfferNotListed(uint256 twinId, bytes32 offerHash);
    error InvalidOffer(uint256 twinId);
    error InvalidDays(uint16 numberOfDays, uint16 maxDays);
    error PriceAboveMaximum(uint256 price, uint256 maxPrice);
    error NoPurchase(uint256 twinId, address buyer);
    error PurchaseRunning(uint256 twinId, address buyer, uint40 end);
    error NothingToRefund(uint256 twinId, address buyer);
    error WrongAmountReceived(uint256 expected, uint256 received);

    /// @notice Offer a twin's data, replacing an earlier offer.
    function list(Offer calldata offer) external;
    function delist(uint256 twinId) external;

    /// @notice Buy `numberOfDays` of access; needs an ERC-20 allowance of the price.
    /// @dev An ended purchase of the same buyer is settled and paid out first. The token is called last.
    function purchase(Offer calldata offer, uint16 numberOfDays, uint256 maxPrice) external returns (uint32 serial);

    /// @notice Pay the payee what is earned and not yet withdrawn; anyone may call.
    function withdraw(uint256 twinId, address buyer) external returns (uint96 amount);

    /// @notice Close a purchase that ended: the buyer gets back what was not earned; anyone may call.
    /// @dev The amount is fixed by the block of the revocation, however late this is called. What was earned stays
    /// for `withdraw`, so that a party whose account the token refuses holds up nobody but itself.
    /// @return earned Over the whole period. @return refunded Paid to the buyer now.
    function settle(uint256 twinId, address buyer) external returns (uint96 earned, uint96 refunded);

    function purchaseOf(uint256 twinId, address buyer) external view returns (Purchase memory);
    /// @notice What could be paid now: earned and not yet withdrawn; refundable, which is 0 while the period runs.
    function balanceOf(uint256 twinId, address buyer) external view returns (uint96 earned, uint96 refundable);
    function offerHashOf(uint256 twinId) external view returns (bytes32);
}
