"""Cards of kinds that measure and learn nothing: one feature is the answer, the others decide whether there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.readings import rows
from ..records import E6, Readings, to_e6
from ..twins.rates import LOOK_MS, MINUTE_MS
from .figures import Floats
from .judged import Figure

COVER = 0.9


def stated(
    names: Sequence[str],
    accepted: Mapping[str, tuple[float, float]],
    needed: Sequence[str],
    *,
    centre: float,
    half: float,
) -> dict[str, Any]:
    """The model part of a card: the first feature with weight one, around `centre`, and `half` either side of it.

    Parameters
    ----------
    accepted : mapping
        Lowest and highest value of each feature for which there is an answer.
    needed : sequence of str
        Features without which there is none.
    centre : float
        What contributions are told against, a convention.
    """
    terms = [
        {
            "feature": name, "edges_e6": [], "steps_e6": [0], "slope_e6": E6 if place == 0 else 0,
            "centre_e6": to_e6(centre) if place == 0 else 0, "missing_e6": None if name in needed else 0,
            "low_e6": to_e6(accepted[name][0]), "high_e6": to_e6(accepted[name][1]),
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    around = {"by": "margin", "edges_e6": [], "low_e6": [to_e6(half)], "high_e6": [to_e6(half)], "around": True}
    return {
        "link": "identity", "base_e6": to_e6(centre), "terms": terms, "interval": around, "least_present": len(needed),
        "tolerance_percent": 0, "widest_e6": to_e6(40.0),
    }  # fmt: skip


def minutes(
    whole: Readings, marked: NDArray[np.int64], *, every_ms: int, until_ms: int
) -> Iterator[tuple[Readings, float]]:
    """A minute of a recording, and the rate (/min) that at least three marks in it give; one every so often."""
    for end in range(LOOK_MS, until_ms, every_ms):
        minute = rows(whole, (whole.time_ms > end - LOOK_MS) & (whole.time_ms <= end))
        inside = marked[(marked > end - LOOK_MS) & (marked <= end)]
        if len(inside) > 2 and len(minute):
            yield minute, MINUTE_MS * (len(inside) - 1) / float(inside[-1] - inside[0])


def half_width(error: Floats, *, narrowest: float) -> float:
    """The 90 % quantile of absolute errors with its finite-sample correction, but at least `narrowest`."""
    rank = min(len(error), int(np.ceil(COVER * (len(error) + 1))))
    return max(narrowest, float(np.sort(np.abs(error))[rank - 1]))


def share(part: int, whole: int) -> Figure:
    """A share with its Wilson 95 % interval."""
    z, p = 1.96, part / whole
    middle, half = p + z * z / (2 * whole), z * np.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return Figure(p, float(max(0.0, (middle - half) / scale)), float(min(1.0, (middle + half) / scale)), whole)


def rounded(found: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    """Figures as a card has them, to four digits."""
    return {
        name: {key: round(value, 4) if isinstance(value, float) else value for key, value in one.document().items()}
        for name, one in found.items()
    }
