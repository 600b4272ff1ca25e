"""Train the risk of death in hospital on PhysioNet 2012 set A; every choice is made in its development part."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ..errors import InputError, NotFound
from ..records import E6, Features, Prediction, to_e6
from ..twins.additive import Additive
from ..twins.icu import PARTS, part_of, stay_readings, stays
from ..twins.icu_features import NAMES, stay_features
from . import figures, icu2012_card, leaks, sets
from .account import data_sheet
from .figures import Floats
from .gam import StepModel
from .judged import (
    GROUPS,
    Bools,
    Figure,
    answered,
    figure,
    groups_covered,
    intervals,
    margins,
    risk_figures,
    subgroup_figures,
)
from .nested import Setting, nested
from .progress import track
from .steps import rate_interval, terms

OUTCOMES = ("In-hospital_death", "SAPS-I", "SOFA")

NEIGHBOURS, STRIDE = 150, 25  # stays behind one interval; rows of the table are this many stays apart
TOLERANCE_PERCENT = 25
LEAST_PRESENT = 73  # of the features; about 1 stay in 200 of the development part has fewer
WIDEST = 0.6  # of the risk; beyond it the interval says too little
FOLDS, SEEDS = 5, (2012, 2013, 2014)  # one set of folds per seed
SETTINGS: tuple[Setting, ...] = (
    {"penalty": 0.01, "seeds": 2},
    {"penalty": 0.005, "seeds": 2},
)  # of the nested estimate


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one part of the data: features, deaths, SAPS-I and SOFA (-1 where it is not known)."""

    x: Floats
    died: Floats
    saps: Floats
    sofa: Floats

    @property
    def subgroups(self) -> dict[str, Bools]:
        """Rows by sex and band of age."""
        return subgroups_of(self.x)

    def predictions(self, model: Additive) -> list[Prediction]:
        """What the model says of each row."""
        return [model.predict(Features(NAMES, row)) for row in self.x]

    def margin(self, model: Additive) -> Floats:
        """Log-odds of each row, answered or not."""
        return margins(model, self.x)


