"""ConsentRegistry.isAllowed against a second reading of the rules, over every small case.

given each combination of data and purpose bits held and asked
  and a grant that is open, revoked, denied, of an earlier epoch, or granted again after any of these
    a second before, at and after both ends of its period
      it agrees with the reference
given the twin is retired
  it says no to all
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import requests
from brownie import web3
from eth_abi import decode

from tests.contracts.clock import now_s, view_at
from tests.contracts.consents import Scope

LOW, HIGH = 1, 2**31  # the first and the last bit
HELD = (LOW, HIGH, LOW | HIGH)
ASKED = (0, LOW, HIGH, LOW | HIGH)
LIVES = ("old epoch", "open", "revoked", "ended by denial", "denied first", "granted again", "old, granted again")


class Case(NamedTuple):
    """One grantee and its story."""

    grantee: str
    categories: int
    purposes: int
    life: str


class Question(NamedTuple):
    """What is asked of the contract."""

    case: Case
    categories: int
    purposes: int


def cases() -> list[Case]:
    """A grantee for every scope and story."""
    return [Case(f"0x{number:040x}", *facts) for number, facts in enumerate(product(HELD, HELD, LIVES), start=2**100)]


def questions() -> Iterator[Question]:
    """Every question to every grantee."""
    return (Question(*parts) for parts in product(cases(), ASKED, ASKED))


def bits(number: int) -> set[int]:
    """Places of the bits that are set."""
    return {place for place in range(32) if number >> place & 1}


def reference(question: Question, time_s: int, start: int, end: int) -> bool:
    """The rules, told once more: sets of bits, a period, a story."""
    data, use = bits(question.categories), bits(question.purposes)
    if not data or not use:
        return False
    in_scope = data <= bits(question.case.categories) and use <= bits(question.case.purposes)
    return (
        in_scope
        and time_s in range(start, end)
        and question.case.life in ("open", "granted again", "old, granted again")
    )


def tell(consents: Any, twins: Any, twin: int, patient: Any, start: int, end: int) -> None:
    """Make every story true."""
    sender = {"from": patient, "silent": True}

    def grant(case: Case) -> None:
        consents.grant(twin, case.grantee, Scope(case.categories, case.purposes, start, end), sender)

    for case in cases():
        if case.life.startswith("old"):
            grant(case)
    twins.voidGrants(twin, sender)
    for case in cases():
        if case.life == "denied first":
            consents.deny(twin, case.grantee, sender)
        elif case.life != "old epoch":
            grant(case)
        if case.life in ("revoked", "granted again"):
            consents.revoke(twin, case.grantee, sender)
        if case.life == "ended by denial":
            consents.deny(twin, case.grantee, sender)
        if case.life == "granted again":
            grant(case)


def calls(consents: Any, twin: int, asked: list[Question]) -> list[dict[str, Any]]:
    """The questions as one batch of JSON-RPC calls."""
    encoded = [
        consents.isAllowed.encode_input(twin, question.case.grantee, question.categories, question.purposes)
        for question in asked
    ]
    return [
        {
            "jsonrpc": "2.0",
            "id": number,
            "method": "eth_call",
            "params": [{"to": consents.address, "data": data}, "latest"],
        }
        for number, data in enumerate(encoded)
    ]


def answers(batch: list[dict[str, Any]]) -> list[bool]:
    """The contract's answers now."""
    replies = requests.post(web3.provider.endpoint_uri, json=batch, timeout=120).json()
    found = {reply["id"]: decode(["bool"], bytes.fromhex(reply["result"][2:]))[0] for reply in replies}
    return [found[call["id"]] for call in batch]


def test_isallowed_truth_table(consents: Any, twins: Any, twin: int, patient: Any) -> None:
    """Over 1,000 questions, a second before, at and after both ends of the period."""
    start, end = now_s() + 1_000, now_s() + 2_000
    asked = list(questions())
    batch = calls(consents, twin, asked)
    tell(consents, twins, twin, patient, start, end)
    assert now_s() < start - 1

    for time_s in (start - 1, start, start + 1, end - 1, end, end + 1):
        view_at(time_s)
        wanted = [reference(question, time_s, start, end) for question in asked]
        assert any(wanted) == (start <= time_s < end)
        assert answers(batch) == wanted, time_s


def test_isallowed_of_retired_twin_is_no(consents: Any, twins: Any, twin: int, patient: Any) -> None:
    """To grantees in their period and to the owner."""
    scope = Scope(LOW, LOW, now_s(), now_s() + 1_000)
    case = Case("0x" + "0" * 38 + "77", LOW, LOW, "open")
    owner = case._replace(grantee=patient.address)
    batch = calls(consents, twin, [Question(case, LOW, LOW), Question(owner, LOW, LOW)])
    consents.grant(twin, case.grantee, scope, {"from": patient})
    assert answers(batch) == [True, True]

    twins.retire(twin, {"from": patient})

    assert answers(batch) == [False, False]
