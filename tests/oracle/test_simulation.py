"""Nodes, custodians and devices under simulated bad luck; ``make simulate`` plays many more seeds."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.simulation.__main__ import caught, play
from tests.simulation.world import CANARIES

SEEDS = 2_000
FEWEST_FAULTS = 5_000


def test_nothing_is_lost_doubled_wrong_or_released_without_consent() -> None:
    """Crashes, reorganisations, partitions, a liar, rot and full disks; then calm, and every round is there once."""
    played = [play(seed) for seed in range(SEEDS)]

    assert {one["seed"]: one["violations"] for one in played if one["violations"]} == {}
    assert sum(one["faults"].total() for one in played) > FEWEST_FAULTS
    assert sum(one["reports"] for one in played) > SEEDS
    assert sum(one["releases"] for one in played) > 10 * SEEDS


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
