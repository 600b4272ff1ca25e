// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IAccessMarket} from "../../../contracts/interfaces/IAccessMarket.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {Scope} from "../../../contracts/types/Consent.sol";
import {Studies} from "./Studies.sol";
import {DialectToken} from "./DialectToken.sol";

/// @notice One market for each dialect of ERC-20 over the same consents; beside them a ledger of what went in and out.
abstract contract Markets is Studies {
    struct Deal {
        uint256 at;
        uint256 twinId;
        address buyer;
    }

    uint256 internal constant DIALECTS = 8;
    uint256 internal constant HONEST = 6; // the dialects after these can buy nothing
    uint96 private constant PRICE = 1_000_003;
    address internal constant PROTOCOL = address(0x9207);
    address internal constant CUSTODIAN = address(0xC057);

    IAccessMarket[DIALECTS] internal markets;
    DialectToken[DIALECTS] internal tokens;
    uint256[DIALECTS] internal moneyIn;
    uint256[DIALECTS] internal moneyOut;
    Deal[] internal deals;
    mapping(bytes32 dealId => uint256 place) private _placeOf;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i = 0; i < DIALECTS; ++i) {
            tokens[i] = new DialectToken(DialectToken.Dialect(i));
            bytes memory wiring = abi.encode(twins, consents, tokens[i], studies, PROTOCOL, 777 * i);
            markets[i] = IAccessMarket(vm.deployCode("AccessMarket.sol:AccessMarket", wiring));
            for (uint256 j = 0; j < PEOPLE; ++j) {
                tokens[i].mint(people[j], 1e40);
                vm.prank(people[j]);
                tokens[i].approve(address(markets[i]), type(uint256).max);
            }
        }
    }

    function buy() internal returns (bool) {
        uint256 at = _draw(_usually() ? HONEST : DIALECTS);
        Twin storage twin = _liveTwin();
        uint16 numberOfDays = uint16(1 + _draw(30));
        _openStall(at, twin);
        address buyer = _free(twin, address(markets[at]), uint40(block.timestamp + numberOfDays * 1 days));
        bytes32 study = _studyFor(at, buyer);
        if (study != 0 && !_isStudied(buyer, uint40(block.timestamp + numberOfDays * 1 days)) && _usually()) {
            return approveStudy(buyer);
        }
        bytes4 why = _whyNotBought(at, twin, buyer, numberOfDays, study);
        bytes memory call =
            abi.encodeCall(markets[at].purchase, (_offerOf(at, twin.id), numberOfDays, type(uint256).max, study));
        uint256 before = tokens[at].balanceOf(address(markets[at]));
        if (!_try(buyer, address(markets[at]), call, why)) return false;
        uint256 price = uint256(PRICE) * numberOfDays;
        // An earlier purchase was closed first: what left for it is what is missing.
        moneyIn[at] += price;
        moneyOut[at] += before + price - tokens[at].balanceOf(address(markets[at]));
        _remember(twin, buyer, Scope(6, 5, uint40(block.timestamp), uint40(block.timestamp + numberOfDays * 1 days)), true);
        _note(at, twin.id, buyer);
        return true;
    }

    function withdraw() internal returns (bool) {
        if (deals.length == 0) return buy();
        Deal memory deal = deals[_draw(deals.length)];
        IAccessMarket market = markets[deal.at];
        IAccessMarket.Purchase memory bought = market.purchaseOf(deal.twinId, deal.buyer);
        (uint96 earned,) = market.balanceOf(deal.twinId, deal.buyer);
        if (earned != 0 && _refuses(deal.at, bought.payee)) return changeMoods();
        bytes memory call = abi.encodeCall(market.withdraw, (deal.twinId, deal.buyer));
        (uint256 had, uint256 credited) = (tokens[deal.at].balanceOf(bought.payee), _credited(deal.at));
        _try(stranger, address(market), call, 0);
        uint256 got = tokens[deal.at].balanceOf(bought.payee) - had;
        moneyOut[deal.at] += got;
        require(got + _credited(deal.at) - credited == earned, "the parts are not what was earned");
        _clear(deal);
        return true;
    }

    function settle() internal returns (bool) {
        if (deals.length == 0) return buy();
        Deal memory deal = _endedDeal();
        IAccessMarket market = markets[deal.at];
        IAccessMarket.Purchase memory bought = market.purchaseOf(deal.twinId, deal.buyer);
        (uint96 due, uint96 refundable) = market.balanceOf(deal.twinId, deal.buyer);
        bytes memory call = abi.encodeCall(market.settle, (deal.twinId, deal.buyer));
        bytes4 why = 0;
        if (refundable == 0) {
            bool runs = _stopOf(deal, bought) > block.timestamp;
            why = runs ? IAccessMarket.PurchaseRunning.selector : IAccessMarket.NothingToRefund.selector;
        } else if (_refuses(deal.at, deal.buyer)) {
            why = DialectToken.AccountRefused.selector;
        }
        if (!_try(stranger, address(market), call, why)) return false;
        require(due + bought.withdrawn + refundable == bought.paid, "the parts are not the whole");
        moneyOut[deal.at] += refundable;
        _clear(deal);
        return true;
    }

    /// @dev Custodian, protocol or a payee takes what it was credited.
    function claim() internal returns (bool) {
        uint256 at = _draw(HONEST);
        address account = _creditors()[_draw(4)];
        uint256 credit = markets[at].creditOf(account);
        bytes4 why = credit != 0 && _refuses(at, account) ? DialectToken.AccountRefused.selector : bytes4(0);
        if (!_try(stranger, address(markets[at]), abi.encodeCall(markets[at].claim, (account)), why)) return false;
        moneyOut[at] += credit;
        return true;
    }

    /// @dev All three twins in one purchase, if each can be bought alone.
    function buyCohort() internal returns (bool) {
        (uint256 at, address buyer) = (_draw(HONEST), _person());
        bytes32 study = _studyFor(at, buyer);
        IAccessMarket.Offer[] memory offers = new IAccessMarket.Offer[](SLOTS);
        for (uint256 i = 0; i < SLOTS; ++i) {
            offers[i] = _offerOf(at, twinsOf[i].id);
            if (!twinsOf[i].retired) _openStall(at, twinsOf[i]);
            if (twinsOf[i].retired || _whyNotBought(at, twinsOf[i], buyer, 2, study) != 0) return buy();
        }
        uint256 before = tokens[at].balanceOf(address(markets[at]));
        vm.prank(buyer);
        uint256 price = markets[at].purchaseCohort(offers, 2, type(uint256).max, study);
        moneyIn[at] += price;
        moneyOut[at] += before + price - tokens[at].balanceOf(address(markets[at]));
        for (uint256 i = 0; i < SLOTS; ++i) {
            _remember(twinsOf[i], buyer, Scope(6, 5, uint40(block.timestamp), uint40(block.timestamp + 2 days)), true);
            _note(at, twinsOf[i].id, buyer);
        }
        return true;
    }

    /// @dev The refusing token refuses somebody else from now on; the calling one calls back with something else,
    /// the generous one gives.
    function changeMoods() internal returns (bool) {
        address account = _oneIn(2) ? _person() : owners[_draw(2)];
        tokens[2].setRefused(_oneIn(3) ? address(0) : account);
        uint256 id = twinsOf[_draw(SLOTS)].id;
        bytes memory again = _oneIn(2)
            ? abi.encodeCall(markets[3].withdraw, (id, _person()))
            : _oneIn(2)
                ? abi.encodeCall(markets[3].settle, (id, _person()))
                : abi.encodeCall(markets[3].purchase, (_offerOf(3, id), 1, type(uint256).max, 0));
        tokens[3].setCall(address(markets[3]), again);
        tokens[4].give(address(markets[4]));
        return true;
    }

    function _owed(uint256 at) internal view returns (uint256 total) {
        for (uint256 i = 0; i < deals.length; ++i) {
            if (deals[i].at != at) continue;
            IAccessMarket.Purchase memory bought = markets[at].purchaseOf(deals[i].twinId, deals[i].buyer);
            total += bought.paid - bought.withdrawn;
        }
        total += _credited(at);
    }

    function _credited(uint256 at) private view returns (uint256 total) {
        for (uint256 i = 0; i < 4; ++i) {
            total += markets[at].creditOf(_creditors()[i]);
        }
    }

    function _creditors() private view returns (address[4] memory) {
        return [PROTOCOL, CUSTODIAN, owners[0], owners[1]];
    }

    /// @dev Mostly one that left something to give back.
    function _endedDeal() private returns (Deal memory deal) {
        uint256 start = _draw(deals.length);
        for (uint256 i = 0; i < deals.length && i < 16; ++i) {
            deal = deals[(start + i) % deals.length];
            (, uint96 refundable) = markets[deal.at].balanceOf(deal.twinId, deal.buyer);
            if (refundable != 0 || !_usually()) return deal;
        }
    }

    /// @dev Every other market sells for studies only.
    function _offerOf(uint256 at, uint256 twinId) private pure returns (IAccessMarket.Offer memory) {
        return IAccessMarket.Offer(twinId, PRICE, 6, 5, 30, "terms", at % 2 == 1);
    }

    /// @dev Mostly the buyer's own where one is needed; elsewhere it must hold too if it is named.
    function _studyFor(uint256 at, address buyer) private returns (bytes32) {
        return (at % 2 == 1 ? _usually() : _oneIn(8)) ? studyOf[buyer].id : bytes32(0);
    }

    /// @dev What an owner does who sells: lists, shares with a custodian, and mostly lets the market in.
    function _openStall(uint256 at, Twin storage twin) private {
        if (!markets[at].isListed(_offerOf(at, twin.id))) {
            vm.prank(_ownerOf(twin));
            markets[at].list(_offerOf(at, twin.id));
            uint16 rest = 10_000 - uint16(777 * at);
            vm.prank(_ownerOf(twin));
            markets[at].appointCustodian(twin.id, CUSTODIAN, _oneIn(2) ? rest : uint16(1 + _draw(rest)));
        }
        if (approved[twin.id][address(markets[at])].epoch == twin.epoch && approved[twin.id][address(markets[at])].given) return;
        if (!_oneIn(8)) _approve(twin, address(markets[at]));
    }

    function _whyNotBought(uint256 at, Twin storage twin, address buyer, uint16 numberOfDays, bytes32 study)
        private
        view
        returns (bytes4)
    {
        bool studied = study != 0 && _isStudied(buyer, uint40(block.timestamp + numberOfDays * 1 days));
        if ((at % 2 == 1 || study != 0) && !studied) return IAccessMarket.StudyNotApproved.selector;
        IAccessMarket.Purchase memory earlier = markets[at].purchaseOf(twin.id, buyer);
        if (earlier.end != 0) {
            if (_stopOf(Deal(at, twin.id, buyer), earlier) > block.timestamp) return IAccessMarket.PurchaseRunning.selector;
            (, uint96 refundable) = markets[at].balanceOf(twin.id, buyer);
            if (refundable != 0 && _refuses(at, buyer)) return DialectToken.AccountRefused.selector;
        }
        bytes4 why = _whyNotOpened(twin, address(markets[at]), buyer, uint40(block.timestamp + numberOfDays * 1 days));
        if (why != 0) return why;
        if (_refuses(at, buyer)) return DialectToken.AccountRefused.selector;
        if (at == uint256(DialectToken.Dialect.AnswersFalse)) return SafeERC20.SafeERC20FailedOperation.selector;
        if (at == uint256(DialectToken.Dialect.TakesFee)) return IAccessMarket.WrongAmountReceived.selector;
        return 0;
    }

    function _stopOf(Deal memory deal, IAccessMarket.Purchase memory bought) private view returns (uint40 stop) {
        stop = bought.end;
        uint40 revokedAt = consents.revokedAt(deal.twinId, deal.buyer, bought.serial);
        if (revokedAt != 0 && revokedAt < stop) stop = revokedAt;
        uint40 ended = twins.epochEnd(deal.twinId, bought.epoch);
        if (ended != 0 && ended < stop) stop = ended;
    }

    function _refuses(uint256 at, address account) private view returns (bool) {
        return at == uint256(DialectToken.Dialect.Refusing) && tokens[at].refused() == account;
    }

    function _note(uint256 at, uint256 twinId, address buyer) private {
        bytes32 id = keccak256(abi.encode(at, twinId, buyer));
        if (_placeOf[id] != 0) return;
        deals.push(Deal(at, twinId, buyer));
        _placeOf[id] = deals.length;
    }

    /// @dev Forgets a deal the market forgot.
    function _clear(Deal memory deal) private {
        if (markets[deal.at].purchaseOf(deal.twinId, deal.buyer).end != 0) return;
        bytes32 id = keccak256(abi.encode(deal.at, deal.twinId, deal.buyer));
        Deal memory last = deals[deals.length - 1];
        deals[_placeOf[id] - 1] = last;
        _placeOf[keccak256(abi.encode(last.at, last.twinId, last.buyer))] = _placeOf[id];
        delete _placeOf[id];
        deals.pop();
    }
}
