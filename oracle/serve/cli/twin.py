"""``medtwin twin``: mint and show twins."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ...records import TwinClass
from ...rights import mint as minting
from ...settings import Settings
from ...wiring import open_indexed
from .console import listing, tell
from .options import As, signer, suite

app = typer.Typer(help="Mint a twin; show what the chain knows of it.", no_args_is_help=True)


@app.command()
def mint(
    owner: As = "",
    of: Annotated[str, typer.Option("--of", help="What it stands for: patient, equipment or ward.")] = "patient",
) -> None:
    """Mint a twin to the key that signs. Its id is random and says nothing about a person."""
    twin_class = _twin_class(of)
    twin_id = minting.new_twin_id(twin_class, os.urandom)
    key = signer(owner)
    mined = minting.mint(suite(), key, twin_id)
    tell(
        f"twin {twin_id:#x} belongs to {key.address} ({mined.gas:,} gas)",
        {"twin": hex(twin_id), "owner": key.address, "block": mined.block, "gas": mined.gas},
        next_step=f"medtwin device pair {twin_id:#x} --device KEY --as {owner or 'KEY'}",
    )


@app.command()
def show(twin: str) -> None:
    """Owner, devices and number of batches of a twin."""
    state = minting.twin_state(open_indexed(Settings.read()), minting.parse_twin_id(twin))
    listing(
        ("twin", "of", "owner", "devices", "batches", "epoch", "retired"),
        [
            (
                hex(state.twin_id),
                state.twin_class.name.lower(),
                state.owner,
                " ".join(state.devices) or "none",
                state.batches,
                state.epoch,
                state.retired,
            )
        ],
        empty="",
    )


def _twin_class(text: str) -> TwinClass:
    try:
        return TwinClass[text.upper()]
    except KeyError:
        raise typer.BadParameter(f"{text!r} is not patient, equipment or ward") from None
