"""``medtwin node``: run one of the oracle's nodes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...adapters.owned import owned
from ...adapters.peer_http import HttpPeers
from ...errors import Denied, InputError
from ...reports.quorum import config_digest
from ...settings import Settings, node_folder, open_suites
from ...twins import kinds
from ...wiring import drift_memory, open_member, open_onlooker, open_workers, together, watched_kinds
from .console import ERRORS, tell
from .options import kind_named, signer

AT_ONCE = 16
"""Twins looked at side by side with workers."""
app = typer.Typer(help="Compute predictions, agree with the other nodes, post.", no_args_is_help=True)


@app.command()
def run(
    key: Annotated[
        str,
        typer.Option("--as", metavar="KEY", help="Keystore of this node; it signs and pays. Without one it looks on."),
    ] = "",
    port: Annotated[int, typer.Option(help="On loopback, for the other nodes.", min=1, max=65535)] = 8711,
    scheduler: Annotated[
        str, typer.Option(help="Dask scheduler whose workers compute, for example tcp://127.0.0.1:8786.")
    ] = "",
    only: Annotated[list[str] | None, typer.Option("--kind", help="Only these kinds of twin; without it, all.")] = None,
    drift: Annotated[
        str,
        typer.Option(help="off, tell or suspend: what happens when a model's inputs drift. Needs medtwin\\[drift]."),
    ] = "off",
) -> None:
    """Run until stopped. MEDTWIN_PEERS names the other nodes; a TLS proxy belongs between machines."""
    from ..node import Metrics, Running, serve  # a web server, which the other commands do not need

    if scheduler and drift != "off":
        raise InputError(
            "workers compute what the package says, without a watch for drift",
            hint="give --scheduler or --drift",
        )
    settings = Settings.read()
    chains, own = open_suites(settings), signer(key) if key or settings.private_key else None
    deployment, endpoints = chains[0].deployment, together(chains)
    chosen = [kind for name, kind in kinds().items() if not only or name in only]
    config = config_digest(deployment, chosen).hex()
    if own is None:
        ERRORS.print(f"no key: looking on from http://127.0.0.1:{port}, nothing is signed or sent", highlight=False)
        looking = Running(open_onlooker(settings, endpoints, chosen), Metrics(), endpoints=endpoints)
        serve(looking, "", deployment.genesis.hex(), config, port=port)
        return
    if own.address not in deployment.signers:
        raise Denied(
            f"{own.address} is not one of the oracle's nodes",
            hint=f"they are {', '.join(deployment.signers)}",
            kind="not_a_node",
        )
    if not settings.peers:
        ERRORS.print("no peers: name the other nodes in MEDTWIN_PEERS, else nothing will ever have a quorum")
    with owned(node_folder(settings, own.address, deployment)) as folder:
        watched = watched_kinds(folder, chosen, drift, ERRORS.print) if drift != "off" else chosen
        workers: dict[str, Any] = {"compute": open_workers(scheduler), "at_once": AT_ONCE} if scheduler else {}
        member = open_member(settings, folder, own, endpoints, watched, deployment, **workers)
        ERRORS.print(f"node {own.address} on http://127.0.0.1:{port}", highlight=False)
        peers = member.peers if isinstance(member.peers, HttpPeers) else None
        running = Running(member, Metrics(), peers=peers, endpoints=endpoints)
        serve(running, own.address, deployment.genesis.hex(), config, port=port)


@app.command()
def resume(
    kind: Annotated[str, typer.Argument(help="The kind of twin whose model may answer again.")],
    key: Annotated[str, typer.Option("--as", metavar="KEY", help="Keystore of this node.")],
) -> None:
    """Let a model that drift suspended answer again on this node, with what comes now as the new usual."""
    settings = Settings.read()
    chains, own = open_suites(settings), signer(key)
    with owned(node_folder(settings, own.address, chains[0].deployment)) as folder:
        drift_memory(folder).resume(kind_named(kind).model_digest)
    tell(f"the model of {kind} may answer again on this node", {"kind": kind})
