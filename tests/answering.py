"""Questions to a chain that stands in for one, each of a message by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from oracle.errors import MedtwinError
from oracle.ports import AskBlock, AskSigned, AskView, Call, Event, Question


class _Chain(Protocol):
    head: Any
    read: Any
    is_signed_by: Any


class Answering:
    """What :class:`oracle.ports.Chain` asks at once, by what it asks one by one."""

    def read_many(self: _Chain, calls: Sequence[Call], *, block: int | None = None) -> list[Any]:
        """One after the other."""
        return [self.read(*one, block=block) for one in calls]

    def naming(self, events: Sequence[Event], twin_id: int) -> list[Event]:
        """It reads no lists."""
        return list(events)

    def answers(self: _Chain, questions: Sequence[Question]) -> list[Any]:
        """One after the other; an error stands where its answer would."""
        return [_answer(self, one) for one in questions]


def _answer(chain: _Chain, question: Question) -> Any:
    try:
        match question:
            case AskBlock(number):
                return chain.head(number)
            case AskView(call, block):
                return chain.read(*call, block=block)
            case AskSigned(account, digest, signature, block):
                return chain.is_signed_by(account, digest, signature, block=block)
    except MedtwinError as error:
        return error
