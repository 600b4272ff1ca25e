"""Custodians come and go: blocks stay as they are, nothing is lost, and whoever is out opens nothing alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import MemoryStore
from oracle.batches.ask import kept_tables
from oracle.batches.fetch import OpenedBatch, fetch
from oracle.custody.erase import erase, verify_certificate
from oracle.custody.release import LocalCustodian
from oracle.custody.rotate import Dealer, Rotation, rotate
from oracle.errors import CustodyDenied, Denied, InputError, NotFound, StorageError, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import open_block, open_share, parse_header
from oracle.formats.receipts import decode
from oracle.formats.share_table import ShareTable, pack, table_digest, unpack
from oracle.records import Readings
from oracle.serve.custodian import service

if TYPE_CHECKING:
    from ..conftest import Stage, Twin


class Gone:
    """A custodian whose machine burnt down."""

    @property
    def address(self) -> str:
        """Nobody tells."""
        raise StorageError("nobody answers", kind="custodian_unreachable")

    def __getattr__(self, _: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise StorageError("nobody answers", kind="custodian_unreachable")

        return fail


@pytest.fixture
def five(stage: Stage, tmp_path: Path, custodian_on: Callable[..., LocalCustodian]) -> list[LocalCustodian]:
    """Five custodians that hold nothing yet."""
    return [custodian_on(tmp_path / f"new-{number}.sqlite", stage.person()) for number in range(5)]


@pytest.fixture
def published(twin: Twin, recorded: Callable[..., Readings], researcher: LocalSigner) -> Twin:
    """Two batches that a researcher may read."""
    twin.publish(recorded())
    twin.stage.travel(60)
    twin.publish(recorded(pairs=9))
    twin.allow(researcher.address)
    return twin


def dealt(twin: Twin, old: Sequence[Any], new: Sequence[Any], threshold: int, owner: Any = None) -> Rotation:
    """The owner rotates the twin's custodians."""
    dealer = Dealer(twin.stage.chain, twin.edge.store, owner or twin.patient, os.urandom)
    return rotate(dealer, old, new, twin_id=twin.twin_id, threshold=threshold)


def get(twin: Twin, who: LocalSigner, custodians: Sequence[Any]) -> list[OpenedBatch]:
    """Fetch the twin's vitals for care."""
    return fetch(
        twin.stage.chain, twin.edge.store, custodians, who, twin_id=twin.twin_id, purpose=1, category=1,
        random_bytes=os.urandom,
    )  # fmt: skip


def test_any_three_of_five_open_what_two_of_three_held(
    published: Twin, custodians: Any, five: Any, researcher: LocalSigner
) -> None:
    """Every three of the new ones open, no two do; the blocks are the same bytes and new ones are sealed to five."""
    assert isinstance(published.edge.store, MemoryStore)
    before = dict(published.edge.store.blocks)
    told = dealt(published, custodians, five, 3)

    assert (told.batches, told.threshold, len(told.holders), told.left) == (2, 3, 5, ())
    assert published.edge.store.blocks == before
    for three in combinations(five, 3):
        assert [len(one.readings) for one in get(published, researcher, three)] == [8, 18]
    for two in combinations(five, 2):
        with pytest.raises(CustodyDenied):
            get(published, researcher, two)


def test_batches_sealed_to_five_open_with_three(
    twin: Twin, five: Any, recorded: Callable[..., Readings], researcher: LocalSigner
) -> None:
    """The number of custodians and the threshold are free from the first batch on."""
    keys = {one.address: one.public_key(twin.twin_id) for one in five}
    twin.edge = replace(twin.edge, custodians=keys, threshold=3)
    twin.publish(recorded())
    twin.allow(researcher.address)

    for down in combinations(range(5), 2):
        left = [one for number, one in enumerate(five) if number not in down]
        assert [len(one.readings) for one in get(twin, researcher, left)] == [8]
    with pytest.raises(CustodyDenied) as caught:
        get(twin, researcher, [*five[:2], Gone(), Gone(), Gone()])
    assert "2" in caught.value.sentence and "3" in caught.value.sentence


def test_a_lost_custodian_is_replaced(published: Twin, custodians: Any, five: Any, researcher: LocalSigner) -> None:
    """One of three is gone for good: the two left are enough to deal anew, then any one more may be lost."""
    new = [*custodians[1:], five[0]]
    told = dealt(published, [Gone(), *custodians[1:]], new, 2)

    assert told.left == (("unreachable", "custodian_unreachable"),)
    for two in combinations(new, 2):
        assert len(get(published, researcher, two)) == 2


