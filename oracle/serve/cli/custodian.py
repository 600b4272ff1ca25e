"""``medtwin custodian``: run one of the parties that hold key shares."""

from __future__ import annotations

from typing import Annotated

import typer

from ...settings import Settings, custodian_folder, open_custodian, open_suites
from .console import ERRORS
from .options import signer

app = typer.Typer(help="Hold key shares; release them when the chain allows, with a receipt.", no_args_is_help=True)


@app.command()
def serve(
    key: Annotated[str, typer.Option("--as", metavar="KEY", help="Keystore of this custodian.")],
    port: Annotated[int, typer.Option(help="On loopback.", min=1, max=65535)] = 8701,
) -> None:
    """Serve until stopped. Put a TLS proxy in front before anyone beyond this machine may ask."""
    from ..custodian import serve as serve_http  # a web server, which the other commands do not need

    settings = Settings.read()
    chains, own = open_suites(settings), signer(key)
    folder = custodian_folder(settings, own.address, chains[0].deployment)
    custodian = open_custodian(folder, own, chains, depth=settings.depth, longest_silence_s=settings.longest_silence_s)
    custodian.check_log()
    if len(chains) == 1:
        ERRORS.print("one chain endpoint: name a second in MEDTWIN_CHAIN, so that one that lies cannot open anything")
    ERRORS.print(f"custodian {own.address} on http://127.0.0.1:{port}", highlight=False)
    serve_http(custodian, chains[0], port=port)
