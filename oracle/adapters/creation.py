"""New contracts on a chain."""

from __future__ import annotations

from typing import Any, cast

from eth_utils import to_checksum_address
from web3 import Web3

from ..ports import Signer
from ..records import Deployment
from .abi import artifact
from .chain import Web3Chain, genesis_of
from .failures import done, guarded
from .views import View


def deploy_contract(web3: Web3, signer: Signer, name: str, args: tuple[Any, ...]) -> tuple[str, int]:
    """Create one contract from its artifact; its address and gas."""
    chain = Web3Chain(web3, Deployment(int(web3.eth.chain_id), genesis_of(web3), 0, {}))
    found = artifact(name)
    factory = web3.eth.contract(abi=found["abi"], bytecode=found["bytecode"])
    params = guarded(
        lambda: factory.constructor(*args).build_transaction(chain._fees(signer.address)), name, "constructor"
    )
    made = done(chain._send(signer, [params], [View(name, "constructor", b"", (), ())])[0])
    receipt = web3.eth.get_transaction_receipt(cast(Any, made.transaction))
    return to_checksum_address(cast(str, receipt["contractAddress"])), made.gas
