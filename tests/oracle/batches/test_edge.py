"""The gateway: takes what is sound, and posts each batch once whatever happens."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.anchored import (
    anchored_batches,
    batch_count,
    batch_counts,
    batched_twins,
)
from oracle.batches.edge import prove, take, turn
from oracle.batches.fetch import fetch
from oracle.batches.publish import prepare
from oracle.errors import ChainError, CustodyDenied, Denied, InputError, MedtwinError, StorageError, VerificationError
from oracle.formats.epochs import epoch_leaf
from oracle.formats.typed_data import Domain, batch_digest
from oracle.records import Outgoing, Readings
from oracle.rights.pair import pair, unpair

from .ward import DAY_S, Breaking, Killed, Ward, recorded_later, second_device

if TYPE_CHECKING:
    from oracle.adapters.keys import LocalSigner


class Meanwhile:
    """A chain during whose answer about a pairing something else happens, once."""

    def __init__(self, chain: Any, happens: Callable[[], Any]) -> None:
        self.chain, self.happens = chain, [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    def read(self, contract: str, function: str, *args: Any, **at: Any) -> Any:
        """As the chain was before."""
        answer = self.chain.read(contract, function, *args, **at)
        if function == "pairingOf" and self.happens:
            self.happens.pop()()
        return answer


# -- what is posted ------------------------------------------------------------------------


def test_many_devices_batches_are_one_root(ward: Ward, recorded: Callable[..., Readings], tmp_path: Path) -> None:
    """One transaction for two patients; the contract's own leaf and proof agree, and each twin has its batches."""
    other, other_twin = second_device(ward, tmp_path)
    mine = ward.seal(*recorded_later(recorded, ward, 2))
    theirs = prepare(other, recorded())
    for one in (*mine, theirs):
        take(ward.gateway, one)

    assert turn(ward.gateway) == [("posted", 3), ("finished", 3)]

    (event,) = ward.epochs()
    leaf = bytes(ward.chain.read("EpochAnchor", "leafOf", astuple(theirs.batch), theirs.signature))
    domain = Domain(ward.chain.chain_id, ward.chain.address("DataAnchor"))
    assert leaf == epoch_leaf(domain, theirs.batch, theirs.signature)
    (found,) = anchored_batches(ward.chain, other_twin, ward.gateway.store)
    assert found.included and ward.chain.read(
        "DataAnchor", "isReadingIn", event.args["epoch"]["root"], list(found.included.path), leaf
    )
    assert [one.batch.digest for one in ward.batches()] == [one.batch.digest for one in mine]
    assert set(batched_twins(ward.chain, ward.gateway.store)) == {ward.twin.twin_id, other_twin}
    store, both = ward.gateway.store, [ward.twin.twin_id, other_twin]
    assert batch_counts(ward.chain, both, store) == {twin: batch_count(ward.chain, twin, store) for twin in both}
    assert turn(ward.gateway) == []
    assert ward.gateway.box.held_bytes() == 0


def test_a_grantee_opens_what_stands_in_an_epoch(
    ward: Ward, recorded: Callable[..., Readings], custodians: list[Any], researcher: LocalSigner
) -> None:
    """Custodians take the proof that travels with the request; without consent they refuse as ever."""
    readings = recorded_later(recorded, ward, 2)
    for one in ward.seal(*readings):
        take(ward.gateway, one)
    turn(ward.gateway)

    def get() -> list[Any]:
        return fetch(
            ward.chain, ward.gateway.store, custodians, researcher,
            twin_id=ward.twin.twin_id, purpose=1, category=1, random_bytes=os.urandom,
        )  # fmt: skip

    with pytest.raises(CustodyDenied):
        get()
    ward.twin.allow(researcher.address)
    assert [one.readings.value_e6.tolist() for one in get()] == [one.value_e6.tolist() for one in readings]


