// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IReportChallenge} from "./interfaces/IReportChallenge.sol";
import {FixedPoint} from "./libraries/FixedPoint.sol";
import {Wiring} from "./libraries/Wiring.sol";

/// @notice See IReportChallenge.
contract ReportChallenge is IReportChallenge {
    uint256 private constant MOST_ROWS = 256;
    bytes32 private constant BASE = keccak256("base");

    IModelRegistry public immutable MODELS;

    constructor(IModelRegistry models) {
        MODELS = IModelRegistry(Wiring.checked(address(models)));
    }

    /// @inheritdoc IReportChallenge
    function sumFault(bytes32 model, bytes32 explanationRoot, int48 score, Row[] calldata rows) external view returns (Fault) {
        _checkAllOpened(explanationRoot, rows);
        bool[] memory seen = new bool[](rows.length);
        int256 sum;
        int256 margin;
        for (uint256 i = 0; i < rows.length; ++i) {
            Row calldata row = rows[i];
            if (row.index >= rows.length || seen[row.index]) return Fault.Rows;
            seen[row.index] = true;
            sum += row.contribution;
            if (row.index != 0) continue;
            if (!row.known || keccak256(bytes(row.name)) != BASE) return Fault.Rows;
            margin = row.value;
        }
        if (sum != margin) return Fault.Sum;
        return _isScore(model, score, margin) ? Fault.None : Fault.Score;
    }

    /// @inheritdoc IReportChallenge
    function termFault(bytes32 model, bytes32 explanationRoot, Opened calldata opened) external view returns (Fault) {
        (Row calldata row, Term calldata term) = (opened.row, opened.term);
        if (!MerkleProof.verifyCalldata(opened.path, explanationRoot, _leafOf(row))) {
            revert RowsNotInReport(explanationRoot);
        }
        (bytes32 termsRoot,) = MODELS.termsOf(model);
        if (!MerkleProof.verifyCalldata(opened.termPath, termsRoot, _termLeafOf(term))) revert TermNotInModel(model);
        bool applies = row.known == term.known && term.from <= row.value && row.value < term.below;
        if (row.index != term.index || !applies) revert TermDoesNotApply(row.index);

        int256 wanted = term.step + FixedPoint.product(term.slope, int256(row.value) - term.centre);
        bool same = row.contribution == wanted && keccak256(bytes(row.name)) == keccak256(bytes(term.name));
        return same ? Fault.None : Fault.Term;
    }

    function _isScore(bytes32 model, int256 score, int256 margin) private view returns (bool) {
        (, IModelRegistry.Link link) = MODELS.termsOf(model);
        if (link == IModelRegistry.Link.Identity) return score == margin;
        return link == IModelRegistry.Link.Unknown || FixedPoint.isLogistic(score, margin);
    }

    /// @dev A tree of n leaves in this order has no other leaves, as a row is hashed twice and an inner node once.
    function _checkAllOpened(bytes32 root, Row[] calldata rows) private pure {
        uint256 count = rows.length;
        if (count == 0 || count > MOST_ROWS) revert TooManyRows(count, MOST_ROWS);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = _leafOf(rows[i]);
        }
        bool[] memory onlyLeaves = new bool[](count - 1);
        for (uint256 i = 0; i + 1 < count; ++i) {
            onlyLeaves[i] = true;
        }
        if (!MerkleProof.multiProofVerify(new bytes32[](0), onlyLeaves, root, leaves)) revert RowsNotInReport(root);
    }

    function _leafOf(Row calldata row) private pure returns (bytes32) {
        bytes memory encoded = abi.encode(row.index, row.name, row.known, row.value, row.contribution);
        return keccak256(bytes.concat(keccak256(encoded)));
    }

    function _termLeafOf(Term calldata term) private pure returns (bytes32) {
        bytes memory encoded =
            abi.encode(term.index, term.name, term.known, term.from, term.below, term.step, term.slope, term.centre);
        return keccak256(bytes.concat(keccak256(encoded)));
    }
}
