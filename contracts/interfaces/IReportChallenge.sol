// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What is wrong with a report
/// @notice Computes again what a report says of itself, from lines of its explanation; PredictionOracle asks it, and acts.
/// It keeps nothing.
/// @dev An explanation is a Merkle tree (OpenZeppelin's StandardMerkleTree) of rows; its root is signed with the report.
/// Row 0 is the base, named "base", with the margin as its value; the others are the model's features, numbered from 1.
/// Base and contributions sum to the margin, and the score is the margin under the model's link. Of a model whose terms
/// are in ModelRegistry each contribution is one term at one value. Numbers are millionths.
/// What nobody can open cannot be judged: a root over nothing, or one that is kept secret. Intervals are not judged.
interface IReportChallenge {
    /// @param Rows Not a base and features, each once. @param Sum They do not add up to the margin.
    /// @param Score Not the margin under the link. @param Term A contribution is not the model's.
    enum Fault {
        None,
        Rows,
        Sum,
        Score,
        Term
    }

    /// @notice A leaf of an explanation: (uint16 index, string name, bool known, int64 value, int64 contribution).
    struct Row {
        uint16 index;
        string name;
        bool known;
        int64 value;
        int64 contribution;
    }

    /// @notice A leaf of a model's terms: what the feature `index` adds where its value is known or not, at least `from`
    /// and below `below`: step + slope * (value - centre), a product of millionths rounded half to even. Where the
    /// model gives no answer, step is the least int64, which no contribution is.
    struct Term {
        uint16 index;
        string name;
        bool known;
        int64 from;
        int64 below;
        int64 step;
        int64 slope;
        int64 centre;
    }

    /// @param path From the row to the report's explanationRoot. @param termPath From the term to the model's termsRoot.
    struct Opened {
        Row row;
        bytes32[] path;
        Term term;
        bytes32[] termPath;
    }

    error TooManyRows(uint256 rows, uint256 most);
    error RowsNotInReport(bytes32 root);
    error TermNotInModel(bytes32 model);
    error TermDoesNotApply(uint16 index);

    /// @notice Whether all rows of an explanation, in the order of their leaves, make the score.
    /// @dev The score is judged if the registry has the model's link; a logistic one where it is wrong by more than rounding.
    function sumFault(bytes32 model, bytes32 explanationRoot, int48 score, Row[] calldata rows) external view returns (Fault);

    /// @notice Whether one row of an explanation is what the model's term gives.
    function termFault(bytes32 model, bytes32 explanationRoot, Opened calldata opened) external view returns (Fault);
}
