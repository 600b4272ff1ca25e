"""Every kind that learns from data: which models it makes, and how they are judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from ..errors import InputError, NotFound
from . import attendances, glucose, heart_failure, icu2012, machine, pulse, readmission, rhythm, ventilator, whas500
from .judged import Figure
from .reported import reported

Card = dict[str, Any]
Cards = Mapping[str, Card]


@dataclass(frozen=True, slots=True)
class Learner:
    """One kind of data: `makes` trains each of its models, `judge` scores the trained ones on a folder; most are `shipped`."""

    makes: Mapping[str, Callable[[Path], Card]]
    judge: Callable[[Path, Cards, str], dict[str, Figure]] | None = None
    shipped: bool = True


LEARNERS: Mapping[str, Learner] = {
    "cgm_t1d": Learner(
        {f"cgm_t1d_{ahead}": partial(glucose.train, horizon_min=ahead) for ahead in (30, 60)}, glucose.evaluate
    ),
    "heart_failure_299": Learner({"heart_failure_299": heart_failure.train}, heart_failure.evaluate),
    "icu2012": Learner({"icu2012": icu2012.train}, icu2012.evaluate),
    "machine_temperature": Learner({"machine_temperature": machine.train}, machine.evaluate),
    "nhs_ae": Learner({"nhs_ae": attendances.train}, attendances.evaluate),
    "pulse": Learner({"pulse": pulse.train}),
    "readmission_diabetes130": Learner({"readmission_diabetes130": readmission.train}, readmission.evaluate),
    "rhythm": Learner({"rhythm": rhythm.train}, rhythm.evaluate),
    "ventilator": Learner({"ventilator": ventilator.train}, ventilator.evaluate),
    "whas500": Learner({"whas500": whas500.train}, whas500.evaluate, shipped=False),
}


def learner(kind: str) -> Learner:
    """The learner of that kind.

    Raises
    ------
    InputError
        There is none.
    """
    if kind not in LEARNERS:
        raise InputError(f"nothing learns {kind!r}", hint=f"known: {', '.join(sorted(LEARNERS))}", kind="unknown_kind")
    return LEARNERS[kind]


def train(kind: str, data: Path) -> dict[str, Card]:
    """The cards of a kind's models, by name; same data, same cards."""
    with threadpool_limits(limits=1):  # sums in one order, so the bytes can be made again
        return {name: reported(kind, make(data)) for name, make in learner(kind).makes.items()}


def evaluate(kind: str, data: Path, *, since: str = "", models: Path | None = None) -> dict[str, Figure]:
    """Judge a kind's trained models on all records of ``data/kind``; nothing is fitted.

    Parameters
    ----------
    since : str
        Score only what comes after the start of this period (``YYYY-MM``), for kinds that go by time.
    models : Path, optional
        Folder of the cards; the shipped ones if it is not given.

    Raises
    ------
    InputError
        The kind has no judge, or knows no periods.
    NotFound
        No records, or no such model.
    """
    judge = learner(kind).judge
    if judge is None:
        raise InputError(f"{kind} has no outcomes to be judged by", hint="its card says how it was tested")
    with threadpool_limits(limits=1):
        return judge(data, {name: _card(name, models) for name in LEARNERS[kind].makes}, since)


def _card(name: str, folder: Path | None) -> Card:
    where = folder or resources.files("oracle.artifacts") / "models"
    try:
        card: Card = json.loads((where / f"{name}.json").read_bytes())
    except FileNotFoundError:
        raise NotFound(
            f"there is no model {name} in {folder or 'this installation'}",
            hint="train it: medtwin train KIND --data FOLDER --out FOLDER",
            kind="missing_model",
        ) from None
    return card
