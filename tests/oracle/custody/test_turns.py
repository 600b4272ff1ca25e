"""Work that is done for all who wait."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event

import pytest

from oracle.custody.turns import Turns

LONG_S = 30


class Held:
    """Answers by doubling; the first turn does not end before `go`."""

    def __init__(self) -> None:
        self.begun, self.go = Event(), Event()
        self.turns: list[list[int]] = []

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.turns.append(list(asked))
        self.begun.set()
        assert self.go.wait(LONG_S)
        if -1 in asked:
            raise RuntimeError("no")
        return [2 * one for one in asked]


def test_those_who_come_during_a_turn_are_answered_together_in_the_next() -> None:
    """However many: one turn for all of them, each with its own answer."""
    held = Held()
    turns = Turns(held)
    with ThreadPoolExecutor(21) as pool:
        first = pool.submit(turns.ask, 100)
        assert held.begun.wait(LONG_S)
        others = [pool.submit(turns.ask, number) for number in range(20)]
        while len(turns._waiting) < 20:
            pass
        held.go.set()

        assert [first.result(LONG_S), *(one.result(LONG_S) for one in others)] == [200, *range(0, 40, 2)]
    assert [sorted(turn) for turn in held.turns] == [[100], list(range(20))]


def test_no_answer_is_older_than_its_question() -> None:
    """Whenever somebody asks: the turn that answers began later."""
    ticks = count()
    turns: Turns[int, int] = Turns(lambda asked: [next(ticks)] * len(asked))

    def ask(_: int) -> bool:
        asked = next(ticks)
        return turns.ask(asked) > asked

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(2_000)))


def test_a_failure_is_of_its_turn_alone() -> None:
    """Everybody of that turn is told; the next one is answered."""
    held = Held()
    turns = Turns(held)
    held.go.set()
    with pytest.raises(RuntimeError, match="no"):
        turns.ask(-1)

    assert turns.ask(4) == 8
