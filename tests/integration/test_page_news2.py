"""The NEWS2 chart of the pages, run under node: the points, and what is lacking, are those that Python's own score gives."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.records import Readings
from oracle.twins import kinds
from oracle.twins.icu import Icu
from oracle.twins.news2 import PARAMETERS, news2

from .pages import ask, bundled

HOUR_MS = 3_600_000
STAYS = 200
VALUES = {
    "respiration_rate": (5, 40), "oxygen_saturation": (80, 100), "systolic_arterial": (60, 240), "systolic_cuff": (60, 240),
    "heart_rate": (25, 180), "temperature": (33, 41), "ventilated": (0, 1), "inspired_oxygen": (0.21, 1),
    "arterial_saturation": (80, 100), "coma_scale": (3, 15),
}  # fmt: skip
ASKED = """
import { observationsOf, observationsOfReports, pointsOf } from './lib/news2'
import { NEWS2_PARAMETERS } from './generated/signed'
import { questions, tell } from 'asked'

const told = (one) => {
  const points = pointsOf(one)
  return [Object.values(points).reduce((sum, some) => sum + some, 0), NEWS2_PARAMETERS.filter((name) => !(name in points)),
    Object.values(points).includes(3), one.unscored]
}
const { stays, reports } = questions
tell({
  stays: stays.map((stay) => observationsOf([{ ...stay, value: stay.value.map(BigInt) }]).map(told)),
  reports: observationsOfReports(reports.map(({ asOf, parts }) => ({ asOf, why: { parts } }))).map((one) => [one.time, one.values]),
})
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundled(ASKED, tmp_path_factory.mktemp("news2"))


def stay(luck: random.Random) -> Readings:
    """Ten hours of whatever is measured, of some channels alone, to a tenth."""
    names = tuple(luck.sample(sorted(VALUES), luck.randint(1, len(VALUES))))
    count = luck.randint(1, 40)
    times = sorted(luck.randrange(10 * HOUR_MS) for _ in range(count))
    channel = [luck.randrange(len(names)) for _ in range(count)]
    value = [measured(names[at], luck) for at in channel]
    return Readings("icu/1", names, np.array(times, np.int64), np.array(channel, np.uint8), np.array(value, np.int64))


def measured(name: str, luck: random.Random) -> int:
    low, high = VALUES[name]
    if name == "ventilated":
        return luck.choice((0, 10**6))
    return round(luck.uniform(low, high) * 10) * 10**5


def test_points_and_what_is_lacking_are_those_of_the_score(program: Path) -> None:
    """Of hundreds of made-up stays; only a pulse oximeter's saturation counts, which the ICU's own kind does not have."""
    luck = random.Random(3)
    stays = [stay(luck) for _ in range(STAYS)]
    asked = [
        {
            "channels": one.channels,
            "time": one.time_ms.tolist(),
            "channel": one.channel.tolist(),
            "value": one.value_e6.tolist(),
        }
        for one in stays
    ]
    told = ask(program, {"stays": asked, "reports": []})["stays"]

    shown = 0
    for one, columns in zip(stays, told, strict=True):
        expected = Icu.early_warning(kinds()["icu2012"], one)  # type: ignore[arg-type]
        if not columns:  # none of the five with bands was measured
            assert not set(PARAMETERS) - set(expected.missing) - {
                "air or oxygen"
            } and "oxygen_saturation" not in recent(one)
            continue
        ((points, missing, three, unscored),) = columns
        saturation = recent(one).get("oxygen_saturation")
        by_oximeter = news2(saturation=saturation)
        assert points == expected.at_least + by_oximeter.at_least
        assert three == (expected.single_three or by_oximeter.single_three)
        assert missing == [name for name in expected.missing if name != "oxygen saturation" or saturation is None]
        assert dict(unscored) == {
            name: recent(one)[name] for name in ("arterial_saturation", "coma_scale") if name in recent(one)
        }
        shown += 1
    assert shown > STAYS // 2


def recent(readings: Readings) -> dict[str, float]:
    """The newest value of each channel in the last four hours."""
    end = int(readings.time_ms[-1])
    return {
        readings.channels[int(c)]: int(v) / 1e6
        for t, c, v in zip(readings.time_ms, readings.channel, readings.value_e6, strict=True)
        if end - int(t) <= 4 * HOUR_MS
    }


def test_reports_of_several_models_make_one_set(program: Path) -> None:
    """A pulse and a breathing rate that were reported within four hours stand in one column; an older one does not."""
    pulse: Any = {"feature": "heart rate of 60 s", "value": 71.5, "contribution": 0}
    breathing: Any = {"feature": "respiration rate", "value": 18, "contribution": 0}
    hour = 3_600
    reports = [
        {"asOf": 9 * hour, "parts": [breathing, {**pulse, "feature": "sdnn"}]}, {"asOf": 8 * hour, "parts": [pulse]},
        {"asOf": 13 * hour, "parts": [{**breathing, "value": None}, pulse]}, {"asOf": 13 * hour + 1, "parts": [pulse]},
    ]  # fmt: skip

    assert ask(program, {"stays": [], "reports": reports})["reports"] == [
        [8 * hour, {"pulse": 71.5}],
        [9 * hour, {"pulse": 71.5, "respiration rate": 18}],
        [13 * hour, {"pulse": 71.5, "respiration rate": 18}],
        [13 * hour + 1, {"pulse": 71.5}],
    ]
