"""Survival after a heart attack, on the Worcester Heart Attack Study (WHAS500); an optional extra.

Data and Cox regression come with scikit-survival, which is under GPL-3.0: it is asked for only here, and neither it nor
a model made with it is part of this package. The score is the logarithm of a relative hazard, as an additive model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedStratifiedKFold

from ..errors import InputError
from ..records import to_e6
from ..twins.additive import Additive
from .figures import Floats
from .judged import Bools, Figure, answered, figure, margins
from .measured import rounded
from .risk import USE
from .tables import numbers, read_table

NAME = "whas500"
WORDS = {
    "afb": "atrial fibrillation", "age": "age", "av3": "complete heart block", "bmi": "body mass index",
    "chf": "heart failure before", "cvd": "heart disease before", "diasbp": "diastolic pressure", "gender": "female",
    "hr": "heart rate", "miord": "not the first infarction", "mitype": "Q wave infarction", "sho": "cardiogenic shock",
    "sysbp": "systolic pressure",
}  # fmt: skip
AFTERWARDS = {
    "los": "the length of the stay, known only at discharge", "lenfol": "the length of follow-up", "fstat": "the outcome itself",
}  # fmt: skip
OUTCOME = ("fstat", "lenfol")
FOLDS, REPEATS, SEED = 5, 2, 0
RIDGE = 1.0  # of Cox regression; fixed beforehand
TOLERANCE_PERCENT = 10
LIMITS = [
    "500 patients of one American region, 1997 to 2001; care has changed since.",
    "The score orders patients by hazard. It gives no chance of survival at any time.",
    "Folds overlap between repeats, so the range over folds is not a confidence interval.",
    "Other packages' defaults were not tried; the penalty was fixed beforehand.",
]


def train(data: Path) -> dict[str, Any]:
    """The card: Cox regression on all patients, judged by its concordance in 5 folds, twice; `data` is not needed."""
    x, died, days = read()
    folds = list(RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED).split(x, died))
    reached, alone, off = [], [], []
    whole = fit(x, died, days)
    for learn, test in folds:
        weights = fit(x[learn], died[learn], days[learn])
        reached.append(concordance(died[test], days[test], x[test] @ weights))
        alone.append(concordance(died[test], days[test], x[test, list(WORDS).index("age")]))
        off.append(np.abs((x[test] - x.mean(axis=0)) @ (weights - whole)))
    half = float(np.quantile(np.concatenate(off), 0.9))
    return _card(_stated(x, whole, half), np.array(reached), np.array(alone), died)


def evaluate(data: Path, cards: Mapping[str, Mapping[str, Any]], since: str = "") -> dict[str, Figure]:
    """Concordance of a trained model with the patients of ``data/whas500``, or of scikit-survival if there is no such folder."""
    if since:
        raise InputError("these records have no date", hint="leave --from away")
    x, died, days = read(folder=data / NAME)
    model = Additive.of(cards[NAME]["model"])
    outcome = died.astype(np.float64), days
    age = x[:, list(WORDS).index("age")]
    return {
        "c_index": figure(concordance, *outcome, margins(model, x)),
        "age_c_index": figure(concordance, *outcome, age),
        "answered": Figure(float(answered(model, x).mean()), None, None, len(x)),
    }


def read(columns: tuple[str, ...] = tuple(WORDS), folder: Path | None = None) -> tuple[Floats, Bools, Floats]:
    """Features (n, n_features) at admission, who died, and days of follow-up.

    Raises
    ------
    InputError
        scikit-survival is not installed, or a column is known only afterwards.
    """
    for name in columns:
        if name in AFTERWARDS:
            raise InputError(
                f"{name} cannot be a feature: it is {AFTERWARDS[name]}", hint="leave it out", kind="leakage"
            )
    if folder is not None and folder.is_dir():
        rows = read_table(folder, ("*.csv", "*.csv.xz"), (*columns, *OUTCOME))
        died, days = (numbers(rows[name]) for name in OUTCOME)
    else:
        rows, outcome = _package("datasets").load_whas500()
        died, days = (np.asarray(outcome[name], np.float64) for name in OUTCOME)
    x = np.column_stack([numbers(rows[name].astype(str)) for name in columns])
    return x, died > 0, days


def fit(x: Floats, died: Bools, days: Floats) -> Floats:
    """Cox weights (n_features,) per unit of each feature, with a small ridge on standardised columns."""
    scale = x.std(axis=0)
    scale[scale == 0] = 1.0
    outcome = np.array(list(zip(died, days, strict=True)), dtype=[("died", bool), ("days", float)])
    model = _package("linear_model").CoxPHSurvivalAnalysis(alpha=RIDGE).fit(x / scale, outcome)
    weights: Floats = np.asarray(model.coef_, np.float64) / scale
    return weights


def concordance(died: NDArray[Any], days: Floats, score: Floats) -> float:
    """Harrell's C-index: of pairs whose order is known, how many the score orders rightly."""
    return float(_package("metrics").concordance_index_censored(died.astype(bool), days, score)[0])


