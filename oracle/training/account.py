"""What a card tells beside its model: curves, subgroups, data sheet; every number the pictures are drawn from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from . import figures
from .figures import Floats
from .judged import LEAST_OF_EACH, Bools, figure
from .sets import covered
from .tables import found

POINTS = 60  # of a curve, at most
BINS = 10  # of equal size, by risk or by forecast
THRESHOLDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)  # of the decision curve


def risk_curves(y: Floats, margin: Floats) -> dict[str, Any]:
    """ROC, precision and recall, calibration and decision curve of log-odds `margin` for outcomes `y`, both (n,)."""
    risk = figures.logistic(margin)
    false_rate, hit_rate, _ = roc_curve(y, margin)
    precision, recall, _ = precision_recall_curve(y, margin)
    return {
        "roc": _thinned(false_rate, hit_rate),
        "precision_recall": _thinned(recall[::-1], precision[::-1]),
        "calibration": calibration(y, risk),
        "decision": [_net_benefit(y, risk, cut) for cut in THRESHOLDS],
    }


def calibration(y: Floats, risk: Floats) -> list[dict[str, Any]]:
    """Ten groups of equal size by risk: mean risk, observed rate with its 95 % Wilson interval, rows."""
    told = []
    for rows in np.array_split(np.argsort(risk, kind="stable"), BINS):
        low, high = figures.wilson(int(y[rows].sum()), len(rows))
        told.append(
            {
                "said": _4(risk[rows].mean()),
                "seen": _4(y[rows].mean()),
                "low": _4(low),
                "high": _4(high),
                "n": len(rows),
            }
        )
    return told


def forecast_curves(y: Floats, ahead: Floats) -> dict[str, Any]:
    """Ten groups of equal size by forecast: mean forecast, mean of what came with the middle 80 % of it, rows."""
    told = []
    for rows in np.array_split(np.argsort(ahead, kind="stable"), BINS):
        low, high = np.quantile(y[rows], (0.1, 0.9))
        told.append(
            {
                "said": _4(ahead[rows].mean()),
                "seen": _4(y[rows].mean()),
                "low": _4(low),
                "high": _4(high),
                "n": len(rows),
            }
        )
    return {"forecast": told}


def subgroup_table(
    y: Floats, margin: Floats, sets: Mapping[str, Any], subgroups: Mapping[str, Bools]
) -> list[dict[str, Any]]:
    """Per subgroup with enough of both outcomes: AUROC and coverage with 95 % intervals, mean risk beside the rate."""
    held, told = covered(y, margin, sets), []
    for name, rows in subgroups.items():
        n, events = int(rows.sum()), int(y[rows].sum())
        if min(events, n - events) < LEAST_OF_EACH:
            told.append({"subgroup": name, "n": n, "events": events})
            continue
        auroc = figure(figures.auroc, y[rows], margin[rows]).document()
        low, high = figures.wilson(int(held[rows].sum()), n)
        told.append(
            {
                "subgroup": name, "n": n, "events": events,
                "auroc": {key: _4(auroc[key]) for key in ("value", "low", "high")},
                "coverage": {"value": _4(held[rows].mean()), "low": _4(low), "high": _4(high)},
                "mean_risk": _4(figures.logistic(margin[rows]).mean()), "rate": _4(y[rows].mean()),
            }
        )  # fmt: skip
    return told


def data_sheet(folder: Path, patterns: Sequence[str]) -> dict[str, Any]:
    """The files a model was made from, each with its SHA-256, and one digest over all of them."""
    paths = found(folder, patterns)
    files = [{"name": path.name, "sha256": _sha256(path), "bytes": path.stat().st_size} for path in paths]
    listed = "".join(f"{one['sha256']}  {one['name']}\n" for one in files)
    return {
        "folder": folder.name,
        "files": files,
        "digest": hashlib.sha256(listed.encode()).hexdigest(),
        "how": "SHA-256 of the lines 'SHA-256 of the file, two spaces, name', in the order of the names, as sha256sum writes them",
    }


def _net_benefit(y: Floats, risk: Floats, cut: float) -> dict[str, float]:
    """Vickers and Elkin (2006): hits less false alarms, weighed by the odds of the threshold, per record."""
    odds, chosen = cut / (1 - cut), risk >= cut
    of_model = np.mean(chosen & (y > 0)) - odds * np.mean(chosen & (y == 0))
    return {"threshold": cut, "model": _4(of_model), "everybody": _4(y.mean() - odds * (1 - y.mean())), "nobody": 0.0}


def _thinned(x: Floats, y: Floats) -> list[list[float]]:
    """At most `POINTS` points of a curve, the first and the last among them."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).round().astype(int))
    return [[_4(x[k]), _4(y[k])] for k in kept]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _4(value: Any) -> float:
    return round(float(value), 4)
