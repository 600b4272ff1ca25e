"""A chain's JSON-RPC address: connections that are kept, and many requests in one message."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from threading import BoundedSemaphore, Lock
from typing import Any

import httpx
import orjson
from web3.exceptions import BadResponseFormat, Web3RPCError
from web3.providers import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

AT_ONCE = 100
"""Requests in one message; public nodes take as many."""
LINES = 2
"""Messages on their way at once; what other threads ask meanwhile goes together in the next."""
TRIES, FIRST_PAUSE_S = 3, 0.1
"""Of what only reads, while nobody listens; each pause is twice the last."""
SENDING = "eth_sendRawTransaction"

Request = tuple[str, Sequence[Any]]
"""Method and parameters."""


@dataclass(slots=True)
class _Asked:
    """What one thread asks, whether it is on its way, and what comes back."""

    requests: Sequence[tuple[str, Any]]
    taken: bool = False
    told: Future[list[RPCResponse]] = field(default_factory=Future)


class Rpc(JSONBaseProvider):
    """web3's way to one address, without what its own does before and after each request.

    Threads that ask at the same time share messages, so that a node's turn over many twins costs few of them.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__()
        self.endpoint_uri = url
        self._client = httpx.Client(timeout=timeout_s, headers={"Content-Type": "application/json"})
        self._lines, self._taking, self._waiting = BoundedSemaphore(LINES), Lock(), deque[_Asked]()
        weakref.finalize(self, self._client.close)  # web3 has no way to say that a provider is done with

    def __str__(self) -> str:
        return f"JSON-RPC at {self.endpoint_uri}"

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One answer, error or not, as web3 wants it."""
        return self._answers([(method, params)])[0]

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse]:
        """Answers in the order of the requests."""
        return self._answers(requests)

    def ask(self, requests: Sequence[Request]) -> list[Any]:
        """Results in the order of the requests.

        Raises
        ------
        Web3RPCError
            The chain refused one of them.
        httpx.HTTPError
            It did not answer.
        """
        return [result_of(answer) for answer in self.answers(requests)]

    def answers(self, requests: Sequence[Request]) -> list[RPCResponse]:
        """Answers in the order of the requests, refusals among them."""
        parts = [requests[at : at + AT_ONCE] for at in range(0, len(requests), AT_ONCE)]
        return [one for part in parts for one in self._answers(part)]

    def _answers(self, requests: Sequence[tuple[str, Any]]) -> list[RPCResponse]:
        """In a message with what other threads wait for; what sends is never sent again for somebody else's sake."""
        if any(method == SENDING for method, _ in requests):
            return self._exchange(requests)
        mine = _Asked(requests)
        self._waiting.append(mine)
        with self._lines:
            while not mine.taken:
                self._ask_for_all()
        return mine.told.result()

    def _ask_for_all(self) -> None:
        """One message for those who wait, the first of them first, as far as it has room."""
        together, requests = list[_Asked](), list[tuple[str, Any]]()
        with self._taking:
            while self._waiting and len(requests) + len(self._waiting[0].requests) <= AT_ONCE:
                one = self._waiting.popleft()
                one.taken = True
                together.append(one)
                requests += one.requests
        try:
            answers = iter(self._exchange(requests) if requests else [])
        except BaseException as error:
            for one in together:
                one.told.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for one in together:
            one.told.set_result(list(islice(answers, len(one.requests))))

    def _exchange(self, requests: Sequence[tuple[str, Any]]) -> list[RPCResponse]:
        told = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params or []}
            for number, (method, params) in enumerate(requests)
        ]
        body = orjson.dumps(told if len(told) > 1 else told[0], default=_plain)
        tries = 1 if any(method == SENDING for method, _ in requests) else TRIES
        found = self._post(body, tries)
        if isinstance(found, Mapping) and (len(told) == 1 or "error" in found):
            found = [{**found, "id": number} for number in range(len(told))]  # an error may be one for all
        try:
            by_id = {one["id"]: one for one in found if "result" in one or "error" in one}
            return [by_id[number] for number in range(len(told))]
        except (KeyError, TypeError):
            raise BadResponseFormat(f"{len(told)} requests have no answer each") from None

    def _post(self, body: bytes, tries: int) -> Any:
        for attempt in range(tries):
            try:
                answer = self._client.post(self.endpoint_uri, content=body)
                break
            except (httpx.NetworkError, httpx.RemoteProtocolError):  # a connection it closed, or it starts anew
                if attempt == tries - 1:
                    raise
                time.sleep(FIRST_PAUSE_S * 2**attempt)
        if answer.is_error and not answer.content.startswith((b"{", b"[")):
            answer.raise_for_status()
        return orjson.loads(answer.content)


def result_of(answer: Mapping[str, Any]) -> Any:
    """The result in an answer; Web3RPCError if it is an error."""
    if "error" not in answer:
        return answer["result"]
    error = answer["error"]
    told = error.get("message", error) if isinstance(error, Mapping) else error
    raise Web3RPCError(str(told), rpc_response=answer)  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """For JSON: bytes as hexadecimal, web3's own mappings as such."""
    return dict(value) if isinstance(value, Mapping) else "0x" + bytes(value).hex()
