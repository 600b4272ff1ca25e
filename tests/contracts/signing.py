"""Sign typed data the way a wallet does: ``eth_account`` on the types that the interfaces' manual spells out."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from brownie import web3
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
MNEMONIC = "test test test test test test test test test test test junk"
OTHER_DOMAINS = [{"chainId": 1}, {"verifyingContract": "0x" + "11" * 20}, {"version": "2"}, {"name": "Other"}]


@lru_cache
def key_of(index: int) -> LocalAccount:
    """The key of the test chain's account."""
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")


@lru_cache
def documented_types() -> dict[str, list[dict[str, str]]]:
    """Every type after the words "Typed data:" in the interfaces and the types they share."""
    sources = [path for folder in ("interfaces", "types") for path in sorted((CONTRACTS / folder).glob("*.sol"))]
    manual = "".join(path.read_text("utf-8") for path in sources)
    return {
        name: [dict(zip(("type", "name"), field.split(), strict=True)) for field in fields.split(",")]
        for name, fields in re.findall(r"Typed data: (\w+)\(([^)]*)\)", manual)
    }


def typed(contract: Any, name: str, message: dict[str, Any], /, **domain: Any) -> SignableMessage:
    """Typed data for a contract on this chain; `domain` replaces parts of the EIP-712 domain."""
    ours = {"name": "Medtwin", "version": "1", "chainId": web3.eth.chain_id, "verifyingContract": str(contract)}
    return encode_typed_data({**ours, **domain}, {name: documented_types()[name]}, message)


def signed(key: LocalAccount, contract: Any, name: str, message: dict[str, Any], /, **domain: Any) -> bytes:
    """A 65-byte signature over typed data."""
    return bytes(key.sign_message(typed(contract, name, message, **domain)).signature)


def recovered(signature: bytes, contract: Any, name: str, message: dict[str, Any]) -> str:
    """Whose signature this would be under these typed data."""
    return str(Account.recover_message(typed(contract, name, message), signature=signature))
