"""What holds for readings anywhere: order, plausibility, selection, joining."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.errors import InputError
from oracle.formats.readings import check, join, rows
from oracle.records import Channel, Readings, to_e6

HEART, TEMPERATURE = Channel("heart_rate", "/min", 0, 350), Channel("temperature", "Cel", 15, 46)
CHANNELS = (HEART, TEMPERATURE)
INT64 = np.iinfo(np.int64)


def made(times: list[int], values: list[int], channel: list[int] | None = None, schema: str = "unit/1") -> Readings:
    """A recording of two channels."""
    index = np.array(channel or [0] * len(times), np.uint8)
    return Readings(schema, ("heart_rate", "temperature"), np.array(times, np.int64), index, np.array(values, np.int64))


def refused(readings: Readings, **options: int) -> InputError:
    """The error of a check."""
    with pytest.raises(InputError) as caught:
        check(readings, CHANNELS, **options)
    return caught.value


def test_check_returns_good_readings_themselves() -> None:
    """Limits are inclusive, equal times allowed, the present allowed; nothing is changed or copied."""
    good = made([1, 1, 2, 9], [0, 350_000_000, 15_000_000, 46_000_000], [0, 0, 1, 1])

    assert check(good, CHANNELS, not_after_ms=9) is good


@pytest.mark.parametrize(("readings", "kind", "told"), [
    (made([], []), "empty", "no readings"),
    (made([1], [-1]), "implausible", "reading 0 of heart_rate"),
    (made([1], [350_000_001]), "implausible", "outside 0 to 350"),
    (made([1, 2], [1, 14_999_999], [0, 1]), "implausible", "reading 1 of temperature"),
    (made([1], [INT64.max]), "implausible", "heart_rate"), (made([1], [INT64.min]), "implausible", "heart_rate"),
    (made([2, 1], [1, 1]), "clock_backwards", "at reading 1"),
    (made([1, 5, 4], [1, 1, 1]), "clock_backwards", "at reading 2"),
    (made([INT64.max, INT64.min], [1, 1]), "clock_backwards", "at reading 1"),
    (made([1], [1], [2]), "unknown_channel", "not listed"), (made([1], [1], [255]), "unknown_channel", "not listed"),
    (made([1, 11], [1, 1]), "in_future", "future"),
])  # fmt: skip
def test_check_refuses_and_names_the_place(readings: Readings, kind: str, told: str) -> None:
    """Each kind of fault is an InputError with a sentence that says where and a hint that says what to do."""
    error = refused(readings, not_after_ms=10)

    assert error.kind == kind
    assert told in error.sentence and error.hint


def test_check_refuses_a_channel_the_kind_does_not_know() -> None:
    """Even if no reading uses it."""
    strange = replace(made([1], [1]), channels=("heart_rate", "mood"))

    assert refused(strange).kind == "unknown_channel"
    assert "mood" in refused(strange).sentence


@given(st.lists(st.tuples(st.integers(0, 10**13), st.integers(0, 1), st.integers(15, 46)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_splitting_and_joining_gives_the_same(raw: list[tuple[int, int, int]]) -> None:
    """Rows cut at any place and joined are what they were."""
    raw.sort()
    whole = made([t for t, _, _ in raw], [v * 10**6 for _, _, v in raw], [c for _, c, _ in raw])
    for cut in range(1, len(whole)):
        again = join([rows(whole, slice(0, cut)), rows(whole, slice(cut, None))])
        for column in ("time_ms", "channel", "value_e6"):
            assert np.array_equal(getattr(again, column), getattr(whole, column))
        assert again.channels == whole.channels


def test_join_unites_channels_by_name() -> None:
    """Two devices that list channels in another order mean the same names."""
    one = Readings("unit/1", ("a", "b"), np.array([1, 2]), np.array([0, 1], np.uint8), np.array([10, 20]))
    two = Readings("unit/1", ("b", "c"), np.array([3, 4]), np.array([0, 1], np.uint8), np.array([30, 40]))
    both = join([one, two])

    assert [np.rint(both.of(name)[1] * 1e6).tolist() for name in "abcd"] == [[10.0], [20.0, 30.0], [40.0], []]


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=8), min_size=1, max_size=5))
@settings(max_examples=80, deadline=None)
def test_join_merges_by_time_and_loses_nothing(raw: list[list[int]]) -> None:
    """Parts that overlap come out in the order of time, equal moments in the order of their parts."""
    parts = [made(sorted(times), [1000 * at + n for n in range(len(times))]) for at, times in enumerate(raw)]
    joined = join(parts)
    expected = sorted(
        ((int(t), int(v)) for part in parts for t, v in zip(part.time_ms, part.value_e6, strict=True)),
        key=lambda row: row[0],
    )

    assert list(zip(joined.time_ms.tolist(), joined.value_e6.tolist(), strict=True)) == expected


@pytest.mark.parametrize(("parts", "kind"), [
    ([], "empty"), ([made([1], [1]), made([2], [1], schema="unit/2")], "mixed_schema"),
])  # fmt: skip
def test_join_refuses(parts: list[Readings], kind: str) -> None:
    """Nothing, and other schemas, cannot be read together."""
    with pytest.raises(InputError) as caught:
        join(parts)

    assert caught.value.kind == kind


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
@settings(max_examples=200, deadline=None)
def test_to_e6_is_the_nearest_millionth(value: float) -> None:
    """Quantising moves a value by at most half a millionth (and float error), and is idempotent."""
    quantised = to_e6(value)

    assert abs(quantised - value * 1e6) <= 0.5 + 1e-3
    assert to_e6(quantised / 1e6) == quantised


@pytest.mark.parametrize(("value", "expected"), [(0.5e-6, 0), (1.5e-6, 2), (2.5e-6, 2), (-0.5e-6, 0), (1e-7, 0)])
def test_to_e6_rounds_half_to_even(value: float, expected: int) -> None:
    """IEEE 754's default rounding, so that no sum drifts."""
    assert to_e6(value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_to_e6_refuses_what_is_no_number(value: float) -> None:
    """NaN and infinity have no fixed-point form."""
    with pytest.raises(ValueError, match="no fixed-point form"):
        to_e6(value)
