"""A service that is none, or lies: it is named, and nothing is taken from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.custody.release import Asked, LocalCustodian
from oracle.errors import CustodyDenied, MedtwinError, Refused, StorageError, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import released_info
from oracle.records import ErasureRequest, KeyRequest, Release

from .serving import Case, face, remotely, through


def test_a_redirect_is_not_followed() -> None:
    """Who answers for the custodian cannot send a request, with what it contains, elsewhere."""
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        """Sends everybody to a place of its choice."""

        def do_GET(self) -> None:
            """Note the path and redirect."""
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    order = ErasureRequest(1, new_signer().address, 1, bytes(65))
    request = KeyRequest(1, new_signer().address, b"", (), 1, 1, 1, 1)
    with remotely(f"http://127.0.0.1:{server.server_port}/") as remote:
        with pytest.raises(VerificationError, match="is not a custodian"):
            _ = remote.address
        for call in (
            lambda: remote.public_key(1), lambda: remote.release(request, []), lambda: remote.erase(order),
            lambda: list(remote.receipts()),
        ):  # fmt: skip
            with pytest.raises(MedtwinError):
                call()
        server.shutdown()
        server.server_close()

        assert len(asked) == 5 and "/elsewhere" not in asked
        with pytest.raises(StorageError) as caught:  # and now nobody listens
            remote.public_key(1)
    assert caught.value.kind == "custodian_unreachable"


class Lying:
    """A custodian whose release is changed on its way out."""

    def __init__(self, true: LocalCustodian, change: Callable[[Release, KeyRequest, Any], Release]) -> None:
        self._true, self._change = true, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)

    def release_together(self, asked: Sequence[Asked]) -> list[Release | Refused]:
        """The true answers, changed; a changed refusal stays one."""
        return [self._changed(*one) for one in zip(self._true.release_together(asked), asked, strict=True)]

    def _changed(self, true: Release | Refused, asked: Asked) -> Release | Refused:
        request, items, _ = asked
        if isinstance(true, Refused):
            return Refused(self._change(Release(true.receipt, ()), request, items).receipt)
        return self._change(true, request, items)


def _other_share(release: Release, request: KeyRequest, items: Any) -> Release:
    info = released_info(items[0][0], items[0][1].custodian, release.receipt.request)
    return replace(release, shares=(hpke.seal(request.recipient_key, b"\x01" + bytes(32), info),))


def test_a_lying_service_is_named(case: Case, stranger: LocalSigner) -> None:
    """A wrong share, none, a receipt of another custodian, request or outcome, or one it did not sign."""
    first, second, third = case.custodians
    foreign = second.release(case.asked(), case.items(second)).receipt
    earlier = first.release(case.asked(), case.items(first)).receipt
    with pytest.raises(Refused) as refused:
        first.release(case.asked(purpose=2), case.items(first))

    def receipt(**change: Any) -> Callable[..., Release]:
        return lambda release, *_: replace(release, receipt=replace(release.receipt, **change))

    lies: dict[str, tuple[Callable[..., Release], str]] = {
        "another share": (_other_share, "bad_share"),
        "a share that is not sealed": (lambda release, *_: replace(release, shares=(bytes(33),)), "does_not_open"),
        "no share": (lambda release, *_: replace(release, shares=()), "bad_share"),
        "two shares": (lambda release, *_: replace(release, shares=release.shares * 2), "bad_share"),
        "a foreign receipt": (lambda release, *_: replace(release, receipt=foreign), "bad_receipt"),
        "an earlier receipt": (lambda release, *_: replace(release, receipt=earlier), "bad_receipt"),
        "a refusal's receipt": (lambda release, *_: replace(release, receipt=refused.value.receipt), "bad_receipt"),
        "an unsigned receipt": (receipt(signature=bytes(65)), "bad_receipt"),
        "no signature": (receipt(signature=b""), "bad_receipt"),
        "another number": (receipt(number=99), "bad_receipt"),
        "another grantee": (receipt(grantee=stranger.address), "bad_receipt"),
        "a receipt that says no": (receipt(permitted=False, reason="no_consent"), "bad_receipt"),
    }
    for name, (lie, kind) in lies.items():
        remote = through(face(Lying(first, lie)))
        with pytest.raises(CustodyDenied) as caught:
            case.get([remote, second])
        assert caught.value.refusals == {first.address: kind}, name
        assert len(case.get([remote, second, third])) == 1, name


def test_a_refusal_with_a_receipt_of_somebody_else_is_named(case: Case, stranger: LocalSigner) -> None:
    """A no must be signed too: else who carries the answers could say no in a custodian's name."""
    first, second, _ = case.custodians
    with pytest.raises(Refused) as other:
        second.release(case.asked(purpose=2), case.items(second))
    for lie in (
        lambda release, *_: replace(release, receipt=other.value.receipt),
        lambda release, *_: replace(release, receipt=replace(release.receipt, reason="consent_denied")),
    ):
        remote = through(face(Lying(first, lie)))
        with pytest.raises(CustodyDenied) as caught:
            case.get([remote, second], stranger)
        assert caught.value.refusals == {first.address: "bad_receipt", second.address: "no_consent"}


def test_a_service_that_answers_nonsense_is_told(case: Case) -> None:
    """An identity that is none, a body that does not read, a key that is refused: errors of the tree, no crash."""

    class Answering:
        """In place of the network: one answer to everything."""

        def __init__(self, status: int, content: bytes) -> None:
            self._status, self._content = status, content

        def request(self, *_: Any, **__: Any) -> Any:
            """The answer."""
            return httpx.Response(self._status, content=self._content)

    for status, content in (
        (200, b""), (200, b"[]"), (200, b'{"address": "0x1"}'), (200, b'{"address": 5}'), (200, b"\xff"), (403, b"no"),
        (410, b"gone"), (404, b"no"), (500, b"<html>"), (301, b""), (204, b""), (429, b"wait"),
    ):  # fmt: skip
        remote = through(Answering(status, content))  # type: ignore[arg-type]
        with pytest.raises(MedtwinError):
            _ = remote.address
        for call in (
            lambda one=remote: one.release(case.asked(), case.items(case.custodians[0])),
            lambda one=remote: one.erase(case.order(case.twin.patient)),
            lambda one=remote: list(one.receipts()),
        ):
            with pytest.raises(MedtwinError):
                call()
        if status != 200:
            with pytest.raises(MedtwinError):
                remote.public_key(case.twin.twin_id)
