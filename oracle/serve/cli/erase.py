"""``medtwin erase``: destroy what can be read of a twin, with a certificate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...custody import erase as erasing
from ...errors import InputError
from ...rights.mint import parse_twin_id
from ...settings import Settings, open_custodians, open_store
from ...wiring import open_indexed
from .console import tell
from .options import As, signer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(erase)


def erase(
    twin: str,
    out: Annotated[Path, typer.Option("--out", help="Certificate to write (JSON; a page for people beside it).")],
    owner: As = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy every key for a twin, remove its blocks, retire it. Cannot be undone; run again if interrupted."""
    settings, twin_id = Settings.read(), parse_twin_id(twin)
    if not yes:
        if not sys.stdin.isatty():
            raise InputError("erasing needs a yes", hint="add --yes")
        typer.confirm(f"Erase twin {twin_id:#x} for good?", abort=True, err=True)
    chain = open_indexed(settings)
    store = open_store(settings.store)
    certificate = erasing.erase(
        chain, store, open_custodians(settings), signer(owner), twin_id, chain.deployment.genesis
    )
    out.write_text(erasing.to_json(certificate), "utf-8")
    out.with_suffix(".html").write_text(erasing.to_html(certificate), "utf-8")
    tell(
        f"{len(certificate.statements)} custodians destroyed their keys, {len(certificate.blocks)} blocks, "
        f"{len(certificate.chunks)} chunks of objects and {len(certificate.beside)} sealed explanations are removed; "
        f"certificate in {out}",
        {
            "twin": hex(twin_id),
            "blocks": len(certificate.blocks),
            "chunks": len(certificate.chunks),
            "explanations": len(certificate.beside),
            "certificate": str(out),
        },
        next_step=f"medtwin audit certificate {out}",
    )
