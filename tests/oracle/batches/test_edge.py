"""The gateway: takes what is sound, posts each batch once whatever happens, and what it posted is read like any other."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cachetools import TTLCache

from oracle import deploy
from oracle.adapters.box import SqliteBox
from oracle.adapters.chain import Web3Chain
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches import anchored
from oracle.batches.anchored import (
    ASKED_AGAIN_S,
    AWAITED_AGAIN_S,
    HIDDEN_AFTER_S,
    anchored_batches,
    awaited_since,
    batch_count,
    batch_counts,
    batched_twins,
    certain_batches,
    gap_in,
)
from oracle.batches.collect import AHEAD, PATIENCE_S, Bridge, accept, collect
from oracle.batches.edge import Gateway, prove, take, turn
from oracle.batches.fetch import fetch
from oracle.batches.judge import accuse, find_fault
from oracle.batches.publish import Edge, prepare
from oracle.errors import ChainError, CustodyDenied, Denied, InputError, MedtwinError, StorageError, VerificationError
from oracle.formats import merkle
from oracle.formats.epochs import epoch_leaf, pack_manifest
from oracle.formats.messages import Message, message_body, message_digest, pack_batch, pack_message, unpack
from oracle.formats.typed_data import Domain, batch_digest
from oracle.records import Outgoing, Readings, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair, unpair

if TYPE_CHECKING:
    from oracle.adapters.keys import LocalSigner

    from ..conftest import Stage, Twin

DAY_S = 86_400


class Killed(Exception):
    """The process died here."""


class Breaking:
    """Stands before a real thing; `method` dies or fails as told, `times` times."""

    def __init__(
        self, real: Any, method: str, *, after: bool = False, how: Exception | None = None, times: int = 1
    ) -> None:
        self._real, self._method, self._after, self._how, self._times = real, method, after, how or Killed(), times

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._method or not self._times:
            return found

        def broken(*args: Any, **options: Any) -> Any:
            self._times -= 1
            if self._after:
                found(*args, **options)
            raise self._how

        return broken


@dataclass
class Ward:
    """A followed gateway in front of a patient's device."""

    stage: Stage
    twin: Twin
    chain: Web3Chain
    gateway: Gateway
    path: Path

    def seal(self, *batches: Readings) -> list[Outgoing]:
        """What the device seals and signs, and hands over."""
        return [prepare(self.twin.edge, readings) for readings in batches]

    def again(self, **change: Any) -> Gateway:
        """The gateway after its process died: only its file is left."""
        return replace(self.gateway, box=SqliteBox(self.path), **change)

    def epochs(self) -> list[Any]:
        """What stands on the chain."""
        return self.chain.events("EpochAnchor", "EpochAnchored")

    def batches(self) -> list[Any]:
        """What everybody finds of the twin."""
        return anchored_batches(self.chain, self.twin.twin_id, self.gateway.store)


@pytest.fixture
def ward(stage: Stage, twin: Twin, tmp_path: Path) -> Ward:
    """A gateway paired with a ward's twin, and followed from now on."""
    owner, signer = stage.person(), stage.person()
    ward_twin = new_twin_id(TwinClass.WARD, os.urandom)
    mint(stage.chain, owner, ward_twin)
    pair(stage.chain, owner, signer, ward_twin, stage.now_s() + 180 * DAY_S)
    known = deploy.with_gateway(stage.chain.deployment, signer.address, stage.chain.head().number)
    chain = Web3Chain(stage.opened.web3, known)
    path = tmp_path / "box.sqlite"
    gateway = Gateway(chain, twin.edge.store, SqliteBox(path), signer, stage.now_s, most_bytes=10**8)
    return Ward(stage, twin, chain, gateway, path)


def recorded_later(recorded: Callable[..., Readings], ward: Ward, count: int) -> list[Readings]:
    """Several recordings, one after the other, all past."""
    end = ward.stage.now_s() * 1000
    return [recorded(end_ms=end - 5_000 * (count - 1 - at), heart=70 + at) for at in range(count)]


