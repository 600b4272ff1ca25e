"""The audit finds every receipt that was deleted, moved, altered or forged."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from oracle.adapters.keys import LocalSigner
from oracle.batches.fetch import fetch
from oracle.custody.audit import Entries, Verified, entries_of, timeline, verify_receipts
from oracle.errors import MedtwinError, Refused, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import parse_header
from oracle.formats.receipt_log import leaf_hash, root
from oracle.formats.receipts import asked_digest, decode, encode
from oracle.formats.typed_data import Domain, receipt_digest, report_digest
from oracle.records import AnchoredBatch, KeyRequest, Receipt, Report

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

Log = list[tuple[bytes, bytes]]


@pytest.fixture
def custodian(custodians: Any) -> Any:
    """The custodian whose log is audited."""
    return custodians[0]


@pytest.fixture
def look(
    stage: Stage, twin: Twin, anchored: AnchoredBatch, researcher: LocalSigner, custodian: Any
) -> Callable[..., None]:
    """Asks the custodian once; `purpose` 1 is allowed, others are refused."""
    twin.allow(researcher.address)
    header = parse_header(twin.edge.store.get(anchored.batch.digest))
    share = next(one for one in header.shares if one.custodian == custodian.address)
    key = hpke.public_key(hpke.new_key(os.urandom))

    def ask(purpose: int = 1, signer: LocalSigner = researcher, grantee: str = researcher.address) -> None:
        request = KeyRequest(
            twin.twin_id, grantee, key, (anchored.batch.digest,), 1, purpose, next(stage.nonces), stage.now_s() + 300
        )
        try:
            custodian.release(stage.sign(signer, request), [(header.context, share)])
        except Refused:
            assert purpose != 1

    return ask


@pytest.fixture
def log(look: Callable[..., None], custodian: Any, stage: Stage) -> Log:
    """Twelve receipts, permits and refusals, rooted after five and after all."""
    for number in range(12):
        look(purpose=1 if number % 3 else 2)
        if number == 4:
            custodian.post_root(stage.chain)
    custodian.post_root(stage.chain)
    return entries_of(custodian)


def audit(stage: Stage, custodian: Any, log: Any) -> Verified:
    """Audit one custodian's log."""
    return verify_receipts(stage.chain, {custodian.address: log})


def detected(stage: Stage, custodian: Any, log: Any) -> str:
    """The log is refused; the error names the custodian. Returns the kind."""
    with pytest.raises(VerificationError) as caught:
        audit(stage, custodian, log)
    assert custodian.address in caught.value.sentence or caught.value.kind == "malformed_receipt"
    return caught.value.kind


def test_audit_of_an_honest_log_counts_its_receipts(stage: Stage, custodian: Any, log: Log, look: Any) -> None:
    """All receipts verify; those after the last root are counted as not yet covered."""
    assert audit(stage, custodian, log) == Verified(12, 0)
    look()
    look(purpose=4)
    assert audit(stage, custodian, entries_of(custodian)) == Verified(14, 2)


def test_audit_detects_every_single_deletion(stage: Stage, custodian: Any, log: Log) -> None:
    """Whichever receipt is missing, first, last or between; also all of them."""
    for at in range(len(log)):
        kind = "receipt_altered" if at < 5 else "receipt_deleted"  # the earlier root no longer fits, or the count
        assert detected(stage, custodian, log[:at] + log[at + 1 :]) == kind
    assert detected(stage, custodian, []) == "receipt_deleted"


def test_audit_detects_a_deletion_that_is_filled_up(stage: Stage, custodian: Any, log: Log) -> None:
    """A copy or an invention in the gap does not help."""
    for at in range(len(log)):
        gap = log[:at] + log[at + 1 :]
        assert detected(stage, custodian, [*gap, log[at - 1]]) == "receipt_altered"


def test_audit_detects_every_swap(stage: Stage, custodian: Any, log: Log) -> None:
    """Any two receipts exchanged."""
    for one in range(len(log)):
        for two in range(one):
            swapped = list(log)
            swapped[one], swapped[two] = log[two], log[one]
            assert detected(stage, custodian, swapped) == "receipt_altered"


