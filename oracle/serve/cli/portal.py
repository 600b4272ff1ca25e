"""``medtwin portal``: serve the pages for patients, researchers, clinicians, engineers and auditors."""

from __future__ import annotations

from typing import Annotated

import typer

from ...settings import Settings
from .console import ERRORS
from .options import signer

app = typer.Typer(help="Serve the portal's pages.", no_args_is_help=True)


@app.command()
def serve(
    key: Annotated[
        str, typer.Option("--as", metavar="KEY", help="Keystore that pays for what people sign; none: they pay.")
    ] = "",
    port: Annotated[int, typer.Option(help="On loopback.", min=1, max=65535)] = 8720,
    site: Annotated[
        str, typer.Option(help="Its name in people's browsers, as portal.hospital.example; passkeys belong to it.")
    ] = "",
    demo: Annotated[
        bool, typer.Option("--demo", help="Offer the accounts of the development mnemonic, whose keys everybody knows.")
    ] = False,
) -> None:
    """Serve until stopped. Put a TLS proxy in front before anyone beyond this machine may come."""
    from ..portal.app import serve as serve_http  # a web server, which the other commands do not need
    from ..portal.portal import portal_of

    settings = Settings.read()
    portal = portal_of(settings, signer(key) if key else None, site or f"localhost:{port}", demo=demo)
    if not settings.witnesses:
        ERRORS.print("no witness: name another endpoint of the chain in MEDTWIN_WITNESSES, which pages ask themselves")
    ERRORS.print(f"portal on http://localhost:{port}", highlight=False)
    serve_http(portal, port=port)
