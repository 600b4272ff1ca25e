"""Draw ``docs/demo.svg`` from a real run of the demo: its acts four to seven, as the terminal shows them.

Run ``python -m scripts.picture`` after the demo's words have changed.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from rich.console import Console

from oracle.serve.demo import play
from oracle.settings import Settings
from oracle.twins import kinds

TARGET = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"
WIDTH = 110
SHOWN = range(4, 8)


class ActConsole(Console):
    """A console that records some of the demo's acts; the first act names folders of this machine."""

    def rule(self, title: Any = "", **options: Any) -> None:
        """Begin an act, and record it if it is among those shown."""
        self.record = _number(str(title)) in SHOWN
        super().rule(title, **options)


def draw(kind: str = "pulse") -> str:
    """Play the demo once; the picture as SVG."""
    console = ActConsole(width=WIDTH, file=io.StringIO(), record=True, color_system="truecolor")
    console.record = False
    play(kinds()[kind], console, chain="embedded", store="embedded", data=Settings.read().data)
    drawn = console.export_svg(title="medtwin demo", unique_id="medtwin")
    return re.sub(r"<!--.*?-->|@font-face {.*?}", "", drawn, flags=re.DOTALL)  # fonts would come from elsewhere


def _number(title: str) -> int:
    head = title.rpartition("]")[2].partition(".")[0]
    return int(head) if head.isdigit() else 0


if __name__ == "__main__":
    TARGET.write_text(draw(), "utf-8")
    print(f"wrote docs/{TARGET.name}")
