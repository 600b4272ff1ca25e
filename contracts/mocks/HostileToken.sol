// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice A token that misbehaves on request: takes a fee, answers false, refuses an account, or calls back.
contract HostileToken is ERC20 {
    uint256 public fee;
    bool public answersFalse;
    address public refused;
    address public target;
    bytes public call;

    error AccountRefused(address account);

    constructor() ERC20("Hostile", "HOSTILE") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @notice A rebase downwards.
    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    function setAnswersFalse(bool answersFalse_) external {
        answersFalse = answersFalse_;
    }

    function setRefused(address refused_) external {
        refused = refused_;
    }

    function setCall(address target_, bytes calldata call_) external {
        (target, call) = (target_, call_);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (answersFalse) return false;
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (answersFalse) return false;
        return super.transferFrom(from, to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (to == refused && to != address(0)) revert AccountRefused(to);
        if (from != address(0) && fee != 0) super._update(from, address(0), fee);
        super._update(from, to, from == address(0) ? amount : amount - fee);
        if (target != address(0)) {
            (bool done, bytes memory answer) = target.call(call);
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer)) // the reason, unchanged, for the test to see
                }
            }
        }
    }
}
