"""A custodian over HTTP says what the contract says: every state of a consent, asked in every way, and no other difference.

The table is the contract's own: `isAllowed` at the newest block, for the twin's owner, for grants by every combination of what they
cover, when they hold and what became of them. An endpoint that is behind, forked, of another chain or down, and a clock
that is a day off, make no yes anywhere.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.custody.endpoints import Endpoints
from oracle.custody.release import LocalCustodian
from oracle.formats.wire import pack_request, unpack_release
from oracle.ports import Head
from oracle.records import Category, Purpose
from oracle.serve.custodian import service

from ..endpoints import Endpoint, down

if TYPE_CHECKING:
    from ..conftest import Case

HOUR_S, DAY_S = 3_600, 86_400
PERIODS = ((0, 600), (0, 2 * HOUR_S), (HOUR_S, 2 * HOUR_S))  # of a grant, from now: over, running, to come
CATEGORIES, PURPOSES = (1, 2, 3), (1, 2, 3)
FATES = ("granted", "revoked", "denied")


def permitted(client: TestClient, case: Case, who: LocalSigner, purpose: int) -> bool:
    """What the custodian answers over HTTP; its receipt must agree with the status."""
    request = case.asked(who, grantee=who.address, purpose=purpose, deadline_s=case.stage.now_s() + 300)
    answer = client.post("/v1/release", content=pack_request(request, case.items))
    release = unpack_release(answer.content)
    assert answer.status_code == (200 if release.receipt.permitted else 403)
    assert len(release.shares) == (1 if release.receipt.permitted else 0)
    return release.receipt.permitted


@pytest.fixture
def table(case: Case) -> list[LocalSigner]:
    """One grantee for each combination, the owner, and a stranger; the chain's time is in the middle of the grants."""
    chain, twin = case.stage.chain, case.twin
    people = []
    now = case.stage.now_s() + 2
    for (begin, end), categories, purposes, fate in product(PERIODS, CATEGORIES, PURPOSES, FATES):
        if fate != "granted" and (categories, purposes) not in {(1, 1), (3, 3)}:
            continue  # what was taken back is the same whatever it covered
        who = new_signer()
        scope = (categories, purposes, now + begin, now + end)
        if fate == "denied":
            chain.write(twin.patient, "ConsentRegistry", "deny", twin.twin_id, who.address)
        else:
            chain.write(twin.patient, "ConsentRegistry", "grant", twin.twin_id, who.address, scope)
        if fate == "revoked":
            chain.write(twin.patient, "ConsentRegistry", "revoke", twin.twin_id, who.address)
        people.append(who)
    case.stage.travel(900)
    return [*people, twin.patient, new_signer()]


def test_the_custodian_says_what_the_contract_says(case: Case, table: list[LocalSigner]) -> None:
    """For everybody in the table and two purposes: the same answer, yes for some and no for others."""
    client, chain, answers = TestClient(service(case.custodian)), case.stage.chain, []
    for who, purpose in product(table, (1, 2)):
        contract = chain.read("ConsentRegistry", "isAllowed", case.twin.twin_id, who.address, 1, purpose)
        answers.append(contract)
        assert permitted(client, case, who, purpose) == contract, (who.address, purpose)
    assert len(answers) > 80 and 8 < sum(answers) < len(answers) - 8


def test_withdrawing_all_and_retiring_are_followed(case: Case, table: list[LocalSigner]) -> None:
    """A new epoch ends every grant and leaves the owner; retiring ends the owner's too."""
    client, chain = TestClient(service(case.custodian)), case.stage.chain
    for act, left in (("voidGrants", 2), ("retire", 0)):
        chain.write(case.twin.patient, "TwinToken", act, case.twin.twin_id)
        yes = 0
        for who, purpose in product(table, (1, 2)):
            contract = chain.read("ConsentRegistry", "isAllowed", case.twin.twin_id, who.address, 1, purpose)
            assert permitted(client, case, who, purpose) == contract
            yes += contract
        assert yes == left


def faults(chain: Any) -> dict[str, Endpoint]:
    """Endpoints that cannot be told from ones that lie."""

    def behind(number: int | None = None) -> Head:
        return chain.head(max(0, chain.head().number - 5)) if number is None else chain.head(number)

    def forked(number: int | None = None) -> Head:
        return replace(chain.head(number), hash=os.urandom(32))

    return {
        "silent": Endpoint(chain, head=down, read=down), "behind": Endpoint(chain, head=behind),
        "on another branch": Endpoint(chain, head=forked), "of another chain": Endpoint(chain, head=forked, read=down),
        "says no to all": Endpoint(chain, read=lambda contract, function, *args, block=None:
                                   function != "isAllowed" and chain.read(contract, function, *args, block=block)),
    }  # fmt: skip


@pytest.mark.parametrize("fault", ["silent", "behind", "on another branch", "of another chain", "says no to all"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_an_endpoint_at_fault_makes_no_yes(case: Case, fault: str, first: bool) -> None:
    """Whichever of the two endpoints it is: those who may look are refused, with a receipt; when it is well again they are let in."""
    chain = case.stage.chain
    bad = faults(chain)[fault]
    custodian, client = case.custodian, TestClient(service(case.custodian))
    custodian._endpoints.chains = [bad, chain] if first else [chain, bad]  # type: ignore[list-item]
    before = len(list(custodian.receipts()))
    for who, purpose in ((case.grantee, 1), (case.twin.patient, 1), (case.twin.patient, 2)):
        assert not permitted(client, case, who, purpose)
    assert len(list(custodian.receipts())) == before + 3
    custodian._endpoints.chains = [chain, chain]
    assert permitted(client, case, case.grantee, 1)


@pytest.mark.parametrize("skew_s", [-DAY_S, DAY_S])
def test_a_clock_a_day_off_makes_no_yes(case: Case, states: Any, skew_s: int) -> None:
    """Requests of now are of another day to it: refused either way, and nothing that expired opens again."""
    signer = case.custodian._signer

    def clock() -> int:
        return case.stage.now_s() + skew_s

    skewed = LocalCustodian(
        SqliteCustodianState(states[0], signer), signer, Endpoints([case.stage.chain], clock),  # type: ignore[arg-type]
        clock=clock, random_bytes=os.urandom,
    )  # fmt: skip
    client = TestClient(service(skewed))
    for who, purpose in product((case.grantee, case.twin.patient, new_signer()), (1, 2)):
        assert not permitted(client, case, who, purpose)
    late = case.asked(deadline_s=case.stage.now_s() + skew_s + 60)  # as if the asker's clock were off as well
    if skew_s > 0:
        answer = client.post("/v1/release", content=pack_request(late, case.items))
        assert unpack_release(answer.content).receipt.reason == "consent_expired"
    assert Category.VITALS and Purpose.CARE  # the bits asked for above
