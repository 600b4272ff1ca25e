"""Tables of records in a folder, found by pattern so that other records of the same source fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, NotFound
from .figures import Floats

BESIDE = ("ids_mapping.csv",)  # code books, which publishers put beside records


def read_table(folder: Path, patterns: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """All rows of the folder's files as text, in the order of the files' names.

    Raises
    ------
    NotFound
        No file fits.
    InputError
        A file lacks one of `columns`, or cannot be read as a table.
    """
    paths = found(folder, patterns)
    if not paths:
        raise NotFound(
            f"there is no {' or '.join(patterns)} in {folder}",
            hint="docs/models.md says what the folder must hold; name its parent with --data",
            kind="missing_data",
        )
    return pd.concat([_one(path, columns) for path in paths], ignore_index=True)


def found(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The folder's files of records, by name."""
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.name not in BESIDE})


def numbers(column: pd.Series) -> Floats:
    """A column as float64; what is no finite number is NaN."""
    values = np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _one(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, EOFError, OSError) as error:
        raise InputError(f"{path.name} is not a table: {type(error).__name__}", hint="is it whole?") from error
    missing = [name for name in columns if name not in rows]
    if missing:
        raise InputError(f"{path.name} has no column {', '.join(missing)}", hint="docs/models.md tells the layout")
    return rows
