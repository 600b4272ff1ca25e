"""``medtwin device``: pair devices and cut them off."""

from __future__ import annotations

from typing import Annotated

import typer

from ...consent import DAY_S
from ...mint import parse_twin_id
from ...pair import pair as pair_device
from ...pair import unpair
from .console import tell
from .options import As, address_of, signer, suite

app = typer.Typer(help="Pair a device with a twin; cut one off.", no_args_is_help=True)


@app.command()
def pair(
    twin: str,
    device: Annotated[str, typer.Option("--device", metavar="KEY", help="Keystore of the device.")],
    owner: As = "",
    days: Annotated[int, typer.Option(help="How long the calibration is valid.", min=1)] = 180,
) -> None:
    """Pair: the device signs, and the owner's key sends it."""
    chain = suite()
    twin_id = parse_twin_id(twin)
    until = chain.head().time_s + days * DAY_S
    key = signer(device)
    mined = pair_device(chain, signer(owner), key, twin_id, until)
    tell(
        f"device {key.address} speaks for twin {twin_id:#x}, calibrated for {days} days",
        {"device": key.address, "twin": hex(twin_id), "calibrated_until": until, "gas": mined.gas},
        next_step=f"medtwin publish {twin_id:#x} FILE.csv --device {device}",
    )


@app.command()
def revoke(device: Annotated[str, typer.Argument(help="Address, or name of its keystore.")], owner: As = "") -> None:
    """Cut a device off at once."""
    address = address_of(device)
    mined = unpair(suite(), signer(owner), address)
    tell(f"device {address} is cut off since block {mined.block}", {"device": address, "block": mined.block})
