"""What many ask at once is done in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, get_ident
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Turns(Generic[A, B]):
    """Whoever asks while a turn is under way is in the next one, which begins later: no answer is older than its question.

    Parameters
    ----------
    answer : callable
        Answers everything that waits, in order; if it raises, everybody of that turn gets the error.
    """

    def __init__(self, answer: Callable[[Sequence[A]], Sequence[B]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[A, Future[B]]] = []
        self._turn = Condition()
        self._worker: int | None = None  # the thread whose turn it is

    def ask(self, one: A) -> B:
        """The answer; the first of those who wait does the work of all."""
        mine: Future[B] = Future()
        with self._turn:
            self._waiting.append((one, mine))
            # Who asks in the middle of its own turn, as in a simulation, would wait for itself.
            self._turn.wait_for(lambda: mine.done() or self._worker in (None, get_ident()))
            if mine.done():
                return mine.result()
            taken, self._waiting = self._waiting, []
            before, self._worker = self._worker, get_ident()
        try:
            self._serve(taken)
        finally:
            with self._turn:
                self._worker = before
                self._turn.notify_all()
        return mine.result()

    def _serve(self, taken: Sequence[tuple[A, Future[B]]]) -> None:
        try:
            answers = self._answer([one for one, _ in taken])
            for (_, waiting), answer in zip(taken, answers, strict=True):
                waiting.set_result(answer)
        except BaseException as error:
            for _, waiting in taken:
                if not waiting.done():
                    waiting.set_exception(error)
