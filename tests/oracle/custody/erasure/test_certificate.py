"""A certificate of erasure says what is so, and none that says more holds."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.custody.erase import Certificate, from_json, to_html, to_json, verify_certificate
from oracle.errors import VerificationError
from oracle.formats.envelope import parse_header, seal_beside
from oracle.formats.typed_data import Domain, statement_digest
from oracle.records import ErasureStatement

if TYPE_CHECKING:
    from .conftest import Case


def statement(case: Case, signer: LocalSigner, **change: Any) -> ErasureStatement:
    """A statement that `signer` makes up and signs."""
    made = ErasureStatement(signer.address, case.twin.twin_id, bytes([7] * 32), case.stage.now_s())
    made = replace(made, **change)
    domain = Domain(case.stage.chain.chain_id, case.stage.chain.address("AuditTrail"))
    return replace(made, signature=signer.sign_digest(statement_digest(domain, made)))


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


def explained(case: Case, twin_id: int) -> bytes:
    """An explanation that a node on another machine sealed beside the twin's newest batch; only the store knows of it."""
    header = parse_header(case.kept[1])
    keys = {one.address: one.public_key(case.twin.twin_id) for one in case.custodians}
    context = replace(header.context, twin_id=twin_id)
    return case.store.put(seal_beside(b"why", context, keys, 2, os.urandom).block)  # type: ignore[no-any-return]


def test_what_lies_beside_goes_with_the_twin_wherever_it_was_sealed(case: Case) -> None:
    """Explanations that no index here names; another twin's, and what is no block of ours, stay."""
    mine, others = explained(case, case.twin.twin_id), explained(case, case.twin.twin_id + 1)
    foreign = case.store.put(b"something else")
    certificate = case.erase()

    assert certificate.beside == (mine,) == from_json(to_json(certificate)).beside
    assert not case.store.has(mine) and case.store.has(others) and case.store.has(foreign)
    assert "and 1 blocks that lay beside them" in to_html(certificate)


def test_a_certificate_does_not_hold_while_something_lies_beside(case: Case) -> None:
    """Named in it or not: sealed by a node that had not heard yet."""
    keys = {one.address: one.public_key(case.twin.twin_id) for one in case.custodians}
    late = seal_beside(b"why", parse_header(case.kept[1]).context, keys, 2, os.urandom).block
    certificate = case.erase()
    case.store.put(late)

    assert not case.holds(certificate)
    case.store.remove(hashlib.sha256(late).digest())
    assert case.holds(certificate)


def test_a_certificate_of_a_twin_that_is_not_retired_does_not_hold(case: Case) -> None:
    """Keys and blocks may be gone: while the twin lives it is no erasure, and no block can be named for it."""
    for custodian in case.custodians:
        custodian.erase(case.order(case.twin.patient, custodian))
    for one in case.batches:
        case.store.remove(one.batch.digest)
    chain = case.stage.chain
    told = tuple(custodian.erase(case.order(case.twin.patient, custodian)) for custodian in case.custodians)
    false = Certificate(
        chain.chain_id, chain.deployment.genesis, case.twin.twin_id, case.twin.patient.address, chain.head().number,
        case.stage.now_s(), tuple(one.batch.digest for one in case.batches),
        tuple(one.address for one in case.custodians), 2, told,
    )  # fmt: skip

    assert not case.holds(false)
    true = case.erase()
    assert true.statements == told and case.holds(true)
