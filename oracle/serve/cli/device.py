"""``medtwin device``: pair devices, cut them off, and feed back to them within bounds."""

from __future__ import annotations

import os
import time
from typing import Annotated

import typer

from ...errors import InputError, RevertedError
from ...records import to_e6
from ...reports import command
from ...rights.consent import DAY_S
from ...rights.mint import parse_twin_id
from ...rights.pair import pair as pair_device
from ...rights.pair import unpair
from ...settings import open_portal
from . import options
from .console import ERRORS, tell
from .options import As, address_of, signer, suite

NONCE_BYTES = 16
LOOK_EVERY_S = 1.0

app = typer.Typer(help="Pair a device with a twin; cut one off; feed back to it, within bounds.", no_args_is_help=True)
Code = Annotated[str, typer.Option("--code", help="What is set: heart_rate_alarm_high and the like.")]


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


@app.command()
def appoint(who: Annotated[str, typer.Argument(help="Address or key name.")], administrator: As = "") -> None:
    """Let an account set bounds for commands to devices; the hospital's administrator decides."""
    mined = options.appoint("DeviceLoop", "safety", who, administrator)
    tell(f"{who} may set bounds since block {mined.block}", {"account": who, "block": mined.block})


@app.command()
def bound(
    device: Annotated[str, typer.Argument(help="Address, or name of its keystore.")],
    code: Code,
    low: Annotated[float, typer.Option(help="Lowest value, in the code's unit.")],
    high: Annotated[float, typer.Option(help="Highest value.")],
    interval: Annotated[int, typer.Option(help="Shortest time between two commands (s).", min=0)] = 60,
    officer: As = "",
) -> None:
    """Set the bounds of a command; outside them nothing is sent."""
    known = _code(code)
    low_e6, high_e6 = (to_e6(value) for value in (low, high))
    mined = suite().write(
        signer(officer), "DeviceLoop", "setEnvelope", address_of(device), int(known), low_e6, high_e6, interval
    )
    tell(
        f"{code} lies between {low:g} and {high:g} {command.UNITS[known]}, every {interval} s at most",
        {"device": address_of(device), "code": int(known), "low_e6": low_e6, "high_e6": high_e6, "block": mined.block},
    )


@app.command()
def propose(
    device: Annotated[str, typer.Argument(help="Address, or name of its keystore.")],
    code: Code,
    value: Annotated[float, typer.Option(help="In the code's unit.")],
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="The clinician who is to sign: address or key name.")],
    portal: Annotated[str, typer.Option(help="The portal, as browsers have it.")] = "http://localhost:8720",
    minutes: Annotated[int, typer.Option(help="How long it may wait for the device's answer.", min=1, max=55)] = 30,
    proposer: As = "",
) -> None:
    """Lay a command before a clinician; without the signature nothing is sent."""
    chain, clinician, known = suite(), address_of(to), _code(code)
    address = address_of(device)
    proposed = command.Command(
        address, chain.read("DeviceRegistry", "deviceOf", address).twinId, int(known), to_e6(value), clinician,
        int.from_bytes(os.urandom(NONCE_BYTES), "big"), int(time.time()) + 60 * minutes,
    )  # fmt: skip
    message = dict(zip(command.FIELDS, proposed.fields(), strict=True))
    number = open_portal(portal, signer(proposer), chain).propose("Command", clinician, message)
    tell(f"proposed: {code} {value:g} {command.UNITS[known]}; it waits for the signature", {"proposal": number})


@app.command()
def listen(
    device: Annotated[str, typer.Argument(help="Keystore of the device.")],
    limit: Annotated[
        list[str] | None,
        typer.Option(help="What the device itself accepts, as heart_rate_alarm_high=90:140; all else it rejects."),
    ] = None,
    payer: As = "",
    once: Annotated[bool, typer.Option("--once", help="Look once, instead of until stopped.")] = False,
) -> None:
    """Stand for a device: take commands from the chain, answer each, signed by the device."""
    chain, key = suite(), signer(device)
    sender = signer(payer) if payer else key
    limits = command.parse_limits(limit or [])
    if not once:
        ERRORS.print(f"device {key.address} listens", highlight=False)
    while True:
        try:
            for one in command.answer_all(chain, key, sender, limits):
                said = "acknowledged" if one.accepted else "rejected"
                tell(
                    f"{said}: {command.name_of(one.command.code)} {one.command.value_e6 / 1e6:g}",
                    {"command": one.command_id, "accepted": one.accepted, "block": one.mined.block},
                )
        except RevertedError as error:  # it ran out while the answer was on its way
            ERRORS.print(f"not answered: {error.sentence}", highlight=False)
        if once:
            return
        time.sleep(LOOK_EVERY_S)


def _code(text: str) -> command.Code:
    try:
        return command.Code[text.upper()]
    except KeyError:
        known = ", ".join(code.name.lower() for code in command.Code)
        raise InputError(f"{text[:60]!r} is no command", hint=f"known: {known}", kind="bad_code") from None