def _package(part: str) -> Any:
    try:
        from importlib import import_module

        return import_module(f"sksurv.{part}")
    except ModuleNotFoundError as error:
        raise InputError(
            "whas500 needs scikit-survival, which is not installed",
            hint="pip install 'medtwin[survival]'; mind that it is under GPL-3.0",
            kind="missing_extra",
        ) from error


def _stated(x: Floats, weights: Floats, half: float) -> dict[str, Any]:
    terms = [
        {
            "feature": word, "edges_e6": [], "steps_e6": [0], "slope_e6": to_e6(float(weight)),
            "centre_e6": to_e6(float(column.mean())), "missing_e6": None,
            "low_e6": to_e6(float(column.min())), "high_e6": to_e6(float(column.max())),
        }
        for word, weight, column in zip(WORDS.values(), weights, x.T, strict=True)
    ]  # fmt: skip
    around = {"by": "margin", "edges_e6": [], "low_e6": [to_e6(half)], "high_e6": [to_e6(half)], "around": True}
    return {
        "link": "identity", "base_e6": 0, "terms": terms, "interval": around, "least_present": len(WORDS),
        "tolerance_percent": TOLERANCE_PERCENT, "widest_e6": to_e6(20.0),
    }  # fmt: skip


def _card(stated: dict[str, Any], reached: Floats, alone: Floats, died: Bools) -> dict[str, Any]:
    low, high = (float(np.quantile(reached, share)) for share in (0.025, 0.975))
    found = {
        "c_index": Figure(float(reached.mean()), low, high, len(died)),
        "age_c_index": Figure(float(alone.mean()), None, None, len(died)),
    }
    told = rounded(found)
    return {
        "name": NAME,
        "schema": f"{NAME}/1",
        "title": "Relative hazard of death after a heart attack, as a logarithm",
        "unit": "1",
        "link": "score = margin = the sum of all contributions, against the average patient",
        "data": f"Worcester Heart Attack Study, {len(died)} patients with {int(died.sum())} deaths, as shipped with scikit-survival.",
        "method": f"Cox regression with a ridge of {RIDGE:g}; {len(WORDS)} variables known at admission, never the length of stay.",
        "headline": {
            "metric": "C-index",
            **{name: told["c_index"][name] for name in ("value", "low", "high")},
            "how": f"mean of {FOLDS} folds, {REPEATS} times (seed {SEED}); low and high are the range over folds, no confidence interval",
            "baseline_name": "age alone",
            "baseline_value": told["age_c_index"]["value"],
        },
        "figures": told,
        "intervals": {"method": "90 % quantile of how far models of other folds lie from this one; no coverage of outcomes is claimed"},
        "intended_use": USE,
        "limits": LIMITS,
        "model": stated,
    }  # fmt: skip
