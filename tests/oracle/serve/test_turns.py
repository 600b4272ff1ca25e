"""Work that is done for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from threading import Event

import pytest

from oracle.serve import turns
from oracle.serve.turns import MOST, Turns

LONG_S = 30


class Held:
    """Answers by doubling; a turn that has `stuck` in it does not end before `go`."""

    def __init__(self, stuck: int) -> None:
        self.stuck, self.begun, self.go = stuck, Event(), Event()
        self.turns: list[list[int]] = []

    def __call__(self, asked: Sequence[int]) -> list[int]:
        self.turns.append(list(asked))
        if self.stuck in asked:
            self.begun.set()
            assert self.go.wait(LONG_S)
        if -1 in asked:
            raise RuntimeError("no")
        return [2 * one for one in asked]


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Let a story happen."""
    asyncio.run(asyncio.wait_for(story(), 2 * LONG_S))


def test_those_who_come_during_a_turn_are_answered_together_in_the_next() -> None:
    """One turn for all of them, each with its own answer; more than fit into it are in the one after."""
    held = Held(stuck=1_000)

    async def story() -> None:
        asking = Turns(held)
        first = asyncio.create_task(asking.ask(1_000))
        await asyncio.to_thread(held.begun.wait, LONG_S)
        others = [asyncio.create_task(asking.ask(number)) for number in range(MOST + 5)]
        await asyncio.sleep(0)
        held.go.set()
        assert await asyncio.gather(first, *others) == [2_000, *range(0, 2 * (MOST + 5), 2)]

    run(story)
    assert held.turns == [[1_000], list(range(MOST)), list(range(MOST, MOST + 5))]


def test_a_slow_turn_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks later is answered, while the first still waits."""
    monkeypatch.setattr(turns, "PATIENCE_S", 0.01)
    held = Held(stuck=1)

    async def story() -> None:
        asking = Turns(held)
        first = asyncio.create_task(asking.ask(1))
        await asyncio.to_thread(held.begun.wait, LONG_S)
        assert await asking.ask(2) == 4
        assert not first.done()
        held.go.set()
        assert await first == 2

    run(story)


def test_no_answer_is_older_than_its_question() -> None:
    """Whenever somebody asks: the turn that answers began later."""
    ticks = count()
    asking: Turns[int, int] = Turns(lambda asked: [next(ticks)] * len(asked))

    async def ask_again_and_again() -> bool:
        newer = []
        for _ in range(250):
            asked = next(ticks)
            newer.append(await asking.ask(asked) > asked)
        return all(newer)

    async def story() -> None:
        assert all(await asyncio.gather(*(ask_again_and_again() for _ in range(8))))

    run(story)


def test_a_failure_is_of_its_turn_alone() -> None:
    """Everybody of that turn is told, who went away is not missed, and the next one is answered."""
    held = Held(stuck=3)

    async def story() -> None:
        asking = Turns(held)
        first = asyncio.create_task(asking.ask(3))
        await asyncio.to_thread(held.begun.wait, LONG_S)
        failing = [asyncio.create_task(asking.ask(one)) for one in (-1, 7, 8)]
        await asyncio.sleep(0)
        failing[2].cancel()
        held.go.set()
        ended = await asyncio.gather(*failing, return_exceptions=True)
        assert [type(one) for one in ended] == [RuntimeError, RuntimeError, asyncio.CancelledError]
        assert (await first, await asking.ask(4)) == (6, 8)

    run(story)