def test_who_is_out_has_destroyed_its_key(
    published: Twin, custodians: Any, five: Any, researcher: LocalSigner, states: list[Path]
) -> None:
    """It signs so, refuses everybody, and its file opens no share any more."""
    told = dealt(published, custodians, five[:3], 2)

    assert {one.custodian for one in told.destroyed} == {one.address for one in custodians}
    for custodian in custodians:
        assert custodian._state.key(published.twin_id, bytes) is None
    with pytest.raises(CustodyDenied) as caught:
        get(published, researcher, custodians)
    assert set(caught.value.refusals.values()) == {"no_key_for_twin"}


def test_shares_of_two_deals_do_not_join(published: Twin, custodians: Any, five: Any) -> None:
    """An old share and new ones are of different polynomials: together they are no threshold."""
    digest = next(iter(published.edge.store.blocks))  # type: ignore[attr-defined]
    block = published.edge.store.get(digest)
    header = parse_header(block)
    old = {
        one.custodian: open_share(_private(custodian, published), header.context, one)
        for one, custodian in zip(header.shares, sorted(custodians, key=lambda each: each.address), strict=True)
    }
    dealt(published, custodians, five, 3)
    (table,) = kept_tables(published.stage.chain, five, published.twin_id)
    now = table.header(digest, header)
    new = {
        one.custodian: open_share(_private(custodian, published), header.context, one)
        for one, custodian in zip(now.shares, sorted(five, key=lambda each: each.address), strict=True)
    }
    assert not set(old.values()) & set(new.values())
    assert len(open_block(block, dict(list(new.items())[:3]), now).readings) == 8
    for mixed in (dict([*list(old.items())[:1], *list(new.items())[:2]]), dict(list(new.items())[:2])):
        with pytest.raises(VerificationError):
            open_block(block, mixed, now)
    for holders in (header, now):
        swapped = dict(zip(old, list(new.values())[:3], strict=True))
        with pytest.raises(VerificationError):
            open_block(block, swapped, holders)


def _private(custodian: LocalCustodian, twin: Twin) -> bytes:
    found = custodian._state.key(twin.twin_id, bytes)
    assert found
    return found


def test_dealing_leaves_receipts_and_needs_the_owner(
    published: Twin, custodians: Any, five: Any, researcher: LocalSigner, stranger: LocalSigner
) -> None:
    """A grantee gets its shares, as it may, but no custodian takes a table it signed; nothing changes."""
    with pytest.raises(CustodyDenied):
        dealt(published, custodians, five, 3, owner=stranger)
    published.allow(researcher.address, purposes=1 << 9)
    with pytest.raises(Denied) as caught:
        dealt(published, custodians, five, 3, owner=researcher)
    assert caught.value.kind == "not_owner"
    assert [list(one.tables(published.twin_id)) for one in five] == [[]] * 5

    dealt(published, custodians, five, 3)
    looks = [decode(*entry) for one in (*custodians, *five) for entry in one.receipts()]
    assert {(one.grantee, one.purpose) for one in looks if one.permitted} >= {(published.patient.address, 1 << 9)}


def test_a_deal_interrupted_anywhere_completes_when_run_again(
    published: Twin, custodians: Any, five: Any, researcher: LocalSigner
) -> None:
    """Whichever new custodian fails while tables are handed out: the old ones still open, the next run ends it."""
    for failing in range(3):

        class Full:
            """It cannot keep a table now."""

            def __init__(self, true: Any) -> None:
                self._true = true

            def __getattr__(self, name: str) -> Any:
                return getattr(self._true, name)

            def keep_table(self, _: bytes) -> None:
                """Refuse."""
                raise StorageError("no space", kind="store_failed")

        broken = [Full(one) if number == failing else one for number, one in enumerate(five[:3])]
        with pytest.raises(StorageError):
            dealt(published, custodians, broken, 2)
        assert len(get(published, researcher, custodians)) == 2
    dealt(published, custodians, five[:3], 2)
    for two in combinations(five[:3], 2):
        assert len(get(published, researcher, two)) == 2
    assert all(len(list(one.tables(published.twin_id))) == 1 for one in five[:3])  # the later deal took the place


