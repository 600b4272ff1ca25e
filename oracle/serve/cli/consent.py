"""``medtwin consent``: grant, revoke, list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ...rights import consent
from ...rights.mint import parse_twin_id
from .console import listing, tell
from .options import As, PurposeName, categories, grantee_of, names, purposes, signer, suite

app = typer.Typer(help="Grant access, revoke it in one step, see who has it.", no_args_is_help=True)


@app.command()
def grant(
    twin: str,
    to: Annotated[str, typer.Option(help="Address or key name, or oracle, emergency, case.")],
    purpose: PurposeName,
    category: Annotated[str, typer.Option(help="Kinds of data, comma-separated: vitals, waveform, ...")],
    days: Annotated[float, typer.Option(help="For how many days; there is no 'for ever'.")],
    owner: As = "",
) -> None:
    """Let somebody use some of a twin's data, for a purpose, for a time."""
    chain, twin_id = suite(), parse_twin_id(twin)
    grantee = grantee_of(chain, to)
    mined = consent.grant(
        chain, signer(owner), twin_id, grantee,
        categories=categories(category), purposes=purposes(purpose), days=days,
    )  # fmt: skip
    tell(
        f"{grantee} may use {category} for {purpose} for {days:g} days ({mined.gas:,} gas)",
        {"twin": hex(twin_id), "grantee": grantee, "block": mined.block, "gas": mined.gas},
        next_step=f"medtwin consent revoke {twin_id:#x} --from {to}  ends it at any time",
    )


@app.command()
def revoke(
    twin: str,
    grantee: Annotated[str, typer.Option("--from", help="Address or key name, or oracle, emergency, case.")],
    owner: As = "",
) -> None:
    """End a grant now. From that block on nothing not yet fetched can be opened."""
    chain, twin_id = suite(), parse_twin_id(twin)
    address = grantee_of(chain, grantee)
    ended = consent.revoke(chain, signer(owner), twin_id, address)
    refund = f"; {ended.refund} units refunded" if ended.refund else ""
    tell(
        f"{address} is locked out since block {ended.mined.block}{refund}",
        {"grantee": address, "block": ended.mined.block, "refund": ended.refund, "refund_failed": ended.refund_failed},
    )


@app.command("list")
def list_(twin: str) -> None:
    """Everyone who ever had access, and whether they have it now."""
    found = consent.consents(suite(), parse_twin_id(twin))
    listing(
        ("grantee", "data", "purpose", "until (UTC)", "active", "purchased"),
        [
            (
                one.grantee,
                names(one.categories),
                names(one.purposes),
                f"{datetime.fromtimestamp(one.expiry_s, UTC):%Y-%m-%d %H:%M}",
                one.active,
                one.purchased,
            )
            for one in found
        ],
        empty="nobody was ever granted access",
    )
