"""A custodian behind HTTP, as a grantee sees it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import count

import httpx
from eth_utils import is_address, to_checksum_address

from ..errors import Denied, InputError, Refused, StorageError, VerificationError
from ..formats.wire import pack_erasure, pack_request, unpack_receipts, unpack_release, unpack_statement
from ..records import Batch, Context, ErasureRequest, ErasureStatement, Included, KeyRequest, Release, SealedShare

TIMEOUT_S = 15.0  # a custodian may wait for its endpoints twice: for the requests before this one, and for this one
OK, NO_CONTENT, FORBIDDEN, GONE = 200, 204, 403, 410


class RemoteCustodian:
    """Implements :class:`oracle.ports.Custodian`. Trusts nothing it is told: shares and receipts are checked by the caller."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url, timeout=TIMEOUT_S, follow_redirects=False, verify=tls if tls is not None else True
        )

    @property
    def address(self) -> str:
        return self._identity[0]

    def is_on(self, genesis: bytes) -> bool:
        """Whether it says that it decides by the chain with that block 0."""
        return self._identity[1] == genesis.hex()

    @cached_property
    def _identity(self) -> tuple[str, str]:
        """Its address and its chain's first block, as it tells them."""
        try:
            answer = self._ask("GET", "/v1/identity").json()
            address, genesis = answer["address"], answer["genesis"]
        except (InputError, KeyError, TypeError, ValueError):
            address, genesis = None, ""
        if not is_address(address):
            raise VerificationError(
                f"{self.url} is not a custodian",
                hint="MEDTWIN_CUSTODIANS names them, comma-separated: http://host:port",
                kind="malformed_answer",
            )
        return to_checksum_address(address), str(genesis)

    def public_key(self, twin_id: int) -> bytes:
        answer = self._ask("GET", f"/v1/keys/{twin_id:#x}")
        if answer.status_code == GONE:
            raise Denied(
                "the keys of this twin were destroyed", hint="nothing of it can be opened again", kind="erased"
            )
        if answer.status_code != OK:
            raise Denied(f"the custodian at {self.url} gives no key for this twin", kind="no_key")
        return answer.content

    def release(
        self,
        request: KeyRequest,
        items: Sequence[tuple[Context, SealedShare]],
        proofs: Sequence[tuple[Batch, Included]] = (),
    ) -> Release:
        answer = self._ask("POST", "/v1/release", content=pack_request(request, items, proofs))
        release = unpack_release(answer.content)
        if answer.status_code == FORBIDDEN:
            raise Refused(release.receipt)
        return release

    def erase(self, request: ErasureRequest) -> ErasureStatement:
        answer = self._ask("POST", "/v1/erase", content=pack_erasure(request))
        if answer.status_code != OK:
            raise Denied(f"the custodian at {self.url} refused: {answer.text[:200]}", kind="not_owner")
        return unpack_statement(answer.content)

    def keep_table(self, body: bytes) -> None:
        answer = self._ask("POST", "/v1/shares", content=body)
        if answer.status_code != NO_CONTENT:
            raise Denied(f"the custodian at {self.url} refused: {answer.text[:200]}", kind="table_refused")

    def tables(self, twin_id: int) -> Iterator[bytes]:
        for number in count():
            answer = self._ask("GET", f"/v1/shares/{twin_id:#x}?since={number}")
            if not answer.content:
                return
            yield answer.content

    def receipts(self, *, since: int = 0) -> Iterator[tuple[bytes, bytes]]:
        while page := unpack_receipts(self._ask("GET", f"/v1/receipts?since={since}").content):
            yield from page
            since += len(page)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, method: str, path: str, *, content: bytes | None = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, content=content)
        except httpx.HTTPError as error:
            raise StorageError(
                f"the custodian at {self.url} does not answer ({type(error).__name__})",
                hint="start it (make dev), or name others in MEDTWIN_CUSTODIANS",
                kind="custodian_unreachable",
            ) from error
        if answer.status_code in (OK, NO_CONTENT, FORBIDDEN, GONE):
            return answer
        if answer.is_server_error:
            raise StorageError(
                f"the custodian at {self.url} cannot decide now: {answer.text[:200]}",
                hint="look at its log and at /readyz; it may have lost its chain",
                kind="custodian_failed",
            )
        raise InputError(
            f"the custodian at {self.url} did not accept the request: {answer.text[:200]}",
            hint="medtwin doctor looks at what is reachable",
        )
