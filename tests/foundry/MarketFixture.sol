// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAccessMarket} from "../../contracts/interfaces/IAccessMarket.sol";
import {IStudyRegistry} from "../../contracts/interfaces/IStudyRegistry.sol";
import {Scope} from "../../contracts/types/Consent.sol";
import {Fixture} from "./Fixture.sol";

interface IHostile is IERC20 {
    function mint(address to, uint256 amount) external;
    function setFee(uint256 fee) external;
    function setAnswersFalse(bool answersFalse) external;
    function setRefused(address refused) external;
    function setCall(address target, bytes calldata call) external;
}

/// @notice A market, a buyer with money, and a patient who lets it sell.
abstract contract MarketFixture is Fixture {
    uint96 internal constant PRICE = 1_000_003;
    uint256 internal constant FUNDS = 1e30;
    uint256 internal constant TOTAL = uint256(PRICE) * 10;
    uint40 internal constant END = NOW + 10 days;

    IHostile internal token;
    IAccessMarket internal market;
    IStudyRegistry internal studies;

    function setUp() public virtual override {
        super.setUp();
        token = IHostile(vm.deployCode("HostileToken.sol:HostileToken"));
        studies = IStudyRegistry(vm.deployCode("StudyRegistry.sol:StudyRegistry", abi.encode(administrator)));
        market = IAccessMarket(vm.deployCode("AccessMarket.sol:AccessMarket", abi.encode(twins, consents, token, studies, address(0), 0)));
        _fund(grantee);
        _approveMarket(PATIENT);
    }

    function _fund(address buyer) internal {
        token.mint(buyer, FUNDS);
        vm.prank(buyer);
        token.approve(address(market), type(uint256).max);
    }

    function _approveMarket(uint256 twinId) internal {
        vm.prank(twins.ownerOf(twinId));
        consents.setOperator(twinId, address(market), Scope(7, 7, 0, NOW + 700 days), 100 days);
    }

    function _offer(uint256 twinId) internal pure returns (IAccessMarket.Offer memory) {
        return IAccessMarket.Offer(twinId, PRICE, 6, 5, 30, keccak256("terms"), false);
    }

    function _list(IAccessMarket.Offer memory offer) internal {
        vm.prank(twins.ownerOf(offer.twinId));
        market.list(offer);
    }

    function _buy(uint16 numberOfDays) internal returns (uint32) {
        vm.prank(grantee);
        return market.purchase(_offer(PATIENT), numberOfDays, type(uint256).max, 0);
    }

    function _bought() internal {
        _list(_offer(PATIENT));
        _buy(10);
    }

    function _revoke(address by) internal {
        vm.prank(by);
        consents.revoke(PATIENT, grantee);
    }

    function _owed(uint256 earned, uint256 refundable) internal view {
        (uint96 a, uint96 b) = market.balanceOf(PATIENT, grantee);
        vm.assertEq(a, earned);
        vm.assertEq(b, refundable);
    }

    function _forgotten() internal view {
        vm.assertEq(market.purchaseOf(PATIENT, grantee).end, 0);
        vm.assertEq(market.purchaseOf(PATIENT, grantee).withdrawn, 0);
        vm.assertEq(token.balanceOf(address(market)), 0);
    }
}
