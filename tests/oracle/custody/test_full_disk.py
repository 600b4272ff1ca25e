"""A full disk: no receipt, so no release; when there is room again all is as before, and no number is lost."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from oracle.custody.release import LocalCustodian
from oracle.errors import StorageError
from oracle.formats.receipts import decode
from oracle.formats.wire import pack_request, unpack_release
from oracle.serve.custodian import service

if TYPE_CHECKING:
    from ..conftest import Case


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """The kernel refuses to make any file longer than this (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_refuses_and_recovers(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian]
) -> None:
    """At every place where writing can fail: nothing leaves, nothing is half kept, and the same request is good afterwards."""
    custodian, client = case.custodian, TestClient(service(case.custodian))
    log = states[0].with_name(states[0].name + "-wal")
    custodian.release(case.asked(), case.items)
    for spare in (0, 512, 4_096, 8_192):
        asked, before = case.asked(), list(custodian.receipts())
        with no_room_beyond(log.stat().st_size + spare):
            answer = client.post("/v1/release", content=pack_request(asked, case.items))
            if answer.status_code == 200:  # it did fit
                assert unpack_release(answer.content).receipt.number == len(before)
                continue
            assert answer.status_code == 503 and not answer.content.startswith(b"\x83")
            assert list(custodian.receipts()) == before
        assert custodian.release(asked, case.items).receipt.number == len(before)
    with no_room_beyond(log.stat().st_size), pytest.raises(StorageError) as caught:
        custodian.release(case.asked(), case.items)
    assert caught.value.kind == "state_failed"

    reopened = custodian_on(states[0], custodian._signer)
    numbers = [decode(*entry).number for entry in reopened.receipts()]
    assert numbers == list(range(len(numbers))) and reopened._state.head() == custodian._state.head()
