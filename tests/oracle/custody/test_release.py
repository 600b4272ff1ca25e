"""A custodian's decision: what it permits, what it refuses, and that each answer has its receipt first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.custody.release import LocalCustodian
from oracle.errors import VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import check_share, parse_header, released_info
from oracle.formats.receipts import decode
from oracle.ports import Head
from oracle.records import Readings
from oracle.rights.consent import revoke

from ..endpoints import Endpoint, down

if TYPE_CHECKING:
    from ..conftest import Case


def test_release_permits_what_is_allowed(case: Case) -> None:
    """The share opens with the recipient's key alone, matches its commitment, and a receipt of it is kept."""
    release = case.custodian.release(case.request, case.items)
    header = parse_header(case.twin.edge.store.get(case.request.batches[0]))
    info = released_info(header.context, case.custodian.address, release.receipt.request)
    share = hpke.open_sealed(case.private, release.shares[0], info)

    assert check_share(header, case.custodian.address, share)
    assert (release.receipt.permitted, release.receipt.reason) == (True, "")
    assert release.receipt.recipient == hashlib.sha256(case.request.recipient_key).digest()
    assert [decode(*entry) for entry in case.custodian.receipts()] == [release.receipt]
    case.check(release.receipt, case.request, case.custodian)
    with pytest.raises(VerificationError):
        hpke.open_sealed(hpke.new_key(os.urandom), release.shares[0], info)


def test_release_permits_the_owner(case: Case) -> None:
    """A twin's owner needs no grant to see its own data."""
    asked = case.asked(case.twin.patient, grantee=case.twin.patient.address)

    assert case.custodian.release(asked, case.items).receipt.permitted


def test_release_permits_a_node_through_the_oracle_contract(case: Case) -> None:
    """The consent names PredictionOracle; any active node signs for it (ERC-1271), nobody else does."""
    oracle = case.stage.chain.address("PredictionOracle")
    case.twin.allow(oracle)

    assert case.custodian.release(case.asked(case.stage.node_signers[0], grantee=oracle), case.items).receipt.permitted
    assert case.refused(case.asked(case.grantee, grantee=oracle)) == "bad_signature"


def test_release_refuses_a_contract_that_vouches_for_nobody(case: Case) -> None:
    """A grantee that is some contract without ERC-1271 is a no with a receipt, not a crash."""
    for name in ("TwinToken", "AccessMarket", "TestToken"):
        assert case.refused(case.asked(grantee=case.stage.chain.address(name))) == "bad_signature"


def test_release_refuses_each_rule_by_name(case: Case, stranger: LocalSigner) -> None:
    """Default deny: who, what for, which data, when, which batch, which key."""
    now, context = case.stage.now_s(), case.items[0][0]
    share = case.items[0][1]

    assert case.refused(case.asked(stranger, grantee=stranger.address)) == "no_consent"
    assert case.refused(case.asked(purpose=2)) == "purpose_not_covered"
    assert case.refused(case.asked(purpose=3)) == "purpose_not_covered"
    assert case.refused(case.asked(purpose=1 << 31)) == "purpose_not_covered"
    assert case.refused(case.asked(category=2)) == "wrong_context"
    assert case.refused(case.asked(category=2), [(replace(context, category=2), share)]) in {
        "category_not_covered", "does_not_open",
    }  # fmt: skip
    assert case.refused(case.asked(deadline_s=now)) == "request_expired"
    assert case.refused(case.asked(deadline_s=0)) == "request_expired"
    assert case.refused(case.asked(deadline_s=now + 15 * 60 + 60)) == "deadline_too_far"
    assert case.refused(case.asked(stranger)) == "bad_signature"
    assert case.refused(replace(case.asked(), signature=b"")) == "bad_signature"
    assert case.refused(replace(case.asked(), signature=bytes(65))) == "bad_signature"
    assert case.refused(case.asked(batches=(bytes(32),))) == "batch_not_anchored"
    assert case.refused(case.asked(recipient_key=b"")) == "bad_public_key"
    assert case.refused(case.asked(recipient_key=bytes(1216))) == "bad_public_key"


def test_release_refuses_zero_category_and_purpose(case: Case) -> None:
    """Asking for nothing in particular is not asking for less."""
    for change in ({"purpose": 0}, {"category": 0}):
        context = replace(case.items[0][0], category=change.get("category", 1))
        assert case.refused(case.asked(**change), [(context, case.items[0][1])])


@pytest.mark.parametrize("change", [
    {"purpose": 3}, {"category": 3}, {"nonce": 1}, {"twin_id": 5}, {"deadline_s": 9}, {"batches": (bytes(32),) * 2},
    {"recipient_key": b"k"},
])  # fmt: skip
def test_release_refuses_a_request_changed_after_signing(case: Case, change: dict[str, Any]) -> None:
    """Every field is under the signature: who carries the request cannot turn it to another use or key."""
    assert case.refused(replace(case.request, **change)) == "bad_signature"


