"""A chain inside this process: eth-tester and py-evm."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from eth_utils import to_checksum_address
from web3 import EthereumTesterProvider, Web3


def embedded() -> Web3:
    """A fresh chain; its ten accounts are funded by its genesis. It hears one caller at a time."""
    web3 = Web3(_InTurn())
    web3.middleware_onion.remove("ens_name_to_address")  # addresses have no names here, and it takes no list of them
    return web3


class _InTurn(EthereumTesterProvider):
    def __init__(self) -> None:
        super().__init__()
        assert self.ethereum_tester is not None
        self._turn = Lock()
        self._logs = _Logs(self.ethereum_tester.backend.chain)

    def make_request(self, method: Any, params: Any) -> Any:
        with self._turn:
            if method == "eth_getLogs" and (found := self._logs.found(**params[0])) is not None:
                return {"jsonrpc": "2.0", "id": 0, "result": found}
            return super().make_request(method, params)


class _Logs:
    """Of the blocks until now, each read once; a chain that was set back is read again from where it differs.

    eth-tester looks for each transaction in all blocks, so that each question takes longer than the last.
    """

    def __init__(self, chain: Any) -> None:
        self._chain = chain
        self._blocks: list[tuple[bytes, list[dict[str, Any]]]] = []

    def found(
        self, from_block: Any = None, to_block: Any = None, address: Any = None, topics: Any = None, **other: Any
    ) -> list[dict[str, Any]] | None:
        """What matches in a range of blocks; None for a range that is not of numbers, or not of this chain."""
        head = self._chain.get_canonical_head().block_number
        last = head if to_block == "latest" else to_block
        if other or not isinstance(from_block, int) or not isinstance(last, int) or not 0 <= from_block <= last <= head:
            return None
        self._read(head)
        addresses = {one.lower() for one in ([address] if isinstance(address, str) else address or ())}
        wanted = [None if one is None else {one} if isinstance(one, str) else {*one} for one in topics or ()]
        return [
            dict(one)
            for _, logs in self._blocks[from_block : last + 1]
            for one in logs
            if (not addresses or one["address"].lower() in addresses) and _has(one["topics"], wanted)
        ]

    def _read(self, head: int) -> None:
        known, chain = self._blocks, self._chain
        while known and (len(known) > head + 1 or chain.get_canonical_block_hash(len(known) - 1) != known[-1][0]):
            known.pop()
        for number in range(len(known), head + 1):
            block = chain.get_canonical_block_by_number(number)
            known.append((block.hash, list(self._logs_of(block))))

    def _logs_of(self, block: Any) -> Sequence[dict[str, Any]]:
        receipts = block.get_receipts(self._chain.chaindb)
        placed = [
            (at, transaction.hash, log)
            for at, (transaction, receipt) in enumerate(zip(block.transactions, receipts, strict=True))
            for log in receipt.logs
        ]
        return [
            {
                "type": "mined", "log_index": index, "transaction_index": at, "transaction_hash": f"0x{hash_.hex()}",
                "block_hash": f"0x{block.hash.hex()}", "block_number": block.number,
                "address": to_checksum_address(log.address), "data": f"0x{log.data.hex()}",
                "topics": [f"0x{topic:064x}" for topic in log.topics],
            }
            for index, (at, hash_, log) in enumerate(placed)
        ]  # fmt: skip


def _has(topics: Sequence[str], wanted: Sequence[set[str] | None]) -> bool:
    """Whether a log has the topics asked for, place by place."""
    return len(topics) >= len(wanted) and all(
        any_of is None or topic in any_of for topic, any_of in zip(topics, wanted, strict=False)
    )
