"""``medtwin demo``: the whole story on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...settings import Settings
from ..demo import play
from .console import ERRORS, OUTPUT
from .options import kind_named


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(demo)


def demo(
    source: Annotated[
        str, typer.Option(help="Whose recordings: pulse (shipped) or icu2012 (medtwin data get icu2012).")
    ] = "pulse",
    chain: Annotated[str, typer.Option(help="embedded, ganache, or the address of a development chain.")] = "embedded",
    store: Annotated[str, typer.Option(help="embedded, or ipfs://host:port.")] = "embedded",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the same facts for programs.")
    ] = None,
) -> None:
    """Twins, consent, sealing, predictions, a purchase, a revocation, attacks and the audit, on real recordings."""
    facts = play(kind_named(source), OUTPUT, chain=chain, store=store, data=Settings.read().data)
    if json_file is not None:
        facts.write(json_file)
        ERRORS.print(f"facts written to {json_file}", highlight=False)
