"""What the simulation is worth: it sees planted faults, and repeats itself. Its many seeds: tests/simulation/test_seeds.py."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.simulation.__main__ import caught, play
from tests.simulation.world import CANARIES


@pytest.mark.parametrize("canary", CANARIES)
def test_a_planted_fault_is_seen(canary: str) -> None:
    """A node that forgets what it signed, custody without receipts or deaf to revocations, a chain that takes a round twice."""
    assert caught(canary)


@pytest.mark.parametrize("seed", [3, 11])
def test_the_same_seed_gives_the_same_run(seed: int) -> None:
    """A failure found once can be played again."""
    assert play(seed)["trace"] == play(seed)["trace"]


@pytest.mark.parametrize("seed", [5, 8])
def test_real_boxes_give_the_same_run(seed: int) -> None:
    """What is done without in a simulation changes nothing but its time."""
    assert play(seed, arithmetic=nullcontext)["trace"] == play(seed)["trace"]
