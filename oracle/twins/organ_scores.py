"""qSOFA and SOFA, from their published tables; what is missing is named and never counted as normal.

MEWS is left out: its table was not found in a source that could be checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InputError

ORGANS = ("respiration", "coagulation", "liver", "circulation", "consciousness", "kidneys")
QSOFA = ("respiration rate", "systolic pressure", "coma scale")
POSITIVE = 2  # qSOFA
PLAUSIBLE = {
    "respiration rate": (0, 120), "systolic pressure": (0, 350), "coma scale": (3, 15), "oxygenation": (20, 800),
    "platelets": (0, 3_000), "bilirubin": (0, 100), "mean pressure": (0, 300), "creatinine": (0, 50), "urine": (0, 20_000),
    "dopamine": (0, 100), "dobutamine": (0, 100), "adrenaline": (0, 20), "noradrenaline": (0, 20),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """A score's points by part, and which parts could not be told.

    Parameters
    ----------
    points : mapping of str to int
    missing : tuple of str
    """

    points: Mapping[str, int]
    missing: tuple[str, ...]

    @property
    def total(self) -> int | None:
        """None while anything is missing."""
        return None if self.missing else sum(self.points.values())

    @property
    def at_least(self) -> int:
        """What is known for certain."""
        return sum(self.points.values())

    def __str__(self) -> str:
        if not self.missing:
            return str(self.total)
        return f"at least {self.at_least}; {', '.join(self.missing)} missing"


def qsofa(*, respiration: float | None = None, systolic: float | None = None, coma_scale: float | None = None) -> Score:
    """Quick SOFA, 0 to 3; 2 or more is positive.

    Parameters
    ----------
    respiration : number, per minute
    systolic : number, mm[Hg]
    coma_scale : number, 3 to 15
        Below 15 mentation counts as altered.

    References
    ----------
    Singer et al. 2016, JAMA 315:801.
    """
    told = dict(zip(QSOFA, (respiration, systolic, coma_scale), strict=True))
    _check(told)
    bad = {
        "respiration rate": respiration is not None and respiration >= 22,
        "systolic pressure": systolic is not None and systolic <= 100,
        "coma scale": coma_scale is not None and coma_scale < 15,
    }
    return _score({name: None if value is None else int(bad[name]) for name, value in told.items()})


def sofa(
    *,
    oxygenation: float | None = None,
    supported: bool | None = None,
    platelets: float | None = None,
    bilirubin: float | None = None,
    mean_pressure: float | None = None,
    catecholamines: Mapping[str, float] | None = None,
    coma_scale: float | None = None,
    creatinine: float | None = None,
    urine_a_day: float | None = None,
) -> Score:
    """SOFA of one day, 0 to 24, from the worst values of that day.

    Parameters
    ----------
    oxygenation : number, mm[Hg]
        Arterial oxygen pressure per inspired share.
    supported : bool
        Respiratory support; without it respiration scores 2 at most.
    platelets : number, 10*3/uL
    bilirubin, creatinine : number, mg/dL
    mean_pressure : number, mm[Hg]
    catecholamines : mapping, ug/kg/min for an hour or more
        ``dopamine``, ``dobutamine``, ``adrenaline``, ``noradrenaline``; empty if none was given, None if not known.
    urine_a_day : number, mL/d

    References
    ----------
    Vincent et al. 1996, Intensive Care Med 22:707, table as reprinted in Singer et al. 2016, JAMA 315:801.
    """
    told = {
        "oxygenation": oxygenation, "platelets": platelets, "bilirubin": bilirubin, "mean pressure": mean_pressure,
        "coma scale": coma_scale, "creatinine": creatinine, "urine": urine_a_day, **(catecholamines or {}),
    }  # fmt: skip
    _check(told)
    return _score(
        {
            "respiration": _respiration(oxygenation, supported),
            "coagulation": _falls(platelets, (150, 100, 50, 20)),
            "liver": _rises(bilirubin, (1.2, 2.0, 6.0, 12.0)),
            "circulation": _circulation(mean_pressure, catecholamines),
            "consciousness": _falls(coma_scale, (15, 13, 10, 6)),
            "kidneys": _kidneys(creatinine, urine_a_day),
        }
    )


def _respiration(oxygenation: float | None, supported: bool | None) -> int | None:
    points = _falls(oxygenation, (400, 300, 200, 100))
    if points is None or points <= 2:
        return points
    return None if supported is None else points if supported else 2


def _circulation(mean_pressure: float | None, catecholamines: Mapping[str, float] | None) -> int | None:
    given = catecholamines or {}
    strong = max(given.get("adrenaline", 0.0), given.get("noradrenaline", 0.0))
    if given.get("dopamine", 0.0) > 15 or strong > 0.1:
        return 4
    if given.get("dopamine", 0.0) > 5 or strong > 0:
        return 3
    if given.get("dopamine", 0.0) > 0 or given.get("dobutamine", 0.0) > 0:
        return 2
    if catecholamines is None or mean_pressure is None:
        return None  # a pressure may be normal because of a drug
    return int(mean_pressure < 70)


def _kidneys(creatinine: float | None, urine_a_day: float | None) -> int | None:
    known = [_rises(creatinine, (1.2, 2.0, 3.5, 5.0))]
    if urine_a_day is not None:
        known.append(4 if urine_a_day < 200 else 3 if urine_a_day < 500 else 0)
    if creatinine is None and known[-1] != 4:
        return None
    return max(points for points in known if points is not None)


def _rises(value: float | None, edges: tuple[float, ...]) -> int | None:
    """How many edges a value reaches, to the table's one decimal."""
    return None if value is None else sum(round(value, 1) >= edge for edge in edges)


def _falls(value: float | None, edges: tuple[float, ...]) -> int | None:
    return None if value is None else sum(value < edge for edge in edges)


def _score(points: Mapping[str, int | None]) -> Score:
    return Score(
        {name: one for name, one in points.items() if one is not None},
        tuple(name for name, one in points.items() if one is None),
    )


def _check(told: Mapping[str, float | None]) -> None:
    for name, value in told.items():
        if name not in PLAUSIBLE:
            raise InputError(
                f"{name!r} is no catecholamine of SOFA", hint="dopamine, dobutamine, adrenaline, noradrenaline"
            )
        low, high = PLAUSIBLE[name]
        if value is not None and not low <= value <= high:
            raise InputError(
                f"{name} is {value}, outside {low} to {high}",
                hint="check the sensor and the unit; leave out what was not measured",
                kind="implausible",
            )
