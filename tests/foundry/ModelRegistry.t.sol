// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {Wiring} from "../../contracts/libraries/Wiring.sol";
import {Fixture} from "./Fixture.sol";

/// register
///   given digests
///     it is stored and told, once
///   when one is 0
///     it refuses
/// approve, withdraw
///   given a registered model
///     it is approved, then withdrawn
///     it is withdrawn before it was approved
///     it never goes back
///   given anybody without the role
///     it refuses
/// constructor
///   it names an approver
/// mark
///   given a consent of the lineage that was revoked
///     it stops a model that said it would
///     it is only a mark where the model goes on
///   when the consent is not in the lineage
///     it refuses
/// constructor
///   given an address without code
///     it refuses
/// registerTerms
///   given the registrar, before approval
///     it is stored and told, once
contract ModelRegistryTest is Fixture {
    bytes32 private constant MODEL = keccak256("model");
    bytes32 private constant APPROVER_ROLE = keccak256("APPROVER_ROLE");

    IModelRegistry private models;

    function setUp() public override {
        super.setUp();
        models = IModelRegistry(vm.deployCode("ModelRegistry.sol:ModelRegistry", abi.encode(consents, administrator)));
    }

    function _register() private {
        vm.prank(stranger);
        models.register(MODEL, bytes32("card"), bytes32("lineage"), true);
    }

    function _inState(IModelRegistry.ModelState state) private view {
        vm.assertEq(uint8(models.modelOf(MODEL).state), uint8(state));
    }

    function test_register_isStoredAndTold() public {
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelRegistered(MODEL, stranger, bytes32("card"), bytes32("lineage"), true);
        _register();
        IModelRegistry.Model memory kept = models.modelOf(MODEL);
        bytes32 expected =
            keccak256(abi.encode(IModelRegistry.ModelState.Registered, stranger, NOW, true, false, IModelRegistry.Link.Unknown, bytes32("card"), bytes32("lineage"), bytes32(0)));
        vm.assertEq(keccak256(abi.encode(kept)), expected);
        vm.assertFalse(models.isApproved(MODEL));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelExists.selector, MODEL));
        _register();
    }

    function test_register_refusesEmptyDigests() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.EmptyDigest.selector));
        models.register(0, bytes32("card"), 0, false);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.EmptyDigest.selector));
        models.register(MODEL, 0, 0, false);
    }

    function test_approve_thenWithdraw() public {
        _register();
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelApproved(MODEL, administrator);
        vm.prank(administrator);
        models.approve(MODEL);
        vm.assertTrue(models.isApproved(MODEL));
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelWithdrawn(MODEL, administrator, bytes32("why"));
        vm.prank(administrator);
        models.withdraw(MODEL, bytes32("why"));
        vm.assertFalse(models.isApproved(MODEL));
        _inState(IModelRegistry.ModelState.Withdrawn);
    }

    function test_withdraw_beforeApproval() public {
        _register();
        vm.prank(administrator);
        models.withdraw(MODEL, 0);
        _inState(IModelRegistry.ModelState.Withdrawn);
    }

    function test_states_neverGoBack() public {
        _refuses(true, IModelRegistry.ModelState.Unknown);
        _refuses(false, IModelRegistry.ModelState.Unknown);
        _register();
        vm.prank(administrator);
        models.approve(MODEL);
        _refuses(true, IModelRegistry.ModelState.Approved);
        vm.prank(administrator);
        models.withdraw(MODEL, 0);
        _refuses(true, IModelRegistry.ModelState.Withdrawn);
        _refuses(false, IModelRegistry.ModelState.Withdrawn);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelExists.selector, MODEL));
        _register();
    }

    function _refuses(bool approving, IModelRegistry.ModelState state) private {
        IModelRegistry.ModelState wanted =
            approving ? IModelRegistry.ModelState.Registered : IModelRegistry.ModelState.Approved;
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelNotInState.selector, MODEL, state, wanted));
        vm.prank(administrator);
        if (approving) models.approve(MODEL);
        else models.withdraw(MODEL, 0);
    }

    function testFuzz_approval_needsTheRole(address account) public {
        vm.assume(account != administrator);
        _register();
        bytes memory reason =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, APPROVER_ROLE);
        vm.expectRevert(reason);
        vm.prank(account);
        models.approve(MODEL);
        vm.expectRevert(reason);
        vm.prank(account);
        models.withdraw(MODEL, 0);
    }

    function test_constructor_namesAnApprover() public {
        vm.assertTrue(IAccessControl(address(models)).hasRole(0, administrator));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ZeroApprover.selector));
        this.create("ModelRegistry.sol:ModelRegistry", abi.encode(consents, address(0)));
    }

    // -- lineage ---------------------------------------------------------------

    /// @dev A tree of two leaves, as OpenZeppelin's StandardMerkleTree builds it.
    function _trained(bool stops) private returns (bytes32[] memory proof) {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(PATIENT, grantee, 1))));
        bytes32 other = keccak256(bytes.concat(keccak256(abi.encode(WARD, grantee, 7))));
        bytes32 root = leaf < other ? keccak256(bytes.concat(leaf, other)) : keccak256(bytes.concat(other, leaf));
        models.register(MODEL, bytes32("card"), root, stops);
        vm.prank(administrator);
        models.approve(MODEL);
        proof = new bytes32[](1);
        proof[0] = other;
    }

    function test_mark_stopsAModelThatSaidSo() public {
        bytes32[] memory proof = _trained(true);
        _grant(PATIENT, grantee, _scope(NOW, NOW + 10 days));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ConsentNotRevoked.selector, PATIENT, grantee, 1));
        models.mark(MODEL, PATIENT, grantee, 1, proof);
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelMarked(MODEL, PATIENT, grantee, 1);
        vm.prank(stranger);
        models.mark(MODEL, PATIENT, grantee, 1, proof);
        vm.assertTrue(models.modelOf(MODEL).marked);
        vm.assertFalse(models.isApproved(MODEL));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelIsMarked.selector, MODEL));
        models.mark(MODEL, PATIENT, grantee, 1, proof);
    }

    function test_mark_isOnlyAMarkWhereTheModelGoesOn() public {
        bytes32[] memory proof = _trained(false);
        _grant(PATIENT, grantee, _scope(NOW, NOW + 10 days));
        vm.prank(owner);
        consents.revoke(PATIENT, grantee);
        models.mark(MODEL, PATIENT, grantee, 1, proof);
        vm.assertTrue(models.modelOf(MODEL).marked);
        vm.assertTrue(models.isApproved(MODEL));
    }

    function testFuzz_mark_refusesWhatIsNotInTheLineage(uint256 twinId, address who, uint32 serial) public {
        bytes32[] memory proof = _trained(true);
        vm.assume(twinId != PATIENT || who != grantee || serial != 1);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(twinId, who, serial))));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotInLineage.selector, MODEL, leaf));
        models.mark(MODEL, twinId, who, serial, proof);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotInLineage.selector, bytes32("none"), leaf));
        models.mark("none", twinId, who, serial, proof);
    }

    function test_constructor_refusesWhatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(Wiring.NotAContract.selector, stranger));
        this.create("ModelRegistry.sol:ModelRegistry", abi.encode(stranger, administrator));
    }

    function test_registerTerms_isTheRegistrarsOnceBeforeApproval() public {
        bytes memory unknown = abi.encodeWithSelector(
            IModelRegistry.ModelNotInState.selector, MODEL, IModelRegistry.ModelState.Unknown, IModelRegistry.ModelState.Registered
        );
        vm.expectRevert(unknown);
        models.registerTerms(MODEL, "terms", IModelRegistry.Link.Logistic);
        _register();
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotRegistrar.selector, MODEL, address(this)));
        models.registerTerms(MODEL, "terms", IModelRegistry.Link.Logistic);
        bytes memory empty = abi.encodeWithSelector(IModelRegistry.EmptyDigest.selector);
        _refusesTerms(0, IModelRegistry.Link.Logistic, empty);
        _refusesTerms("terms", IModelRegistry.Link.Unknown, empty);
        vm.expectEmit(address(models));
        emit IModelRegistry.ModelTermsRegistered(MODEL, "terms", IModelRegistry.Link.Logistic);
        vm.prank(stranger);
        models.registerTerms(MODEL, "terms", IModelRegistry.Link.Logistic);
        (bytes32 root, IModelRegistry.Link link) = models.termsOf(MODEL);
        vm.assertEq(root, bytes32("terms"));
        vm.assertEq(uint256(link), uint256(IModelRegistry.Link.Logistic));
        _refusesTerms("other", IModelRegistry.Link.Identity, abi.encodeWithSelector(IModelRegistry.ModelTermsExist.selector, MODEL));
    }

    function _refusesTerms(bytes32 root, IModelRegistry.Link link, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(stranger);
        models.registerTerms(MODEL, root, link);
    }
}
