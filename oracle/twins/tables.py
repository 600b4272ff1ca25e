"""Data sets that are tables, read line by line for a demonstration; training reads them with pandas."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

from ..errors import NotFound


def lines(folder: Path, patterns: Sequence[str], most: int | None = None) -> Iterator[dict[str, str]]:
    """Rows of a folder's CSV files in the order of their names, packed or not.

    Raises
    ------
    NotFound
        No file fits.
    """
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    if not paths:
        raise NotFound(
            f"there is no {' or '.join(patterns)} in {folder}",
            hint=f"set MEDTWIN_DATA to the folder that holds {folder.name}/",
            kind="missing_data",
        )
    return islice(_rows(paths), most)


def _rows(paths: Sequence[Path]) -> Iterator[dict[str, str]]:
    for path in paths:
        with text(path) as file:
            yield from csv.DictReader(file)


def text(path: Path) -> TextIO:
    """A file's text, unpacked."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
