"""``medtwin store``: what the stores hold, and what the chain says they should."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Annotated

import typer

from ...batches.reconcile import Tally, tally
from ...batches.reconcile import reconcile as differences
from ...settings import Settings, open_store
from ...wiring import open_indexed
from .console import listing

app = typer.Typer(help="Where sealed blocks are kept.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Where sealed blocks are kept."""


@app.command()
def reconcile(
    mend: Annotated[bool, typer.Option("--mend", help="Copy what is missing, pin it, remove what was erased.")] = False,
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove what nothing names; not while somebody publishes.")
    ] = False,
) -> None:
    """Compare every store in MEDTWIN_STORE with the chain, block by block; ends with 1 if a difference is left."""
    settings = Settings.read()
    store = open_store(settings.store)
    found = list(differences(open_indexed(settings), getattr(store, "stores", [store]), mend=mend, clear=clear))
    listing(
        ("twin", "block", "store", "what", "pin", "mended"),
        [(hex(one.twin_id), one.digest, one.store, one.what, one.pin, one.mended) for one in found],
        empty="every store holds what the chain says, and nothing that was erased",
    )
    if not all(one.mended for one in found):
        raise typer.Exit(1)


@app.command()
def pins() -> None:
    """How every store in MEDTWIN_STORE pins its blocks, and how many of them differ from what the chain says."""
    settings = Settings.read()
    store = open_store(settings.store)
    listing(
        [one.name.replace("_", " ") for one in fields(Tally)],
        [astuple(one) for one in tally(open_indexed(settings), getattr(store, "stores", [store]))],
        empty="no store is named",
    )
