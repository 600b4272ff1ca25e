"""Erasure: nothing that opens is left, only the owner orders it, and an interruption spoils nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.journal import SqliteSignedRounds
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import MemoryStore
from oracle.batches.fetch import fetch
from oracle.custody.erase import erase, from_json, to_json, verify_certificate
from oracle.errors import ChainError, Denied, MedtwinError, RevertedError, StorageError, VerificationError
from oracle.formats import hpke
from oracle.formats.typed_data import erasure_digest
from oracle.records import ErasureRequest, Readings, TwinClass
from oracle.reports.predict import Node, observe
from oracle.rights.mint import mint, new_twin_id, twin_state

if TYPE_CHECKING:
    from .conftest import Case


def test_erase_leaves_no_key_no_block_and_a_retired_twin(case: Case) -> None:
    """Keys, blocks and twin are gone; the certificate names all of them and anybody can check it."""
    keys = {one.address: hpke.public_key(one._state.key(case.twin.twin_id, bytes) or b"") for one in case.custodians}
    certificate = case.erase()

    for custodian in case.custodians:
        assert not custodian._state.has_key(case.twin.twin_id)
        with pytest.raises(Denied) as caught:
            custodian.public_key(case.twin.twin_id)
        assert caught.value.kind == "erased"
    assert not any(case.store.has(one.batch.digest) for one in case.batches)
    assert twin_state(case.stage.chain, case.twin.twin_id).retired
    assert certificate.blocks == tuple(one.batch.digest for one in case.batches)
    assert set(certificate.holders) == {one.address for one in case.custodians}
    assert certificate.threshold == 2
    for one in certificate.statements:
        assert one.key == hashlib.sha256(keys[one.custodian]).digest()
    verify_certificate(case.stage.chain, None, certificate)


def test_only_the_owner_can_have_it_erased(case: Case, stranger: LocalSigner, researcher: LocalSigner) -> None:
    """A stranger or a grantee gets nowhere: no key, block or twin is touched."""
    for other in (stranger, researcher, case.stage.hospital, case.custodians[0]._signer):
        with pytest.raises(MedtwinError):
            case.erase(other)  # type: ignore[arg-type]
    assert not twin_state(case.stage.chain, case.twin.twin_id).retired
    assert all(case.store.has(one.batch.digest) for one in case.batches)
    assert case.ask(case.custodians[0], researcher) == ""

    case.stage.chain.write(case.twin.patient, "TwinToken", "retire", case.twin.twin_id)
    with pytest.raises(Denied):  # a retired twin is no free-for-all
        case.erase(stranger)
    assert all(one._state.has_key(case.twin.twin_id) for one in case.custodians)


def test_an_order_that_is_not_of_now_for_this_twin_is_refused(case: Case, stranger: LocalSigner) -> None:
    """Expired, dated ahead, altered, unsigned, or the owner's own order for another twin."""
    patient, now, custodian = case.twin.patient, case.stage.now_s(), case.custodians[0]
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(case.stage.chain, patient, other)
    public = custodian.public_key(other)
    good = case.order(patient)
    for bad in (
        case.order(patient, deadline_s=now), case.order(patient, deadline_s=now + 86_400),
        replace(case.order(patient, twin_id=other), twin_id=case.twin.twin_id), replace(good, deadline_s=good.deadline_s + 1),
        replace(good, signature=b""), case.order(stranger, owner=patient.address), case.order(stranger),
        replace(good, owner=stranger.address),
    ):  # fmt: skip
        with pytest.raises(Denied):
            custodian.erase(bad)
    assert custodian._state.has_key(case.twin.twin_id)

    custodian.erase(case.order(patient, twin_id=other))
    assert custodian._state.has_key(case.twin.twin_id) and not custodian._state.has_key(other)
    assert public != custodian.public_key(case.twin.twin_id)
    case.stage.travel(120)
    with pytest.raises(Denied):
        custodian.erase(good)


def test_an_order_to_one_custodian_destroys_no_other_key(case: Case) -> None:
    """While the twin lives: who is dismissed may show its order to the others, and an order to all counts once it is retired."""
    first, second, third = case.custodians
    dismissed = case.order(case.twin.patient, first)
    everybody = ErasureRequest(case.twin.twin_id, case.twin.patient.address, case.stage.now_s() + 60)
    signature = case.twin.patient.sign_digest(erasure_digest(case.stage.consent_domain(), everybody))
    everybody = replace(everybody, signature=signature)
    assert first.erase(dismissed).custodian == first.address
    for custodian in (second, third):
        for order in (dismissed, everybody):
            with pytest.raises(Denied) as caught:
                custodian.erase(order)
            assert caught.value.kind == "not_owner"
        assert custodian._state.has_key(case.twin.twin_id)

    case.stage.chain.write(case.twin.patient, "TwinToken", "retire", case.twin.twin_id)
    for custodian in (second, third):
        with pytest.raises(Denied):
            custodian.erase(dismissed)
        assert custodian.erase(everybody).custodian == custodian.address


