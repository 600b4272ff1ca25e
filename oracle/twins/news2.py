"""The National Early Warning Score 2 of adults, exactly as the chart of the Royal College of Physicians (2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ..errors import InputError

WHOLE = Decimal(1)
TENTH = Decimal("0.1")
HIGH, MEDIUM = 7, 5  # total at which the clinical response changes
PARAMETERS = (
    "respiration rate", "oxygen saturation", "air or oxygen", "systolic pressure", "pulse", "consciousness", "temperature",
)  # fmt: skip
PLAUSIBLE = {
    "respiration rate": (0, 120),
    "oxygen saturation": (0, 100),
    "systolic pressure": (0, 350),
    "pulse": (0, 350),
    "temperature": (15, 46),
}

Number = int | float | Decimal

# (upper bound inclusive, points) per chart row, ascending; the last row has no upper bound
RESPIRATION = ((8, 3), (11, 1), (20, 0), (24, 2), (None, 3))
SATURATION_1 = ((91, 3), (93, 2), (95, 1), (None, 0))
SATURATION_2_OXYGEN = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (None, 3))
SATURATION_2_AIR = ((83, 3), (85, 2), (87, 1), (None, 0))
SYSTOLIC = ((90, 3), (100, 2), (110, 1), (219, 0), (None, 3))
PULSE = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (None, 3))
TEMPERATURE = ((Decimal("35.0"), 3), (Decimal("36.0"), 1), (Decimal("38.0"), 0), (Decimal("39.0"), 1), (None, 2))
CONSCIOUSNESS = {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3}


@dataclass(frozen=True, slots=True)
class News2:
    """A NEWS2, or which of its seven parameters are missing.

    Parameters
    ----------
    total : int or None
        0 to 20; None while anything is missing.
    complete : bool
    missing : tuple of str
        Parameters of the chart that were not given.
    band : str
        ``low``, ``low-medium``, ``medium``, ``high`` or ``unknown``.
    single_three : bool
        Whether one of the given parameters alone scores 3.
    at_least : int
        Points of the parameters that were given; what is missing can only add to them.
    """

    total: int | None
    complete: bool
    missing: tuple[str, ...]
    band: str
    single_three: bool
    at_least: int

    def __str__(self) -> str:
        alone = "; one parameter alone scores 3" if self.single_three else ""
        if not self.complete:
            return f"incomplete, {', '.join(self.missing)} missing{alone}"
        return f"{self.total} of 20, {self.band} risk{alone}"


def news2(
    *,
    respiration: Number | None = None,
    saturation: Number | None = None,
    oxygen: bool | None = None,
    systolic: Number | None = None,
    pulse: Number | None = None,
    consciousness: str | None = None,
    temperature: Number | None = None,
    scale: int = 1,
) -> News2:
    """Score one set of observations of an adult who is not pregnant.

    Parameters
    ----------
    respiration, pulse : number, per minute
    saturation : number, %
    oxygen : bool
        Whether the person breathes supplemental oxygen.
    systolic : number, mm[Hg]
    consciousness : {"A", "C", "V", "P", "U"}
        Alert, new confusion, voice, pain, unresponsive.
    temperature : number, Cel
    scale : {1, 2}
        SpO2 scale; 2 is for hypercapnic respiratory failure and a clinician's choice.

    Raises
    ------
    InputError
        A value is implausible, not a number, or not a level of the chart.

    References
    ----------
    Royal College of Physicians. National Early Warning Score (NEWS) 2. London, 2017.
    """
    if scale not in (1, 2):
        raise InputError(
            f"NEWS2 has SpO2 scales 1 and 2, not {scale!r}", hint="use 1 unless a clinician chose 2", kind="bad_scale"
        )
    on_chart = _saturation_rows(scale, oxygen)
    points: list[int | None] = [
        _points(RESPIRATION, _charted("respiration rate", respiration, WHOLE)),
        _points(on_chart, _charted("oxygen saturation", saturation, WHOLE)),
        None if oxygen is None else 2 * oxygen,
        _points(SYSTOLIC, _charted("systolic pressure", systolic, WHOLE)),
        _points(PULSE, _charted("pulse", pulse, WHOLE)),
        _level(consciousness),
        _points(TEMPERATURE, _charted("temperature", temperature, TENTH)),
    ]
    if scale == 2 and oxygen is None:
        points[1] = None  # the row cannot be chosen; "air or oxygen" is named as missing too
    missing = tuple(name for name, scored in zip(PARAMETERS, points, strict=True) if scored is None)
    known = [scored for scored in points if scored is not None]
    three = 3 in known
    total = None if missing else sum(known)
    return News2(total, not missing, missing, _band(total, three), three, sum(known))


def _band(total: int | None, single_three: bool) -> str:
    if total is None:
        return "unknown"
    if total >= HIGH:
        return "high"
    if total >= MEDIUM:
        return "medium"
    return "low-medium" if single_three else "low"


def _saturation_rows(scale: int, oxygen: bool | None) -> Sequence[tuple[Number | None, int]]:
    if scale == 1:
        return SATURATION_1
    return SATURATION_2_OXYGEN if oxygen else SATURATION_2_AIR


def _charted(name: str, value: Number | None, resolution: Decimal) -> Decimal | None:
    """A value as it would be written on the chart: half up, on the decimal digits as given."""
    if value is None:
        return None
    exact = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    low, high = PLAUSIBLE[name]
    if not exact.is_finite() or not low <= exact <= high:
        raise InputError(
            f"{name} is {value}, outside {low} to {high}",
            hint="check the sensor and the unit; leave out what was not measured",
            kind="implausible",
        )
    return exact.quantize(resolution, rounding=ROUND_HALF_UP)


def _points(chart: Sequence[tuple[Number | None, int]], value: Decimal | None) -> int | None:
    if value is None:
        return None
    return next(scored for upper, scored in chart if upper is None or value <= upper)


def _level(consciousness: str | None) -> int | None:
    if consciousness is None:
        return None
    if consciousness not in CONSCIOUSNESS:
        raise InputError(
            f"{consciousness!r} is not a level of consciousness", hint="use A, C, V, P or U", kind="bad_consciousness"
        )
    return CONSCIOUSNESS[consciousness]
