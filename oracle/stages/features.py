"""Readings to one row of features, by the twin kind's own rule."""

from __future__ import annotations

from typing import Protocol

from ..records import Features, Readings


class Describes(Protocol):
    """The part of a twin kind this step needs."""

    def features(self, readings: Readings) -> Features: ...


def features(kind: Describes, readings: Readings) -> Features:
    """Features of a verified recording; NaN where the recording does not tell."""
    return kind.features(readings)
