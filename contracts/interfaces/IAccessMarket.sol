// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Paid access that can be taken back
/// @notice An owner offers a twin's data at a price a day; a buyer pays in advance into escrow and gets exactly the
/// offered grant. It is earned by the second; when the grant ends early the rest is the buyer's.
/// @dev The owner approves this contract as an operator of ConsentRegistry. An offer is kept as its hash:
/// a buyer passes the whole offer and so pays the price it saw or nothing.
/// An offer stands in the epoch it was listed in: whoever gets the twin, or voids its grants, lists anew.
/// A period bought ends at the earliest of: its end, the grant's revocation, the end of the twin's epoch.
/// What is earned is shared: the protocol's part is fixed when the market is made, the custodian's by the owner, once
/// an epoch; the rest is the owner's. The token is fixed too: one whose balances change by themselves must not be it.
interface IAccessMarket {
    /// @param pricePerDay In the smallest unit of the payment token; at least one a second.
    /// @param terms SHA-256 of the terms of use.
    /// @param needsStudy Whether the buyer must name a study that a board approved (IStudyRegistry).
    struct Offer {
        uint256 twinId;
        uint96 pricePerDay;
        uint32 categories;
        uint32 purposes;
        uint16 maxDays;
        bytes32 terms;
        bool needsStudy;
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

    /// @notice Who keeps the data, for instance the hospital; one slot. @param share Of what is earned, 1e4 = 100 %.
    struct Custodian {
        address account;
        uint16 share;
    }

    event OfferListed(uint256 indexed twinId, bytes32 indexed offerHash, Offer offer);
    event OfferDelisted(uint256 indexed twinId);
    event AccessPurchased(
        uint256 indexed twinId, address indexed buyer, uint32 serial, uint96 paid, uint40 end, bytes32 terms, bytes32 study
    );
    event EarningsWithdrawn(
        uint256 indexed twinId, address indexed buyer, address indexed payee, uint96 amount, uint96 forCustodian, uint96 forProtocol
    );
    event PurchaseSettled(uint256 indexed twinId, address indexed buyer, uint96 earned, uint96 refunded);
    event CustodianAppointed(uint256 indexed twinId, uint32 epoch, address indexed custodian, uint16 share);
    event CreditClaimed(address indexed account, uint256 amount);

    error NotTwinOwner(uint256 twinId, address account);
    error OfferNotListed(uint256 twinId, bytes32 offerHash);
    error InvalidOffer(uint256 twinId);
    error InvalidDays(uint16 numberOfDays, uint16 maxDays);
    error PriceAboveMaximum(uint256 price, uint256 maxPrice);
    error NoPurchase(uint256 twinId, address buyer);
    error PurchaseRunning(uint256 twinId, address buyer, uint40 end);
    error NothingToRefund(uint256 twinId, address buyer);
    error InvalidCohort(uint256 twins, uint256 most);
    error StudyNotApproved(bytes32 study, address buyer);
    error InvalidShare(address account, uint16 share, uint16 most);
    error CustodianFixed(uint256 twinId, uint32 epoch);
    error WrongAmountReceived(uint256 expected, uint256 received);

    /// @notice Offer a twin's data, replacing an earlier offer.
    function list(Offer calldata offer) external;
    function delist(uint256 twinId) external;

    /// @notice Name who keeps the twin's data and what part it is paid; holds for the epoch and cannot be changed in it.
    function appointCustodian(uint256 twinId, address custodian, uint16 share) external;

    /// @notice Buy `numberOfDays` of access; needs an ERC-20 allowance of the price.
    /// @dev An ended purchase of the same buyer is settled and credited first. The token is called last.
    /// @param study Digest of the study it is bought for, or 0 where the offer does not ask. One that is named must be
    /// approved for the buyer and for every purpose offered, until the end of the period.
    function purchase(Offer calldata offer, uint16 numberOfDays, uint256 maxPrice, bytes32 study) external returns (uint32 serial);

    /// @notice Buy access to many twins at once, at most MOST_TWINS; all of them or none, for at most `maxPrice` together.
    /// @return price Paid for all.
    function purchaseCohort(Offer[] calldata offers, uint16 numberOfDays, uint256 maxPrice, bytes32 study)
        external
        returns (uint256 price);

    /// @notice Pay the payee its part of what is earned and not yet withdrawn; anyone may call.
    /// @dev Custodian and protocol are credited: an account the token refuses holds up nobody but itself.
    /// @return amount Paid to the payee.
    function withdraw(uint256 twinId, address buyer) external returns (uint96 amount);

    /// @notice Pay an account what it was credited; anyone may call.
    function claim(address account) external returns (uint256 amount);

    /// @notice Close a purchase that ended: the buyer gets back what was not earned; anyone may call.
    /// @dev The amount is fixed by the block of the revocation, however late this is called. What was earned stays
    /// for `withdraw`, so that a party whose account the token refuses holds up nobody but itself.
    /// @return earned Over the whole period. @return refunded Paid to the buyer now.
    function settle(uint256 twinId, address buyer) external returns (uint96 earned, uint96 refunded);

    function purchaseOf(uint256 twinId, address buyer) external view returns (Purchase memory);
    /// @notice What could be paid now: earned by all and not yet withdrawn; refundable, which is 0 while the period runs.
    function balanceOf(uint256 twinId, address buyer) external view returns (uint96 earned, uint96 refundable);
    function creditOf(address account) external view returns (uint256);
    function custodianOf(uint256 twinId, uint32 epoch) external view returns (Custodian memory);
    /// @notice Whether exactly this offer can be bought now.
    function isListed(Offer calldata offer) external view returns (bool listed);
}