def test_release_refuses_what_is_not_this_custodians(case: Case, custodians: list[LocalCustodian]) -> None:
    """Another custodian's share, chain, contract or number of batches."""
    context, share = case.items[0]
    others = next(one for one in parse_header(case.twin.edge.store.get(case.request.batches[0])).shares if one != share)

    for bad in (
        [(context, others)], [(replace(context, chain_id=1), share)], [(replace(context, anchor="0x" + "1" * 40), share)],
        [(replace(context, twin_id=case.twin.twin_id ^ 256), share)],
    ):  # fmt: skip
        assert case.refused(case.asked(), bad) == "wrong_context"
    assert case.refused(case.asked(), [(replace(context, sequence=2), share)]) == "batch_not_anchored"
    assert case.refused(case.asked(), [(replace(context, device="0x" + "1" * 40), share)]) == "batch_not_anchored"
    assert case.refused(case.asked(), [(replace(context, schema="unit/2"), share)]) == "does_not_open"
    assert case.refused(case.asked(), [(context, replace(share, sealed=others.sealed))]) == "does_not_open"
    assert case.refused(case.asked(), [(context, replace(share, custodian=others.custodian))]) == "wrong_context"
    assert case.refused(case.asked(), []) == "wrong_number_of_batches"
    assert case.refused(case.asked(), case.items * 2) == "wrong_number_of_batches"
    assert case.refused(case.asked(batches=())) == "wrong_number_of_batches"
    assert case.refused(case.asked(), by=custodians[1]) == "wrong_context"


def test_release_refuses_swapped_digests(case: Case, recorded: Callable[..., Readings]) -> None:
    """A receipt names the batches that are really opened: the digests belong to the contexts, in order."""
    case.stage.travel(60)
    first, second = case.twin.publish(recorded())
    both = case.items_of(first) + case.items_of(second)
    digests = (first.batch.digest, second.batch.digest)

    assert case.refused(case.asked(batches=digests[::-1]), both) == "batch_not_anchored"
    assert len(case.custodian.release(case.asked(batches=digests), both).shares) == 2


def test_release_refuses_after_revocation_expiry_denial_and_before_the_start(case: Case) -> None:
    """Time and the patient's later will count at once."""
    chain, twin = case.stage.chain, case.twin
    now = case.stage.now_s()
    case.custodian.release(case.asked(), case.items)
    chain.write(
        twin.patient, "ConsentRegistry", "grant", twin.twin_id, case.grantee.address, (1, 1, now + 900, now + 999)
    )
    assert case.refused(case.asked()) == "consent_not_begun"
    case.stage.travel(1000)
    later = {"deadline_s": case.stage.now_s() + 60}
    assert case.refused(case.asked(**later)) == "consent_expired"
    twin.allow(case.grantee.address)
    assert case.custodian.release(case.asked(**later), case.items).receipt.permitted
    revoke(chain, twin.patient, twin.twin_id, case.grantee.address)
    assert case.refused(case.asked(**later)) == "consent_revoked"
    twin.allow(case.grantee.address)
    chain.write(twin.patient, "ConsentRegistry", "deny", twin.twin_id, case.grantee.address)
    assert case.refused(case.asked(**later)) == "consent_denied"


def test_release_refuses_on_a_retired_twin(case: Case) -> None:
    """Retiring a twin ends every grant, and the owner's own access."""
    case.stage.chain.write(case.twin.patient, "TwinToken", "retire", case.twin.twin_id)

    assert case.refused(case.asked()) == "all_consents_withdrawn"
    assert case.refused(case.asked(case.twin.patient, grantee=case.twin.patient.address)) == "no_consent"


def denying(chain: Any) -> Callable[..., Any]:
    """Reads as the chain's, but no consent is ever allowed."""

    def read(contract: str, function: str, *args: Any, block: int | None = None) -> Any:
        told = chain.read(contract, function, *args, block=block)
        return False if function == "isAllowed" else told

    return read


@pytest.mark.parametrize(("says", "reason"), [
    (lambda chain: {"read": denying(chain)}, "all_consents_withdrawn"),
    (lambda chain: {"read": down}, "chain_unavailable"),
    (lambda chain: {"head": down}, "chain_unavailable"),
    (lambda chain: {"is_signed_by": down}, "chain_unavailable"),
    (lambda chain: {"is_signed_by": lambda *_, **__: 0}, "bad_signature"),
    (lambda chain: {"head": lambda number=None: Head(chain.head().number + 9, bytes(32), 0)}, "chain_lagging"),
    (lambda chain: {"head": lambda number=None: replace(chain.head(number), hash=bytes(32))}, "chain_forked"),
])  # fmt: skip
def test_every_endpoint_must_say_yes(
    case: Case, tmp_path: Path, custodian_on: Callable[..., LocalCustodian], says: Any, reason: str, states: list[Path]
) -> None:
    """A second endpoint that says no, is silent, behind or on another branch is a refusal with a receipt."""
    chain = case.stage.chain
    other = Endpoint(chain, **says(chain))
    custodian = custodian_on(states[0], case.custodian._signer, other)

    assert case.refused(case.asked(), by=custodian) == reason
    healthy = custodian_on(states[0], case.custodian._signer, Endpoint(chain))
    assert healthy.release(case.asked(), case.items).receipt.permitted


def test_the_first_endpoint_failing_releases_nothing(case: Case) -> None:
    """A custodian that sees no chain gives nothing, keeps a receipt of it, and burns no nonce."""
    case.custodian._endpoints.chains = [Endpoint(case.stage.chain, head=down)]
    assert case.refused(case.request) == "chain_unavailable"
    case.custodian._endpoints.chains = [case.stage.chain]

    assert case.custodian.release(case.request, case.items).receipt.permitted
