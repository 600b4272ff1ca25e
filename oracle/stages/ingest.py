"""Turn what a device recorded into readings that are fit to be sealed, or refuse."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..formats.readings import rows
from ..records import Channel, Readings, to_e6

MAX_FILE_BYTES = 32 * 2**20  # a day of 10 channels at 4 Hz as text; more should come as several files
LATEST_MS = 1 << 50  # the year 37648; what the chain's seconds (uint40) hold
MOST = 1e12  # in millionths within 64 bits
CSV_COLUMNS = ("time_ms", "channel", "value", "unit")


def collect(rows: Iterable[tuple[int, str, float]], schema: str) -> Readings:
    """Readings from (time_ms, channel, value) rows in the order given; NaN and infinity are refused."""
    times: list[int] = []
    names: dict[str, int] = {}
    index: list[int] = []
    values: list[int] = []
    for position, (time_ms, channel, value) in enumerate(rows):
        if not math.isfinite(value):
            raise InputError(
                f"reading {position} of {channel} is {value}, not a number",
                hint="leave out what was not measured",
                kind="not_a_number",
            )
        if not 0 <= time_ms < LATEST_MS or abs(value) > MOST:
            raise InputError(
                f"reading {position} of {channel} is {value:g} at {str(time_ms)[:20]} ms",
                hint="times are milliseconds since 1970; check the sensor and the unit",
                kind="implausible",
            )
        times.append(time_ms)
        index.append(names.setdefault(channel, len(names)))
        values.append(to_e6(value))
    if len(names) > 255:
        raise InputError("more than 255 channels in one recording", kind="unknown_channel")
    return Readings(
        schema, tuple(names), np.array(times, np.int64), np.array(index, np.uint8), np.array(values, np.int64)
    )


def read_csv(path: Path, schema: str, channels: Sequence[Channel]) -> Readings:
    """Readings of a CSV file with the columns ``time_ms,channel,value,unit``.

    Raises
    ------
    InputError
        The file is missing, too large, truncated, not UTF-8, or a value or unit is wrong; the line is named.
    """
    try:
        size = path.stat().st_size
    except OSError:
        raise InputError(f"there is no file {path}", hint="check the path", kind="missing_file") from None
    if size == 0:
        raise InputError(f"{path.name} is empty", hint="check that the recording is complete", kind="empty")
    if size > MAX_FILE_BYTES:
        raise InputError(
            f"{path.name} has {size / 2**20:.0f} MiB, more than {MAX_FILE_BYTES // 2**20}",
            hint="split it by time; each part is published on its own",
            kind="too_large",
        )
    units = {channel.name: channel.unit for channel in channels}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return collect(_csv_rows(file, path.name, units), schema)
    except (OSError, csv.Error) as error:
        raise InputError(
            f"{path.name} cannot be read: {error}", hint="export it again as CSV", kind="not_text"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not text: {error.reason}", hint="export it as CSV in UTF-8", kind="not_text"
        ) from error


def _csv_rows(file: Iterable[str], name: str, units: dict[str, str]) -> Iterator[tuple[int, str, float]]:
    rows = csv.reader(file)
    header = next(rows, [])
    if tuple(header) != CSV_COLUMNS:
        raise InputError(
            f"{name} begins with {str(header[:5])[:80]}",
            hint=f"its first line must be {','.join(CSV_COLUMNS)}",
            kind="bad_header",
        )
    for row in rows:
        place = f"{name}, line {rows.line_num}"
        if len(row) != len(CSV_COLUMNS):
            raise InputError(
                f"{place} has {len(row)} of {len(CSV_COLUMNS)} fields",
                hint="the file may be truncated",
                kind="truncated",
            )
        time_ms, channel, value, unit = row
        if channel not in units:
            raise InputError(
                f"{place}: unknown channel {channel[:40]!r}", hint=f"known: {', '.join(units)}", kind="unknown_channel"
            )
        if unit != units[channel]:
            raise InputError(
                f"{place}: {channel} is in {unit[:20]!r}, not {units[channel]!r}",
                hint="convert it first; units are never guessed",
                kind="wrong_unit",
            )
        try:
            yield int(time_ms), channel, float(value)
        except ValueError:
            raise InputError(
                f"{place}: {str(row[:3])[:80]} is not a time and a number",
                hint="the file may be truncated",
                kind="truncated",
            ) from None


def split(readings: Readings, *, interval_ms: int, most: int) -> Iterator[Readings]:
    """Cut into batches of at most `interval_ms` and `most` readings, in order, none empty."""
    start = 0
    while start < len(readings):
        until = int(readings.time_ms[start]) + interval_ms
        stop = min(int(np.searchsorted(readings.time_ms, until, side="left")), start + most)
        stop = max(stop, start + 1)
        yield rows(readings, slice(start, stop))
        start = stop
