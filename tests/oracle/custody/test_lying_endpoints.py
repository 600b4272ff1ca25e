"""A custodian beside an endpoint that answers over HTTP as it likes: whatever it says or does not say, there is no yes through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from web3 import Web3

from oracle.adapters.chain import Web3Chain
from oracle.adapters.rpc import Rpc
from oracle.custody.endpoints import Endpoints
from oracle.formats.receipts import request_digest
from tests.lying import Lie, changed, endpoint, everything, honest, late

if TYPE_CHECKING:
    from ..conftest import Case

TIMEOUT_S = 2.0


def plain(value: Any) -> Any:
    """As JSON-RPC writes it."""
    if type(value) is int:
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


@contextmanager
def served(case: Case, lie: Lie) -> Iterator[Web3Chain]:
    """The stage's chain behind a server; it lies from the first question of a decision on."""
    web3 = case.stage.opened.web3

    def true(one: Any) -> Any:
        try:
            return {"id": one["id"], "result": plain(web3.manager.request_blocking(one["method"], one["params"]))}
        except Exception:  # whatever this chain raises for a revert
            return {"id": one["id"], "error": {"code": 3, "message": "execution reverted"}}

    with endpoint(lambda asked: list(map(true, asked)), lambda: lie) as url:
        rpc = Rpc(url, TIMEOUT_S)
        try:
            yield Web3Chain(Web3(rpc, middleware=[]), case.stage.chain.deployment)
        finally:
            rpc._client.close()


LIES: dict[str, Lie] = {
    "too many requests": lambda *_: (429, b"slow down"),
    "too many requests, in JSON": lambda *_: (429, b'{"error": {"code": -32005, "message": "limit exceeded"}}'),
    "a failure": lambda *_: (500, b"<html>"), "nothing": lambda *_: (200, b""), "no JSON": lambda *_: (200, b"yes"),
    "a word": lambda *_: (200, b'"yes"'), "an empty list": lambda *_: (200, b"[]"), "half": lambda _, true: (200, true[:40]),
    "null for all": everything(None), "a number for all": everything(1), "text for all": everything("0xzz"),
    "true for all": everything("0x" + "01".rjust(64, "0")), "an empty object for all": everything({}),
    "a head far ahead": changed("eth_getBlockByNumber", lambda block: {**block, "number": "0xffffff"}),
    "a head that stands still": changed("eth_getBlockByNumber", lambda block: {**block, "number": "0x1"}),
    "blocks of another chain": changed("eth_getBlockByNumber", lambda block: {**block, "hash": "0x" + "11" * 32}),
    "a yes of half a word": changed("eth_call", lambda result: result[:34]),
    "no code anywhere": changed("eth_call", lambda _: "0x"), "no to all": changed("eth_call", lambda result: "0x" + "00" * 288),
    "late": late(TIMEOUT_S + 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_no_yes_through_an_endpoint_that_lies(case: Case, name: str) -> None:
    """In either place; what it is told is a reason, never a failure, and a true endpoint beside a true one permits."""
    asked = [(case.request, request_digest(case.stage.consent_domain(), case.request))]
    with served(case, LIES[name]) as lying, served(case, honest) as true:
        for chains in ([case.stage.chain, lying], [lying, case.stage.chain]):
            (said,) = Endpoints(chains, case.stage.now_s).ask(asked)
            assert said.apart or not said.signed or said.reason, said
        (said,) = Endpoints([case.stage.chain, true], case.stage.now_s).ask(asked)
    assert (said.apart, said.signed, said.reason) == ("", True, "")