def test_a_table_nobody_may_deal_is_refused(
    published: Twin, custodians: Any, five: Any, stranger: LocalSigner, recorded: Callable[..., Readings]
) -> None:
    """Unsigned, by a stranger, altered, for another custodian; older than what is kept, garbage."""
    dealt(published, custodians, five[:3], 2)
    chain, keeper = published.stage.chain, five[0]
    (body,) = keeper.tables(published.twin_id)
    table = unpack(body)

    def signed(made: ShareTable, signer: LocalSigner = published.patient) -> bytes:
        return pack(replace(made, signature=signer.sign_digest(table_digest(published.stage.consent_domain(), made))))

    bad = {
        "unsigned": pack(replace(table, signature=b"")),
        "a stranger's": signed(table, stranger),
        "altered": pack(replace(table, generation=table.generation + 1)),
        "of before the twin": signed(replace(table, block=0)),
        "of the future": signed(replace(table, block=chain.head().number + 9)),
        "another twin's": signed(replace(table, twin_id=published.twin_id ^ 256)),
    }
    for name, one in bad.items():
        with pytest.raises((Denied, NotFound)):
            keeper.keep_table(one)
        assert list(keeper.tables(published.twin_id)) == [body], name
    with pytest.raises(Denied) as denied:
        five[4].keep_table(body)
    assert denied.value.kind == "no_share"
    for garbage in (b"", b"\xff", body[:-1], body + b"\0", os.urandom(500), bytes(2**20 + 1)):
        with pytest.raises(InputError):
            keeper.keep_table(garbage)
    keeper.keep_table(signed(replace(table, generation=2)))
    with pytest.raises(Denied) as denied:
        keeper.keep_table(body)
    assert denied.value.kind == "older_table"


def test_a_table_a_custodian_made_up_is_not_used(
    published: Twin, custodians: Any, five: Any, researcher: LocalSigner, stranger: LocalSigner
) -> None:
    """Who keeps tables cannot name other holders: without the owner's signature they are not looked at."""
    dealt(published, custodians, five[:3], 2)
    true = unpack(next(five[0].tables(published.twin_id)))
    digest = table_digest(published.stage.consent_domain(), replace(true, generation=7, threshold=3))
    forged = pack(replace(true, generation=7, threshold=3, signature=stranger.sign_digest(digest)))

    class Lying:
        """Answers truly, but shows tables of its own."""

        def __getattr__(self, name: str) -> Any:
            return getattr(five[0], name)

        def tables(self, _: int) -> list[bytes]:
            """One that nobody signed."""
            return [forged, b"rubbish"]

    assert len(get(published, researcher, [Lying(), five[1]])) == 2


def test_erasure_reaches_those_dealt_to(published: Twin, custodians: Any, five: Any) -> None:
    """The certificate names old and new holders, and does not hold while enough new ones keep their keys."""
    dealt(published, [*custodians[:2], Gone()], [*custodians[:2], five[0]], 2)
    chain, twin = published.stage.chain, published
    genesis = chain.deployment.genesis
    with pytest.raises(VerificationError):
        erase(chain, twin.edge.store, [custodians[0]], twin.patient, twin.twin_id, genesis)
    holders = [*custodians[:2], five[0]]
    certificate = erase(chain, twin.edge.store, holders, twin.patient, twin.twin_id, genesis)

    verify_certificate(chain, twin.edge.store, certificate)
    assert {one.address for one in holders} <= set(certificate.holders)
    assert [list(one.tables(twin.twin_id)) for one in holders] == [[]] * 3


def test_tables_travel_over_http(published: Twin, custodians: Any, five: Any, researcher: LocalSigner) -> None:
    """The same through services: dealt, kept, listed in order, used; strangers' tables are 403, garbage 400."""
    clients = [TestClient(service(one), raise_server_exceptions=False) for one in five[:3]]
    remote = []
    for client in clients:
        one = RemoteCustodian("http://testserver")
        one._client = client
        remote.append(one)
    dealt(published, custodians, remote, 2)

    assert [list(one.tables(published.twin_id)) for one in remote] == [
        list(one.tables(published.twin_id)) for one in five[:3]
    ]
    assert len(get(published, researcher, remote[1:])) == 2
    body = next(five[0].tables(published.twin_id))
    forged = pack(replace(unpack(body), signature=bytes(65)))
    assert [clients[0].post("/v1/shares", content=one).status_code for one in (forged, b"x", body)] == [403, 400, 204]
    assert clients[0].get("/v1/shares/0x").status_code == 400
    assert clients[0].get(f"/v1/shares/{published.twin_id:#x}?since={10**30}").status_code == 204


def test_new_custodians_that_are_no_threshold_are_refused(published: Twin, custodians: Any, five: Any) -> None:
    """One of one, more than there are, or the same one twice."""
    for new, threshold in ((five[:2], 1), (five[:2], 3), ([five[0], five[0]], 2), ([], 2)):
        with pytest.raises(InputError) as caught:
            dealt(published, custodians, new, threshold)
        assert caught.value.kind == "bad_threshold"
    assert len(five[0].public_key(published.twin_id)) == hpke.PUBLIC_BYTES
