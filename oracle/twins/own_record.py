"""Whether a person's own record so far has earned a forecast: no answer where carrying the last value on is as good.

People differ, and a model that helps most may harm one. So a forecast is given only after enough of this person's
earlier forecasts have come due, and only while their error is below that of the last value by a margin. The rule looks
at the past of one person; its two numbers are fixed for everybody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def earned(
    minute: Floats, off: Floats, off_without: Floats, *, ahead_min: float, least: int, margin: float
) -> NDArray[np.bool_]:
    """Which forecasts of one person may be given.

    Parameters
    ----------
    minute : ndarray (n,)
        When each forecast is made, ascending, in minutes.
    off, off_without : ndarray (n,)
        What the forecast and the last value turn out to be off by; each is looked at only once it is known.
    ahead_min : float
        How far ahead they look.
    least : int
        So many must have come due.
    margin : float
        Share by which the root mean squared error must be below that of the last value.
    """
    due = np.searchsorted(minute + ahead_min, minute, side="right")  # how many are known at each moment
    own, without = (np.concatenate([[0.0], np.cumsum(one**2)])[due] for one in (off, off_without))
    return (due >= least) & (own <= (1 - margin) ** 2 * without)