class Failing:
    """Passes calls on until `left` of them were made; then one fails, before or after it took effect."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after, self.failed = at, after, False

    def around(self, true: Any, *names: str) -> Any:
        """The same object, whose methods `names` may fail."""
        outer = self

        class Proxy:
            def __getattr__(self, name: str) -> Any:
                found = getattr(true, name)
                return outer._counted(found) if name in names else found

        return Proxy()

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                self.failed = True
                raise ChainError("interrupted")
            told = call(*args, **named)
            if self.left == 0:
                self.failed = True
                raise ChainError("interrupted")
            return told

        return counted


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_erasure_interrupted_anywhere_completes_when_run_again(case: Case, after: bool) -> None:
    """Whichever call fails, and whether it took effect or not: the next run ends with a certificate that holds."""
    for at in range(1, 200):
        failing = Failing(at, after)
        chain = failing.around(case.stage.chain, "read", "write", "events", "head")
        store = failing.around(case.store, "get", "remove", "has")
        custodians = [failing.around(one, "erase") for one in case.custodians]
        try:
            certificate = erase(
                chain, store, custodians, case.twin.patient, case.twin.twin_id, case.stage.chain.deployment.genesis
            )
        except MedtwinError:
            assert failing.failed
        else:
            break

    assert at > 10 and not failing.failed
    assert case.holds(certificate) and case.holds(case.erase())
    assert set(certificate.holders) == {one.address for one in case.custodians}


def test_a_custodian_that_is_down_keeps_the_erasure_from_being_certified(case: Case) -> None:
    """Nothing is certified while one does not answer; when it is back the same command completes."""
    down = Failing(1, False).around(case.custodians[1], "erase")
    with pytest.raises(MedtwinError):
        case.erase(custodians=[case.custodians[0], down, case.custodians[2]])
    assert twin_state(case.stage.chain, case.twin.twin_id).retired

    assert case.holds(case.erase())


def test_erasing_with_too_few_custodians_is_never_certified(case: Case) -> None:
    """Two that are not named could still open a kept copy: no certificate, however often it is tried."""
    for _ in range(3):
        with pytest.raises(VerificationError) as caught:
            case.erase(custodians=case.custodians[:1])
        assert caught.value.kind == "bad_certificate"
    with pytest.raises(VerificationError):
        case.erase(custodians=[])

    assert all(one._state.has_key(case.twin.twin_id) for one in case.custodians[1:])
    assert case.holds(case.erase())


def test_erasing_with_a_store_that_does_not_answer_is_not_certified(case: Case) -> None:
    """A store that is away is not one that lacks the blocks: who holds shares is read from them."""

    class Away:
        """Nobody reaches it to read; it forgets nothing and says it has nothing."""

        def get(self, _: bytes) -> bytes:
            raise StorageError("nobody answers", kind="store_unreachable")

        def remove(self, _: bytes) -> None:
            """Do nothing."""

        def has(self, _: bytes) -> bool:
            return False

    with pytest.raises(StorageError):
        case.erase(store=Away())
    assert case.holds(case.erase())


def test_a_damaged_block_does_not_prevent_erasure(case: Case) -> None:
    """Who damages a block, in the store or by a hostile device, cannot keep the owner from erasing."""
    store = MemoryStore()
    for block in case.kept:
        store.put(block)
    store.blocks[case.batches[0].batch.digest] = b"damaged"

    assert case.holds(case.erase(store=store), store)
    assert store.blocks == {}


def test_a_twin_without_batches_can_be_erased(case: Case, patient: LocalSigner) -> None:
    """There is nothing to open, so the certificate needs no holders; without custodians it holds too."""
    for custodians in (case.custodians, ()):
        twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
        mint(case.stage.chain, patient, twin_id)
        genesis = case.stage.chain.deployment.genesis
        certificate = erase(case.stage.chain, case.store, custodians, patient, twin_id, genesis)
        assert certificate.blocks == ()
        assert case.holds(from_json(to_json(certificate)))


def test_nothing_happens_to_a_twin_after_erasure(
    case: Case, recorded: Callable[..., Readings], researcher: LocalSigner, tmp_path: Path
) -> None:
    """It cannot be published to, granted, paired, minted again, predicted or fetched, not even by its owner."""
    chain, twin = case.stage.chain, case.twin
    case.erase()
    case.stage.travel(60)

    with pytest.raises(RevertedError):
        twin.publish(recorded())
    with pytest.raises(RevertedError):
        twin.allow(researcher.address)
    with pytest.raises(RevertedError):
        mint(chain, twin.patient, twin.twin_id)
    for who in (twin.patient, researcher):
        for store in (case.store, _copies(case)):  # also whoever kept the blocks
            with pytest.raises(MedtwinError) as caught:
                fetch(
                    chain, store, case.custodians, who, twin_id=twin.twin_id, purpose=1, category=1,
                    random_bytes=os.urandom,
                )  # fmt: skip
            assert caught.value.kind == ("missing_block" if store is case.store else "custody_denied")
    _predicted(case)


def _copies(case: Case) -> MemoryStore:
    store = MemoryStore()
    for block in case.kept:
        store.put(block)
    return store


def _predicted(case: Case) -> None:
    """An oracle node that kept the blocks is refused as well."""

    class Kind:
        """As much of one as is asked before the custodians are."""

        window, category, schema = 2, 1, "unit/1"

    for store, kind in ((case.store, "missing_block"), (_copies(case), "custody_denied")):
        node = Node(
            case.stage.node_signers[0],
            case.stage.chain,
            store,
            case.custodians,
            SqliteSignedRounds(":memory:"),
            os.urandom,
        )
        with pytest.raises(MedtwinError) as caught:
            observe(node, Kind(), case.twin.twin_id, 2)  # type: ignore[arg-type]
        assert caught.value.kind == kind