def train(data: Path) -> dict[str, Any]:
    """The card, with everything the graph and the explanation are made from.

    Judged is a model of the development part alone; shipped is one made in the same way from all but the unseen part.
    """
    parts = read(data)
    judged, held = develop(parts["development"]), joined(parts["held-out"], parts["unseen"])
    made_of = joined(parts["development"], parts["held-out"])
    shipped = develop(made_of)
    return icu2012_card.card(judged, held, shipped, parts["unseen"]) | {
        "nested": nested(made_of.x, made_of.died, np.arange(len(made_of.died)), SETTINGS),
        "data_sheet": data_sheet(data / "icu2012", ("set-*.csv.xz", "outcomes-*.csv")),
    }


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Figures of the trained model on every stay in ``data/icu2012`` whose outcome is known.

    Raises
    ------
    InputError
        `since` was given: stays have no date.
    """
    if since:
        raise InputError("the stays of icu2012 have no date", hint="leave --from away")
    everyone, card = joined(*read(data).values()), cards["icu2012"]
    model = Additive.of(card["model"])
    margin = margins(model, everyone.x)
    risk, low_high = figures.logistic(margin), intervals(model, margin, figures.logistic(margin))
    found = risk_figures(everyone.died, margin, card["threshold"])
    found |= sets.coverage_figures(everyone.died, margin, card["sets"], subgroups_of(everyone.x))
    found["rate_in_interval"] = Figure(groups_covered(everyone.died, risk, *low_high) / GROUPS, None, None, len(risk))
    clear = answered(model, everyone.x) & (low_high[1] - low_high[0] <= model.widest_e6 / E6)
    found["answered"] = Figure(float(clear.mean()), None, None, len(risk))
    for name, scored in (("saps_i", everyone.saps), ("sofa", everyone.sofa)):
        known = scored >= 0
        found[f"{name}_auroc"] = figure(figures.auroc, everyone.died[known], scored[known])
    found["baseline_auroc"] = found["saps_i_auroc"]
    found["gain"] = figure(_gain, everyone.died, margin, everyone.saps)
    return found | subgroup_figures(everyone.died, margin, subgroups_of(everyone.x))


def _gain(died: Floats, margin: Floats, saps: Floats) -> float:
    return figures.auroc(died, margin) - figures.auroc(died, saps)


def subgroups_of(x: Floats) -> dict[str, Bools]:
    """Sex and bands of age, as far as recorded."""
    age, male = x[:, NAMES.index("age")], x[:, NAMES.index("male")]
    return {
        "female": male == 0, "male": male == 1, "age_under_50": age < 50, "age_50_to_64": (age >= 50) & (age < 65),
        "age_65_to_79": (age >= 65) & (age < 80), "age_80_and_over": age >= 80,
    }  # fmt: skip


def read(data: Path) -> dict[str, Part]:
    """The three parts, with the very features the model will see; stays whose outcome no file tells are left out."""
    outcome = _outcomes(data)
    rows: dict[str, list[tuple[Floats, float, float, float]]] = {name: [] for name in PARTS}
    for stay, lines in stays(data):
        if stay in outcome:
            values = stay_features(stay_readings(lines)[0]).values
            rows[part_of(stay)].append((values, *outcome[stay]))
    if not any(rows.values()):
        raise NotFound(
            f"no stay in {data / 'icu2012'} has an outcome",
            hint="outcomes-*.csv must name the stays (RecordID) of set-*.csv.xz",
            kind="missing_data",
        )
    return {name: _part(part) for name, part in rows.items()}


def joined(*parts: Part) -> Part:
    """The stays of several parts as one."""
    return Part(
        np.vstack([part.x for part in parts]),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("died", "saps", "sofa")),
    )


def _part(rows: list[tuple[Floats, float, float, float]]) -> Part:
    x = np.array([row[0] for row in rows]).reshape(len(rows), len(NAMES))
    rest = np.array([row[1:] for row in rows], np.float64).reshape(len(rows), 3)
    return Part(x, *rest.T)


def _outcomes(data: Path) -> dict[str, tuple[float, float, float]]:
    """Per stay: death, SAPS-I and SOFA (-1 where not known)."""
    found: dict[str, tuple[float, float, float]] = {}
    for path in sorted((data / "icu2012").glob("outcomes-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"RecordID", *OUTCOMES} - set(reader.fieldnames or ())
            if missing:
                raise InputError(
                    f"{path.name} has no column {', '.join(sorted(missing))}", hint="it must be laid out as set A's is"
                )
            for row in reader:
                died, saps, sofa = (float(row[name]) for name in OUTCOMES)
                found[row["RecordID"]] = (died, saps, sofa)
    return found


def develop(part: Part) -> tuple[dict[str, Any], icu2012_card.Reached]:
    """The model fitted to the whole part, calibrated by cross-fitting, and what cross-fitting reached."""
    leaks.no_answer_among(NAMES, part.x, part.died)
    crossed = _crossed(part)
    slope, shift = figures.slope_and_intercept(np.tile(part.died, len(SEEDS)), crossed.ravel())
    margin = slope * crossed.mean(axis=0) + shift
    fitted = StepModel().fit(part.x, part.died)
    stated = {
        "link": "logistic",
        "base_e6": to_e6(slope * fitted.base_ + shift),
        "terms": terms(NAMES, fitted, slope, part.x),
        "interval": rate_interval(margin, part.died, neighbours=NEIGHBOURS, stride=STRIDE),
        "least_present": LEAST_PRESENT,
        "tolerance_percent": TOLERANCE_PERCENT,
        "widest_e6": to_e6(WIDEST),
    }
    risk = figures.logistic(margin)
    reached = icu2012_card.Reached(
        stays=len(part.died),
        deaths=int(part.died.sum()),
        auroc=tuple(figures.auroc(part.died, one) for one in crossed),
        log_loss=tuple(figures.log_loss(part.died, figures.logistic(one)) for one in crossed),
        slope=slope,
        cut=max(sorted(float(r) for r in risk), key=lambda cut: figures.min_se_ppv(part.died, risk >= cut)),
        neighbours=NEIGHBOURS,
        sets=sets.bounds(part.died, margin),
    )
    return stated, reached


def _crossed(part: Part) -> Floats:
    """Per seed, the log-odds of each stay by a model that did not see it."""
    margin = np.zeros((len(SEEDS), len(part.died)))
    for row, seed in enumerate(track(SEEDS, "cross-fitting")):
        for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(part.x, part.died):
            margin[row, test] = StepModel().fit(part.x[fit], part.died[fit]).margin(part.x[test])
    return margin
