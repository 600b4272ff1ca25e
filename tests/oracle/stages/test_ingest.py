"""Recordings as files: what reads, and what is refused with the line named."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.errors import InputError
from oracle.records import Channel, Readings
from oracle.stages.ingest import MAX_FILE_BYTES, collect, read_csv, split

CHANNELS = (Channel("heart_rate", "/min", 0, 350), Channel("temperature", "Cel", 15, 46))
HEADER = "time_ms,channel,value,unit\n"
GOOD = HEADER + "1000,heart_rate,72.5,/min\n1000,temperature,36.6,Cel\n1250,heart_rate,73,/min\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the recording lies."""
    return tmp_path / "recording.csv"


def test_read_csv_gives_the_rows(file: Path) -> None:
    """Times, channels and values in millionths, in the file's order."""
    file.write_text(GOOD)
    readings = read_csv(file, "unit/1", CHANNELS)

    assert (readings.schema, readings.channels) == ("unit/1", ("heart_rate", "temperature"))
    assert readings.time_ms.tolist() == [1000, 1000, 1250]
    assert readings.channel.tolist() == [0, 1, 0]
    assert readings.value_e6.tolist() == [72_500_000, 36_600_000, 73_000_000]


BAD: dict[str, tuple[bytes, str]] = {
    "not a number": ((HEADER + "1,heart_rate,nan,/min\n").encode(), "not_a_number"),
    "infinite": ((HEADER + "1,heart_rate,inf,/min\n").encode(), "not_a_number"),
    "minus infinite": ((HEADER + "1,heart_rate,-Infinity,/min\n").encode(), "not_a_number"),
    "overflowing float": ((HEADER + "1,heart_rate,1e400,/min\n").encode(), "not_a_number"),
    "absurd": ((HEADER + "1,heart_rate,1e300,/min\n").encode(), "implausible"),
    "beyond 64 bits": ((HEADER + "1,heart_rate,9300000000000000,/min\n").encode(), "implausible"),
    "absurd time": ((HEADER + f"{10**30},heart_rate,72,/min\n").encode(), "implausible"),
    "time in nanoseconds": ((HEADER + f"{1_700_000_000 * 10**9},heart_rate,72,/min\n").encode(), "implausible"),
    "negative time": ((HEADER + "-1,heart_rate,72,/min\n").encode(), "implausible"),
    "time of 5000 digits": ((HEADER + "1" * 5000 + ",heart_rate,72,/min\n").encode(), "truncated"),
    "wrong unit": ((HEADER + "1,temperature,98.6,[degF]\n").encode(), "wrong_unit"),
    "no unit": ((HEADER + "1,heart_rate,72,\n").encode(), "wrong_unit"),
    "unit cut off": ((HEADER + "1,heart_rate,72,/mi").encode(), "wrong_unit"),
    "unknown channel": ((HEADER + "1,mood,7,/min\n").encode(), "unknown_channel"),
    "channel in capitals": ((HEADER + "1,HEART_RATE,7,/min\n").encode(), "unknown_channel"),
    "empty": (b"", "empty"),
    "only blanks": (b"\n\n", "bad_header"),
    "no header": (b"1000,heart_rate,72,/min\n", "bad_header"),
    "other header": (b"time,channel,value,unit\n", "bad_header"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), "bad_header"),
    "semicolons": (GOOD.replace(",", ";").encode(), "bad_header"),
    "truncated row": ((HEADER + "1000,heart_rate,72").encode(), "truncated"),
    "truncated field": ((HEADER + "1000,heart_").encode(), "truncated"),
    "too many fields": ((HEADER + "1,heart_rate,72,/min,x\n").encode(), "truncated"),
    "a blank line": ((HEADER + "\n1,heart_rate,72,/min\n").encode(), "truncated"),
    "decimal comma": ((HEADER + '1,heart_rate,"72,5",/min\n').encode(), "truncated"),
    "time as a date": ((HEADER + "2024-01-01,heart_rate,72,/min\n").encode(), "truncated"),
    "no value": ((HEADER + "1,heart_rate,,/min\n").encode(), "truncated"),
    "Latin-1": ((HEADER + "1,temperature,36,°C\n").encode("latin-1"), "not_text"),
    "UTF-16": (GOOD.encode("utf-16"), "not_text"),
    "binary": (bytes(range(256)) * 4, "not_text"),
    "endless quoted field": ((HEADER + '1,"' + "x" * 200_000).encode(), "not_text"),
}


