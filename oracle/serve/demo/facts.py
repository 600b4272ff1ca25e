"""What happened in the demo, for programs: the object ``--json`` writes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Facts:
    """Filled in as the story goes; every value is measured or read back, never assumed."""

    chain: dict[str, Any] = field(default_factory=dict)
    store: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    twins: list[str] = field(default_factory=list)
    readings: int = 0
    batches: int = 0
    predictions: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, str]] = field(default_factory=list)
    audit: dict[str, Any] = field(default_factory=dict)
    gas: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    revocation: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    def refuse(self, kind: str, reason: str) -> None:
        """Note that something was refused, as it had to be."""
        self.refusals.append({"kind": kind, "reason": reason})

    def write(self, path: Path) -> None:
        """Write the facts as one JSON object."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
