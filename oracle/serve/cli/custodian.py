"""``medtwin custodian``: run one of the parties that hold key shares."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from ...custody.rotate import Dealer
from ...custody.rotate import rotate as deal_to
from ...rights.mint import parse_twin_id
from ...settings import (
    Settings,
    custodian_folder,
    open_custodian,
    open_custodians,
    open_store,
    open_suite,
    open_suites,
    threshold_of,
)
from .console import ERRORS, tell
from .options import As, Certificate, Clients, Host, signer

REQUESTS_A_MINUTE = 6_000
ENDPOINT_TIMEOUT_S = 5.0
"""Whoever asks must hear that an endpoint is silent, before it takes the custodian for gone: see adapters/custodian_http.py."""

app = typer.Typer(help="Hold key shares; release them when the chain allows, with a receipt.", no_args_is_help=True)


@app.command()
def serve(
    key: Annotated[str, typer.Option("--as", metavar="KEY", help="Keystore of this custodian.")],
    port: Annotated[int, typer.Option(help="Where it listens.", min=1, max=65535)] = 8701,
    host: Host = "127.0.0.1",
    rate: Annotated[int, typer.Option(help="Requests a minute that one address may make.", min=1)] = REQUESTS_A_MINUTE,
    certificate: Certificate = None,
    clients: Clients = None,
) -> None:
    """Serve until stopped."""
    from ..custodian import serve as serve_http  # a web server, which the other commands do not need
    from ..listening import Listening

    listening = Listening(port, host, certificate, clients)
    settings = Settings.read()
    chains, own = open_suites(settings, ENDPOINT_TIMEOUT_S), signer(key)
    folder = custodian_folder(settings, own.address, chains[0].deployment)
    custodian = open_custodian(folder, own, chains, depth=settings.depth, longest_silence_s=settings.longest_silence_s)
    custodian.check_log()
    if len(chains) == 1:
        ERRORS.print("one chain endpoint: name a second in MEDTWIN_CHAIN, so that one that lies cannot open anything")
    ERRORS.print(f"custodian {own.address} on {listening}", highlight=False)
    serve_http(custodian, chains[0], listening, requests_a_minute=rate)


@app.command()
def rotate(
    twin: str,
    to: Annotated[
        list[str], typer.Option("--to", metavar="URL", help="A custodian from now on; once for each of them.")
    ],
    owner: As = "",
    threshold: Annotated[int, typer.Option(help="How many of them open a batch; more than half if not given.")] = 0,
) -> None:
    """Deal a twin's keys to other custodians; MEDTWIN_CUSTODIANS names those who hold them now. Run again if interrupted."""
    settings, twin_id = Settings.read(), parse_twin_id(twin)
    old, new = open_custodians(settings), open_custodians(replace(settings, custodians=tuple(to)))
    dealer = Dealer(open_suite(settings), open_store(settings.store), signer(owner), os.urandom)
    done = deal_to(dealer, old, new, twin_id=twin_id, threshold=threshold_of(new, threshold or settings.threshold))
    for custodian, why in done.left:
        ERRORS.print(f"custodian {custodian} did not destroy its key for this twin: {why}", highlight=False)
    tell(
        f"{done.batches} batches open with {done.threshold} of {len(done.holders)} custodians; "
        f"{len(done.destroyed)} of the others destroyed their keys",
        {
            "twin": hex(twin_id), "batches": done.batches, "custodians": done.holders, "threshold": done.threshold,
            "destroyed": [one.custodian for one in done.destroyed], "left": [custodian for custodian, _ in done.left],
        },
        next_step=f"export MEDTWIN_CUSTODIANS={','.join(to)}",
    )  # fmt: skip
