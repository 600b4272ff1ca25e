"""What holds for readings wherever they are: order, plausibility, selection, joining."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..records import E6, Channel, Readings


def check(readings: Readings, channels: Sequence[Channel], *, not_after_ms: int | None = None) -> Readings:
    """Return `readings` unchanged if every one is plausible and in order.

    Parameters
    ----------
    channels : sequence of Channel
        What the twin kind knows, with ranges.
    not_after_ms : int, optional
        The present; later readings are refused.

    Raises
    ------
    InputError
        ``empty``, ``unknown_channel``, ``clock_backwards``, ``in_future`` or ``implausible``, naming the first place.
    """
    if len(readings) == 0:
        raise InputError("there are no readings", hint="check that the recording is complete", kind="empty")
    known = {channel.name: channel for channel in channels}
    strange = sorted(set(readings.channels) - set(known))
    if strange:
        raise InputError(
            f"unknown channel {strange[0]!r}", hint=f"this kind of twin has: {', '.join(known)}", kind="unknown_channel"
        )
    if int(readings.channel.max()) >= len(readings.channels):
        raise InputError(
            "a reading names a channel that is not listed", hint="export the recording again", kind="unknown_channel"
        )
    back = np.flatnonzero(readings.time_ms[1:] < readings.time_ms[:-1])  # a difference could overflow
    if len(back):
        raise InputError(
            f"the clock goes backwards at reading {int(back[0]) + 1}",
            hint="send readings in the order of their time; repair the device's clock",
            kind="clock_backwards",
        )
    if not_after_ms is not None and int(readings.time_ms[-1]) > not_after_ms:
        raise InputError("readings lie in the future", hint="repair the device's clock", kind="in_future")
    _check_ranges(readings, known)
    return readings


def _check_ranges(readings: Readings, known: dict[str, Channel]) -> None:
    low = np.array([known[name].low for name in readings.channels])[readings.channel] * E6
    high = np.array([known[name].high for name in readings.channels])[readings.channel] * E6
    outside = np.flatnonzero((readings.value_e6 < low) | (readings.value_e6 > high))
    if len(outside):
        at = int(outside[0])
        channel = known[readings.channels[int(readings.channel[at])]]
        raise InputError(
            f"reading {at} of {channel.name} is {readings.value_e6[at] / E6:g} {channel.unit}, "
            f"outside {channel.low:g} to {channel.high:g}",
            hint=f"check the sensor and the unit: {channel.name} is in {channel.unit}",
            kind="implausible",
        )


def rows(readings: Readings, part: slice | NDArray[np.bool_]) -> Readings:
    """Some of the readings, with the same schema and channels."""
    return Readings(
        readings.schema,
        readings.channels,
        readings.time_ms[part],
        readings.channel[part],
        readings.value_e6[part],
    )


def join(parts: Sequence[Readings]) -> Readings:
    """One recording of several with the same schema, in the order of time; channels are united by name.

    Parts of several devices may overlap: readings of one moment keep the order of their parts.

    Raises
    ------
    InputError
        There is nothing to join, or schemas differ.
    """
    if not parts:
        raise InputError("there are no readings", kind="empty")
    schemas = sorted({part.schema for part in parts})
    if len(schemas) > 1:
        raise InputError(f"batches of {' and '.join(schemas)} cannot be read together", kind="mixed_schema")
    channels = tuple(dict.fromkeys(name for part in parts for name in part.channels))
    times = np.concatenate([part.time_ms for part in parts])
    index = [np.array([channels.index(c) for c in part.channels], np.uint8)[part.channel] for part in parts]
    values = np.concatenate([part.value_e6 for part in parts])
    order = np.argsort(times, kind="stable")
    return Readings(schemas[0], channels, times[order], np.concatenate(index)[order], values[order])
