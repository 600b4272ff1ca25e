"""Twin kinds: what a twin measures, which model looks at it, and real recordings to try it with.

A kind is installed by an entry point of the group ``medtwin.twins`` that names a class without arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError
from ..records import Category, Channel, Features, Prediction, Readings, TwinClass
from .news2 import News2
from .shipped import Feedback

__all__ = ["Feedback", "Kind", "Recording", "TwinKind", "kinds"]

GROUP = "medtwin.twins"
BUILT_IN = {
    "cgm_t1d_30": "oracle.twins.glucose:Glucose30",
    "cgm_t1d_60": "oracle.twins.glucose:Glucose60",
    "heart_failure_299": "oracle.twins.heart_failure:HeartFailure",
    "icu2012": "oracle.twins.icu:Icu",
    "machine_temperature": "oracle.twins.machine:Machine",
    "nhs_ae": "oracle.twins.demand:Demand",
    "pulse": "oracle.twins.pulse:Pulse",
    "readmission_diabetes130": "oracle.twins.readmission:Readmission",
    "rhythm": "oracle.twins.rhythm:Rhythm",
    "ventilator": "oracle.twins.ventilator:Ventilator",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """Real readings with a name and a note on where they come from."""

    name: str
    readings: Readings
    note: str


class Kind(Protocol):
    """What a node computes with: `window` is how many of the last batches a round reads."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def window(self) -> int: ...
    @property
    def category(self) -> Category: ...
    @property
    def channels(self) -> tuple[Channel, ...]: ...
    @property
    def model_digest(self) -> bytes: ...
    def features(self, readings: Readings) -> Features: ...
    def predict(self, features: Features) -> Prediction: ...


class TwinKind(Kind, Protocol):
    """What every kind of twin offers.

    `batch_ms` is how much time a batch spans, `answers` what the score is, in words. `card` says what the model was
    trained on, how good it is beside its baseline, and, in its part ``model``, explains each prediction.
    `no_answer_when` tells in words when there is none although the card's limits hold; `feedback` is what the kind may
    propose to a device.
    """

    @property
    def answers(self) -> str: ...
    @property
    def batch_ms(self) -> int: ...
    @property
    def twin_class(self) -> TwinClass: ...
    @property
    def model_bytes(self) -> bytes: ...
    @property
    def card(self) -> dict[str, Any]: ...
    @property
    def card_digest(self) -> bytes: ...
    @property
    def no_answer_when(self) -> tuple[str, ...]: ...
    @property
    def feedback(self) -> tuple[Feedback, ...]: ...
    def early_warning(self, readings: Readings) -> News2: ...
    def recordings(self, data_dir: Path) -> Iterator[Recording]: ...


def kinds() -> dict[str, TwinKind]:
    """Every kind by name: those built in, and those that installed packages add.

    Raises
    ------
    InputError
        An entry point does not load, or takes the name of a kind that is built in.
    """
    found: dict[str, TwinKind] = {}
    for name, target in BUILT_IN.items():
        module, _, attribute = target.partition(":")
        found[name] = getattr(import_module(module), attribute)()
    for entry in entry_points(group=GROUP):
        if BUILT_IN.get(entry.name) != entry.value:
            name = _free(entry, found)
            found[name] = _loaded(entry)
    return found


def _free(entry: EntryPoint, found: dict[str, TwinKind]) -> str:
    if entry.name in found:
        raise InputError(
            f"{entry.value} calls itself {entry.name!r}, as another kind of twin does",
            hint="uninstall one of the two packages",
            kind="kind_taken",
        )
    return entry.name


def _loaded(entry: EntryPoint) -> TwinKind:
    try:
        kind: TwinKind = entry.load()()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"the kind of twin {entry.name!r} does not load: {error}",
            hint=f"repair or uninstall the package that brings {entry.value}",
            kind="broken_kind",
        ) from error
    return kind