@pytest.mark.parametrize(("content", "kind"), BAD.values(), ids=BAD.keys())
def test_read_csv_refuses(file: Path, content: bytes, kind: str) -> None:
    """Every fault of a file is an InputError with its kind, a sentence and a hint; never another exception."""
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_csv(file, "unit/1", CHANNELS)

    assert caught.value.kind == kind
    assert caught.value.hint and len(caught.value.sentence) < 300


def test_read_csv_names_the_line(file: Path) -> None:
    """The person with the file finds the place."""
    file.write_text(GOOD + "2000,temperature,97,[degF]\n")

    with pytest.raises(InputError, match=r"recording\.csv, line 5: temperature is in '\[degF\]', not 'Cel'"):
        read_csv(file, "unit/1", CHANNELS)


def test_read_csv_of_a_file_that_is_missing_a_folder_or_too_large(file: Path, tmp_path: Path) -> None:
    """What cannot be read is said, before a large file is read into memory."""
    with pytest.raises(InputError) as missing:
        read_csv(file, "unit/1", CHANNELS)
    with pytest.raises(InputError) as folder:
        read_csv(tmp_path, "unit/1", CHANNELS)
    with file.open("wb") as sparse:
        sparse.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InputError) as large:
        read_csv(file, "unit/1", CHANNELS)

    assert [error.value.kind for error in (missing, folder, large)] == ["missing_file", "not_text", "too_large"]


@given(content=st.binary(max_size=120) | st.text(max_size=60).map(lambda text: (HEADER + text).encode()))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_read_csv_of_anything_raises_nothing_else(tmp_path: Path, content: bytes) -> None:
    """Any bytes are readings or an InputError."""
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        read_csv(path, "unit/1", CHANNELS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_collect_refuses_what_is_no_number(value: float) -> None:
    """Missing is left out, never written as NaN."""
    with pytest.raises(InputError) as caught:
        collect([(1, "heart_rate", 72.0), (2, "heart_rate", value)], "unit/1")

    assert caught.value.kind == "not_a_number"
    assert "reading 1 of heart_rate" in caught.value.sentence


def test_collect_refuses_more_channels_than_a_byte_holds() -> None:
    """255 channels pass, one more is refused before its index could wrap."""
    assert len(collect([(1, f"c{n}", 1.0) for n in range(255)], "unit/1").channels) == 255
    for most in (256, 257, 600):
        with pytest.raises(InputError) as caught:
            collect([(1, f"c{n}", 1.0) for n in range(most)], "unit/1")
        assert caught.value.kind == "unknown_channel"


@given(
    st.lists(st.integers(0, 5_000), max_size=60), st.integers(1, 700), st.integers(1, 9),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_split_keeps_every_reading_within_the_limits(times: list[int], interval: int, most: int) -> None:
    """No batch is empty, too long or too large; together they are the whole, in order."""
    times.sort()
    whole = collect([(time, "heart_rate", float(at)) for at, time in enumerate(times)], "unit/1")
    parts = list(split(whole, interval_ms=interval, most=most))

    assert [int(v) for part in parts for v in part.value_e6] == whole.value_e6.tolist()
    for part in parts:
        assert 1 <= len(part) <= most
        assert int(part.time_ms[-1]) - int(part.time_ms[0]) < interval


def test_split_of_nothing_is_nothing() -> None:
    """An empty recording has no batches."""
    none = Readings("unit/1", (), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64))

    assert list(split(none, interval_ms=1, most=1)) == []
