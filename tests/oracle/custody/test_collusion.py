"""Fewer custodians than the threshold, with all they have, all that is stored and all that is public, read nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from Crypto.Protocol.SecretSharing import Shamir

from oracle.batches.fetch import anchored_batches, fetch
from oracle.custody.release import LocalCustodian
from oracle.errors import CustodyDenied, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import check_share, open_block, open_share, parse_header
from oracle.formats.receipts import decode
from oracle.records import Readings

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

MARKER = 72.515625  # a value that stands nowhere else


@pytest.fixture
def five(stage: Stage, tmp_path: Path, custodian_on: Callable[..., LocalCustodian]) -> list[LocalCustodian]:
    """Five custodians."""
    return [custodian_on(tmp_path / f"keeper-{number}.sqlite", stage.person()) for number in range(5)]


def secrets_of(keeper: LocalCustodian, twin: Twin) -> dict[str, Any]:
    """All that one of them has: its private key for the twin, its signing key, and every file of its own."""
    folder = Path(keeper._state._database.execute("PRAGMA database_list").fetchone()[2])  # type: ignore[attr-defined]
    return {
        "private": keeper._state.key(twin.twin_id, bytes),
        "signing": keeper._signer._secret_32_bytes,  # type: ignore[attr-defined]
        "files": [path.read_bytes() for path in sorted(folder.parent.glob(folder.name + "*"))],
    }


def test_one_fewer_than_the_threshold_with_store_and_chain_reads_nothing(
    twin: Twin, five: list[LocalCustodian], recorded: Callable[..., Readings]
) -> None:
    """Two of the three needed of five: their shares open, the block does not, and no byte they hold tells a reading."""
    twin.edge = replace(twin.edge, custodians={one.address: one.public_key(twin.twin_id) for one in five}, threshold=3)
    (anchored,) = twin.publish(recorded(heart=MARKER))
    block = twin.edge.store.get(anchored.batch.digest)
    header = parse_header(block)
    insiders = [secrets_of(one, twin) for one in five[:2]]
    public = [block, *(repr(one).encode() for one in anchored_batches(twin.stage.chain, twin.twin_id))]

    shares: dict[str, bytes] = {}
    for insider, sealed in product(insiders, header.shares):  # every key on every share
        try:
            shares[sealed.custodian] = open_share(insider["private"], header.context, sealed)
        except VerificationError as error:
            assert error.kind == "does_not_open"
    assert len(shares) == 2
    with pytest.raises(VerificationError) as caught:
        open_block(block, shares)
    assert caught.value.kind == "too_few_shares"
    lowered = replace(header, threshold=2)
    with pytest.raises(VerificationError) as caught:  # and joining too few by hand gives another key
        open_block(block, shares, lowered)
    assert caught.value.kind == "does_not_open"
    key = _joined(twin, five, header)
    points = [(one[0], one[1:17]) for one in shares.values()]
    for index in set(range(1, 6)) - {point[0] for point in points}:
        for _ in range(20):  # a third share made up
            assert Shamir.combine([*points, (index, os.urandom(16))]) != key[:16]
    plain = int(MARKER * 1e6)
    assert not any(key[:16] in part for part in public)
    everything = [*public, *shares.values(), *(part for one in insiders for part in one["files"])]
    for marker in (
        plain.to_bytes(8, "little"),
        plain.to_bytes(8, "big"),
        str(plain).encode(),
        b"heart_rate",
        b"temperature",
    ):
        assert not any(marker in part for part in everything)


def _joined(twin: Twin, keepers: list[LocalCustodian], header: Any) -> bytes:
    """The true data key, from all five."""
    sealed = {one.custodian: one for one in header.shares}
    shares = [
        open_share(keeper._state.key(twin.twin_id, bytes) or b"", header.context, sealed[keeper.address])
        for keeper in keepers
    ]
    halves = (Shamir.combine([(one[0], one[at : at + 16]) for one in shares[:3]]) for at in (1, 17))
    return b"".join(halves)


def test_what_insiders_ask_for_is_in_their_fellows_logs(twin: Twin, five: list[LocalCustodian], recorded: Any) -> None:
    """To get the missing share they must ask somebody: an honest custodian refuses, names them in its log, and opens nothing."""
    twin.edge = replace(twin.edge, custodians={one.address: one.public_key(twin.twin_id) for one in five}, threshold=3)
    (anchored,) = twin.publish(recorded())
    insider, honest = five[0], five[4]
    with pytest.raises(CustodyDenied):
        fetch(
            twin.stage.chain, twin.edge.store, [honest], insider._signer, twin_id=twin.twin_id, purpose=1, category=1,
            random_bytes=os.urandom,
        )  # fmt: skip
    (look,) = [decode(*entry) for entry in honest.receipts()]
    assert (look.grantee, look.permitted, look.batches) == (insider.address, False, (anchored.batch.digest,))


def test_a_liar_is_named_whichever_it_is(twin: Twin, five: list[LocalCustodian], recorded: Any) -> None:
    """A wrong share from any of them is told apart by its commitment: the liar is named, nobody else."""
    twin.edge = replace(twin.edge, custodians={one.address: one.public_key(twin.twin_id) for one in five}, threshold=3)
    (anchored,) = twin.publish(recorded())
    header = parse_header(twin.edge.store.get(anchored.batch.digest))
    sealed = {one.custodian: one for one in header.shares}
    for keeper in five:
        private = keeper._state.key(twin.twin_id, bytes) or b""
        true = open_share(private, header.context, sealed[keeper.address])
        assert check_share(header, keeper.address, true)
        for bit in (0, 7, 8, 130, 263):
            lie = bytearray(true)
            lie[bit // 8] ^= 1 << bit % 8
            with pytest.raises(VerificationError, match=keeper.address):
                check_share(header, keeper.address, bytes(lie))
    assert hpke.SUITE_NAME in header.raw.decode("latin1")


def test_a_custodians_files_tell_nothing_without_its_signing_key(twin: Twin, five: Any, recorded: Any) -> None:
    """A stolen disk alone: rows are there, and nothing in them opens."""
    keeper = five[0]
    twin.edge = replace(twin.edge, custodians={one.address: one.public_key(twin.twin_id) for one in five}, threshold=3)
    twin.publish(recorded())
    private = keeper._state.key(twin.twin_id, bytes)
    path = keeper._state._database.execute("PRAGMA database_list").fetchone()[2]
    with closing(sqlite3.connect(path)) as database:
        wrapped = bytes(database.execute("SELECT wrapped FROM keys").fetchone()[0])
    assert private not in wrapped and len(wrapped) == len(private) + 28
