"""Chain endpoints that are at fault in the ways a test chooses."""

from __future__ import annotations

from typing import Any

from oracle.errors import ChainError
from tests.answering import Answering


class Endpoint(Answering):
    """Answers as the true one, save for what it is told to say."""

    def __init__(self, chain: Any, **says: Any) -> None:
        self._chain, self._says = chain, says

    def __getattr__(self, name: str) -> Any:
        return self._says.get(name) or getattr(self._chain, name)


def down(*_: Any, **__: Any) -> Any:
    """Nobody answers."""
    raise ChainError("nobody answers")
