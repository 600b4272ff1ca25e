"""``medtwin audit``: every look and every refusal, verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import audit, erase
from ...mint import parse_twin_id
from ...settings import Settings, open_custodians, open_store, open_suite
from ...wiring import open_indexed
from .console import listing, tell

app = typer.Typer(help="Who looked, who was refused, and whether the record is whole.", no_args_is_help=True)


@app.command()
def show(twin: Annotated[str, typer.Argument(help="One twin, or nothing for all.")] = "") -> None:
    """The timeline: chain events and custodians' receipts together."""
    settings = Settings.read()
    entries = {one.address: audit.entries_of(one) for one in open_custodians(settings)}
    wanted = parse_twin_id(twin) if twin else None
    events = [e for e in audit.timeline(open_indexed(settings), entries) if wanted is None or e.twin_id == wanted]
    listing(
        ("time (UTC)", "who", "what", "twin", "purpose", "outcome"),
        [
            (f"{e.time:%Y-%m-%d %H:%M:%S}", e.who, e.what, hex(e.twin_id) if e.twin_id else "", e.purpose, e.outcome)
            for e in events
        ],
        empty="nothing has happened yet",
    )


@app.command()
def verify() -> None:
    """Check every custodian's receipts against the roots on the chain."""
    settings = Settings.read()
    entries = {one.address: audit.entries_of(one) for one in open_custodians(settings)}
    verified = audit.verify_receipts(open_suite(settings), entries)
    tell(
        f"{verified.receipts} receipts are whole: none deleted, reordered or altered",
        {"receipts": verified.receipts, "verified": True},
    )


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="A certificate of erasure, as JSON.", exists=True, dir_okay=False)],
) -> None:
    """Check a certificate of erasure against the chain, the custodians' signatures and the store."""
    settings = Settings.read()
    read = erase.from_json(file.read_text("utf-8"))
    erase.verify_certificate(open_suite(settings), open_store(settings.store), read)
    tell(
        f"the certificate holds: {len(read.statements)} keys destroyed, none of {len(read.blocks)} blocks left here",
        {"twin": hex(read.twin_id), "verified": True},
    )
