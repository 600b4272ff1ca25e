// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../../contracts/interfaces/IPredictionOracle.sol";
import {OracleFixture} from "../OracleFixture.sol";
import {Consents} from "./Consents.sol";
import {Data} from "./Data.sol";
import {World} from "./World.sol";

/// @notice Nodes report, models come and go, one node signs two answers; a model learned from somebody's grant, which ends.
abstract contract Reports is OracleFixture, Consents, Data {
    struct Lineage {
        uint256 twinId;
        address person;
        uint32 serial;
        bool stops;
        bool marked;
    }

    uint256 internal constant MODELS = 2;

    bytes32[MODELS] internal modelAt;
    bytes32[] internal withdrawn;
    uint256 private _registered;
    mapping(uint256 twinId => mapping(bytes32 model => uint48)) internal rounds;
    mapping(uint256 twinId => mapping(bytes32 model => uint48)) internal roundsAtWithdrawal;
    mapping(bytes32 model => Lineage) internal lineageOf;
    bool internal liarFound;

    function setUp() public virtual override(OracleFixture, World, Data) {
        super.setUp();
        modelAt[0] = MODEL;
        modelAt[1] = _newModel();
        batches[PATIENT] = 1; // the fixture's own device
    }

    function report() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        bytes32 model = modelAt[_draw(MODELS)];
        uint48 last = rounds[twin.id][model];
        if (_isStopped(model)) return _usually() ? withdrawModel() : _reportStopped(model);
        if (twin.retired) return sayNext();
        uint48 round = last + 1 + uint48(_draw(9));
        IPredictionOracle.Report memory said = _reportOf(twin.id, model, round);
        (uint256 first, uint256 second, uint256 third) = _three();
        oracle.post(said, _by(said, first, second, third));
        rounds[twin.id][model] = round;
        return true;
    }

    /// @dev An old round, a node twice, a stranger, too few, the liar.
    function reportWrong() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        bytes32 model = modelAt[_draw(MODELS)];
        uint48 last = rounds[twin.id][model];
        if (twin.retired || _isStopped(model)) return sayNext();
        IPredictionOracle.Report memory said = _reportOf(twin.id, model, last + 1);
        uint256 kind = _draw(5);
        bytes4 why = IPredictionOracle.RoundNotAfter.selector;
        if (kind == 0) said.round = last;
        (uint256 a, uint256 b, uint256 c) = _three();
        if (kind == 1) (b, why) = (a, IPredictionOracle.SignersNotAscending.selector);
        if (kind == 2) (c, why) = (STRANGER_KEY, IPredictionOracle.UnknownSigner.selector);
        if (kind == 4) (a, b, c) = (keys[0], keys[1], keys[2]);
        if (kind == 4) why = liarFound ? IPredictionOracle.UnknownSigner.selector : bytes4(0);
        bytes memory signatures = _by(said, a, b, c);
        if (kind == 3) {
            assembly ("memory-safe") {
                mstore(signatures, 130)
            }
            why = IPredictionOracle.QuorumNotMet.selector;
        }
        bytes memory call = abi.encodeCall(oracle.post, (said, signatures));
        if (!_try(stranger, address(oracle), call, why)) return false;
        rounds[twin.id][model] = said.round;
        return true;
    }

    function withdrawModel() internal returns (bool) {
        uint256 at = _draw(MODELS);
        bytes32 model = modelAt[at];
        vm.prank(administrator);
        models.withdraw(model, "reason");
        withdrawn.push(model);
        for (uint256 i = 0; i < SLOTS; ++i) {
            roundsAtWithdrawal[twinsOf[i].id][model] = rounds[twinsOf[i].id][model];
        }
        modelAt[at] = _newModel();
        return true;
    }

    /// @dev Whatever is withdrawn reports no more and is approved no more.
    function reportWithdrawn() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        if (withdrawn.length == 0 || twin.retired) return report();
        bytes32 model = withdrawn[_draw(withdrawn.length)];
        IPredictionOracle.Report memory said = _reportOf(twin.id, model, rounds[twin.id][model] + 1);
        bytes memory call = abi.encodeCall(oracle.post, (said, _by(said, keys[1], keys[2], keys[3])));
        _refused(stranger, address(oracle), call, IPredictionOracle.ModelNotApproved.selector);
        bytes memory approve = abi.encodeCall(models.approve, (model));
        return _refused(administrator, address(models), approve, IModelRegistry.ModelNotInState.selector);
    }

    /// @dev Somebody shows that a grant a model learned from was ended; or shows what was not, or not of that model.
    function markModel() internal returns (bool) {
        bytes32 model = modelAt[_draw(MODELS)];
        Lineage storage from_ = lineageOf[model];
        if ((from_.serial == 0 || from_.marked) && _usually()) return withdrawModel();
        if (held[from_.twinId][from_.person].serial > from_.serial + 45) return withdrawModel(); // no longer known
        uint32 serial = _usually() ? from_.serial : from_.serial + 1;
        bytes4 why = IModelRegistry.ConsentNotRevoked.selector;
        if (from_.serial == 0 || serial != from_.serial) why = IModelRegistry.NotInLineage.selector;
        else if (_wasEnded(from_.twinId, from_.person, serial)) why = 0;
        else if (_usually()) return revoke();
        if (from_.marked) why = IModelRegistry.ModelIsMarked.selector;
        bytes memory call =
            abi.encodeCall(models.mark, (model, from_.twinId, from_.person, serial, new bytes32[](0)));
        if (!_try(stranger, address(models), call, why)) return false;
        return from_.marked = true;
    }

    function _isStopped(bytes32 model) internal view returns (bool) {
        return lineageOf[model].marked && lineageOf[model].stops;
    }

    function _reportStopped(bytes32 model) private returns (bool) {
        IPredictionOracle.Report memory said = _reportOf(twinsOf[0].id, model, type(uint48).max);
        bytes memory call = abi.encodeCall(oracle.post, (said, _by(said, keys[1], keys[2], keys[3])));
        return _refused(stranger, address(oracle), call, IPredictionOracle.ModelNotApproved.selector);
    }

    /// @dev The first node signs two reports of one round; f = 1, so no second one does.
    function equivocate() internal returns (bool) {
        IPredictionOracle.Report memory a = _reportOf(PATIENT, MODEL, 1);
        IPredictionOracle.Report memory b = _reportOf(PATIENT, MODEL, 1);
        b.score += 1;
        bytes memory call = abi.encodeCall(oracle.proveEquivocation, (_signedBy(keys[0], a), _signedBy(keys[0], b)));
        if (liarFound) return _refused(stranger, address(oracle), call, IPredictionOracle.UnknownSigner.selector);
        _try(stranger, address(oracle), call, 0);
        return liarFound = true;
    }

    /// @dev Three of the nodes that still count, ascending.
    function _three() private returns (uint256, uint256, uint256) {
        if (liarFound || _oneIn(2)) return (keys[1], keys[2], keys[3]);
        return _oneIn(2) ? (keys[0], keys[1], keys[3]) : (keys[0], keys[2], keys[3]);
    }

    function _reportOf(uint256 twinId, bytes32 model, uint48 round) private returns (IPredictionOracle.Report memory said) {
        said = _report(round);
        (said.twinId, said.model) = (twinId, model);
        int48 score = int48(int256(_draw(2_000_000))) - 1_000_000;
        (said.low, said.score, said.high) = (score - 5, score, score + 5);
    }

    function _newModel() private returns (bytes32 model) {
        model = keccak256(abi.encode("model", ++_registered));
        uint256 twinId = twinsOf[_draw(SLOTS)].id;
        address person = _person();
        Lineage memory from_ = Lineage(twinId, person, held[twinId][person].serial, !_oneIn(3), false);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(twinId, person, from_.serial))));
        models.register(model, bytes32("card"), from_.serial == 0 ? bytes32(0) : leaf, from_.stops);
        lineageOf[model] = from_;
        vm.prank(administrator);
        models.approve(model);
    }
}
