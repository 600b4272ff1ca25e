"""What a measurement is, and how arms are timed: interleaved, so that a busy moment hits them all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Work = Callable[[], int]
"""Does some work and returns how many units it did."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, beside a peer's and the goal where there are any.

    Parameters
    ----------
    goal : float or None
        Gas: at most this many. Otherwise at least, unless `at_most`.
    of : {"ours", "ratio"}
        What the goal is for; a ratio is ours / peer.
    spread : tuple of float
        Lowest and highest of the rounds, for what `of` names.
    """

    name: str
    ours: float
    unit: str
    peer: str = ""
    theirs: float | None = None
    goal: float | None = None
    stretch: float | None = None
    of: str = "ours"
    at_most: bool = True
    spread: tuple[float, ...] = ()
    how: str = ""
    ratio: float | None = field(default=None)

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without one."""
        value = self.ours if self.of == "ours" else self.ratio or (self.ours / self.theirs if self.theirs else 0)
        if self.goal is None:
            return None
        return value <= self.goal if self.at_most else value >= self.goal

    def document(self) -> dict[str, Any]:
        """For results.json."""
        facts = asdict(self)
        if self.theirs and self.ratio is None:
            facts["ratio"] = self.ours / self.theirs
        for key in ("ours", "theirs", "ratio"):
            facts[key] = _rounded(facts[key])
        facts["spread"] = [_rounded(value) for value in self.spread]
        return {**facts, "reached": self.reached}


def gas(name: str, ours: float, goal: float, stretch: float | None = None, **rest: Any) -> Figure:
    """A gas figure: lower is better."""
    return Figure(name, ours, "gas", goal=goal, stretch=stretch, **rest)


def interleaved(
    arms: Mapping[str, Work], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Units a second of every arm in every round; one round runs each arm once, in alternating order."""
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds):
        for name in list(arms)[:: 1 if number % 2 else -1]:
            began = clock()
            units = arms[name]()
            rates[name].append(units / (clock() - began))
    return rates


def against(name: str, unit: str, rates: Mapping[str, list[float]], peer: str, **rest: Any) -> Figure:
    """A figure of the arm "ours" against the arm `peer`: medians, and the median of the rounds' ratios."""
    ratios = [mine / other for mine, other in zip(rates["ours"], rates[peer], strict=True)]
    return Figure(
        name,
        statistics.median(rates["ours"]),
        unit,
        peer=peer,
        theirs=statistics.median(rates[peer]),
        at_most=False,
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        **rest,
    )


def _rounded(value: float | None) -> float | int | None:
    """Four figures are more than any of this is worth."""
    if value is None or isinstance(value, int):
        return value
    return round(value) if abs(value) >= 1000 else float(f"{value:.4g}")
