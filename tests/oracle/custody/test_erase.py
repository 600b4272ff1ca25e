"""Erasure: nothing that opens is left, the certificate cannot be faked, and an interruption spoils nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.journal import SqliteSignedRounds
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.adapters.store import EmbeddedStore
from oracle.adapters.wrapping import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Cipher, Wrappings
from oracle.batches.fetch import fetch
from oracle.custody.erase import Certificate, erase, from_json, to_html, to_json, verify_certificate
from oracle.custody.release import LocalCustodian
from oracle.errors import ChainError, Denied, MedtwinError, Refused, RevertedError, StorageError, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import open_block, open_share, parse_header
from oracle.formats.typed_data import Domain, erasure_digest, statement_digest
from oracle.ports import Signer
from oracle.records import AnchoredBatch, ErasureRequest, ErasureStatement, KeyRequest, Readings, TwinClass
from oracle.reports.predict import Node, observe
from oracle.rights.mint import mint, new_twin_id, twin_state

if TYPE_CHECKING:
    from ..conftest import Stage, Twin


@dataclass
class Case:
    """A twin with two batches that a researcher may read."""

    stage: Stage
    twin: Twin
    custodians: Sequence[LocalCustodian]
    store: Any
    batches: Sequence[AnchoredBatch]
    kept: Sequence[bytes]  # copies of the blocks that somebody made before

    def erase(
        self, owner: LocalSigner | None = None, custodians: Sequence[Any] | None = None, store: Any = None
    ) -> Certificate:
        """Erase the twin."""
        chain = self.stage.chain
        return erase(
            chain, store or self.store, self.custodians if custodians is None else custodians, owner or self.twin.patient,
            self.twin.twin_id, chain.deployment.genesis,
        )  # fmt: skip

    def holds(self, certificate: Certificate, store: Any = None) -> bool:
        """Whether the certificate verifies."""
        try:
            verify_certificate(self.stage.chain, store or self.store, certificate)
        except VerificationError as error:
            assert error.kind == "bad_certificate"
            return False
        return True

    def order(self, signer: LocalSigner, **change: Any) -> ErasureRequest:
        """An erasure order."""
        made = replace(ErasureRequest(self.twin.twin_id, signer.address, self.stage.now_s() + 60), **change)
        return replace(made, signature=signer.sign_digest(erasure_digest(self.stage.consent_domain(), made)))

    def ask(self, custodian: LocalCustodian, who: LocalSigner) -> str:
        """Reason of one custodian for the first kept block; empty for a yes."""
        header = parse_header(self.kept[0])
        own = next(one for one in header.shares if one.custodian == custodian.address)
        request = KeyRequest(
            self.twin.twin_id, who.address, hpke.public_key(hpke.new_key(os.urandom)), (self.batches[0].batch.digest,),
            1, 1, next(self.stage.nonces), self.stage.now_s() + 300,
        )  # fmt: skip
        try:
            return custodian.release(self.stage.sign(who, request), [(header.context, own)]).receipt.reason
        except Refused as error:
            return error.receipt.reason


@pytest.fixture
def case(
    stage: Stage,
    twin: Twin,
    recorded: Callable[..., Readings],
    custodians: Any,
    researcher: LocalSigner,
    tmp_path: Path,
) -> Case:
    """Blocks in a file as on one machine."""
    store = EmbeddedStore(tmp_path / "blocks.sqlite")
    twin.edge = replace(twin.edge, store=store)
    twin.publish(recorded())
    stage.travel(60)
    batches = twin.publish(recorded(pairs=9))
    twin.allow(researcher.address)
    return Case(stage, twin, custodians, store, batches, [store.get(one.batch.digest) for one in batches])


def statement(case: Case, signer: LocalSigner, **change: Any) -> ErasureStatement:
    """A statement that `signer` makes up and signs."""
    made = ErasureStatement(signer.address, case.twin.twin_id, bytes([7] * 32), case.stage.now_s())
    made = replace(made, **change)
    domain = Domain(case.stage.chain.chain_id, case.stage.chain.address("AuditTrail"))
    return replace(made, signature=signer.sign_digest(statement_digest(domain, made)))


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


def test_a_certificate_survives_its_document(case: Case) -> None:
    """Written and read again it is the same and verifies; the page for people has no active content."""
    certificate = case.erase()
    again = from_json(to_json(certificate))

    assert again == certificate and to_json(again) == to_json(certificate)
    assert case.holds(again)
    page = to_html(replace(certificate, owner="<script>alert(1)</script>"))
    assert "<script" not in page and hex(case.twin.twin_id) in page
    told = to_json(certificate) + to_html(certificate)
    assert not any(key in told for key in ("72.5", "heart_rate", "temperature"))


@pytest.mark.parametrize("text", [
    "", "{}", "[]", "null", "3", '{"format": "medtwin/erasure/2"}', '{"format": "medtwin/erasure/1"}', "\x00", "[" * 5000,
])  # fmt: skip
def test_a_document_that_is_no_certificate_is_refused(text: str) -> None:
    """Nonsense is told as such, never a crash."""
    with pytest.raises(VerificationError) as caught:
        from_json(text)

    assert caught.value.kind == "malformed_certificate"


def test_a_certificate_with_a_field_of_another_kind_is_refused(case: Case) -> None:
    """Each field replaced by what it cannot be is malformed or does not hold."""
    document = json.loads(to_json(case.erase()))
    for name in (*document, "retired.block", "statements.0.key", "statements.0.signature", "statements.0.custodian"):
        others: tuple[Any, ...] = (None, [], {}, "x", -1, 10**400)
        for other in others:
            changed = json.loads(json.dumps(document))
            *path, last = (int(part) if part.isdigit() else part for part in name.split("."))
            place = changed
            for part in path:
                place = place[part]
            same, place[last] = place[last] == other, other
            if same or name == "remains":  # no chunks are none; words are for people
                continue
            with pytest.raises(VerificationError):
                verify_certificate(case.stage.chain, case.store, from_json(json.dumps(changed)))


def test_a_certificate_that_says_too_much_does_not_hold(case: Case, stranger: LocalSigner) -> None:
    """Whatever is left out, added or altered is found, by the chain, the signatures or plain arithmetic."""
    true = case.erase()
    first, second, third = true.statements
    forged = replace(second, signature=first.signature)
    other_twin = statement(case, new_signer(), twin_id=case.twin.twin_id ^ 256)
    bad: dict[str, dict[str, Any]] = {
        "too few statements": {"statements": (first,)},
        "none": {"statements": ()},
        "the same one thrice": {"statements": (first, first, first)},
        "forged": {"statements": (first, forged, third)},
        "unsigned": {"statements": (first, replace(second, signature=b""), third)},
        "re-timed": {"statements": (first, replace(second, time_s=second.time_s + 1), third)},
        "another key": {"statements": (first, replace(second, key=bytes(32)), third)},
        "another twin's": {"statements": (first, second, replace(third, twin_id=case.twin.twin_id ^ 256))},
        "another twin's, signed": {"statements": (first, second, other_twin)},
        "strangers'": {"statements": (first, statement(case, stranger), statement(case, new_signer()))},
        "a block omitted": {"blocks": true.blocks[:1]},
        "all blocks omitted": {"blocks": ()},
        "a block invented": {"blocks": (*true.blocks, bytes(32))},
        "in another order": {"blocks": true.blocks[::-1]},
        "another chain": {"chain_id": true.chain_id + 1},
        "another genesis": {"genesis": bytes(32)},
        "another block": {"retired_block": true.retired_block - 1},
        "another time": {"retired_s": true.retired_s - 86_400},
        "another owner": {"owner": stranger.address},
        "another twin": {"twin_id": case.twin.twin_id ^ 256},
        "nobody held it": {"holders": (), "statements": ()},
        "nobody held it, statements kept": {"holders": ()},
        "one held it": {"holders": (first.custodian,), "threshold": 1, "statements": (first,)},
        "one of two held it twice": {"holders": (first.custodian,) * 2, "statements": (first,)},
        "a threshold above all": {"threshold": 4, "statements": ()},
        "a threshold of none": {"threshold": 0},
    }
    assert case.holds(true)
    assert case.holds(replace(true, statements=true.statements[1:]))  # the one left opens nothing alone
    assert [name for name, change in bad.items() if case.holds(replace(true, **change))] == []


def test_a_certificate_with_a_block_still_in_the_store_does_not_hold(case: Case) -> None:
    """Also one that was put back afterwards; who cannot see the store checks the rest."""
    certificate = case.erase()
    case.store.put(case.kept[1])

    assert not case.holds(certificate)
    verify_certificate(case.stage.chain, None, certificate)
    case.store.remove(case.batches[1].batch.digest)
    assert case.holds(certificate)


def test_a_certificate_of_a_twin_that_is_not_retired_does_not_hold(case: Case) -> None:
    """Keys and blocks may be gone: while the twin lives it is no erasure, and no block can be named for it."""
    for custodian in case.custodians:
        custodian.erase(case.order(case.twin.patient))
    for one in case.batches:
        case.store.remove(one.batch.digest)
    chain = case.stage.chain
    told = tuple(custodian.erase(case.order(case.twin.patient)) for custodian in case.custodians)
    false = Certificate(
        chain.chain_id, chain.deployment.genesis, case.twin.twin_id, case.twin.patient.address, chain.head().number,
        case.stage.now_s(), tuple(one.batch.digest for one in case.batches),
        tuple(one.address for one in case.custodians), 2, told,
    )  # fmt: skip

    assert not case.holds(false)
    true = case.erase()
    assert true.statements == told and case.holds(true)


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


def _unwrapped(files: Sequence[Path], signer: Signer, twin_id: int) -> list[bytes]:
    """All a thief with the files and the signing key finds: each wrapping, and keys under it, tried at every offset."""
    base = Wrappings(":memory:", signer).open(0)
    data = [path.read_bytes() for path in files]
    ciphers = [base]
    for generation in (1, 2):
        ciphers += [
            Cipher(key) for key in _found(data, base, f"wrapping {generation}", NONCE_BYTES + KEY_BYTES + TAG_BYTES)
        ]
    size = NONCE_BYTES + hpke.PRIVATE_BYTES + TAG_BYTES
    return [key for cipher in ciphers for key in _found(data, cipher, hex(twin_id), size)]


def _found(data: Sequence[bytes], cipher: Cipher, name: str, size: int) -> list[bytes]:
    found = []
    for content in data:
        for at in range(len(content) - size + 1):
            try:
                found.append(cipher.unwrap(name, content[at : at + size]))
            except VerificationError:
                continue
    return found


def test_a_thief_of_all_files_and_keys_opens_nothing_after_erasure(case: Case, states: list[Path]) -> None:
    """Every file with its log, every signing key and a kept block: before, it opens; after, no key is anywhere."""

    def files(path: Path) -> list[Path]:
        return sorted(path.parent.glob(path.name + "*"))

    everything = [file for path in states for file in files(path)]
    assert any(file.name.endswith("-wal") for file in everything)
    header = parse_header(case.kept[0])
    sealed = {one.custodian: one for one in header.shares}
    shares = {}
    for custodian, path in zip(case.custodians, states, strict=True):
        private = _unwrapped(files(path), custodian._signer, case.twin.twin_id)[0]
        shares[custodian.address] = open_share(private, header.context, sealed[custodian.address])
    assert len(open_block(case.kept[0], shares).readings) == 8  # the thief's way works

    case.erase()

    for custodian, path in zip(case.custodians, states, strict=True):
        assert _unwrapped(files(path), custodian._signer, case.twin.twin_id) == []
        with closing(SqliteCustodianState(path, custodian._signer)._database):
            assert SqliteCustodianState(path, custodian._signer).key(case.twin.twin_id, lambda: b"") is None
    left = b"".join(file.read_bytes() for file in files(states[0].parent / "blocks.sqlite"))
    for block in case.kept:
        assert not any(block[at : at + 48] in left for at in range(0, len(block) - 48, 48))


def test_a_file_that_is_being_read_is_not_stated_to_be_free_of_the_key(case: Case, states: list[Path]) -> None:
    """A backup program that holds the file keeps the old page alive: no statement until it is overwritten."""
    custodian = case.custodians[0]
    custodian._state._database.execute("PRAGMA busy_timeout = 0")  # type: ignore[attr-defined]
    custodian._state._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[attr-defined]
    with closing(sqlite3.connect(states[0])) as database:
        wrapped = bytes(database.execute("SELECT wrapped FROM keys").fetchone()[0])
        database.isolation_level = None
        database.execute("BEGIN")
        database.execute("SELECT COUNT(*) FROM receipts").fetchone()
        for _ in range(2):
            with pytest.raises(StorageError) as caught:
                custodian.erase(case.order(case.twin.patient))
            assert caught.value.kind == "file_in_use" and caught.value.hint
        database.execute("COMMIT")

    assert not custodian._state.has_key(case.twin.twin_id)  # it is not used any more all the same
    custodian.erase(case.order(case.twin.patient))
    assert not any(wrapped in path.read_bytes() for path in states[0].parent.glob(states[0].name + "*"))


def _backed_up(states: list[Path], folder: Path, *endings: str) -> list[Path]:
    """Copies of the custodians' files."""
    backups = [folder / f"backup-{at}.sqlite" for at in range(3)]
    for path, backup in zip(states, backups, strict=True):
        for ending in endings:
            shutil.copy(f"{path}{ending}", f"{backup}{ending}")
    return backups


