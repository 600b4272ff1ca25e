"""The other nodes behind HTTP: what is sent may be lost, and a silent peer holds nobody up."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress

import httpx

from ..formats.bundles import Bundle
from ..formats.wire import MOST_OBSERVATIONS, SIGNATURE_BYTES, pack_observations, pack_proposal
from ..records import Observation

TIMEOUT_S = 5.0
CONFIG = "Medtwin-Config"
"""Header: digest of what nodes must have in common."""


class HttpPeers:
    """Implements :class:`oracle.ports.Peers`. Sends in the background; whoever is still busy with the last message misses one.

    ``silent`` names the peers that did not take the last message they were sent, ``differing`` those of another
    configuration, which take none of this node's.
    """

    def __init__(self, urls: Sequence[str], config: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.silent: set[str] = set()
        self.differing: set[str] = set()
        self._headers = {CONFIG: config} if config else {}
        self._clients = {
            url: httpx.Client(
                base_url=url.rstrip("/"),
                timeout=TIMEOUT_S,
                follow_redirects=False,
                verify=tls if tls is not None else True,
            )
            for url in urls
        }
        self._pool = ThreadPoolExecutor(max(1, len(urls)), thread_name_prefix="peer")
        self._asking = ThreadPoolExecutor(max(1, len(urls)), thread_name_prefix="asked")
        self._sending: dict[str, Future[None]] = {}

    def send(self, observations: Sequence[Observation]) -> None:
        for at in range(0, len(observations), MOST_OBSERVATIONS):
            body = pack_observations(observations[at : at + MOST_OBSERVATIONS])
            for url in self._clients:
                last = self._sending.get(url)
                if last is None or last.done():
                    self._sending[url] = self._pool.submit(self._send, url, body)

    def ask(self, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
        body = pack_proposal(bundle, signature)
        asked = [self._asking.submit(self._ask, url, body) for url in self._clients]
        with suppress(TimeoutError):
            for one in as_completed(asked, TIMEOUT_S):
                if given := one.result():
                    yield given

    def close(self) -> None:
        """Let go of connections."""
        for pool in (self._pool, self._asking):
            pool.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()

    def _ask(self, url: str, body: bytes) -> bytes:
        try:
            answer = self._clients[url].post("/v1/bundles", content=body, headers=self._headers)
        except httpx.HTTPError:
            return b""
        good = answer.status_code == httpx.codes.OK and len(answer.content) == SIGNATURE_BYTES
        return answer.content if good else b""

    def _send(self, url: str, body: bytes) -> None:
        try:
            answer = self._clients[url].post("/v1/observations", content=body, headers=self._headers)
        except httpx.HTTPError:
            self.silent.add(url)
            return
        if answer.status_code == httpx.codes.NO_CONTENT:
            self.silent.discard(url)
            self.differing.discard(url)
        elif answer.status_code == httpx.codes.CONFLICT:
            self.differing.add(url)
        else:
            self.silent.add(url)
