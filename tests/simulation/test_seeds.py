"""Ten thousand seeds of bad luck; ``make simulate`` plays as many more as it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

import pytest

from .__main__ import CHUNK, play

SEEDS, PART = 10_000, 500
LONGEST_S = 3_600
"""Of a part: it has what other tests leave of the processors."""


@pytest.fixture(scope="module")
def cores() -> Iterator[Executor]:
    """All of them, as far as others leave them idle."""
    with ProcessPoolExecutor() as pool:
        yield pool


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_nothing_is_lost_doubled_wrong_or_released_without_consent(first: int, cores: Executor) -> None:
    """Crashes, reorganisations, partitions, a liar, rot and full disks; then calm, and every round is there once."""
    played = list(cores.map(play, range(first, first + PART), chunksize=CHUNK))

    assert {one["seed"]: one["violations"] for one in played if one["violations"]} == {}
    assert sum(one["faults"].total() for one in played) > 10 * PART
    assert sum(one["reports"] for one in played) > PART
    assert sum(one["releases"] for one in played) > 10 * PART