def test_a_restored_backup_from_before_an_erasure_is_refused(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], tmp_path: Path
) -> None:
    """The erasure destroyed what the backup is wrapped under: with the signing key it opens for nobody."""
    backups = _backed_up(states, tmp_path, "", "-wal")
    case.erase()

    for backup, old in zip(backups, case.custodians, strict=True):
        with pytest.raises(VerificationError) as caught:
            custodian_on(backup, old._signer)
        assert caught.value.kind == "wrapping_destroyed" and caught.value.hint
    thief = case.custodians[0]._signer
    files = [*tmp_path.glob("backup-0*"), *tmp_path.glob("custodian-0*")]
    assert _unwrapped(files, thief, case.twin.twin_id) == []


def test_a_backup_with_its_wrapping_brings_a_key_back_and_the_chain_still_refuses(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], researcher: LocalSigner, tmp_path: Path
) -> None:
    """A known limit: who copied the wrapping key too has the key. What is left is the chain's no; a new order erases anew."""
    backups = _backed_up(states, tmp_path, "", "-wal", ".wrap-1")
    certificate = case.erase()
    restored = [custodian_on(path, old._signer) for path, old in zip(backups, case.custodians, strict=True)]

    assert all(one._state.has_key(case.twin.twin_id) for one in restored)
    assert {case.ask(one, researcher) for one in restored} == {"all_consents_withdrawn"}
    assert {case.ask(one, case.twin.patient) for one in restored} == {"no_consent"}
    for one in restored:
        with pytest.raises(Denied) as denied:
            one.public_key(case.twin.twin_id)
        assert denied.value.kind == "erased"
    again = case.erase(custodians=restored)
    assert not any(one._state.has_key(case.twin.twin_id) for one in restored)
    assert {one.key for one in again.statements} == {one.key for one in certificate.statements}
    assert case.holds(again) and case.holds(certificate)


def test_an_erasure_leaves_the_keys_of_other_twins(
    case: Case, states: list[Path], custodian_on: Callable[..., LocalCustodian], patient: LocalSigner
) -> None:
    """The wrapping changes for all; what it wraps stays, also after a restart, and only one wrapping key is kept."""
    other = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(case.stage.chain, patient, other)
    before = [one.public_key(other) for one in case.custodians]
    case.erase()

    assert [one.public_key(other) for one in case.custodians] == before
    reopened = [custodian_on(path, old._signer) for path, old in zip(states, case.custodians, strict=True)]
    assert [one.public_key(other) for one in reopened] == before
    assert [path.name for path in sorted(states[0].parent.glob("*-0.sqlite.wrap-*"))] == ["custodian-0.sqlite.wrap-2"]
