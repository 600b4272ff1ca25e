"""The harnesses say how much they tried, and are refused when that is too little."""

from __future__ import annotations

import pytest

from scripts.campaign import complaints, tally

RUN = "1 4096 1000 1500"


def test_walks_are_added_up_without_the_last_run_told_twice() -> None:
    """Two halves of two runs, each telling its last run once more."""
    found = tally([RUN, RUN, "2 4096 1200 1600", RUN, "2 4096 1200 1600", "2 4096 1200 1600"])

    assert found == {"calls": 16_384, "faults": 6_200, "runs": 4, "succeeded": round(1 - 4_400 / 16_384, 4)}
    assert complaints(found, 16_384) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "only 0 calls"),
        ([RUN, RUN], "only 4,096 calls"),
        (["1 9000 2701 2000", RUN], "70% of the calls did something"),
        (["1 9000 0 899", RUN], "only 899 faults"),
    ],
)
def test_a_campaign_that_did_too_little_is_refused(lines: list[str], said: str) -> None:
    """No walk, too short a one, an idle one, one without faults."""
    assert any(said in line for line in complaints(tally(lines), 9_000))