def test_audit_detects_every_altered_byte(stage: Stage, custodian: Any, log: Log) -> None:
    """Each byte of each leaf is under the root; the signatures are checked one by one."""
    for at, (leaf, signature) in enumerate(log):
        for place in range(len(leaf)):
            bad = leaf[:place] + bytes([leaf[place] ^ 1 << place % 8]) + leaf[place + 1 :]
            hashes = [leaf_hash(bad if number == at else one) for number, (one, _) in enumerate(log)]
            assert root(hashes) != root([leaf_hash(one) for one, _ in log])
        for place in (0, 31, 40, 64):
            bad = signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
            assert detected(stage, custodian, [*log[:at], (leaf, bad), *log[at + 1 :]]) == "bad_receipt"
    leaf, signature = log[3]
    for place in range(0, len(leaf), 29):
        bad = leaf[:place] + bytes([leaf[place] ^ 1]) + leaf[place + 1 :]
        assert detected(stage, custodian, [*log[:3], (bad, signature), *log[4:]]) == "receipt_altered"


def test_audit_detects_an_alteration_in_the_tail_no_root_covers(
    stage: Stage, custodian: Any, log: Log, look: Any
) -> None:
    """Before a root stands, the signatures already bind each receipt and its number."""
    for _ in range(3):
        look()
    longer = entries_of(custodian)
    leaf, signature = longer[-1]

    for tail in (
        [longer[13], longer[12], longer[14]], [longer[12], longer[14]], [longer[12], longer[12], longer[14]],
        [longer[12], longer[13], (leaf[:-1] + bytes([leaf[-1] ^ 1]), signature)],
    ):  # fmt: skip
        assert detected(stage, custodian, [*log, *tail]) in {"bad_receipt", "malformed_receipt"}


def test_audit_detects_a_custodian_that_shows_no_log(stage: Stage, custodians: Any, log: Log) -> None:
    """Who put a root on the chain must show its log; who never did may be silent."""
    with pytest.raises(VerificationError) as caught:
        verify_receipts(stage.chain, {custodians[1].address: []})

    assert caught.value.kind == "log_missing"
    assert custodians[0].address in caught.value.sentence
    assert verify_receipts(stage.chain, {custodians[0].address: log, custodians[1].address: []}) == Verified(12, 0)


def test_audit_detects_a_log_shown_as_anothers(stage: Stage, custodians: Any, log: Log) -> None:
    """Receipts are bound to the custodian that wrote them."""
    with pytest.raises(VerificationError):
        verify_receipts(stage.chain, {custodians[0].address: log, custodians[1].address: log})


def rewritten(stage: Stage, custodian: Any, receipt: Receipt, **change: Any) -> tuple[bytes, bytes]:
    """A receipt that a dishonest custodian writes and signs itself."""
    changed = replace(receipt, **change)
    domain = Domain(stage.chain.chain_id, stage.chain.address("AuditTrail"))
    return encode(changed), custodian._signer.sign_digest(receipt_digest(domain, changed))


def test_audit_detects_a_permit_its_grantee_did_not_sign(
    stage: Stage, custodian: Any, look: Any, stranger: LocalSigner
) -> None:
    """A custodian cannot invent that somebody asked, nor change what was asked."""
    look()
    (entry,) = entries_of(custodian)
    true = decode(*entry)
    consent = stage.consent_domain()

    def forge(**change: Any) -> Log:
        other = replace(true, **change)
        return [rewritten(stage, custodian, other, request=asked_digest(consent, other))]

    assert audit(stage, custodian, forge()) == Verified(1, 1)
    for change in (
        {"grantee": stranger.address}, {"purpose": 2}, {"batches": (bytes(32),)}, {"request_signature": bytes(65)},
        {"request_signature": b""}, {"nonce": 5}, {"twin_id": 1}, {"category": 2}, {"deadline_s": 1}, {"recipient": bytes(32)},
    ):  # fmt: skip
        assert detected(stage, custodian, forge(**change)) == "bad_receipt"
        if "request_signature" not in change:
            assert detected(stage, custodian, [rewritten(stage, custodian, true, **change)]) == "bad_receipt"
    assert detected(stage, custodian, [rewritten(stage, custodian, true, number=1)]) == "bad_receipt"


