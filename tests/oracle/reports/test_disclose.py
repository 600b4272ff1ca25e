"""Disclosing why.

given an explanation that was disclosed beside a batch
  it opens for whoever may open the batch and nobody else, and each look leaves a receipt that names the batch
  its rows are those of the report's root
when too few custodians answer, or one is down
  nothing is kept, or it is sealed to the others
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from eth_abi import encode

from oracle.adapters.journal import SqliteExplanations
from oracle.errors import StorageError
from oracle.formats import hpke
from oracle.formats.envelope import check_share, open_beside, parse_header, released_info
from oracle.formats.merkle import leaf, root
from oracle.formats.receipts import decode, request_digest
from oracle.records import Contribution, Explanation, Prediction, Status
from oracle.reports.disclose import disclose
from oracle.stages.explain import explain

if TYPE_CHECKING:
    from ..conftest import Case


class Down:
    """A custodian nobody reaches."""

    address = "0x" + "11" * 20

    def public_key(self, twin_id: int) -> bytes:
        """What an adapter raises for a service that is away."""
        raise StorageError("nobody answers", kind="custodian_unreachable")


@pytest.fixture
def explanation() -> Explanation:
    parts = (Contribution("heart rate", 72_000_000, 2_750_000), Contribution("lactate", None, -250_000))
    return explain(
        Prediction(Status.ANSWER, 72_500_000, 70_000_000, 75_000_000, 70_000_000, 72_500_000, parts, ""), unit="/min"
    )


@pytest.fixture
def kept() -> SqliteExplanations:
    return SqliteExplanations(":memory:")


def disclosed(case: Case, explanation: Explanation, custodians: Any, kept: SqliteExplanations) -> bytes:
    """The sealed block."""
    store = case.twin.edge.store
    assert disclose(explanation, case.items[0][0], custodians, store, kept, os.urandom)
    digest = kept.find(explanation.root)
    assert digest is not None
    return store.get(digest)


def items_of(block: bytes, custodian: str) -> list[Any]:
    header = parse_header(block)
    return [(header.context, next(one for one in header.shares if one.custodian == custodian))]


def test_reasons_open_for_whoever_may_open_the_batch_and_nobody_else(
    case: Case, custodians: Any, explanation: Explanation, kept: SqliteExplanations
) -> None:
    """The custodians decide as for the batch: a stranger is refused, the grantee gets shares, both leave receipts."""
    block = disclosed(case, explanation, custodians, kept)
    stranger = case.stage.person()
    refusal = case.refused(
        case.asked(stranger, grantee=stranger.address), items_of(block, case.custodian.address)
    )  # fmt: skip
    assert refusal == "no_consent"

    header, shares = parse_header(block), {}
    for custodian in custodians[:2]:
        request = case.asked()
        release = custodian.release(request, items_of(block, custodian.address))
        info = released_info(header.context, custodian.address, request_digest(case.stage.consent_domain(), request))
        shares[custodian.address] = hpke.open_sealed(case.private, release.shares[0], info)
        assert check_share(header, custodian.address, shares[custodian.address])
        assert decode(*list(custodian.receipts())[-1]).batches == case.request.batches
    assert cbor2.loads(open_beside(block, shares))[0] == "medtwin/explanation/1"


def test_reasons_are_the_rows_of_the_reports_root(
    case: Case, custodians: Any, explanation: Explanation, kept: SqliteExplanations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows hash to the root as the formats say; nothing of them stands in the block in the clear."""
    written: list[bytes] = []
    from oracle.reports import disclose as module

    sealing = module.seal_beside
    monkeypatch.setattr(module, "seal_beside", lambda plain, *more: (written.append(plain), sealing(plain, *more))[1])
    block = disclosed(case, explanation, custodians, kept)
    rows = cbor2.loads(written[0])[1]

    types = ["uint16", "string", "bool", "int64", "int64"]
    assert root([leaf(encode(types, row)) for row in rows]) == explanation.root
    assert rows[0] == [0, "base", True, 72_500_000, 70_000_000] and rows[2] == [2, "lactate", False, 0, -250_000]
    assert b"lactate" not in block


def test_one_custodian_down_is_no_hindrance_two_are(
    case: Case, custodians: Any, explanation: Explanation, kept: SqliteExplanations
) -> None:
    store, beside = case.twin.edge.store, case.items[0][0]
    assert not disclose(explanation, beside, [custodians[0], Down(), Down()], store, kept, os.urandom)  # type: ignore[list-item]
    assert kept.find(explanation.root) is None
    assert len(parse_header(disclosed(case, explanation, [*custodians[:2], Down()], kept)).shares) == 2


def test_reasons_are_sealed_once(
    case: Case, custodians: Any, explanation: Explanation, kept: SqliteExplanations
) -> None:
    """Nodes of one machine share the list: the first seals, the others find it."""
    first = disclosed(case, explanation, custodians, kept)
    assert disclosed(case, explanation, custodians, kept) == first
