"""From one suite to the next: what was sealed before the hybrid opens and moves on, nothing new is sealed as before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hpke as library
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from oracle.batches.fetch import fetch
from oracle.custody.release import LocalCustodian
from oracle.custody.rotate import Dealer, rotate
from oracle.errors import VerificationError
from oracle.formats import envelope, hpke
from oracle.formats.envelope import READABLE, SUITE, open_block, parse_header, share_info
from oracle.formats.share_table import unpack
from oracle.records import Readings

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

EARLIER = library.Suite(library.KEM.X25519, library.KDF.HKDF_SHA256, library.AEAD.AES_256_GCM)
(EARLIER_SUITE,) = READABLE - {SUITE}


def sealed_before(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    """As an earlier version sealed: X25519 alone, by the library."""
    return bytes(EARLIER.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info=info))


@pytest.fixture
def old_world(
    twin: Twin, custodians: list[LocalCustodian], recorded: Callable[..., Readings], monkeypatch: pytest.MonkeyPatch
) -> Twin:
    """Custodians with X25519 keys for the twin, and a batch sealed to them."""
    for one in custodians:
        one._state._database.execute("DELETE FROM keys")  # type: ignore[attr-defined]
        one._state.key(twin.twin_id, lambda: os.urandom(32))
    keys = {one.address: one.public_key(twin.twin_id) for one in custodians}
    twin.edge = replace(twin.edge, custodians=keys)
    with monkeypatch.context() as before:
        before.setattr(envelope.hpke, "seal", sealed_before)
        before.setattr(envelope, "SUITE", EARLIER_SUITE)
        twin.publish(recorded())
    return twin


def get(twin: Twin, custodians: Any) -> int:
    """How many readings the owner gets."""
    found = fetch(
        twin.stage.chain, twin.edge.store, custodians, twin.patient, twin_id=twin.twin_id, purpose=1, category=1,
        random_bytes=os.urandom,
    )  # fmt: skip
    return sum(len(one.readings) for one in found)


def block_of(twin: Twin) -> bytes:
    """The stored block."""
    (block,) = twin.edge.store.blocks.values()  # type: ignore[attr-defined]
    return bytes(block)


def test_an_earlier_suite_opens_and_moves_to_the_present_one(
    old_world: Twin, custodians: Any, stage: Stage, tmp_path: Path, custodian_on: Callable[..., LocalCustodian]
) -> None:
    """What X25519 alone sealed is read; dealt anew its shares are hybrid, and the keys of before can go."""
    assert EARLIER_SUITE.encode() in block_of(old_world) and get(old_world, custodians) == 8
    new = [custodian_on(tmp_path / f"new-{number}.sqlite", stage.person()) for number in range(3)]
    dealer = Dealer(stage.chain, old_world.edge.store, old_world.patient, os.urandom)
    told = rotate(dealer, custodians, new, twin_id=old_world.twin_id, threshold=2)

    assert len(told.destroyed) == 3 and get(old_world, new) == 8
    table = unpack(next(new[0].tables(old_world.twin_id)))
    sizes = {len(share.sealed) for shares in table.rows.values() for share in shares}
    assert sizes == {len(hpke.seal(new[0].public_key(old_world.twin_id), bytes(33), b""))}


def test_nothing_is_sealed_in_the_earlier_suite(old_world: Twin, recorded: Callable[..., Readings]) -> None:
    """No downgrade: to a key of before nothing is sealed, be it a batch or an answer to who asks with such a key."""
    old_world.stage.travel(60)
    with pytest.raises(VerificationError) as caught:
        old_world.publish(recorded())
    assert caught.value.kind == "bad_public_key"
    for public in (os.urandom(32), os.urandom(31), b""):
        with pytest.raises(VerificationError):
            hpke.seal(public, b"share", b"info")


def test_a_key_opens_its_own_suite_only(old_world: Twin) -> None:
    """A hybrid key takes nothing that X25519 alone sealed, not even to its own half; an earlier one nothing hybrid."""
    hybrid, earlier = hpke.new_key(os.urandom), os.urandom(32)
    own_half = hpke.public_key(hybrid)[hpke.MLKEM_PUBLIC_BYTES :]
    for private, sealed in (
        (hybrid, sealed_before(own_half, b"share", b"info")), (earlier, hpke.seal(hpke.public_key(hybrid), b"share", b"info")),
        (hybrid[64:], hpke.seal(hpke.public_key(hybrid), b"share", b"info")),
    ):  # fmt: skip
        with pytest.raises(VerificationError) as caught:
            hpke.open_sealed(private, sealed, b"info")
        assert caught.value.kind == "does_not_open"
    assert hpke.open_sealed(earlier, sealed_before(hpke.public_key(earlier), b"share", b"info"), b"info") == b"share"


def test_a_block_under_another_suites_name_does_not_open(old_world: Twin, custodians: Any) -> None:
    """The suite is under the tag: renamed to the other one, or to one that nobody knows, the block is refused."""
    block = block_of(old_world)
    header = parse_header(block)
    shares = {
        one.custodian: hpke.open_sealed(
            keeper._state.key(old_world.twin_id, bytes), one.sealed, share_info(header.context, one.custodian)
        )
        for one, keeper in zip(header.shares, sorted(custodians, key=lambda each: each.address), strict=True)
    }
    assert len(open_block(block, shares).readings) == 8
    name, raw, ciphertext = cbor2.loads(block)
    for suite, kind in (
        (SUITE, "does_not_open"),
        ("AES-256-GCM+SHAMIR-GF2^128+NONE", "unknown_suite"),
        ("", "unknown_suite"),
    ):
        renamed = cbor2.dumps([suite, *cbor2.loads(raw)[1:]], canonical=True)
        with pytest.raises(VerificationError) as caught:
            open_block(cbor2.dumps([name, renamed, ciphertext], canonical=True), shares)
        assert caught.value.kind == kind
    assert hashlib.sha256(block).digest() in old_world.edge.store.blocks  # type: ignore[attr-defined]
