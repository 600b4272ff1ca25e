"""Get a transaction mined: send it, send it again when the chain lost it, pay more when nobody takes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from eth_utils import keccak, to_checksum_address
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


Ask = Callable[[Sequence[tuple[str, Sequence[Any]]]], list[Callable[[], Any]]]
"""Several requests in one message; each is called for its result, or its error."""


@dataclass(slots=True)
class _Sent:
    """A transaction on its way, in all its versions; they share a nonce, so one is mined at most."""

    params: dict[str, Any]
    raw: bytes
    hashes: list[bytes]


def mined(ask: Ask, signer: Signer, transactions: Sequence[dict[str, Any]]) -> list[Any]:
    """The receipts of transactions that are sent together and waited for together.

    A reorganised chain may drop what it had, and a full pool what it was sent: it gets the same again.

    Raises
    ------
    TimeExhausted
        One of them was not mined within two minutes.
    Exception
        The chain refused one, as the answers say it.
    """
    waiting = {at: _signed(signer, params) for at, params in enumerate(transactions)}
    for accepted in _send(ask, waiting.values()):
        accepted()
    receipts: dict[int, Any] = {}
    began = sent = paid = time.monotonic()
    pause = LOOK_FIRST_S
    while True:
        receipts |= _receipts(ask, waiting)
        waiting = {at: one for at, one in waiting.items() if at not in receipts}
        if not waiting:
            return [receipts[at] for at in range(len(transactions))]
        now = time.monotonic()
        if now - began > MINED_WITHIN_S:
            raise TimeExhausted(f"not mined within {MINED_WITHIN_S:.0f} s")
        if now - paid > PAY_MORE_AFTER_S:
            paid = now
            for one in waiting.values():
                more = _signed(signer, {**one.params, "gasPrice": int(one.params["gasPrice"] * MORE)})
                one.params, one.raw, one.hashes = more.params, more.raw, [*one.hashes, *more.hashes]
        if now - sent > SEND_AGAIN_S:
            sent = now
            for again in _send(ask, waiting.values()):
                with suppress(Web3Exception, ValueError):  # it may have it, or its other version, or have mined it now
                    again()
        time.sleep(pause)
        pause = min(1.5 * pause, LOOK_LAST_S)


def _signed(signer: Signer, params: dict[str, Any]) -> _Sent:
    raw = signer.sign_transaction(params)
    return _Sent(params, raw, [keccak(raw)])


def _send(ask: Ask, sent: Iterable[_Sent]) -> list[Callable[[], Any]]:
    return ask([("eth_sendRawTransaction", ["0x" + one.raw.hex()]) for one in sent])


def _receipts(ask: Ask, waiting: Mapping[int, _Sent]) -> dict[int, Any]:
    """Of those that are mined."""
    asked = [(at, one) for at, sent in waiting.items() for one in sent.hashes]
    found = ask([("eth_getTransactionReceipt", ["0x" + one.hex()]) for _, one in asked])
    receipts = {}
    for (at, _), one in zip(asked, found, strict=True):
        with suppress(TransactionNotFound):
            if receipt := one():
                receipts[at] = receipt
    return receipts


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
