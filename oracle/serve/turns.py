"""What many ask at once is answered in one go."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")
MOST = 64  # answered in one turn, so that nobody waits long for others
PATIENCE_S = 1.0
THREADS = 8


class Turns(Generic[A, B]):
    """Who asks during a turn is in the next, which begins later: no answer is older than its question.

    A turn that takes longer than `PATIENCE_S` holds up no other.

    Parameters
    ----------
    answer : callable
        Answers all of a turn, in order and in a thread; if it raises, everybody of that turn gets the error.
    """

    def __init__(self, answer: Callable[[Sequence[A]], Sequence[B]]) -> None:
        self._answer = answer
        self._threads = ThreadPoolExecutor(THREADS)
        self._waiting: deque[tuple[A, asyncio.Future[B]]] = deque()
        self._awaited: asyncio.Task[None] | None = None  # the turn that has to end before another begins
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, one: A) -> B:
        """The answer to one question."""
        mine: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, mine))
        self._begin()
        return await mine

    def _begin(self) -> None:
        if not self._waiting or self._awaited:
            return
        taken = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        turn = self._awaited = asyncio.create_task(self._serve(taken))
        self._under_way.add(turn)
        turn.add_done_callback(self._under_way.discard)
        turn.get_loop().call_later(PATIENCE_S, self._go_on, turn)

    def _go_on(self, turn: asyncio.Task[None] | None) -> None:
        if self._awaited is turn:
            self._awaited = None
            self._begin()

    async def _serve(self, taken: Sequence[tuple[A, asyncio.Future[B]]]) -> None:
        asked = [one for one, _ in taken]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, asked)
            for (_, waiting), answer in zip(taken, answers, strict=True):
                if not waiting.done():  # who went away is not told
                    waiting.set_result(answer)
        except Exception as error:
            for _, waiting in taken:
                if not waiting.done():
                    waiting.set_exception(error)
        finally:
            self._go_on(asyncio.current_task())
