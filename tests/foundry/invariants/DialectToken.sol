// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice ERC-20 as it is found: each dialect keeps to its own reading of the standard.
contract DialectToken {
    enum Dialect { Plain, Silent, Refusing, Calling, Generous, Reverting, AnswersFalse, TakesFee }

    Dialect public immutable DIALECT;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;
    address public refused;
    address public target;
    bytes private _call;
    /// @notice Calls back that were not refused.
    uint256 public entered;
    /// @notice What came without anybody sending it.
    mapping(address account => uint256) public gift;

    error AccountRefused(address account);

    constructor(Dialect dialect) {
        DIALECT = dialect;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    /// @notice A rebase upwards.
    function give(address to) external {
        ++balanceOf[to];
        ++gift[to];
    }

    function setRefused(address account) external {
        refused = account;
    }

    function setCall(address target_, bytes calldata call) external {
        (target, _call) = (target_, call);
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    /// @dev Ends the call itself: a silent token answers nothing, the others a word.
    function _move(address from, address to, uint256 amount) private {
        if (DIALECT == Dialect.AnswersFalse) _answer(0);
        if (DIALECT == Dialect.Reverting && amount == 0) revert AccountRefused(to);
        if (DIALECT == Dialect.Refusing && (to == refused || from == refused)) revert AccountRefused(to);
        balanceOf[from] -= amount;
        balanceOf[to] += DIALECT == Dialect.TakesFee ? amount - 1 : amount;
        if (DIALECT == Dialect.Calling && target != address(0)) {
            (bool done,) = target.call(_call);
            if (done) ++entered;
        }
        if (DIALECT == Dialect.Silent) _stop();
        _answer(1);
    }

    function _answer(uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, 32)
        }
    }

    function _stop() private pure {
        assembly ("memory-safe") {
            return(0, 0)
        }
    }
}
