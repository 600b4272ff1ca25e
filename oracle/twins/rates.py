"""What kinds of waves have in common: beats or breaths of the last minute, whose rate is the first feature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..records import E6, Category, Features, Readings, TwinClass
from .news2 import News2, news2
from .shipped import ShippedKind

SECOND_MS, MINUTE_MS = 1_000, 60_000
LOOK_MS = MINUTE_MS  # these models look at the last minute


class RateKind(ShippedKind):
    """A patient's beats or breaths; `vital` is what NEWS2 calls their rate."""

    vital: Literal["pulse", "respiration"]
    unit = "/min"
    category = Category.WAVEFORM
    twin_class = TwinClass.PATIENT

    @abstractmethod
    def features(self, readings: Readings) -> Features:
        """One row of the last minute."""

    def early_warning(self, readings: Readings) -> News2:
        """NEWS2 as far as a rate tells: incomplete."""
        value = self.features(readings).values[0]
        rate = None if np.isnan(value) else round(float(value), 6)
        return news2(pulse=rate) if self.vital == "pulse" else news2(respiration=rate)


def row(names: tuple[str, ...], exact_e6: Sequence[int | None]) -> Features:
    """A row from exact millionths; NaN where nothing is known."""
    return Features(names, np.array([np.nan if value is None else value / E6 for value in exact_e6]))
