"""Objects on the chain: published, opened by whom it is granted, read past hostile stores, gone on with, erased.

publish
  it stands as the device's next batch, among its readings, which are fetched as before
fetch
  given no consent
    nobody opens it
  given a store that alters, swaps or lacks chunks
    what is wrong is told, and nothing of it is written
  given a file that an earlier run left, whole, cut or altered
    it goes on behind what is right
erase
  no key opens it, no chunk is in the store's files
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.fetched import SqliteFetched
from oracle.adapters.keys import LocalSigner
from oracle.adapters.store import EmbeddedStore
from oracle.batches.anchored import anchored_batches
from oracle.batches.fetch import fetch
from oracle.batches.objects import OpenedObject, objects_of, open_object, publish_object, write_object
from oracle.custody.erase import erase, from_json, to_json, verify_certificate
from oracle.errors import CustodyDenied, InputError, NotFound, StorageError, VerificationError
from oracle.formats import objects
from oracle.formats.envelope import data_key, open_share, parse_header
from oracle.formats.objects import chunk_key, open_chunk
from oracle.records import AnchoredBatch, Readings

if TYPE_CHECKING:
    from ..conftest import Twin

SMALL = 1_000
CONTENT = os.urandom(6 * SMALL + 1)


class Counting:
    """A store that counts what is read, and may give other bytes."""

    def __init__(self, true: Any, instead: dict[bytes, bytes] | None = None) -> None:
        self._true, self._instead, self.read = true, instead or {}, list[bytes]()

    def get(self, digest: bytes) -> bytes:
        """The block, or what stands in its place."""
        self.read.append(digest)
        return self._instead.get(digest) or bytes(self._true.get(digest))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 1,000 bytes."""
    monkeypatch.setattr(objects, "CHUNK_BYTES", SMALL)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    """Blocks in a file, as on one machine."""
    return EmbeddedStore(tmp_path / "blocks.sqlite")


@pytest.fixture
def published(twin: Twin, recorded: Callable[..., Readings]) -> AnchoredBatch:
    """An object between two batches of readings."""
    twin.publish(recorded())
    twin.stage.travel(60)
    now = twin.stage.now_s()
    (made,) = publish_object(twin.edge, io.BytesIO(CONTENT), "scan.dcm", "application/dicom", start_s=now, end_s=now)
    twin.stage.travel(60)
    twin.publish(recorded())
    found = anchored_batches(twin.stage.chain, twin.twin_id)
    assert found[1].batch == made.outgoing.batch
    return found[1]


def opened_by(who: LocalSigner, twin: Twin, custodians: Any, one: AnchoredBatch, **change: Any) -> OpenedObject:
    """The object's key, for care."""
    return open_object(
        twin.stage.chain, twin.edge.store, custodians, who, one, purpose=1, random_bytes=os.urandom, **change
    )


def test_an_object_comes_back_and_readings_beside_it_too(
    twin: Twin, published: AnchoredBatch, custodians: Any, researcher: LocalSigner, patient: LocalSigner
) -> None:
    """Seven chunks are the batch's count; who fetches readings gets the two batches of readings."""
    with pytest.raises(CustodyDenied) as caught:
        opened_by(researcher, twin, custodians, published)
    assert set(caught.value.refusals.values()) == {"no_consent"}
    twin.allow(researcher.address)
    opened, out = opened_by(researcher, twin, custodians, published), io.BytesIO()
    write_object(opened, twin.edge.store, out)

    assert out.getvalue() == CONTENT and published.batch.readings == 7
    assert (opened.about.name, opened.about.length) == ("scan.dcm", len(CONTENT))
    assert [one.anchored.index for one in objects_of(twin.stage.chain, twin.edge.store, twin.twin_id)] == [2]
    readings = fetch(
        twin.stage.chain, twin.edge.store, custodians, researcher, twin_id=twin.twin_id, purpose=1, category=1,
        random_bytes=os.urandom,
    )  # fmt: skip
    assert [one.anchored.index for one in readings] == [1, 3]
    with pytest.raises(NotFound):
        opened_by(researcher, twin, custodians, readings[0].anchored)


def test_a_gateway_takes_no_objects(twin: Twin) -> None:
    """Its box holds blocks, not files."""
    with pytest.raises(InputError) as caught:
        list(publish_object(replace(twin.edge, relay=object()), io.BytesIO(b"x"), "", "", start_s=1, end_s=1))  # type: ignore[arg-type]

    assert caught.value.kind == "object_by_gateway"


