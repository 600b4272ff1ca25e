"""Whether a person's own record so far has earned a forecast: no answer where carrying the last value on is as good.

People differ, and a model that helps most may harm one. So a forecast is given only after enough of this person's
earlier forecasts have come due, and only while these were no worse than the last value.
The rule looks at two days of one person's past; its numbers are the same for everybody.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import NDArray

HOUR_MS = 3_600_000
RECORD_MS = 48 * HOUR_MS  # so far back forecasts count
LEAST = 144  # of them must have come due: half a day at one each five minutes
ENOUGH = 0.0  # standard errors by which they must have been better; more would silence those it serves well, by chance
DECIMALS = Context(prec=40, rounding=ROUND_HALF_EVEN)


def advantage(age_ms: NDArray[np.int64], off: NDArray[np.float64], off_without: NDArray[np.float64]) -> float:
    """By how many standard errors a person's forecasts were better than the last value; NaN while too few are known.

    Parameters
    ----------
    age_ms : ndarray (n,)
        How long ago each forecast was made; those of one hour are one observation, since neighbours err alike.
    off, off_without : ndarray (n,)
        What the forecast and the last value turned out to be off by; counted in thousandths, so that the sums are exact.

    Returns
    -------
    float
        Mean hourly difference of squared errors over its standard error, to six digits.
    """
    if len(age_ms) < LEAST:
        return float("nan")
    better = np.rint(off_without * 1000).astype(np.int64) ** 2 - np.rint(off * 1000).astype(np.int64) ** 2
    hour = age_ms // HOUR_MS
    sums = [int(better[hour == one].sum()) for one in np.unique(hour)]
    n, total = len(sums), sum(sums)
    spread = n * sum(one * one for one in sums) - total * total
    if spread == 0:
        return float("nan")
    error = DECIMALS.sqrt(DECIMALS.divide(Decimal(spread), Decimal(n - 1)))
    return round(float(DECIMALS.divide(Decimal(total), error)), 6)
