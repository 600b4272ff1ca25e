"""``medtwin evaluate`` on the real records of whichever sets ``MEDTWIN_DATA`` has, which is icu2012 at least.

The shipped models were fitted to these very records, so the figures here are no test of the models: what is tested is
that the command reads real files and judges without fitting. Figures on records not seen are in the cards.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from oracle.training.learners import LEARNERS

from .clinic import Cli, clean_environment

PROMISED = {
    "cgm_t1d": {"rmse", "rmse_30", "rmse_60", "persistence_rmse_30", "coverage", "worst_patient_gain_60"},
    "heart_failure_299": {
        "auroc",
        "ap",
        "brier",
        "slope",
        "baseline_auroc",
        "answered",
        "coverage",
        "coverage_nominal",
    },
    "icu2012": {"auroc", "ap", "brier", "event1", "slope", "coverage", "saps_i_auroc", "answered", "auroc_female"},
    "machine_temperature": {"auroc", "baseline_auroc", "false_alarms_per_month", "failures", "failures_warned"},
    "nhs_ae": {"mase", "naive_mase", "mase_complete", "coverage"},
    "readmission_diabetes130": {
        "auroc",
        "ap",
        "brier",
        "slope",
        "baseline_auroc",
        "answered",
        "coverage",
        "coverage_nominal",
    },
    "rhythm": {"sensitivity", "positive_predictivity", "mae", "persistence_mae", "coverage", "alarms_right"},
    "ventilator": {"sensitivity", "positive_predictivity", "mae", "persistence_mae"},
}
FOLDERS = {"rhythm": "waveforms", "ventilator": "waveforms"}  # of kinds whose folder has another name


def test_every_learner_that_is_judged_promises_figures() -> None:
    """No kind without a row here, of those that are shipped."""
    assert set(PROMISED) == {name for name, learner in LEARNERS.items() if learner.judge and learner.shipped}


@pytest.mark.parametrize(
    "kind", [pytest.param(one, marks=pytest.mark.of_set(FOLDERS.get(one, one))) for one in PROMISED]
)
def test_evaluate_writes_the_figures_it_promises(kind: str, data: Path, tmp_path: Path) -> None:
    """One object per figure, its interval around it."""
    cli, out = Cli(clean_environment()), tmp_path / "figures.json"
    told = cli("evaluate", kind, "--data", str(data), "--json", str(out))
    found = json.loads(out.read_text("utf-8"))
    assert told.code == 0, told.err
    assert PROMISED[kind] <= set(found)
    for name, one in found.items():
        assert set(one) == {"value", "low", "high", "n"} and math.isfinite(one["value"]) and one["n"] > 0, name
        if one["low"] is not None:
            assert one["low"] <= one["high"], name


def test_evaluate_names_a_set_that_is_not_there(tmp_path: Path) -> None:
    """The folder, and exit code 4."""
    told = Cli(clean_environment())("evaluate", "heart_failure_299", "--data", str(tmp_path))

    assert told.code == 4 and "heart_failure_299" in told.err
