"""A custodian over HTTP: the same decisions as in the process, each with its status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest

from oracle.adapters.keys import LocalSigner
from oracle.custody.erase import erase, verify_certificate
from oracle.errors import Denied, Refused
from oracle.formats import hpke
from oracle.formats.envelope import released_info
from oracle.formats.receipts import decode
from oracle.formats.wire import pack_erasure, unpack_release, unpack_statement
from oracle.serve import custodian as service_module

from .serving import Case, face, remotely, served, through


def test_decisions_over_http_are_those_of_the_process(
    case: Case, stranger: LocalSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same requests to one custodian over HTTP and to another in the process: the same words, one receipt each."""
    far, near = case.custodians[:2]
    repeated = case.asked()
    requests = [
        case.asked(), repeated, repeated, case.asked(purpose=2), case.asked(stranger), case.asked(batches=(bytes(32),)),
        case.asked(stranger, grantee=stranger.address), case.asked(deadline_s=1), case.asked(category=2),
        case.asked(deadline_s=case.stage.now_s() + 10**6), case.asked(case.twin.patient, grantee=case.twin.patient.address),
        replace(case.asked(), signature=b""), case.asked(recipient_key=b"k"),
        case.asked(grantee=case.stage.chain.address("EmergencyAccess")), case.asked(nonce=2**256 - 1),
    ]  # fmt: skip

    def answers(custodian: Any, items: Any) -> list[tuple[str, int]]:
        told = []
        for request in requests:
            try:
                release = custodian.release(request, items)
                info = released_info(items[0][0], custodian.address, release.receipt.request)
                assert len(hpke.open_sealed(case.private, release.shares[0], info)) == 33
                told.append((release.receipt.reason, len(release.shares)))
            except Refused as error:
                told.append((error.receipt.reason, 0))
        return told

    with served(far, monkeypatch) as url, remotely(url) as remote:
        assert remote.address == far.address
        over_http = answers(remote, case.items(far))
    assert over_http == answers(near, case.items(near))
    assert over_http[0] == ("", 1) and over_http[2] == ("request_replayed", 0)
    assert len({reason for reason, _ in over_http}) > 7
    assert [decode(*one).reason for one in far.receipts()] == [reason for reason, _ in over_http]


def test_a_fetch_and_an_erasure_go_through_services(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three services in place of three objects: the same readings, then the same end."""
    with (
        served(case.custodians[0], monkeypatch) as one,
        served(case.custodians[1], monkeypatch) as two,
        served(case.custodians[2], monkeypatch) as three,
        remotely(one) as first,
        remotely(two) as second,
        remotely(three) as third,
    ):
        remote = [first, second, third]
        assert [len(batch.readings) for batch in case.get(remote)] == [8]
        with pytest.raises(Denied):
            remote[0].erase(case.order(case.grantee))
        assert remote[0].public_key(case.twin.twin_id) == case.custodians[0].public_key(case.twin.twin_id)

        genesis = case.stage.chain.deployment.genesis
        certificate = erase(
            case.stage.chain, case.twin.edge.store, remote, case.twin.patient, case.twin.twin_id, genesis
        )

        verify_certificate(case.stage.chain, case.twin.edge.store, certificate)
        with pytest.raises(Denied) as caught:
            remote[2].public_key(case.twin.twin_id)
        assert caught.value.kind == "erased"


def test_keys_and_erasures_have_their_statuses(case: Case, stranger: LocalSigner) -> None:
    """404 for no twin, 403 for somebody else's order, 410 once erased; the same statement for a repeated order."""
    client, patient = face(case.custodians[0]), case.twin.patient
    here = f"/v1/keys/{case.twin.twin_id:#x}"
    assert len(client.get(here).content) == 1216
    for bad in (case.order(stranger), case.order(stranger, patient.address), case.order(case.grantee)):
        assert client.post("/v1/erase", content=pack_erasure(bad)).status_code == 403
    assert client.get(here).status_code == 200

    first, second = (client.post("/v1/erase", content=pack_erasure(case.order(patient))) for _ in range(2))

    assert (first.status_code, first.content) == (200, second.content)
    assert unpack_statement(first.content).custodian == case.custodians[0].address
    assert client.get(here).status_code == 410
    refused = client.post("/v1/release", content=case.body(case.custodians[0]))
    assert (refused.status_code, unpack_release(refused.content).receipt.reason) == (403, "no_key_for_twin")


def test_receipts_come_in_pages(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages: the whole log, in order, from any number on, also when it is a whole number of pages."""
    custodian = case.custodians[0]
    monkeypatch.setattr(service_module, "PAGE", 3)
    client = face(custodian)
    remote = through(client)
    assert list(remote.receipts()) == []
    for number in range(1, 8):
        with pytest.raises(Refused):
            custodian.release(case.asked(purpose=2), case.items(custodian))
        if number in (3, 6, 7):
            assert list(remote.receipts()) == list(custodian.receipts())
    assert [decode(*one).number for one in remote.receipts(since=5)] == [5, 6]
    assert list(remote.receipts(since=7)) == [] == list(remote.receipts(since=10**30))
    assert len(cbor2.loads(client.get("/v1/receipts").content)) == 3
