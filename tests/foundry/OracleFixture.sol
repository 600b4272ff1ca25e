// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IPredictionOracle} from "../../contracts/interfaces/IPredictionOracle.sol";
import {IReportChallenge} from "../../contracts/interfaces/IReportChallenge.sol";
import {Fixture} from "./Fixture.sol";

/// @notice An oracle of four nodes, one of which may lie, and a model.
abstract contract OracleFixture is Fixture {
    bytes32 internal constant MODEL = keccak256("model");
    uint256 internal constant NODES = 4;
    uint256 internal constant QUORUM = 3;

    IModelRegistry internal models;
    IReportChallenge internal challenge;
    IPredictionOracle internal oracle;
    /// @dev By ascending address.
    uint256[] internal keys;

    function setUp() public virtual override {
        super.setUp();
        models = IModelRegistry(vm.deployCode("ModelRegistry.sol:ModelRegistry", abi.encode(consents, administrator)));
        for (uint256 key = 1; key <= NODES; ++key) {
            keys.push(key);
        }
        for (uint256 i = 0; i < NODES; ++i) {
            for (uint256 j = i + 1; j < NODES; ++j) {
                if (vm.addr(keys[j]) < vm.addr(keys[i])) (keys[i], keys[j]) = (keys[j], keys[i]);
            }
        }
        challenge = IReportChallenge(vm.deployCode("ReportChallenge.sol:ReportChallenge", abi.encode(models)));
        bytes memory arguments = abi.encode(twins, models, challenge, _nodes(), 1);
        oracle = IPredictionOracle(vm.deployCode("PredictionOracle.sol:PredictionOracle", arguments));
        models.register(MODEL, bytes32("card"), 0, false);
        vm.prank(administrator);
        models.approve(MODEL);
        _pair(DEVICE_KEY, PATIENT, NOW + 700 days, 0);
        _anchor(DEVICE_KEY, PATIENT);
    }

    function _nodes() internal view returns (address[] memory nodes) {
        nodes = new address[](NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            nodes[i] = vm.addr(keys[i]);
        }
    }

    function _report(uint48 round) internal view returns (IPredictionOracle.Report memory) {
        return IPredictionOracle.Report(
            PATIENT, MODEL, round, uint40(block.timestamp), 1, 5, -7, 9, "inputs", "explanation", oracle.configDigest()
        );
    }

    function _digest(IPredictionOracle.Report memory report) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "Report(uint256 twinId,bytes32 model,uint48 round,uint40 asOf,uint8 status,int48 score,int48 low,int48 high,bytes32 inputsRoot,bytes32 explanationRoot,bytes32 config)"
        );
        return _typed(address(oracle), abi.encode(typehash, report));
    }

    function _by(IPredictionOracle.Report memory report, uint256 a, uint256 b, uint256 c) internal view returns (bytes memory) {
        bytes32 digest = _digest(report);
        return bytes.concat(_sign(a, digest), _sign(b, digest), _sign(c, digest));
    }

    function _signedBy(uint256 key, IPredictionOracle.Report memory report)
        internal
        view
        returns (IPredictionOracle.Signed memory)
    {
        IPredictionOracle.Place memory alone;
        return IPredictionOracle.Signed(report, alone, _sign(key, _digest(report)));
    }

    function _post(IPredictionOracle.Report memory report) internal {
        oracle.post(report, _by(report, keys[0], keys[1], keys[3]));
    }
}