@pytest.mark.parametrize("leaf", [
    b"", b"\xff", cbor2.dumps([]), cbor2.dumps(["medtwin/receipt/1", *[0] * 17]), cbor2.dumps(cbor2.CBORTag(5, [10**9, 1])),
    b"\x81" * 500,
])  # fmt: skip
def test_audit_of_a_rooted_leaf_that_is_no_receipt_is_refused(stage: Stage, custodian: Any, leaf: bytes) -> None:
    """A custodian may root any bytes; the auditor's program says so and does not break."""
    stage.chain.write(custodian._signer, "AuditTrail", "post", 0, bytes(32), 1, root([leaf_hash(leaf)]))

    assert detected(stage, custodian, [(leaf, b"")]) == "malformed_receipt"


def test_old_receipts_of_a_suspended_node_still_verify(stage: Stage, twin: Twin, look: Any, custodian: Any) -> None:
    """A node asked rightfully; that it was cut off later does not make the receipt false."""
    oracle, node = stage.chain.address("PredictionOracle"), stage.node_signers[0]
    twin.allow(oracle)
    look(signer=node, grantee=oracle)
    suspend(stage, twin.twin_id, node)
    assert not stage.chain.is_signed_by(oracle, bytes(32), node.sign_digest(bytes(32)))

    assert audit(stage, custodian, entries_of(custodian)) == Verified(1, 1)
    with pytest.raises(AssertionError):  # it gets nothing any more
        look(signer=node, grantee=oracle)


def suspend(stage: Stage, twin_id: int, node: LocalSigner) -> None:
    """Prove on the chain that a node signed two reports of one round."""
    config = stage.chain.read("PredictionOracle", "configDigest")
    domain = Domain(stage.chain.chain_id, stage.chain.address("PredictionOracle"))
    one = Report(twin_id, bytes(32), 1, 1, 1, 5, 4, 6, bytes(32), bytes(32), config)
    two = replace(one, score_e6=6)
    told = [(_fields(each), (bytes(32), []), node.sign_digest(report_digest(domain, each))) for each in (one, two)]
    stage.chain.write(stage.hospital, "PredictionOracle", "proveEquivocation", *told)


def _fields(report: Report) -> tuple[Any, ...]:
    return tuple(getattr(report, name) for name in Report.__slots__)


def test_timeline_tells_acts_and_looks_in_order(
    stage: Stage, twin: Twin, log: Log, custodians: Any, researcher: LocalSigner
) -> None:
    """Minting, pairing, anchoring, consent and each look, oldest first, with who, why and the outcome."""
    entries: Entries = {custodians[0].address: log}
    lines = timeline(stage.chain, entries)

    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert [line.what for line in lines][:4] == [
        "minted a twin",
        "was paired",
        "anchored a batch",
        "was granted access",
    ]
    looks = [line for line in lines if line.what.startswith("asked")]
    assert {line.who for line in looks} == {researcher.address}
    assert sorted({line.outcome for line in looks}) == ["permitted", "refused: purpose_not_covered"]
    assert {line.twin_id for line in lines} == {twin.twin_id}


def test_timeline_survives_numbers_out_of_the_ordinary(stage: Stage, custodian: Any, look: Any) -> None:
    """Unknown purpose bits and far times of a dishonest custodian are shown or refused, never a crash."""
    look()
    true = decode(*entries_of(custodian)[0])
    for change in ({"purpose": 0xFFFFFFFF}, {"time_s": 253_402_300_799}, {"time_s": 0}, {"time_s": 1 << 39}):
        try:
            timeline(stage.chain, {custodian.address: [rewritten(stage, custodian, true, **change)]})
        except MedtwinError:
            assert change == {"time_s": 1 << 39}


def test_a_fetch_leaves_receipts_that_verify(
    stage: Stage, twin: Twin, anchored: AnchoredBatch, custodians: Any, patient: LocalSigner
) -> None:
    """What really happened is what the audit confirms, over all custodians together."""
    fetch(
        stage.chain, twin.edge.store, custodians, patient, twin_id=twin.twin_id, purpose=1, category=1,
        random_bytes=os.urandom,
    )  # fmt: skip
    for custodian in custodians:
        custodian.post_root(stage.chain)
        assert custodian.post_root(stage.chain) is None

    assert verify_receipts(stage.chain, {one.address: entries_of(one) for one in custodians}) == Verified(2, 0)
