"""The shipped intensive-care model on real stays; needs ``MEDTWIN_DATA``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from oracle.formats.readings import check
from oracle.stages.ingest import split
from oracle.training import icu2012, nested
from oracle.training.gam import StepModel
from oracle.training.judged import Figure
from oracle.twins.icu import Icu


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of data sets; without it these tests fail, they are not skipped."""
    named = os.environ.get("MEDTWIN_DATA", "")
    if not (Path(named) / "icu2012" / "set-a.csv.xz").is_file():
        pytest.fail("MEDTWIN_DATA must name a folder with icu2012/set-a.csv.xz: medtwin data get icu2012")
    return Path(named)


@pytest.fixture(scope="module")
def kind() -> Icu:
    """The shipped kind."""
    return Icu()


@pytest.fixture(scope="module")
def judged(data: Path, kind: Icu) -> Mapping[str, Figure]:
    """What ``medtwin evaluate icu2012`` tells."""
    return icu2012.evaluate(data, {"icu2012": kind.card})


def test_recordings_are_plausible_and_quick(data: Path, kind: Icu) -> None:
    """The first stays come within seconds, fit the channels, and fit a story in batches."""
    began = time.perf_counter()
    shown = list(islice(kind.recordings(data), 2))

    assert time.perf_counter() - began < 5
    for one in shown:
        check(one.readings, kind.channels)
        assert 1 <= len(list(split(one.readings, interval_ms=kind.batch_ms, most=20_000))) <= kind.window


def test_stay_is_seen_whole_by_one_round(data: Path, kind: Icu) -> None:
    """Of 200 stays the longest fills the window: its age and its first values are in the first batch."""
    longest = max(
        len(list(split(one.readings, interval_ms=kind.batch_ms, most=20_000)))
        for one in islice(kind.recordings(data), 200)
    )

    assert longest == kind.window


def test_a_fold_of_the_nested_estimate_can_be_made_again(data: Path, kind: Icu) -> None:
    """Fitted here to four fifths with what the card says was chosen for them, the rest has the card's AUROC; SAPS-I is beaten by 0.15."""
    records, stated = icu2012.read(data), kind.card["nested"]
    folds = StratifiedGroupKFold(nested.OUTER, shuffle=True, random_state=nested.SEED)
    fit, test = next(iter(folds.split(records.x, records.y, records.groups)))
    with threadpool_limits(limits=1):
        margin = StepModel(**stated["chosen"][0]).fit(records.x[fit], records.y[fit]).margin(records.x[test])
    reached, known = _pairs(records.y[test], margin), test[~np.isnan(records.baseline[test])]

    assert reached == pytest.approx(stated["auroc_by_fold"][0], abs=1e-3)
    assert reached - _pairs(records.y[known], records.baseline[known]) >= 0.15


def test_evaluate_tells_the_other_scores(judged: Mapping[str, Figure]) -> None:
    """SAPS-I, SOFA, qSOFA and NEWS2 stand beside the model on the same stays, each better than chance and at least 0.15 below it."""
    for name in icu2012.BESIDE:
        told = judged[f"{name}_auroc"]
        assert told.low is not None and told.low > 0.5 and told.value <= judged["auroc"].value - 0.15
        assert told.n > 3_000


def test_card_keeps_what_was_promised(kind: Icu) -> None:
    """By nested cross-validation: discrimination, the challenge's score at a threshold chosen elsewhere, slope and coverage."""
    told: Mapping[str, Any] = kind.card["nested"]

    assert told["auroc"]["value"] >= 0.865 and told["event1"]["value"] >= 0.5
    assert 0.9 <= told["slope"]["value"] <= 1.1 and abs(told["coverage"]["value"] - 0.9) <= 0.02


def _pairs(died: np.ndarray, score: np.ndarray) -> float:
    """The share of (death, survivor) pairs in the right order; a tie counts half."""
    away = score[died > 0][:, None] - score[died == 0][None, :]
    return float((away > 0).mean() + 0.5 * (away == 0).mean())
