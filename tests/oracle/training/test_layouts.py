"""Records as somebody else keeps them: other file names, rows and columns in another order, several files, more in them than is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.errors import InputError, NotFound
from oracle.training import icu2012
from oracle.training.learners import evaluate

from .. import learning

MAKE: dict[str, Callable[[Path], Path]] = {
    "cgm_t1d": learning.glucose,
    "heart_failure_299": learning.heart_failure,
    "machine_temperature": learning.machine,
    "nhs_ae": learning.attendances,
    "readmission_diabetes130": learning.encounters,
}


def table(folder: Path, pattern: str) -> pd.DataFrame:
    """All rows of a folder's files as text."""
    return pd.concat(
        [pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(folder.glob(pattern))],
        ignore_index=True,
    )


def scatter(rows: pd.DataFrame, folder: Path, names: tuple[str, str]) -> None:
    """Shuffled, columns turned round with one more, half in each of two files: one as spreadsheets write it, one packed."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = rows.sample(frac=1, random_state=5)[list(rows.columns[::-1])]
    rows.insert(0, "remark", "none, so far")
    half = len(rows) // 2
    rows[:half].to_csv(folder / names[0], index=False, encoding="utf-8-sig", lineterminator="\r\n")
    rows[half:].to_csv(folder / names[1], index=False)


@pytest.mark.parametrize("kind", MAKE)
def test_figures_are_of_the_records_not_of_how_they_lie(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The shipped models judge a scattered copy as they judge the original."""
    monkeypatch.setattr("oracle.training.judged.RESAMPLES", 5)
    data, other = MAKE[kind](tmp_path / "data"), tmp_path / "other"
    scatter(table(data / kind, "*.csv*"), other / kind, ("judge 1.csv", "judge 2.csv.xz"))
    (other / kind / "ids_mapping.csv").write_text("a code book\n", "utf-8")
    for path in (data / kind).glob("*.json"):
        (other / kind / "windows of somebody.json").write_bytes(path.read_bytes())

    whole, again = evaluate(kind, data), evaluate(kind, other)

    assert {name: (one.value, one.n) for name, one in again.items()} == {
        name: (pytest.approx(one.value, abs=1e-9), one.n) for name, one in whole.items()
    }


def stays(folder: Path, letter: str, numbers: range) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Made stays of five measured things, written as the challenge's sets are laid out."""
    draw = np.random.default_rng(numbers.start)
    rows, told = [], []
    for stay in numbers:
        rows.append((stay, 0, "Age", 40 + stay % 50))
        rows += [
            (stay, 60 * hour, name, round(float(draw.uniform(*between)), 1))
            for hour in range(1, 30)
            for name, between in (("HR", (50, 130)), ("Temp", (36, 39)), ("GCS", (3, 15)), ("BUN", (5, 80)))
        ]
        rows.append((stay, 70, "ICUType", 2))
        rows.append((stay, 75, "HR", "not known"))
        told.append((stay, draw.integers(5, 25), draw.integers(0, 12), 9, -1, stay % 3 // 2))
    table = pd.DataFrame(rows, columns=["record_id", "minute", "parameter", "value"])
    outcomes = pd.DataFrame(
        told, columns=["RecordID", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death"]
    )
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"set-{letter}.csv.xz", index=False)
    outcomes.to_csv(folder / f"outcomes-{letter}.csv", index=False)
    return table, outcomes


def test_stays_are_gathered_from_several_files_whatever_their_order(tmp_path: Path) -> None:
    """Set b alone, then scattered over two sets and two files of outcomes: the same stays, features and scores."""
    table, outcomes = stays(tmp_path / "data" / "icu2012", "b", range(200, 212))
    whole, folder = icu2012.read(tmp_path / "data"), tmp_path / "other" / "icu2012"
    scatter(table, folder, ("set-y.csv", "set-z.csv.xz"))
    scatter(outcomes, folder, ("outcomes-y.csv", "outcomes-z.csv"))
    again = icu2012.read(tmp_path / "other")

    assert len(whole.y) == 12 and whole.y.sum() == 4
    order = np.argsort(again.groups)
    np.testing.assert_array_equal(again.groups[order], whole.groups)
    np.testing.assert_array_equal(again.x[order], whole.x)
    np.testing.assert_array_equal(again.y[order], whole.y)
    for name, scores in whole.beside.items():
        np.testing.assert_array_equal(again.beside[name][order], scores)


def test_stays_without_an_outcome_are_left_out(tmp_path: Path) -> None:
    """Outcomes of other stays, a blank outcome: not judged; none at all is refused."""
    table, outcomes = stays(tmp_path / "icu2012", "b", range(300, 306))
    outcomes["In-hospital_death"] = outcomes["In-hospital_death"].astype(object)
    outcomes.loc[0, "In-hospital_death"] = ""
    outcomes.loc[1, "RecordID"] = 999
    outcomes.to_csv(tmp_path / "icu2012" / "outcomes-b.csv", index=False)

    assert icu2012.read(tmp_path).groups.tolist() == ["302", "303", "304", "305"]
    table.drop(columns="minute").to_csv(tmp_path / "icu2012" / "set-b.csv.xz", index=False)
    with pytest.raises(InputError, match="no column minute"):
        icu2012.read(tmp_path)
    (tmp_path / "icu2012" / "outcomes-b.csv").unlink()
    with pytest.raises(NotFound, match=r"outcomes-\*\.csv"):
        icu2012.read(tmp_path)