def second_device(ward: Ward, tmp_path: Path) -> tuple[Edge, int]:
    """Another patient with a device, under the same roof."""
    stage, owner, device = ward.stage, ward.stage.person(), new_signer()
    twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(stage.chain, owner, twin_id)
    pair(stage.chain, owner, device, twin_id, stage.now_s() + DAY_S)
    outbox = SqliteOutbox(tmp_path / "second.sqlite", device.address, "test")
    return replace(ward.twin.edge, device=device, twin_id=twin_id, outbox=outbox), twin_id


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
    leaf = bytes(ward.chain.read("EpochAnchor", "leafOf", _fields(theirs), theirs.signature))
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
    """A chain on which a device is cut off after the gateway looked, and before its epoch is mined."""

    def __init__(self, ward: Ward) -> None:
        self._ward = ward

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ward.chain, name)

    def write(self, signer: Any, contract: str, function: str, *args: Any, **options: Any) -> Any:
        if function == "anchorEpoch":
            unpair(self._ward.chain, self._ward.twin.patient, self._ward.twin.device.address)
        return self._ward.chain.write(signer, contract, function, *args, **options)


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


# -- what counts ---------------------------------------------------------------------------


def test_what_does_not_fit_does_not_count(ward: Ward, recorded: Callable[..., Readings], stage: Stage) -> None:
    """An epoch of a gateway nobody follows, one whose manifest is another's, a batch out of its order or twice."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    store, signer, chain = ward.gateway.store, ward.gateway.signer, ward.chain
    for one in (first, second, third):
        store.put(one.block)
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))

    def post(sender: LocalSigner, *listed: Outgoing, root: bytes | None = None) -> None:
        signed = [(one.batch, one.signature) for one in listed]
        manifest = store.put(pack_manifest(signed))
        found = root or merkle.root([epoch_leaf(domain, *one) for one in signed])
        chain.write(sender, "EpochAnchor", "anchorEpoch", (found, len(listed), manifest))

    stranger, owner = stage.person(), stage.person()
    twin = new_twin_id(TwinClass.WARD, os.urandom)
    mint(chain, owner, twin)
    pair(chain, owner, stranger, twin, stage.now_s() + DAY_S)
    for one in (stranger, signer):
        chain.write(one, "EpochAnchor", "admit", one.address)
    post(stranger, first)
    assert ward.batches() == []
    post(signer, first, root=bytes(31) + b"\1")
    post(signer, second)
    assert ward.batches() == []
    post(signer, third, first)
    post(signer, first, second)
    assert [one.batch.sequence for one in ward.batches()] == [1, 2]
    assert batch_count(chain, ward.twin.twin_id, store) == 2
    assert batch_counts(chain, [ward.twin.twin_id], store) == {ward.twin.twin_id: 2}  # others stand before and behind
    post(signer, third)
    assert [one.index for one in ward.batches()] == [1, 2, 3]


def test_a_manifest_that_is_missing_is_told(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Nothing is guessed about what an epoch holds."""
    (one,) = ward.seal(recorded())
    take(ward.gateway, one)
    turn(ward.gateway)
    (event,) = ward.epochs()
    ward.gateway.store.remove(event.args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not read it before

    with pytest.raises(StorageError) as caught:
        anchored_batches(ward.chain, ward.twin.twin_id, MemoryStore())
    assert caught.value.kind == "missing_block"


def test_a_hidden_manifest_is_waited_for_no_longer_than_it_may_take(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """Only the twin in it waits; then its next batch counts, with a gap told, until the manifest arrives."""
    other, other_twin = second_device(ward, tmp_path)
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    theirs = [prepare(other, one) for one in recorded_later(recorded, ward, 2)]
    store, chain, mine = ward.gateway.store, ward.chain, ward.twin.twin_id
    manifests = []
    for taken in ([first, theirs[0]], [second], [third], theirs[1:]):
        for one in taken:
            take(ward.gateway, one)
        turn(ward.gateway)
        manifests.append(ward.epochs()[-1].args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not post them
    seen = MemoryStore()
    for digest in (manifests[0], *manifests[2:]):
        seen.put(store.get(digest))

    with pytest.raises(StorageError):
        anchored_batches(chain, mine, seen)
    assert batched_twins(chain, seen).keys() == {mine, other_twin}
    assert awaited_since(chain, seen) == ward.epochs()[1].block
    waiting = {twin: [one.batch.digest for one in certain_batches(chain, twin, seen)] for twin in (mine, other_twin)}
    assert waiting == {mine: [first.batch.digest], other_twin: [one.batch.digest for one in theirs]}
    assert batch_counts(chain, [mine, other_twin], seen) == {mine: 1, other_twin: 2}
    ward.stage.travel(HIDDEN_AFTER_S)
    found = anchored_batches(chain, mine, seen)
    assert [one.batch.digest for one in found] == [first.batch.digest, third.batch.digest]
    assert gap_in(found) and not gap_in(found[:1]) and not gap_in(found[1:])
    assert not gap_in(anchored_batches(chain, other_twin, seen))
    assert batch_counts(chain, [mine, other_twin], seen) == {mine: 2, other_twin: 2}
    assert awaited_since(chain, seen) is None
    whole = MemoryStore()
    for digest in manifests:
        whole.put(store.get(digest))
    found = anchored_batches(chain, mine, whole)
    assert [one.batch.sequence for one in found] == [1, 2, 3] and not gap_in(found)


def test_a_twin_with_a_silent_device_waits_for_a_manifest_that_may_name_it(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """One device goes on where it left off; another, which says nothing since, may be in what has not arrived."""
    silent = new_signer()
    mine, chain, store = ward.twin.twin_id, ward.chain, ward.gateway.store
    other, _ = second_device(ward, tmp_path)
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    pair(chain, ward.twin.patient, silent, mine, ward.stage.now_s() + DAY_S)
    for taken in (first, prepare(other, recorded()), second):
        take(ward.gateway, taken)
        turn(ward.gateway)
    store.remove(ward.epochs()[1].args["epoch"]["manifest"])
    anchored._read.cache.clear()  # as in a process that did not post it

    assert [one.batch for one in certain_batches(chain, mine, store)] == [first.batch]
    unpair(chain, ward.twin.patient, silent.address)
    assert [one.batch for one in certain_batches(chain, mine, store)] == [first.batch]  # it spoke when that was posted
    ward.stage.travel(HIDDEN_AFTER_S)
    assert [one.batch for one in certain_batches(chain, mine, store)] == [first.batch, second.batch]


@pytest.mark.parametrize(("waited_s", "again_s"), [(1, AWAITED_AGAIN_S), (HIDDEN_AFTER_S, ASKED_AGAIN_S)])
def test_a_manifest_that_arrives_late_is_noticed(
    ward: Ward, recorded: Callable[..., Readings], monkeypatch: pytest.MonkeyPatch, waited_s: int, again_s: int
) -> None:
    """However often nodes look, the store is asked again soon: in seconds, and each minute once it is taken for hidden."""
    now_s = [0.0]
    for memory, ttl in (("_awaited", AWAITED_AGAIN_S), ("_hidden", ASKED_AGAIN_S)):
        monkeypatch.setattr(anchored, memory, TTLCache(10, ttl, lambda: now_s[0]))
    (first,) = ward.seal(recorded())
    take(ward.gateway, first)
    turn(ward.gateway)
    anchored._read.cache.clear()  # as in a process that did not post it
    store, mine = MemoryStore(), ward.twin.twin_id
    ward.stage.travel(waited_s)

    assert batch_count(ward.chain, mine, store) == 0
    store.put(ward.gateway.store.get(ward.epochs()[0].args["epoch"]["manifest"]))
    now_s[0] = again_s - 0.5
    assert batch_count(ward.chain, mine, store) == 0
    now_s[0] = again_s + 0.5
    assert batch_count(ward.chain, mine, store) == 1


def test_a_gap_that_no_hidden_epoch_explains_does_not_count(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """A gateway that leaves a batch out cannot have the next one counted."""
    first, second, third = ward.seal(*recorded_later(recorded, ward, 3))
    chain, signer, store = ward.chain, ward.gateway.signer, ward.gateway.store
    chain.write(signer, "EpochAnchor", "admit", signer.address)
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))
    for listed in ([first], [third]):
        signed = [(one.batch, one.signature) for one in listed]
        block = pack_manifest(signed)
        root = merkle.root([epoch_leaf(domain, *one) for one in signed])
        chain.write(signer, "EpochAnchor", "anchorEpoch", (root, len(signed), store.put(block)))
    ward.stage.travel(HIDDEN_AFTER_S)

    assert [one.batch.digest for one in ward.batches()] == [first.batch.digest] != [second.batch.digest]


def test_one_published_directly_goes_on_through_a_gateway(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """The order is the device's own, whichever way each batch took."""
    early, *later = recorded_later(recorded, ward, 3)
    ward.twin.publish(early)
    for one in ward.seal(*later):
        take(ward.gateway, one)
    turn(ward.gateway)

    found = ward.batches()
    assert [one.batch.sequence for one in found] == [1, 2, 3]
    assert [one.included is None for one in found] == [True, False, False]


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


def test_a_gateway_at_fault_is_found_and_suspended(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """A batch nobody paired signed, two of one number, one that does not follow: each proof the contract takes."""
    twice = replace(ward.twin.edge, outbox=SqliteOutbox(tmp_path / "clone.sqlite", ward.twin.device.address, "clone"))
    unpaired = replace(ward.twin.edge, device=new_signer(), outbox=SqliteOutbox(tmp_path / "x.sqlite", "x", "x"))
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    other_first, other_second = (prepare(twice, one) for one in recorded_later(recorded, ward, 2))
    strange = prepare(unpaired, recorded())
    chain, store = ward.chain, ward.gateway.store
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))
    for epochs, function in (
        (((first,), (second,)), ""),
        (((first, second), (strange,)), "proveUnknownDevice"),
        (((first,), (other_first, second)), "proveBrokenSequence"),
        (((first,), (other_second,)), "proveBrokenSequence"),
        (((other_second,), (first,)), "proveBrokenSequence"),
    ):
        owner, gateway, twin_id = ward.stage.person(), ward.stage.person(), new_twin_id(TwinClass.WARD, os.urandom)
        mint(chain, owner, twin_id)
        pair(chain, owner, gateway, twin_id, ward.stage.now_s() + DAY_S)
        chain.write(gateway, "EpochAnchor", "admit", gateway.address)
        for listed in epochs:
            signed = [(one.batch, one.signature) for one in listed]
            root = merkle.root([epoch_leaf(domain, *one) for one in signed])
            chain.write(gateway, "EpochAnchor", "anchorEpoch", (root, len(listed), store.put(pack_manifest(signed))))
        fault = find_fault(chain, store, gateway.address)
        assert (fault.function if fault else "") == function
        if fault:
            accuse(chain, ward.stage.hospital, fault)
        assert chain.read("EpochAnchor", "headOf", gateway.address)[3] == bool(fault)


# -- sensors that cannot seal --------------------------------------------------------------


@dataclass
class Clock:
    """The gateway's present."""

    now: int

    def __call__(self) -> int:
        return self.now


def test_sensors_messages_become_batches_in_their_order(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """Doubled, disordered and late; one that never comes is waited for half a minute. Each number is sealed once."""
    sensor, clock = new_signer(), Clock(ward.stage.now_s())
    gateway = replace(ward.gateway, clock_s=clock)
    bridges = {sensor.address: Bridge(sensor.address, ward.twin.edge, "unit/1", 4_000)}
    bridge, parts = bridges[sensor.address], recorded_later(recorded, ward, 5)

    def message(number: int, readings: Readings) -> Message:
        body = message_body(sensor.address, number, readings)
        domain = Domain(ward.chain.chain_id, ward.chain.address("DataAnchor"))
        found = unpack(pack_message(body, sensor.sign_digest(message_digest(domain, body))))
        assert isinstance(found, Message)
        return found

    sent = [message(number, readings) for number, readings in enumerate(parts, 1)]
    assert [accept(gateway, bridges, sent[at]) for at in (1, 1, 0)] == ["kept", "duplicate", "kept"]
    assert [one.batch.sequence for one in collect(gateway, bridge)] == [1]
    assert accept(gateway, bridges, sent[3]) == "kept"  # the third is missing
    clock.now += 5
    assert len(collect(gateway, bridge)) == 1 and collect(gateway, bridge) == []
    clock.now += PATIENCE_S
    assert len(collect(gateway, bridge)) == 1
    assert accept(gateway, bridges, sent[2]) == "late"
    with pytest.raises(InputError):
        accept(gateway, bridges, message(4 + AHEAD + 1, parts[4]))
    with pytest.raises(VerificationError):
        accept(gateway, bridges, replace(sent[4], signature=bytes(65)))
    with pytest.raises(Denied):
        accept(gateway, {}, sent[4])
    turn(replace(gateway, clock_s=ward.stage.now_s))

    sealed = ward.batches()
    assert [one.batch.readings for one in sealed] == [len(parts[0]), len(parts[1]), len(parts[3])]
    assert gateway.box.messages(sensor.address) == []


def test_what_travels_reads_back(ward: Ward, recorded: Callable[..., Readings]) -> None:
    """A batch and a message survive the wire; anything else is InputError."""
    (one,) = ward.seal(recorded())
    assert unpack(pack_batch(one)) == one
    for bad in (b"", b"\x80", pack_batch(one)[:-1], pack_batch(one) + b"\0", bytes(3 << 20)):
        with pytest.raises(InputError):
            unpack(bad)


def _fields(outgoing: Outgoing) -> tuple[Any, ...]:
    batch = outgoing.batch
    return (
        batch.twin_id, batch.sequence, batch.previous, batch.digest, batch.root, batch.readings, batch.start_s, batch.end_s
    )  # fmt: skip
