"""A gateway behind HTTP, as a device sees it."""

from __future__ import annotations

import ssl

import httpx

from ..errors import Denied, InputError, StorageError
from ..formats.messages import pack_batch
from ..records import Outgoing

TIMEOUT_S = 30.0


class RemoteGateway:
    """Implements :class:`oracle.ports.Relay`: what it took is on its disk."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url, timeout=TIMEOUT_S, follow_redirects=False, verify=tls if tls is not None else True
        )

    def take(self, outgoing: Outgoing) -> None:
        try:
            answer = self._client.post("/v1/take", content=pack_batch(outgoing))
        except httpx.HTTPError as error:
            raise self._absent(f"does not answer ({type(error).__name__})") from error
        if answer.status_code == httpx.codes.OK:
            return
        said = answer.text[:200]
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise self._absent(f"takes nothing now: {said}")
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise Denied(f"the gateway refused the batch: {said}", hint="medtwin twin show", kind="not_taken")
        raise InputError(f"the gateway did not take the batch: {said}", hint="see its log", kind="not_taken")

    def _absent(self, what: str) -> StorageError:
        return StorageError(
            f"the gateway at {self.url} {what}",
            hint="run the same command again later: the batch stays in the outbox",
            kind="gateway_unreachable",
        )
