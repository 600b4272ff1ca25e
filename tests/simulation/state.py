"""What the simulated contracts store after a block, and what changes it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True, slots=True)
class Transaction:
    """What somebody sent; `number` tells equal ones apart."""

    number: int
    sender: str
    function: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Of a device with a twin."""

    at_s: int = 0
    until_s: int = 0
    paired: bool = False


@dataclass(slots=True)
class State:
    """All that the contracts store, and what everybody finds: `counted` are digests of each twin's batches in their order, `said` each
    device's last, `hidden` how many lists were kept back until now, and `stood` how many when the device's last stood.
    """

    signers: tuple[str, ...]
    config: bytes
    known: frozenset[str]
    configs: frozenset[bytes]
    suspended: frozenset[str] = frozenset()
    batches: dict[int, int] = field(default_factory=dict)
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    pairings: dict[tuple[str, int], Pairing] = field(default_factory=dict)
    at_fault: frozenset[str] = frozenset()
    epochs: dict[str, tuple[int, int]] = field(default_factory=dict)
    posted: dict[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    grants: dict[tuple[int, str], SimpleNamespace] = field(default_factory=dict)
    latest: dict[tuple[int, bytes], int] = field(default_factory=dict)
    bundles: frozenset[tuple[bytes, bytes]] = frozenset()
    counted: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    said: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    hidden: int = 0
    stood: dict[str, int] = field(default_factory=dict)

    def copy(self) -> State:
        """So that a block never changes what an earlier one held."""
        held = (getattr(self, one) for one in STORED)
        return State(*(value.copy() if isinstance(value, dict) else value for value in held))

    @property
    def quorum(self) -> int:
        """Signatures a report needs."""
        count = len(self.signers)
        return (count + (count - 1) // 3) // 2 + 1

    def paired_twin(self, device: str) -> int | None:
        """The twin that a device is paired with."""
        return next((twin for (who, twin), one in self.pairings.items() if who == device and one.paired), None)

    def speaks(self, device: str, twin: int, time_s: int) -> bool:
        """Whether a device is paired with a twin, and calibrated."""
        one = self.pairings.get((device, twin), Pairing())
        return one.paired and time_s < one.until_s


STORED = tuple(one.name for one in fields(State))
