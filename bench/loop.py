"""The peer of the pipeline: a loop that puts every reading on the chain in a transaction of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from eth_utils import to_checksum_address
from hexbytes import HexBytes

from oracle.adapters.memory import new_signer
from oracle.ports import Signer
from oracle.settings import Opened

from .peer_contracts import GAS_PRICE_WEI, Artifact, Bare

GAS = 60_000
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
        raw = [self._signed() for _ in range(count)]
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

    def _signed(self) -> bytes:
        twin_id, time_ms, value = 1 << 200 | 1, 1_790_000_000_000 + self.sent, 80_000_000 + self.sent
        transaction = {
            "to": self.log.address, "data": self.log.encode_abi("put", [twin_id, time_ms, value]), "value": 0,
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
