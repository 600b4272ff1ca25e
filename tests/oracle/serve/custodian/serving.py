"""A custodian's service for tests: with a real server, or without a network between."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.keys import LocalSigner
from oracle.batches.fetch import fetch
from oracle.custody.release import LocalCustodian
from oracle.formats import hpke
from oracle.formats.envelope import parse_header
from oracle.formats.typed_data import dismissal_digest
from oracle.formats.wire import pack_request
from oracle.records import AnchoredBatch, ErasureRequest, KeyRequest
from oracle.serve import custodian as service_module
from oracle.serve.custodian import REQUESTS_A_MINUTE, serve, service
from oracle.serve.listening import Listening

if TYPE_CHECKING:
    from ...conftest import Stage, Twin

TIMEOUT_S = 20


@dataclass
class Case:
    """A twin with a batch, a researcher with consent, and the custodians."""

    stage: Stage
    twin: Twin
    custodians: Sequence[LocalCustodian]
    grantee: LocalSigner
    batch: AnchoredBatch
    private: bytes

    def asked(self, signer: LocalSigner | None = None, **change: Any) -> KeyRequest:
        """A request that would be permitted, with changes."""
        request = KeyRequest(
            self.twin.twin_id, self.grantee.address, hpke.public_key(self.private), (self.batch.batch.digest,), 1, 1,
            next(self.stage.nonces) + 2**200, self.stage.now_s() + 300,
        )  # fmt: skip
        signed: KeyRequest = self.stage.sign(signer or self.grantee, replace(request, **change))
        return signed

    def items(self, custodian: LocalCustodian) -> list[Any]:
        """What is shown to one custodian."""
        header = parse_header(self.twin.edge.store.get(self.batch.batch.digest))
        return [(header.context, next(one for one in header.shares if one.custodian == custodian.address))]

    def body(self, custodian: LocalCustodian, request: KeyRequest | None = None) -> bytes:
        """A request as it travels."""
        return pack_request(request or self.asked(), self.items(custodian))

    def order(self, signer: LocalSigner, owner: str | None = None) -> ErasureRequest:
        """An order to the first custodian to destroy its key."""
        made = ErasureRequest(self.twin.twin_id, owner or signer.address, self.stage.now_s() + 60)
        return replace(
            made,
            signature=signer.sign_digest(
                dismissal_digest(self.stage.consent_domain(), made, self.custodians[0].address)
            ),
        )

    def get(self, custodians: Sequence[Any], who: LocalSigner | None = None) -> Any:
        """Fetch the twin's vitals."""
        return fetch(
            self.stage.chain, self.twin.edge.store, custodians, who or self.grantee, twin_id=self.twin.twin_id,
            purpose=1, category=1, random_bytes=os.urandom,
        )  # fmt: skip


def face(custodian: Any, requests_a_minute: int = REQUESTS_A_MINUTE) -> TestClient:
    """The service without a network; an error of its own is an answer, as with the real server."""
    app = service(custodian, requests_a_minute=requests_a_minute)
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@contextmanager
def listening(server: uvicorn.Server) -> Iterator[str]:
    """Runs a real server on a port of its own; the socket listens before the server accepts, so nobody waits."""
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        thread = threading.Thread(target=server.run, args=([made],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.getsockname()[1]}"
        server.should_exit = True
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


@contextmanager
def served(custodian: LocalCustodian, monkeypatch: pytest.MonkeyPatch, **tls: Any) -> Iterator[str]:
    """A custodian behind the server that `serve` configures."""
    caught: list[uvicorn.Server] = []

    def catch(config: uvicorn.Config, beside: Coroutine[None, None, None]) -> None:
        beside.close()
        caught.append(uvicorn.Server(config))

    with monkeypatch.context() as patched:
        patched.setattr(service_module, "run", catch)
        serve(custodian, custodian._endpoints.chains[0], Listening(0, **tls))
    assert caught[0].config.host == "127.0.0.1"
    with listening(caught[0]) as url:
        yield url


@contextmanager
def remotely(url: str) -> Iterator[RemoteCustodian]:
    """A custodian as a grantee sees it; its connections end with the test."""
    remote = RemoteCustodian(url)
    with closing(remote._client):
        yield remote


def through(client: TestClient) -> RemoteCustodian:
    """A custodian as a grantee sees it, without a network between."""
    remote = RemoteCustodian("http://testserver")
    remote._client = client
    return remote
