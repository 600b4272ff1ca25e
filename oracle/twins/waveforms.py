"""Waveforms as PhysioNet keeps them (WFDB), read with the package wfdb of the extra ``medtwin[waveforms]``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, NotFound

FOLDER = "waveforms"
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")  # annotation codes that are beats (PhysioBank)
REFERENCES = ("atr", "qrs", "ecg")  # extensions of files with beats that people marked


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal of a record.

    Parameters
    ----------
    name, unit : str
        As the record has them.
    time_ms : ndarray of int64, shape (n,)
        From the start of the record, in whole milliseconds.
    value : ndarray of float64, shape (n,)
        In `unit`; samples that the record marks as not valid are left out.
    """

    name: str
    unit: str
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its signals, its comments, and the moments (ms) of the beats that people marked, if they did."""

    name: str
    signals: tuple[Signal, ...]
    comments: tuple[str, ...]
    beats_ms: NDArray[np.int64] | None

    @property
    def duration_ms(self) -> int:
        """From the first sample to the last."""
        return max((int(one.time_ms[-1]) for one in self.signals if len(one.time_ms)), default=0)


def records(data_dir: Path) -> list[str]:
    """Names of the WFDB records in ``data_dir/waveforms``.

    Raises
    ------
    NotFound
        There is none.
    """
    found = sorted(path.stem for path in (data_dir / FOLDER).glob("*.hea"))
    if not found:
        raise NotFound(
            f"there is no WFDB record (*.hea) in {data_dir / FOLDER}",
            hint="set MEDTWIN_DATA to the folder that holds waveforms/",
            kind="missing_data",
        )
    return found


def read(data_dir: Path, name: str) -> Record:
    """One record with its signals at their own rate.

    Raises
    ------
    NotFound
        wfdb is not installed, or there is no such record.
    InputError
        The record is damaged.
    """
    wfdb, path = _wfdb(), data_dir / FOLDER / name
    if not path.with_suffix(".hea").is_file():
        raise NotFound(
            f"there is no record {name} in {path.parent}", hint="its header is NAME.hea", kind="missing_data"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # wfdb 4.3 under pandas 3.1
            record = wfdb.rdrecord(str(path), smooth_frames=False)
            beats = _beats(wfdb, path, float(record.fs))
    except (ValueError, IndexError, KeyError, OSError, TypeError) as error:
        raise InputError(
            f"record {name} cannot be read: {type(error).__name__}", hint="fetch it again", kind="damaged_record"
        ) from error
    signals = []
    for label, unit, value, per_frame in zip(
        record.sig_name, record.units, record.e_p_signal, record.samps_per_frame, strict=True
    ):
        known = np.isfinite(value)
        time_ms = np.rint(np.arange(len(value)) * (1000 / (record.fs * per_frame))).astype(np.int64)
        signals.append(Signal(str(label), str(unit), time_ms[known], np.asarray(value, np.float64)[known]))
    return Record(name, tuple(signals), tuple(record.comments), beats)


def _beats(wfdb: ModuleType, path: Path, rate: float) -> NDArray[np.int64] | None:
    for extension in REFERENCES:
        if path.with_suffix(f".{extension}").is_file():
            told = wfdb.rdann(str(path), extension)
            marked = [at for at, code in zip(told.sample, told.symbol, strict=True) if code in BEATS]
            return np.rint(np.array(marked, np.float64) * (1000 / rate)).astype(np.int64)
    return None


def _wfdb() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # wfdb 4.3 under pandas 3.1
            import wfdb
    except ModuleNotFoundError as error:
        raise NotFound(
            "reading WFDB records needs the package wfdb, which is not installed",
            hint="pip install 'medtwin[waveforms]'",
            kind="missing_extra",
        ) from error
    module: ModuleType = wfdb
    return module
