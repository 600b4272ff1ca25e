"""The test chain's time, to the second: each block is one second after the last unless told otherwise."""

from __future__ import annotations

from brownie import web3

DAY_S = 86_400


def now_s() -> int:
    """Time of the latest block (s), which is what a call sees."""
    return int(web3.eth.get_block("latest")["timestamp"])


def view_at(time_s: int) -> None:
    """Mine an empty block of this time, so that calls see it."""
    answer = web3.provider.make_request("evm_mine", [time_s])
    assert answer.get("result") == "0x0" and now_s() == time_s, answer


def next_at(time_s: int) -> None:
    """Let the next transaction's block have this time."""
    view_at(time_s - 1)
