"""Several endpoints as one: what fails or lags is put aside, and comes back by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from oracle.adapters.failover import FIRST_REST_S, LONGEST_REST_S, MOST_BEHIND, FailoverChain
from oracle.errors import ChainError, Denied
from oracle.ports import Head


@dataclass
class Endpoint:
    """A chain that answers 5, or fails; its name and its newest block."""

    where: str
    block: int = 100
    failure: Exception | None = None
    asked: int = 0
    looked: int = 0

    def read(self, *_: Any, **__: Any) -> int:
        """Count, answer."""
        self.asked += 1
        if self.failure:
            raise self.failure
        return 5

    def head(self) -> Head:
        """The newest block."""
        self.looked += 1
        if self.failure:
            raise self.failure
        return Head(self.block, bytes(32), 0)


@dataclass
class Clock:
    """Time that the test lets pass (s)."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def read(chain: FailoverChain) -> int:
    """Any question."""
    return int(chain.read("DataAnchor", "batchCount", 1))


def test_one_that_fails_is_left_alone_and_tried_again_later() -> None:
    """Asked once, not each time; after its rest once more; and first again when it is well."""
    clock, first, second = Clock(), Endpoint("first", failure=ChainError("silent")), Endpoint("second")
    chain = FailoverChain([first, second], clock)

    assert [read(chain) for _ in range(3)] == [5, 5, 5]
    assert (first.asked, second.asked) == (1, 3)
    clock.now_s = FIRST_REST_S
    read(chain), read(chain)
    assert (first.asked, second.asked) == (2, 5)
    clock.now_s += 2 * FIRST_REST_S  # the second rest is twice as long
    first.failure = None
    read(chain), read(chain)
    assert (first.asked, second.asked) == (4, 5)


def test_rests_grow_up_to_a_bound() -> None:
    """One that is gone for days is asked every few minutes."""
    clock, gone = Clock(), Endpoint("gone", failure=ChainError("silent"))
    chain = FailoverChain([gone, Endpoint("well")], clock)
    for second in range(86_400):
        clock.now_s = second
        chain.look()
        read(chain)

    assert gone.asked == 0 and 86_400 / LONGEST_REST_S <= gone.looked <= 86_400 / LONGEST_REST_S + 10
    assert chain.look() == {"gone": ChainError("silent").kind, "well": ""}


def test_one_that_is_behind_is_not_asked_until_it_caught_up() -> None:
    """It answers, but about old blocks."""
    clock, stale, well = Clock(), Endpoint("stale", block=100 - MOST_BEHIND - 1), Endpoint("well")
    chain = FailoverChain([stale, well], clock)

    assert chain.look() == {"stale": "behind", "well": ""}
    read(chain)
    assert (stale.asked, well.asked) == (0, 1)
    stale.block, clock.now_s = 100 - MOST_BEHIND, FIRST_REST_S
    assert chain.look() == {"stale": "", "well": ""}
    read(chain)
    assert (stale.asked, well.asked) == (1, 1)


def test_while_all_are_aside_all_are_tried() -> None:
    """It says what the last one said; a refusal by the contract is an answer and not asked again."""
    clock, one, other = Clock(), Endpoint("one", failure=ChainError("silent")), Endpoint("other")
    other.failure = ChainError("gone")
    chain = FailoverChain([one, other], clock)
    for asked in (1, 2):
        with pytest.raises(ChainError):
            read(chain)
        assert (one.asked, other.asked) == (asked, asked)
    other.failure = Denied("no")
    with pytest.raises(Denied):
        read(chain)
    assert (one.asked, other.asked) == (3, 3)
    with pytest.raises(Denied):  # its answer showed that it is well, so it alone is asked
        read(chain)
    assert (one.asked, other.asked) == (3, 4)
