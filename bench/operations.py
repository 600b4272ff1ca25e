"""``make bench-gas``: gas of every operation beside limit and best peer, in ``bench/results/gas.json``.

``python -m bench.operations --docs`` also puts it in the place of the gas in ``docs/figures.md``: after a change of the
contracts it is measured anew within a minute, the rest is not.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from oracle.serve.demo.world import world
from scripts.install_solc import main as install_solc

from . import gas
from .anvil import traced_chain
from .measure import Figure
from .peer_gas import Peers
from .report import RESULTS, print_section, write_docs

RESULT = Path(__file__).parent / "results" / "gas.json"
LIMITS = {  # gas that the fee schedule alone asks for: 21,000, calldata, the slots and logs that must be written
    "mint": 50_600, "grant": 45_500, "regrant": 28_400, "revoke": 23_400, "grant_by_signature": 53_000,
    "is_allowed": 4_600, "list": 43_500, "purchase": 85_000, "anchor": 40_000, "anchor_epoch": 27_600,
    "per_reading": 2.8, "post_prediction": 44_000, "further_signature": 4_100, "receipt_root": 28_700,
}  # fmt: skip
WORDS = {"per reading, 10,000 in an epoch": "per_reading"}


def main() -> None:
    """Measure on a new anvil, print, and write."""
    install_solc()
    with traced_chain() as url, world(url, "embedded", Path()) as scene:
        measured = list(gas.figures(scene, Peers(scene.opened.web3)))
    section = {"name": "gas", "figures": [one.document() for one in measured]}
    print_section(Console(width=150), section)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(table(measured), indent=1) + "\n", "utf-8")
    if "--docs" in sys.argv:
        results = json.loads(RESULTS.read_text("utf-8"))
        dated = section | {"date": datetime.now(UTC).date().isoformat()}
        results["sections"] = [dated if one["name"] == "gas" else one for one in results["sections"]]
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        write_docs()


def table(measured: list[Figure]) -> dict[str, dict[str, Any]]:
    """Operation -> ours, the first peer named for it, and the limit."""
    rows: dict[str, dict[str, Any]] = {}
    for one in measured:
        name = WORDS.get(one.name, one.name)
        found = {
            "ours": round(one.ours, 2),
            "peer": None if one.theirs is None else round(one.theirs, 2),
            "peer_name": one.peer or None,
            "limit": LIMITS[name],
            "goal": one.goal,
        }
        rows.setdefault(name, found)
    return rows


if __name__ == "__main__":
    main()
