"""``medtwin deploy`` and ``medtwin dev``: the suite on a chain, and a whole hospital to develop against."""

from __future__ import annotations

import signal
from typing import Annotated

import typer
from rich.markup import escape

from ... import deploy as deploying
from ...errors import InputError
from ...settings import Settings, open_chain
from ..devnet import CUSTODIAN_PORT, PORTAL_PORT, home_of, hospital, watch
from .console import ERRORS, OUTPUT, listing, tell
from .options import As, KindName, kind_named, signer

NODES_OF_DEVELOPMENT_CHAIN = slice(1, 5)


def register(app: typer.Typer) -> None:
    """Add the two commands to the root."""
    app.command()(deploy)
    app.command()(dev)


def deploy(
    deployer: As = "",
    node: Annotated[
        list[str] | None,
        typer.Option(help="An oracle node's address; repeat. Default: a development chain's accounts 1 to 4."),
    ] = None,
    faulty: Annotated[
        int, typer.Option(help="How many nodes may lie; needs 3 times as many nodes, and one.", min=0)
    ] = 1,
    token: Annotated[
        str | None, typer.Option(help="ERC-20 to be paid in; without one a test token is deployed.")
    ] = None,
) -> None:
    """Deploy the suite on MEDTWIN_CHAIN and write the deployment file."""
    settings = Settings.read()
    with open_chain(settings.chain) as opened:
        nodes = node or list(opened.web3.eth.accounts[NODES_OF_DEVELOPMENT_CHAIN])
        if not nodes:
            raise InputError("no oracle nodes were named", hint="name each: --node ADDRESS")
        suite = opened.deploy(signer(deployer), nodes, faulty, token=token)
    deploying.save(suite.deployment, settings.deployment)
    tell(
        f"{len(suite.deployment.contracts)} contracts on chain {suite.chain_id}; written to {settings.deployment}",
        {"chain": suite.chain_id, "contracts": suite.deployment.contracts, "file": str(settings.deployment)},
        next_step="medtwin doctor",
    )


def dev(
    port: Annotated[int, typer.Option(help="Where Ganache listens.", min=1, max=65535)] = 8545,
    kind: KindName = "pulse",
    custodian_port: Annotated[
        int, typer.Option(help="Where the first of the three custodians listens.", min=1, max=65533)
    ] = CUSTODIAN_PORT,
    portal_port: Annotated[int, typer.Option(help="Where the portal listens.", min=1, max=65535)] = PORTAL_PORT,
) -> None:
    """Run Ganache, the suite, custodians, nodes, the portal, two patients and a researcher, until Ctrl-C."""
    read = Settings.read()
    settings = home_of(read, read.home_chosen, custodian_port)
    twin_kind = kind_named(kind)

    def say(line: str) -> None:
        ERRORS.print(f"[green]✓[/] {escape(line)}", highlight=False)

    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background job ignores it
        signal.signal(ending, signal.default_int_handler)
    with hospital(settings, twin_kind, port, say, portal_port=portal_port) as running:
        contracts = running.chain.deployment.contracts
        listing(("contract", "address"), list(contracts.items()), empty="")
        listing(("account", "address"), [(role, key.address) for role, key in running.keys.items()], empty="")
        first = f"{running.twins[0]:#x}"
        ERRORS.print("\nIn another terminal:", highlight=False)
        OUTPUT.print(
            f"export MEDTWIN_HOME={settings.home} MEDTWIN_PASSWORD={settings.password} "
            f"MEDTWIN_CHAIN=http://127.0.0.1:{port} MEDTWIN_STORE={settings.store} "
            f"MEDTWIN_DEPLOYMENT={settings.deployment.resolve()} MEDTWIN_CUSTODIANS={','.join(settings.custodians)}"
        )
        OUTPUT.print(f"medtwin predict {first} --kind {kind}")
        OUTPUT.print(f"medtwin market buy {first} --days 7 --as researcher")
        OUTPUT.print(f"medtwin fetch {first} --purpose research_health --kind {kind} --as researcher --out data.csv")
        ERRORS.print("\nThe mnemonic is Ganache's usual one for tests. Ctrl-C stops everything.", highlight=False)
        watch(running, twin_kind, say)