def test_custodians_want_the_proof_to_hold(
    ward: Ward, recorded: Callable[..., Readings], custodians: list[Any], researcher: LocalSigner
) -> None:
    """A path, a signature, a number or a batch that does not fit, and none at all: batch_not_anchored."""
    (one,) = ward.seal(recorded())
    take(ward.gateway, one)
    turn(ward.gateway)
    ward.twin.allow(researcher.address)
    (found,) = ward.batches()
    assert found.included
    stranger = new_signer()
    domain = Domain(ward.chain.chain_id, ward.chain.address("DataAnchor"))
    forged = replace(found.included, signature=stranger.sign_digest(batch_digest(domain, found.batch)))
    wrong = {
        "path": (found.batch, replace(found.included, path=(bytes(32),))),
        "signature": (found.batch, forged),
        "number": (found.batch, replace(found.included, number=2)),
        "gateway": (found.batch, replace(found.included, gateway=stranger.address)),
        "batch": (replace(found.batch, digest=bytes(32)), found.included),
    }
    for name, proof in wrong.items():
        liars = [_With(custodian, [proof]) for custodian in custodians]
        with pytest.raises(CustodyDenied) as caught:
            fetch(
                ward.chain, ward.gateway.store, liars, researcher,
                twin_id=ward.twin.twin_id, purpose=1, category=1, random_bytes=os.urandom,
            )  # fmt: skip
        assert set(caught.value.refusals.values()) == {"batch_not_anchored"}, name


class _With:
    """A custodian that is shown another proof."""

    def __init__(self, real: Any, proofs: list[Any]) -> None:
        self._real, self._proofs, self.address = real, proofs, real.address

    def release(self, request: Any, items: Any, *_: Any) -> Any:
        return self._real.release(request, items, self._proofs)


STEPS = [
    ("box", "take", False), ("box", "take", True), ("box", "close", False), ("box", "close", True),
    ("chain", "write", False), ("chain", "write", True), ("store", "put", False), ("store", "put", True),
    ("box", "finish", False), ("box", "finish", True),
]  # fmt: skip


@pytest.mark.parametrize(("part", "method", "after"), STEPS)
def test_killed_anywhere_it_posts_once(
    ward: Ward, recorded: Callable[..., Readings], part: str, method: str, after: bool
) -> None:
    """The device sends again what was not said to be taken; every batch stands in exactly one epoch."""
    sealed = ward.seal(*recorded_later(recorded, ward, 2))
    dying = replace(ward.gateway, **{part: Breaking(getattr(ward.gateway, part), method, after=after)})
    try:
        for one in sealed:
            take(dying, one)
        turn(dying)
        turn(dying)
    except Killed:
        pass
    else:
        raise AssertionError("it did not die")

    alive = ward.again()
    for one in sealed:
        take(alive, one)
    for _ in range(3):
        turn(alive)

    assert [one.batch.digest for one in ward.batches()] == [one.batch.digest for one in sealed]
    assert sum(event.args["epoch"]["batches"] for event in ward.epochs()) == 2
    assert alive.box.epochs() == [] and alive.box.held_bytes() == 0


class _CutOff:
    """A chain on which a device is cut off after the gateway looked, and before its epoch is mined; or right after that."""

    def __init__(self, ward: Ward, *, before: bool = True) -> None:
        self._ward, self._before = ward, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ward.chain, name)

    def write(self, signer: Any, contract: str, function: str, *args: Any, **options: Any) -> Any:
        posts = function == "anchorEpoch"
        if posts and self._before:
            self._cut()
        mined = self._ward.chain.write(signer, contract, function, *args, **options)
        if posts and not self._before:
            self._cut()
        return mined

    def _cut(self) -> None:
        unpair(self._ward.chain, self._ward.twin.patient, self._ward.twin.device.address)


