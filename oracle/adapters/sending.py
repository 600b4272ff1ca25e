"""Get a transaction mined: send it, send it again when the chain lost it, pay more when nobody takes it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from eth_utils import to_checksum_address
from web3 import Web3
from web3.exceptions import TimeExhausted, TransactionNotFound, Web3Exception

from ..ports import Signer

MINED_WITHIN_S = 120.0
LOOK_FIRST_S, LOOK_LAST_S = 0.05, 0.5
"""Between two looks for a receipt: each half as long again as the last."""
SEND_AGAIN_S = 5.0
PAY_MORE_AFTER_S = 20.0
MORE = 1.25
"""Nodes take a replacement from 10 % more."""


def mined(web3: Web3, signer: Signer, params: dict[str, Any]) -> Any:
    """The receipt of a transaction, whichever of its versions was mined; they share a nonce, so one is at most.

    A reorganised chain may drop what it had, and a full pool what it was sent: it gets the same again.

    Raises
    ------
    TimeExhausted
        None was mined within two minutes.
    Web3Exception
        The chain refused the first.
    """
    began = paid = time.monotonic()
    price = int(params["gasPrice"])
    raw = signer.sign_transaction(params)
    hashes = [web3.eth.send_raw_transaction(raw)]
    sent, pause = began, LOOK_FIRST_S
    while True:
        for one in hashes:
            with suppress(TransactionNotFound):
                return web3.eth.get_transaction_receipt(one)
        now = time.monotonic()
        if now - began > MINED_WITHIN_S:
            raise TimeExhausted(f"not mined within {MINED_WITHIN_S:.0f} s")
        if now - paid > PAY_MORE_AFTER_S:
            price, paid = int(price * MORE), now
            raw = signer.sign_transaction({**params, "gasPrice": price})
            hashes.append(Web3.keccak(raw))
        if now - sent > SEND_AGAIN_S:
            sent = now
            _send_again(web3, raw)
        time.sleep(pause)
        pause = min(1.5 * pause, LOOK_LAST_S)


def settled(web3: Web3, signer: Signer, params: dict[str, Any]) -> None:
    """Wait until all that this account sent is mined; after a while each is replaced by a transfer of nothing.

    So a transaction of an earlier life of a process is mined before this returns, or never.
    """
    account = to_checksum_address(signer.address)
    began, price = time.monotonic(), int(params["gasPrice"])
    while (nonce := web3.eth.get_transaction_count(account)) < web3.eth.get_transaction_count(account, "pending"):
        now = time.monotonic()
        if now - began > MINED_WITHIN_S:
            raise TimeExhausted(f"not mined within {MINED_WITHIN_S:.0f} s")
        if now - began > PAY_MORE_AFTER_S:
            price = int(price * MORE)
            nothing = {**params, "nonce": nonce, "gasPrice": price, "to": account, "value": 0, "gas": 21_000}
            _send_again(web3, signer.sign_transaction(nothing))
        time.sleep(1)


def _send_again(web3: Web3, raw: bytes) -> None:
    """Whatever the chain says: it may have it, or its other version, or have mined it just now."""
    with suppress(Web3Exception, ValueError):
        web3.eth.send_raw_transaction(raw)
