"""NEWS2 against the chart of the Royal College of Physicians (2017), written here cell by cell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from oracle.errors import InputError
from oracle.twins.news2 import PARAMETERS, news2

WELL: dict[str, Any] = {
    "respiration": 16, "saturation": 97, "oxygen": False, "systolic": 120, "pulse": 70, "consciousness": "A", "temperature": 37.0,
}  # fmt: skip

# first and last value of every cell of the chart, and its points
CELLS: list[tuple[str, Any, int]] = [
    ("respiration", 1, 3), ("respiration", 8, 3), ("respiration", 9, 1), ("respiration", 11, 1), ("respiration", 12, 0),
    ("respiration", 20, 0), ("respiration", 21, 2), ("respiration", 24, 2), ("respiration", 25, 3), ("respiration", 60, 3),
    ("saturation", 50, 3), ("saturation", 91, 3), ("saturation", 92, 2), ("saturation", 93, 2), ("saturation", 94, 1),
    ("saturation", 95, 1), ("saturation", 96, 0), ("saturation", 100, 0),
    ("oxygen", True, 2), ("oxygen", False, 0),
    ("systolic", 50, 3), ("systolic", 90, 3), ("systolic", 91, 2), ("systolic", 100, 2), ("systolic", 101, 1),
    ("systolic", 110, 1), ("systolic", 111, 0), ("systolic", 219, 0), ("systolic", 220, 3), ("systolic", 300, 3),
    ("pulse", 20, 3), ("pulse", 40, 3), ("pulse", 41, 1), ("pulse", 50, 1), ("pulse", 51, 0), ("pulse", 90, 0),
    ("pulse", 91, 1), ("pulse", 110, 1), ("pulse", 111, 2), ("pulse", 130, 2), ("pulse", 131, 3), ("pulse", 200, 3),
    ("consciousness", "A", 0), ("consciousness", "C", 3), ("consciousness", "V", 3), ("consciousness", "P", 3),
    ("consciousness", "U", 3),
    ("temperature", 30.0, 3), ("temperature", 35.0, 3), ("temperature", 35.1, 1), ("temperature", 36.0, 1),
    ("temperature", 36.1, 0), ("temperature", 38.0, 0), ("temperature", 38.1, 1), ("temperature", 39.0, 1),
    ("temperature", 39.1, 2), ("temperature", 42.0, 2),
]  # fmt: skip

# SpO2 scale 2: value, on oxygen, points of the saturation row alone
SCALE_2 = [
    (70, False, 3), (83, False, 3), (84, False, 2), (85, False, 2), (86, False, 1), (87, False, 1), (88, False, 0),
    (92, False, 0), (93, False, 0), (97, False, 0), (100, False, 0),
    (70, True, 3), (83, True, 3), (84, True, 2), (85, True, 2), (86, True, 1), (87, True, 1), (88, True, 0), (92, True, 0),
    (93, True, 1), (94, True, 1), (95, True, 2), (96, True, 2), (97, True, 3), (100, True, 3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "points"), CELLS)
def test_news2_scores_each_cell(name: str, value: object, points: int) -> None:
    """In someone otherwise well, one parameter gives the points of its cell."""
    assert news2(**{**WELL, name: value}).total == points


@pytest.mark.parametrize(("saturation", "oxygen", "points"), SCALE_2)
def test_news2_scores_each_cell_of_scale_2(saturation: int, oxygen: bool, points: int) -> None:
    """Scale 2 scores high saturation only on oxygen; oxygen itself adds 2."""
    scored = news2(**{**WELL, "saturation": saturation, "oxygen": oxygen}, scale=2)

    assert scored.total == points + 2 * oxygen


@pytest.mark.parametrize(
    ("observed", "scale", "total"),
    [
        (WELL, 1, 0),
        ({"respiration": 25, "saturation": 91, "oxygen": True, "systolic": 90, "pulse": 131, "consciousness": "U", "temperature": 35.0}, 1, 20),
        ({"respiration": 22, "saturation": 94, "oxygen": True, "systolic": 105, "pulse": 95, "consciousness": "A", "temperature": 38.5}, 1, 8),
        ({**WELL, "saturation": 90}, 2, 0),
        ({**WELL, "saturation": 97}, 2, 0),
        ({**WELL, "saturation": 97, "oxygen": True}, 2, 5),
        ({**WELL, "saturation": 87}, 2, 1),
    ],
)  # fmt: skip
def test_news2_scores_people(observed: dict[str, Any], scale: int, total: int) -> None:
    """Whole people, added up by hand from the chart."""
    assert news2(**observed, scale=scale).total == total


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("temperature", 36.05, 0),  # 36.1
        ("temperature", Decimal("36.049"), 1),  # 36.0
        ("temperature", 35.05, 1),  # 35.1
        ("temperature", 38.05, 1),  # 38.1
        ("temperature", 39.05, 2),  # 39.1
        ("saturation", 91.5, 2),  # 92
        ("saturation", 91.49, 3),
        ("saturation", 95.5, 0),
        ("respiration", 8.5, 1),
        ("respiration", 20.5, 2),
        ("respiration", 24.5, 3),
        ("systolic", 90.5, 2),
        ("systolic", 219.5, 3),
        ("pulse", 40.5, 1),
        ("pulse", 90.5, 1),
        ("pulse", 130.5, 3),
    ],
)
def test_news2_rounds_half_up_to_the_chart(name: str, value: object, points: int) -> None:
    """Between two cells the digits as written are rounded half up first."""
    assert news2(**{**WELL, name: value}).total == points


@pytest.mark.parametrize(
    ("observed", "total", "band", "three"),
    [
        ({}, 0, "low", False),
        ({"respiration": 21, "oxygen": True}, 4, "low", False),
        ({"consciousness": "C"}, 3, "low-medium", True),
        ({"respiration": 21, "oxygen": True, "pulse": 91}, 5, "medium", False),
        ({"consciousness": "C", "oxygen": True}, 5, "medium", True),
        ({"respiration": 21, "oxygen": True, "pulse": 111}, 6, "medium", False),
        ({"respiration": 21, "oxygen": True, "pulse": 111, "systolic": 105}, 7, "high", False),
    ],
)
def test_news2_names_the_band(observed: dict[str, Any], total: int, band: str, three: bool) -> None:
    """Bands change at 5 and 7; a single 3 lifts low to low-medium."""
    scored = news2(**{**WELL, **observed})

    assert (scored.total, scored.band, scored.single_three) == (total, band, three)


@pytest.mark.parametrize(("name", "missing"), list(zip(WELL, PARAMETERS, strict=True)))
def test_news2_is_incomplete_without_an_input(name: str, missing: str) -> None:
    """A missing input is never a 0: there is no total, and the input is named."""
    scored = news2(**{**WELL, name: None})

    assert (scored.total, scored.complete, scored.missing, scored.band) == (None, False, (missing,), "unknown")


def test_news2_keeps_a_single_three_when_incomplete() -> None:
    """What is known and urgent is said even if something else is missing."""
    scored = news2(pulse=140)

    assert scored.single_three
    assert str(scored).startswith("incomplete") and "one parameter alone scores 3" in str(scored)


def test_news2_without_oxygen_cannot_choose_scale_2() -> None:
    """On scale 2 the row depends on air or oxygen, so neither is scored."""
    scored = news2(**{**WELL, "oxygen": None}, scale=2)

    assert scored.missing == ("oxygen saturation", "air or oxygen")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("respiration", -1), ("respiration", 121), ("saturation", 101), ("saturation", float("nan")), ("systolic", 351),
        ("pulse", float("inf")), ("temperature", 370), ("temperature", 14.9),
    ],
)  # fmt: skip
def test_news2_refuses_the_implausible(name: str, value: float) -> None:
    """A value no person can have is refused, not scored."""
    with pytest.raises(InputError) as refused:
        news2(**{**WELL, name: value})

    assert refused.value.kind == "implausible"


@pytest.mark.parametrize(
    ("name", "value", "kind"), [("consciousness", "X", "bad_consciousness"), ("scale", 3, "bad_scale")]
)
def test_news2_refuses_what_the_chart_has_not(name: str, value: Any, kind: str) -> None:
    """Unknown levels and scales are refused by name."""
    with pytest.raises(InputError) as refused:
        news2(**{**WELL, name: value})

    assert refused.value.kind == kind


def test_news2_says_its_total() -> None:
    """One readable line."""
    assert str(news2(**WELL)) == "0 of 20, low risk"
