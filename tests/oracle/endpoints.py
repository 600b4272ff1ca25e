"""Chain endpoints that are at fault in the ways a test chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oracle.errors import ChainError, MedtwinError
from oracle.ports import AskBlock, AskSigned, AskView, Call, Question


class Endpoint:
    """Answers as the true one, save for what it is told to say; each question of a message by itself."""

    def __init__(self, chain: Any, **says: Any) -> None:
        self._chain, self._says = chain, says

    def __getattr__(self, name: str) -> Any:
        return self._says.get(name) or getattr(self._chain, name)

    def read_many(self, calls: Sequence[Call], *, block: int | None = None) -> list[Any]:
        """One after the other."""
        return [self.read(*one, block=block) for one in calls]

    def answers(self, questions: Sequence[Question]) -> list[Any]:
        """One after the other."""
        return [self._answer(one) for one in questions]

    def _answer(self, question: Question) -> Any:
        try:
            match question:
                case AskBlock(number):
                    return self.head(number)
                case AskView(call, block):
                    return self.read(*call, block=block)
                case AskSigned(account, digest, signature, block):
                    return self.is_signed_by(account, digest, signature, block=block)
        except MedtwinError as error:
            return error


def down(*_: Any, **__: Any) -> Any:
    """Nobody answers."""
    raise ChainError("nobody answers")
