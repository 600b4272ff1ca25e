"""``medtwin node``: run one of the oracle's nodes."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.progress import track

from ...adapters.owned import owned
from ...adapters.peer_http import HttpPeers
from ...batches.anchored import batched_twins
from ...errors import Denied
from ...formats.bundles import MOST_REPORTS
from ...records import Deployment
from ...reports.due import AT_ONCE, NotReported, due, report_all
from ...reports.memory import check_memory
from ...reports.quorum import config_digest
from ...reports.rotation import refuse_old
from ...settings import Settings, node_folder, open_suites
from ...twins import Kind, kinds
from ...wiring import (
    drift_memory,
    indexed,
    open_member,
    open_onlooker,
    open_reporter,
    open_workers,
    together,
    watched_kinds,
)
from .console import ERRORS, tell
from .options import Certificate, Clients, Host, kind_named, signer

Scheduler = Annotated[str, typer.Option(help="Dask scheduler whose workers compute, for example tcp://127.0.0.1:8786.")]
Only = Annotated[list[str] | None, typer.Option("--kind", help="Only these kinds of twin; without it, all.")]
Drift = Annotated[
    str, typer.Option(help="off, tell or suspend: what happens when a model's inputs drift. Needs medtwin\\[drift].")
]
AtOnce = Annotated[int, typer.Option(help="Twins looked at side by side.", min=1, max=256)]
app = typer.Typer(help="Compute predictions, agree with the other nodes, post.", no_args_is_help=True)


@app.command()
def run(
    key: Annotated[
        str,
        typer.Option("--as", metavar="KEY", help="Keystore of this node; it signs and pays. Without one it looks on."),
    ] = "",
    port: Annotated[int, typer.Option(help="For the other nodes.", min=1, max=65535)] = 8711,
    host: Host = "127.0.0.1",
    certificate: Certificate = None,
    clients: Clients = None,
    scheduler: Scheduler = "",
    only: Only = None,
    drift: Drift = "off",
    at_once: AtOnce = AT_ONCE,
    bundle: Annotated[
        int,
        typer.Option(
            help="Reports of its turn that it posts as one bundle; 0: each by itself.", min=0, max=MOST_REPORTS
        ),
    ] = 0,
) -> None:
    """Run until stopped. MEDTWIN_PEERS names the other nodes; between machines there is TLS."""
    from ..listening import Listening  # a web server, which the other commands do not need
    from ..node import Metrics, Running, serve

    listening = Listening(port, host, certificate, clients)
    settings = Settings.read()
    chains, own = open_suites(settings), signer(key) if key or settings.private_key else None
    deployment, endpoints = chains[0].deployment, together(chains)
    chosen = [kind for name, kind in kinds().items() if not only or name in only]
    config = config_digest(deployment, chosen).hex()
    if own is None:
        ERRORS.print(f"no key: looking on from {listening}, nothing is signed or sent", highlight=False)
        looking = Running(open_onlooker(settings, endpoints, chosen), Metrics(), endpoints=endpoints)
        serve(looking, "", deployment.genesis.hex(), config, listening)
        return
    refuse_old(endpoints, deployment)
    _check_node(own.address, deployment)
    if not settings.peers:
        ERRORS.print("no peers: name the other nodes in MEDTWIN_PEERS, else nothing will ever have a quorum")
    with owned(node_folder(settings, own.address, deployment)) as folder, open_workers(scheduler) as compute:
        watched = watched_kinds(folder, chosen, drift, ERRORS.print) if drift != "off" else []
        looked_at = watched or chosen
        member = open_member(
            settings, folder, own, endpoints, looked_at, deployment, compute=compute, at_once=at_once, bundle=bundle
        )
        ERRORS.print(f"node {own.address} on {listening}", highlight=False)
        peers = member.peers if isinstance(member.peers, HttpPeers) else None
        running = Running(member, Metrics(), peers=peers, endpoints=endpoints, watched=watched)
        serve(running, own.address, deployment.genesis.hex(), config, listening)


@app.command()
def report(
    keys: Annotated[list[str], typer.Option("--as", metavar="KEY", help="Keystores of nodes; name a quorum of them.")],
    scheduler: Scheduler = "",
    only: Only = None,
    drift: Drift = "off",
    at_once: AtOnce = AT_ONCE,
) -> None:
    """Report on every twin that is due, in one pass, with keys of nodes that are on this machine. The first one pays."""
    settings = Settings.read()
    chains, own = open_suites(settings), [signer(key) for key in keys]
    deployment, chain = chains[0].deployment, indexed(settings, together(chains))
    chosen = [kind for name, kind in kinds().items() if not only or name in only]
    refuse_old(chain, deployment)
    for one in own:
        _check_node(one.address, deployment)
    with ExitStack() as stack:
        compute = stack.enter_context(open_workers(scheduler))
        folders = [stack.enter_context(owned(node_folder(settings, one.address, deployment))) for one in own]
        nodes = [open_reporter(settings, *place, chain, compute) for place in zip(folders, own, strict=True)]
        chain.settle(own[0])
        for node in nodes:
            check_memory(node)
        watched = watched_kinds(folders[0], chosen, drift, ERRORS.print) if drift != "off" else chosen
        known: dict[bytes, Kind] = {kind.model_digest: kind for kind in watched}
        places = due(chain, nodes[0].store, known, list(batched_twins(chain, nodes[0].store)))
        reports = report_all(nodes, own[0], known, places, at_once=at_once)
        shown = track(reports, "reporting", len(places), console=ERRORS, disable=not ERRORS.is_terminal)
        left = [one for one in shown if isinstance(one, NotReported)]
    why = Counter(one.error.kind for one in left)
    tell(
        f"{len(places) - len(left)} of {len(places)} due reports are on the chain"
        + "".join(f"; {count} not: {kind}" for kind, count in why.most_common()),
        {"due": len(places), "reported": len(places) - len(left), "not_reported": dict(why)},
    )


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


def _check_node(address: str, deployment: Deployment) -> None:
    if address not in deployment.signers:
        raise Denied(
            f"{address} is not one of the oracle's nodes",
            hint=f"they are {', '.join(deployment.signers)}",
            kind="not_a_node",
        )
