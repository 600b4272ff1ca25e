"""Requests that are decided together: as each would be alone, and none at another's cost."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from oracle.custody.endpoints import Endpoints
from oracle.errors import ChainError
from oracle.formats.receipts import decode, request_digest
from oracle.ports import AskSigned, Entry, Question
from oracle.records import KeyRequest

from ..endpoints import Endpoint

if TYPE_CHECKING:
    from ..conftest import Case

Asked = tuple[KeyRequest, bytes]


class Counting(Endpoint):
    """Counts its messages."""

    messages = 0

    def answers(self, questions: Sequence[Question]) -> list[Any]:
        self.messages += 1
        return list(self._chain.answers(questions))


@pytest.fixture
def mixed(case: Case, stranger: Any) -> list[Asked]:
    """Requests that are permitted, refused by each rule, signed by others, and about nothing."""
    token = case.stage.chain.address("TestToken")  # a contract that vouches for nobody, and reverts when asked to
    requests = [
        case.asked(), case.asked(purpose=2), case.asked(stranger), case.asked(stranger, grantee=stranger.address),
        case.asked(case.twin.patient, grantee=case.twin.patient.address), case.asked(twin_id=0x1101),
        case.asked(grantee=token), replace(case.asked(grantee=token), signature=b"\xff" * 5_000), case.asked(),
    ]  # fmt: skip
    return [(one, request_digest(case.stage.consent_domain(), one)) for one in requests]


def test_together_they_are_judged_as_alone(case: Case, mixed: list[Asked]) -> None:
    """By one endpoint or by two, at any depth: the same words, in the same order."""
    chain = case.stage.chain
    for chains, depth in (([chain], 0), ([chain, chain], 0), ([chain, chain], 2)):
        endpoints = Endpoints(chains, case.stage.now_s, depth=depth)
        together = endpoints.ask(mixed)

        assert together == [endpoints.ask([one])[0] for one in mixed]
        assert [one.signed for one in together] == [True, True, False, True, True, True, False, False, True]
    assert {one.reason for one in together} >= {"", "no_consent", "purpose_not_covered"}


def test_two_messages_to_each_endpoint_however_many_ask(case: Case, mixed: list[Asked]) -> None:
    """The head, then everything else."""
    chains = [Counting(case.stage.chain), Counting(case.stage.chain)]
    Endpoints(chains, case.stage.now_s, depth=1).ask(mixed * 5)

    assert [one.messages for one in chains] == [1, 1]  # and one for the head, which goes past the count


def test_a_question_that_an_endpoint_refuses_is_one_requests_alone(case: Case, mixed: list[Asked]) -> None:
    """A signature that the endpoint would not look at: its request is refused, the others go on."""

    class Refusing(Endpoint):
        def answers(self, questions: Sequence[Question]) -> list[Any]:
            found = self._chain.answers(questions)
            hit = next(at for at, one in enumerate(questions) if isinstance(one, AskSigned))
            return [ChainError("out of gas") if at == hit else one for at, one in enumerate(found)]

    said = Endpoints([case.stage.chain, Refusing(case.stage.chain)], case.stage.now_s).ask(mixed)

    assert said[0].apart == "chain_unavailable"
    assert [one.apart for one in said[1:]] == [""] * (len(mixed) - 1)
    assert (said[-1].signed, said[-1].reason) == (True, "")


def test_an_endpoint_of_another_chain_is_not_believed(case: Case, mixed: list[Asked]) -> None:
    """Alone as well: its first block is not the one that the contracts were deployed after."""
    chain = case.stage.chain
    other = Endpoint(chain, head=lambda number=None: replace(chain.head(number), hash=bytes(32)))
    for chains in ([other], [chain, other], [other, chain]):
        assert {one.apart for one in Endpoints(chains, case.stage.now_s).ask(mixed)} == {"chain_forked"}


@pytest.mark.parametrize("together", [True, False])
def test_many_at_once_have_one_receipt_each(case: Case, together: bool) -> None:
    """Twenty, in one turn or in twenty threads, one of them sent twice: numbers without gaps, every answer in the log."""
    twice = case.asked()
    requests = [twice, *(case.asked(**({"purpose": 2} if at % 2 else {})) for at in range(18)), twice]

    def ask(*some: KeyRequest) -> list[Any]:
        return [one.receipt for one in case.custodian.release_together([(asked, case.items, ()) for asked in some])]

    with ThreadPoolExecutor(20) as pool:
        told = ask(*requests) if together else [one for some in pool.map(ask, requests) for one in some]

    log = [decode(*entry) for entry in case.custodian.receipts()]
    assert log == sorted(told, key=lambda one: one.number) and [one.number for one in log] == list(range(20))
    assert [one.reason for one in told[1:-1]] == ["", "purpose_not_covered"] * 9
    assert sorted([told[0].reason, told[-1].reason]) == ["", "request_replayed"]


def test_receipts_are_written_together_or_not_at_all(case: Case) -> None:
    """In one step, numbered on, a nonce counted once; if one cannot be made, none is kept and no nonce is spent."""
    receipt, state = case.custodian.release(case.request, case.items).receipt, case.custodian._state
    told: list[tuple[int, bool]] = []

    def make(number: int, fresh: bool) -> Any:
        told.append((number, fresh))
        return replace(receipt, number=number)

    def fail(*_: Any) -> Any:
        raise RuntimeError("the key is away")

    with pytest.raises(RuntimeError):
        state.append([Entry(make, ("a", 1)), Entry(fail, None)])
    assert len(list(state.receipts(0))) == 1 and not state.is_used("a", 1)
    assert len(state.append([Entry(make, ("a", 1)), Entry(make, ("a", 1)), Entry(make, None)])) == 3

    assert told == [(1, True), (1, True), (2, False), (3, True)]
    assert state.head()[0] == len(list(state.receipts(0))) == 4