def test_a_device_that_sends_while_it_is_looked_at_keeps_its_order(
    ward: Ward, recorded: Callable[..., Readings]
) -> None:
    """It was cut off when the gateway asked, and is paired and sends before the gateway acts on the answer."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    device, patient = ward.twin.device, ward.twin.patient
    take(ward.gateway, first)
    turn(ward.gateway)
    take(ward.gateway, second)
    unpair(ward.chain, patient, device.address)

    def back() -> None:
        pair(ward.chain, patient, device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
        take(ward.gateway, third)

    turn(replace(ward.gateway, chain=Meanwhile(ward.chain, back)))
    turn(ward.gateway)

    assert [one.batch.sequence for one in ward.batches()] == [1, 2, 3]


def test_all_that_a_device_cut_off_had_sent_is_set_aside_at_once(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """A gateway killed while it does so does not post the later batch without the earlier when the device is back."""
    device, patient = ward.twin.device, ward.twin.patient
    for one in ward.seal(*recorded_later(recorded, ward, 2)):
        take(ward.gateway, one)
    unpair(ward.chain, patient, device.address)
    with pytest.raises(Killed):
        turn(replace(ward.gateway, box=Breaking(ward.gateway.box, "set_aside", after=True)))
    pair(ward.chain, patient, device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
    turn(ward.again())
    assert ward.batches() == []
    (third,) = ward.seal(recorded())
    take(ward.gateway, third)
    turn(ward.again())

    assert [one.batch.sequence for one in ward.batches()] == [1, 2, 3]


def test_what_stands_but_does_not_count_is_posted_again(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Its device was cut off in between; when it is paired again and sends, everything counts once, in order."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    take(ward.gateway, first)
    cut = ward.again(chain=_CutOff(ward))
    take(cut, second)
    turn(cut)
    assert len(ward.epochs()) == 1 and ward.batches() == []
    alive = ward.again()
    turn(alive)
    assert turn(alive) == [], "what cannot count is not posted for ever"

    device = ward.twin.device
    pair(ward.chain, ward.twin.patient, device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
    take(alive, third)
    turn(alive)

    assert [one.batch.digest for one in ward.batches()] == [one.batch.digest for one in (first, second, third)]
    assert alive.box.epochs() == [] and alive.box.held_bytes() == 0


def test_later_batches_wait_for_one_that_does_not_count_where_it_stands(
    ward: Ward, recorded: Callable[..., Readings]
) -> None:
    """Else they might count first, after an epoch that somebody hides, and it never."""
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    device, patient = ward.twin.device, ward.twin.patient
    take(ward.gateway, first)
    turn(ward.again(chain=_CutOff(ward), depth=2))
    pair(ward.chain, patient, device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
    alive = ward.again(depth=2)
    take(alive, second)
    assert turn(alive) == []

    ward.stage.opened.fund(device.address, 1)  # a block more
    assert turn(alive) == [("finished", 1), ("posted", 2)]
    assert [one.batch.sequence for one in ward.batches()] == [1, 2]


def test_what_counted_when_it_was_posted_is_let_go_whatever_became_of_its_device(
    ward: Ward, recorded: Callable[..., Readings]
) -> None:
    """Its device is cut off, or paired again, before the gateway looks what became of its epoch."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    device, patient = ward.twin.device, ward.twin.patient
    cut = ward.again(chain=_CutOff(ward, before=False))
    take(cut, first)
    turn(cut)
    assert len(ward.epochs()) == 1 and cut.box.held_bytes() == 0

    pair(ward.chain, patient, device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
    take(cut, second)
    turn(cut)
    pair(ward.chain, patient, device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
    take(cut, third)
    turn(ward.again())

    assert [one.batch.sequence for one in ward.batches()] == [1, 2, 3]
    assert len(ward.epochs()) == 3, "none was posted twice"


def test_an_outage_is_waited_for(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Chain and store away: what a known device sends is taken and kept; later all of it is posted, in order, once."""
    sealed = ward.seal(*recorded_later(recorded, ward, 6))
    take(ward.gateway, sealed[0])
    turn(ward.gateway)
    silent = ChainError("the chain stopped answering")
    cut = ward.again(chain=_Cut(ward.chain, silent))
    for one in sealed[1:4]:
        take(cut, one)
    with pytest.raises(ChainError):
        turn(cut)
    full = ward.again(store=Breaking(ward.gateway.store, "put", how=StorageError("no store"), times=9))
    for one in sealed[4:]:
        take(full, one)
    with pytest.raises(StorageError):
        turn(full)

    turn(ward.again())

    assert [one.batch.digest for one in ward.batches()] == [one.batch.digest for one in sealed]
    assert [event.args["epoch"]["batches"] for event in ward.epochs()] == [1, 5]


class _Cut:
    """A chain that answers nothing but what is known of it."""

    def __init__(self, real: Any, how: Exception) -> None:
        self.chain_id, self.address, self.gateways, self._how = real.chain_id, real.address, real.gateways, how

    def __getattr__(self, name: str) -> Any:
        def silent(*_: Any, **__: Any) -> Any:
            raise self._how

        return silent


# -- what is taken -------------------------------------------------------------------------


def test_take_again_changes_nothing_and_disorder_is_told(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """The same twice is one; the later first is refused until the earlier is there."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    with pytest.raises(InputError) as caught:
        take(ward.gateway, second)
    assert caught.value.kind == "sequence_gap"
    for one in (first, first, second, first, third, second):
        take(ward.gateway, one)
    turn(ward.gateway)
    take(ward.gateway, third)

    assert turn(ward.gateway) == []
    assert len(ward.batches()) == 3


def test_take_refuses_what_is_not_sound(ward: Ward, recorded: Callable[..., Readings], stranger: LocalSigner) -> None:
    """Another block, another signer, the future, a second batch of one number, a chain that is broken."""
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    domain = Domain(ward.chain.chain_id, ward.chain.address("DataAnchor"))

    def signed(outgoing: Outgoing, **change: Any) -> Outgoing:
        batch = replace(outgoing.batch, **change)
        return Outgoing(batch, outgoing.block, ward.twin.device.sign_digest(batch_digest(domain, batch)))

    cases: list[tuple[Outgoing, str]] = [
        (replace(first, block=second.block), "wrong_block"),
        (replace(first, signature=bytes(65)), "bad_signature"),
        (replace(first, signature=stranger.sign_digest(batch_digest(domain, first.batch))), "wrong_block"),
        (signed(first, end_s=ward.stage.now_s() + 60), "in_future"),
        (signed(first, twin_id=first.batch.twin_id + 256), "wrong_block"),
    ]
    for one, kind in cases:
        with pytest.raises(MedtwinError) as caught:
            take(ward.gateway, one)
        assert caught.value.kind == kind
    take(ward.gateway, first)
    with pytest.raises(VerificationError) as broken:
        take(ward.gateway, signed(second, previous=bytes(32)))
    assert broken.value.kind == "broken_chain"
    assert ward.gateway.box.held_bytes() == len(first.block)


def test_take_names_a_device_whose_key_is_used_twice(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """Two different batches of one number, both signed: the second is refused and the device named."""
    twice = replace(ward.twin.edge, outbox=SqliteOutbox(tmp_path / "clone.sqlite", ward.twin.device.address, "clone"))
    (first,) = ward.seal(recorded())
    other = prepare(twice, recorded(heart=99))
    take(ward.gateway, first)
    with pytest.raises(VerificationError) as caught:
        take(ward.gateway, other)
    assert caught.value.kind == "device_equivocated"


def test_take_refuses_an_unpaired_device(ward: Ward, recorded: Callable[..., Readings], tmp_path: Path) -> None:
    """One never paired, and one that was cut off; what was taken before is set aside, and no epoch holds it."""
    unpaired = replace(ward.twin.edge, device=new_signer(), outbox=SqliteOutbox(tmp_path / "x.sqlite", "x", "test"))
    with pytest.raises(Denied) as caught:
        take(ward.gateway, prepare(unpaired, recorded()))
    assert caught.value.kind == "not_paired"

    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    take(ward.gateway, first)
    unpair(ward.chain, ward.twin.patient, ward.twin.device.address)
    assert turn(ward.gateway) == [] and ward.epochs() == []
    with pytest.raises(Denied):
        take(ward.gateway, second)
    pair(ward.chain, ward.twin.patient, ward.twin.device, ward.twin.twin_id, ward.stage.now_s() + DAY_S)
    take(ward.gateway, second)
    assert turn(ward.gateway) == [("posted", 2), ("finished", 2)] and len(ward.batches()) == 2


def test_a_full_box_takes_nothing_and_loses_nothing(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """The bound holds to the byte; after posting there is room again."""
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    narrow = ward.again(most_bytes=len(first.block) + len(second.block) - 1)
    take(narrow, first)
    with pytest.raises(StorageError) as caught:
        take(narrow, second)
    assert caught.value.kind == "box_full"
    turn(narrow)
    turn(narrow)
    take(narrow, second)
    turn(narrow)

    assert len(ward.batches()) == 2


# -- what it proves -----------------------------------------------------------------------


def test_prove_gives_what_the_contract_checks(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Nothing before it is posted; then a path from the leaf to the root on the chain."""
    (one,) = ward.seal(recorded())
    take(ward.gateway, one)
    with pytest.raises(MedtwinError):
        prove(ward.gateway, one.batch.digest.hex())
    turn(ward.gateway)
    found = prove(ward.gateway, "0x" + one.batch.digest.hex())
    path = [bytes.fromhex(step[2:]) for step in found["path"]]
    assert ward.chain.read(
        "DataAnchor", "isReadingIn", bytes.fromhex(found["root"][2:]), path, bytes.fromhex(found["leaf"][2:])
    )
