"""A ward of these tests: a patient's device behind a followed gateway, and things that break."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.adapters.box import SqliteBox
from oracle.adapters.chain import Web3Chain
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.anchored import (
    anchored_batches,
)
from oracle.batches.edge import Gateway
from oracle.batches.publish import Edge, prepare
from oracle.records import Outgoing, Readings, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

DAY_S = 86_400


class Killed(Exception):
    """The process died here."""


class Breaking:
    """Stands before a real thing; `method` dies or fails as told, `times` times."""

    def __init__(
        self, real: Any, method: str, *, after: bool = False, how: Exception | None = None, times: int = 1
    ) -> None:
        self._real, self._method, self._after, self._how, self._times = real, method, after, how or Killed(), times

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._method or not self._times:
            return found

        def broken(*args: Any, **options: Any) -> Any:
            self._times -= 1
            if self._after:
                found(*args, **options)
            raise self._how

        return broken


@dataclass
class Ward:
    """A followed gateway in front of a patient's device."""

    stage: Stage
    twin: Twin
    chain: Web3Chain
    gateway: Gateway
    path: Path

    def seal(self, *batches: Readings) -> list[Outgoing]:
        """What the device seals and signs, and hands over."""
        return [prepare(self.twin.edge, readings) for readings in batches]

    def again(self, **change: Any) -> Gateway:
        """The gateway after its process died: only its file is left."""
        return replace(self.gateway, box=SqliteBox(self.path), **change)

    def epochs(self) -> list[Any]:
        """What stands on the chain."""
        return self.chain.events("EpochAnchor", "EpochAnchored")

    def batches(self) -> list[Any]:
        """What everybody finds of the twin."""
        return anchored_batches(self.chain, self.twin.twin_id, self.gateway.store)


def recorded_later(recorded: Callable[..., Readings], ward: Ward, count: int) -> list[Readings]:
    """Several recordings, one after the other, all past."""
    end = ward.stage.now_s() * 1000
    return [recorded(end_ms=end - 5_000 * (count - 1 - at), heart=70 + at) for at in range(count)]


def second_device(ward: Ward, tmp_path: Path) -> tuple[Edge, int]:
    """Another patient with a device, under the same roof."""
    stage, owner, device = ward.stage, ward.stage.person(), new_signer()
    twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(stage.chain, owner, twin_id)
    pair(stage.chain, owner, device, twin_id, stage.now_s() + DAY_S)
    outbox = SqliteOutbox(tmp_path / "second.sqlite", device.address, "test")
    return replace(ward.twin.edge, device=device, twin_id=twin_id, outbox=outbox), twin_id