@pytest.mark.parametrize(("fault", "kind"), [
    ("altered", "tampered"), ("swapped", "tampered"), ("of another", "tampered"), ("cut", "tampered"), ("missing", "missing_block"),
])  # fmt: skip
def test_a_store_that_gives_other_chunks_is_found_out(
    twin: Twin, published: AnchoredBatch, custodians: Any, patient: LocalSigner, fault: str, kind: str
) -> None:
    """What was right before it is in the file, and nothing else; with a good store it goes on."""
    opened, true = opened_by(patient, twin, custodians, published), twin.edge.store
    third, fourth = opened.chunks[2:4]
    blocks = {digest: true.get(digest) for digest in opened.chunks}
    instead = {
        "altered": {third: bytes([blocks[third][0] ^ 1]) + blocks[third][1:]}, "of another": {third: blocks[fourth][::-1]},
        "swapped": {third: blocks[fourth], fourth: blocks[third]}, "cut": {third: blocks[third][:-1]}, "missing": {},
    }[fault]  # fmt: skip
    if fault == "missing":
        true.remove(third)
    out = io.BytesIO()
    with pytest.raises((VerificationError, StorageError)) as caught:
        write_object(opened, Counting(true, instead), out)  # type: ignore[arg-type]

    assert caught.value.kind == kind
    assert out.getvalue() == CONTENT[: 2 * SMALL]
    true.put(blocks[third])
    write_object(opened, true, out)
    assert out.getvalue() == CONTENT


@pytest.mark.parametrize(("left", "read"), [
    (b"", 7), (CONTENT, 0), (CONTENT[: 3 * SMALL], 4), (CONTENT[: 3 * SMALL + 5], 4), (CONTENT + b"more", 1),
    (CONTENT[:SMALL] + b"x" + CONTENT[SMALL + 1 :], 6), (b"x" + CONTENT[1:], 7), (CONTENT[:-1], 1),
])  # fmt: skip
def test_what_an_earlier_run_wrote_is_held_against_the_digests(
    twin: Twin, published: AnchoredBatch, custodians: Any, patient: LocalSigner, tmp_path: Path, left: bytes, read: int
) -> None:
    """The chunks that stand there right are not fetched again; whatever else stood there is gone. The key is kept as well."""
    kept = SqliteFetched(tmp_path / "kept")
    opened_by(patient, twin, custodians, published, fetched=kept)
    again = opened_by(patient, twin, [], published, fetched=SqliteFetched(tmp_path / "kept"))
    store, out = Counting(twin.edge.store), io.BytesIO(left)
    write_object(again, store, out)  # type: ignore[arg-type]

    assert out.getvalue() == CONTENT
    assert len(store.read) == read


def test_an_erased_object_opens_to_nobody_and_is_in_no_file(
    twin: Twin, published: AnchoredBatch, custodians: Any, patient: LocalSigner, tmp_path: Path
) -> None:
    """Before, a thief of two custodians' keys opens every chunk; after, no part of one is left, as the certificate says."""
    chain, store = twin.stage.chain, twin.edge.store
    block = store.get(published.batch.digest)
    header = parse_header(block)
    chunks = [store.get(one) for one in header.chunks]
    keys = {one.address: one._state.key(twin.twin_id, bytes) for one in custodians[:2]}
    shares = {
        one.custodian: open_share(keys[one.custodian], header.context, one)
        for one in header.shares
        if one.custodian in keys
    }
    key = chunk_key(data_key(header, shares))
    assert b"".join(open_chunk(key, at, at == 6, one) for at, one in enumerate(chunks)) == CONTENT

    certificate = erase(chain, store, custodians, patient, twin.twin_id, chain.deployment.genesis)

    assert set(certificate.chunks) == set(header.chunks) and from_json(to_json(certificate)) == certificate
    for name, parts in (("blocks.sqlite*", (block, *chunks)), ("custodian*", chunks)):
        left = b"".join(file.read_bytes() for file in tmp_path.glob(name))
        assert left and not any(one[at : at + 32] in left for one in parts for at in range(0, len(one) - 32, 32))
    assert not any(one._state.key(twin.twin_id, lambda: b"") for one in custodians)
    store.put(chunks[0])
    with pytest.raises(VerificationError) as caught:
        verify_certificate(chain, store, certificate)
    assert caught.value.kind == "bad_certificate"
