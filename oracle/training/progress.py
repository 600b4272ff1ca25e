"""How far a training is: work says its steps here, and whoever started it may watch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Watcher = Callable[[str, int, int], None]  # what is done, steps done, steps in all
Item = TypeVar("Item")
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def track(items: Iterable[Item], what: str) -> Iterator[Item]:
    """The items, one after another, each told once it is done."""
    listed: Sequence[Item] = list(items)
    for done, item in enumerate(listed):
        _tell(what, done, len(listed))
        yield item
    _tell(what, len(listed), len(listed))


@contextmanager
def watched(by: Watcher) -> Iterator[None]:
    """Tell `by` of every step within."""
    before = _watcher.set(by)
    try:
        yield
    finally:
        _watcher.reset(before)


def _tell(what: str, done: int, of: int) -> None:
    watcher = _watcher.get()
    if watcher is not None:
        watcher(what, done, of)
