"""The chain in this process answers as eth-tester does by itself, and does not read its blocks again and again."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest
from eth_tester.exceptions import BlockNotFound
from web3 import Web3

from oracle.adapters.embedded import embedded

TOPICS = [f"0x{one:064x}" for one in (1, 2, 2**255 + 3)]


@pytest.fixture
def web3() -> Web3:
    """A chain with two contracts that log what they are called with, with as many topics as it says."""
    made = embedded()
    made.contracts = [_deployed(made) for _ in range(2)]  # type: ignore[attr-defined]
    return made


def _deployed(web3: Web3) -> str:
    """Log n topics, 32 bytes each after the first of calldata, with the rest of it as data: LOG0 to LOG3 by a jump."""
    body = bytearray()
    for topics in range(4):
        # calldatacopy(0, 0, 8); push topics from calldata, last first; log
        code = bytes.fromhex("60085f5f37") + b"".join(
            bytes([0x60, 32 * (at + 1), 0x35]) for at in reversed(range(topics))
        )
        code += bytes.fromhex("60085f") + bytes([0xA0 + topics, 0x00])
        # if (byte 31 of the first word == topics) { code }
        body += bytes([0x5F, 0x35, 0x60, topics, 0x14, 0x15, 0x60, 0, 0x57])
        at = len(body) - 2
        body += code
        body[at] = len(body)
        body += b"\x5b"
    init = bytes([0x60, len(body), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3]) + bytes(body)
    sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "data": init, "gas": 500_000})
    address = web3.eth.get_transaction_receipt(sent)["contractAddress"]
    assert address
    return str(address)


def _log(web3: Web3, contract: str, topics: list[str]) -> None:
    data = len(topics).to_bytes(32, "big") + b"".join(bytes.fromhex(one[2:]) for one in topics)
    web3.eth.send_transaction({"from": web3.eth.accounts[1], "to": contract, "data": data, "gas": 100_000})


def _both(web3: Web3, **asked: Any) -> tuple[list[Any], list[Any]]:
    """Ours, and eth-tester's own."""
    names = {"fromBlock": "from_block", "toBlock": "to_block"}
    tester = web3.provider.ethereum_tester.get_logs(**{names.get(key, key): value for key, value in asked.items()})  # type: ignore[attr-defined]
    ours = web3.provider.make_request("eth_getLogs", [{names.get(key, key): value for key, value in asked.items()}])  # type: ignore[arg-type]
    return list(ours["result"]), [dict(one) for one in tester]


def test_logs_are_those_of_eth_tester_through_a_chain_that_is_set_back(web3: Web3) -> None:
    """For every kind of filter, while blocks come, and are taken back, and others come instead."""
    dice, contracts = random.Random(1), web3.contracts  # type: ignore[attr-defined]
    tester = web3.provider.ethereum_tester  # type: ignore[attr-defined]
    for turn in range(3):
        for _ in range(4):
            _log(web3, dice.choice(contracts), dice.choices(TOPICS, k=dice.randrange(4)))
        kept = tester.take_snapshot()
        _log(web3, contracts[0], TOPICS[:1])
        assert _both(web3, from_block=0, to_block="latest")[0]
        tester.revert_to_snapshot(kept)
        _log(web3, contracts[1], TOPICS[:2])
        head = web3.eth.block_number
        addresses = (None, contracts[0], contracts)
        wanted = (None, [TOPICS[0]], [None, TOPICS[1]], [[TOPICS[0], TOPICS[2]]], [TOPICS[1], TOPICS[1], TOPICS[2]])
        for address, topics, first, last in product(addresses, wanted, (0, turn, head), (head, "latest")):
            asked = {"address": address, "topics": topics}
            given = {key: value for key, value in asked.items() if value is not None}
            ours, theirs = _both(web3, from_block=first, to_block=last, **given)
            assert ours == theirs, given
    assert len(_both(web3, from_block=0, to_block="latest")[0]) == 15


def test_a_range_beyond_the_chain_is_refused_as_before(web3: Web3) -> None:
    """By eth-tester itself."""
    with pytest.raises(BlockNotFound):
        web3.eth.get_logs({"fromBlock": 0, "toBlock": web3.eth.block_number + 1})


def test_a_block_is_read_once(web3: Web3, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often is asked."""
    read: list[int] = []
    logs = web3.provider._logs  # type: ignore[attr-defined]
    original = logs._logs_of
    monkeypatch.setattr(logs, "_logs_of", lambda block: read.append(block.number) or original(block))
    for _ in range(3):
        web3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"})
        _log(web3, web3.contracts[0], [])  # type: ignore[attr-defined]

    assert read == list(range(web3.eth.block_number))
