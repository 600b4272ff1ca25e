"""``medtwin edge``: a gateway near the devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import deploy
from ...adapters.owned import owned
from ...batches.judge import accuse, find_fault
from ...errors import Denied
from ...settings import Settings, open_store, open_suite, open_suites
from ...wiring import gateway_folder, open_broker, open_gateway, read_bridges, together
from .console import ERRORS, tell
from .options import As, Certificate, Clients, Host, address_of, signer

MIB = 2**20
app = typer.Typer(help="Take what devices signed, post one root for many batches.", no_args_is_help=True)


@app.command()
def run(
    key: Annotated[str, typer.Option("--as", metavar="KEY", help="Keystore of the gateway, a paired device; it pays.")],
    port: Annotated[int, typer.Option(help="For devices.", min=1, max=65535)] = 8731,
    host: Host = "127.0.0.1",
    certificate: Certificate = None,
    clients: Clients = None,
    every: Annotated[float, typer.Option(help="Seconds from one epoch to the next.", min=0.1)] = 5.0,
    drop: Annotated[
        Path | None, typer.Option(help="Folder whose .cbor files are taken, in the order of names.")
    ] = None,
    sensors: Annotated[Path | None, typer.Option(help="JSON file of sensors that the gateway seals for.")] = None,
    most_mib: Annotated[int, typer.Option(help="Disk for what is not on the chain yet.", min=1)] = 4096,
) -> None:
    """Run until stopped. MEDTWIN_MQTT names a broker."""
    from ..edge import Metrics, Running, serve  # a web server, which the other commands do not need
    from ..listening import Listening

    listening = Listening(port, host, certificate, clients)
    settings, own = Settings.read(), signer(key)
    chains = open_suites(settings)
    deployment, endpoints = chains[0].deployment, together(chains)
    with owned(gateway_folder(settings, own.address, deployment)) as folder:
        gateway = open_gateway(settings, folder, own, endpoints, most_bytes=most_mib * MIB)
        if own.address not in dict(deployment.gateways):
            ERRORS.print(f"nobody follows {own.address} yet: medtwin edge follow {own.address}", highlight=False)
        running = Running(gateway, Metrics(), drop=drop, endpoints=endpoints)
        running.bridges = read_bridges(settings, gateway, sensors) if sensors else {}
        stream = running.broker = open_broker(settings, own.address, running.offered)
        ERRORS.print(f"gateway {own.address} on {listening}", highlight=False)
        try:
            serve(running, own.address, deployment.genesis.hex(), listening, every_s=every)
        finally:
            if stream is not None:
                stream.close()


@app.command()
def follow(gateway: Annotated[str, typer.Argument(help="Address, or name of its keystore.")]) -> None:
    """Write a gateway into the deployment file: from the next block on its epochs count. Everybody needs the same file."""
    settings, address = Settings.read(), address_of(gateway)
    chain = open_suite(settings)
    if not chain.read("DeviceRegistry", "deviceOf", address).paired:
        raise Denied(
            f"{address} is not a paired device", hint="pair it, for example with a ward's twin", kind="not_paired"
        )
    changed = deploy.with_gateway(chain.deployment, address, chain.head().number + 1)
    deploy.save(changed, settings.deployment)
    tell(
        f"epochs of {address} count from block {dict(changed.gateways)[address]} on; hand {settings.deployment} to everybody",
        {"gateway": address, "block": dict(changed.gateways)[address]},
    )


@app.command()
def judge(
    gateway: Annotated[str, typer.Argument(help="Address, or name of its keystore.")],
    sender: As = "",
) -> None:
    """Read a gateway's epochs for faults; with a key, bring the first one before the contract, which suspends it."""
    settings, address = Settings.read(), address_of(gateway)
    chain = open_suite(settings)
    fault = find_fault(chain, open_store(settings.store), address)
    if fault is None:
        tell(f"nothing wrong is found in the epochs of {address}", {"gateway": address, "fault": None})
        return
    if sender:
        accuse(chain, signer(sender), fault)
    tell(
        f"{fault.what}; {'the gateway is suspended' if sender else 'nothing was sent'}",
        {"gateway": address, "fault": fault.function, "what": fault.what, "suspended": bool(sender)},
        next_step="" if sender else f"medtwin edge judge {gateway} --as KEY",
    )
