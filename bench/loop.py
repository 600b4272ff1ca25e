"""The peer of the pipeline: a loop that puts every reading on the chain in a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import numpy as np
from eth_utils import to_checksum_address
from hexbytes import HexBytes

from oracle.adapters.memory import new_signer
from oracle.ports import Signer
from oracle.records import Readings
from oracle.settings import Opened

from .peer_contracts import GAS_PRICE_WEI, Artifact, Bare

GAS = 60_000
TWIN = 1 << 200 | 1
BATCH = 250
FUNDING_WEI = 10 * 10**18


@dataclass(slots=True)
class Loop:
    """As fast as a chain takes single transactions: signed here, over a node's RPC in batches of 250."""

    opened: Opened
    log: Any
    signer: Signer
    sent: int = 0
    how: str = field(init=False)

    def __post_init__(self) -> None:
        self.how = f"over JSON-RPC in batches of {BATCH}" if self.opened.url else "one by one in the same process"

    @classmethod
    def on(cls, opened: Opened, artifact: Artifact) -> Loop:
        """Deploy the log and fund a sender."""
        signer = new_signer()
        opened.fund(signer.address, FUNDING_WEI)
        return cls(opened, Bare(opened.web3).deploy(artifact), signer)

    def put(self, count: int) -> int:
        """Put `count` readings on the chain, each in its transaction."""
        return self._send([(TWIN, 1_790_000_000_000 + self.sent + at, 80_000_000 + at) for at in range(count)])

    def carry(self, readings: Readings) -> Readings:
        """Put these on the chain, and read them back from its logs; a channel is told by the twin's number."""
        first = self.opened.web3.eth.block_number
        rows = zip(readings.time_ms, readings.channel, readings.value_e6, strict=True)
        self._send([(TWIN + int(channel), int(time_ms), int(value)) for time_ms, channel, value in rows])
        logs = self.log.events.Reading().get_logs(from_block=first + 1)
        told = np.array([(one["args"]["timeMs"], one["args"]["twinId"] - TWIN, one["args"]["valueE6"]) for one in logs])
        return replace(readings, time_ms=told[:, 0], channel=told[:, 1].astype(np.uint8), value_e6=told[:, 2])

    def gas(self) -> int:
        """Of one more reading, as its receipt tells."""
        first = self.opened.web3.eth.block_number
        self.put(1)
        (log,) = self.log.events.Reading().get_logs(from_block=first + 1)
        return int(self.opened.web3.eth.get_transaction_receipt(log["transactionHash"])["gasUsed"])

    def _send(self, rows: Sequence[tuple[int, int, int]]) -> int:
        raw = [self._signed(*row) for row in rows]
        count = len(raw)
        if self.opened.url is None:
            for one in raw:
                self.opened.web3.eth.send_raw_transaction(HexBytes(one))
        else:
            with httpx.Client(timeout=60) as client:
                for at in range(0, count, BATCH):
                    _send(client, self.opened.url, raw[at : at + BATCH])
        mined = self.opened.web3.eth.get_transaction_count(to_checksum_address(self.signer.address))
        assert mined == self.sent, "the chain lost transactions of the loop"
        return count

    def _signed(self, *row: int) -> bytes:
        transaction = {
            "to": self.log.address, "data": self.log.encode_abi("put", list(row)), "value": 0,
            "gas": GAS, "gasPrice": GAS_PRICE_WEI, "nonce": self.sent, "chainId": int(self.opened.web3.eth.chain_id),
        }  # fmt: skip
        self.sent += 1
        return self.signer.sign_transaction(transaction)


def _send(client: httpx.Client, url: str, raw: list[bytes]) -> None:
    requests = [
        {"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": ["0x" + one.hex()]}
        for number, one in enumerate(raw)
    ]
    answers = client.post(url, json=requests).json()
    assert all("result" in answer for answer in answers), answers[:1]
