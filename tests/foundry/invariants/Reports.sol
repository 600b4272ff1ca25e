// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../../contracts/interfaces/IPredictionOracle.sol";
import {OracleFixture} from "../PredictionOracle.t.sol";
import {Data} from "./Data.sol";

/// @notice Nodes report, models come and go, one node signs two answers.
abstract contract Reports is OracleFixture, Data {
    uint256 internal constant MODELS = 2;

    bytes32[MODELS] internal modelAt;
    bytes32[] internal withdrawn;
    uint256 private _registered;
    mapping(uint256 twinId => mapping(bytes32 model => uint48)) internal rounds;
    mapping(uint256 twinId => mapping(bytes32 model => uint48)) internal roundsAtWithdrawal;
    bool internal liarFound;

    function setUp() public virtual override(OracleFixture, Data) {
        super.setUp();
        modelAt[0] = MODEL;
        modelAt[1] = _newModel();
        batches[PATIENT] = 1; // the fixture's own device
    }

    function report() internal returns (bool) {
        Twin storage twin = twinsOf[_draw(SLOTS)];
        bytes32 model = modelAt[_draw(MODELS)];
        uint48 last = rounds[twin.id][model];
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
        if (twin.retired) return sayNext();
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
        models.register(model, bytes32("card"), 0, false);
        vm.prank(administrator);
        models.approve(model);
    }
}
