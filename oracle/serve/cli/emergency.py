"""``medtwin emergency``: break the glass, close it, review it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ...errors import InputError
from ...rights import emergency
from ...rights.mint import parse_twin_id
from . import options
from .console import tell
from .options import As, categories, signer, suite

ROLES = ("clinician", "reviewer")

app = typer.Typer(
    help="Two clinicians open a patient's data for hours; somebody else reviews it. The patient must have let "
    "the emergency contract in (medtwin consent grant ... --to emergency --purpose emergency).",
    no_args_is_help=True,
)


@app.command()
def appoint(
    who: Annotated[str, typer.Argument(help="Address or key name.")],
    role: Annotated[str, typer.Option(help="clinician or reviewer.")],
    administrator: As = "",
) -> None:
    """Let an account open or review emergencies; the hospital's administrator decides."""
    if role not in ROLES:
        raise InputError(f"{role!r} is not a role", hint=f"known: {', '.join(ROLES)}")
    mined = options.appoint("EmergencyAccess", role, who, administrator)
    tell(f"{who} is {role} since block {mined.block}", {"account": who, "role": role, "block": mined.block})


@app.command("open")
def open_(
    twin: str,
    second: Annotated[str, typer.Option("--second", metavar="KEY", help="Keystore of the second clinician.")],
    reason: Annotated[str, typer.Option(help="cardiac_arrest, unconscious, major_trauma, sepsis, other_life_threat.")],
    category: Annotated[str, typer.Option(help="Kinds of data, comma-separated.")],
    clinician: As = "",
) -> None:
    """Open; the patient sees it at once. It ends by itself and must be reviewed."""
    try:
        code = emergency.Reason[reason.upper()]
    except KeyError:
        known = ", ".join(one.name.lower() for one in emergency.Reason)
        raise InputError(f"{reason!r} is not a reason", hint=f"known: {known}") from None
    opened = emergency.open_emergency(
        suite(), signer(clinician), signer(second), parse_twin_id(twin), categories=categories(category), reason=code
    )
    tell(
        f"open until {datetime.fromtimestamp(opened.expiry_s, UTC):%H:%M} UTC, use {opened.use_id}; "
        f"to be reviewed by {datetime.fromtimestamp(opened.review_by_s, UTC):%Y-%m-%d %H:%M}",
        {"use": opened.use_id, "expiry": opened.expiry_s, "review_by": opened.review_by_s, "gas": opened.mined.gas},
        next_step=f"medtwin fetch {twin} --purpose emergency --through emergency --out data.csv",
    )


@app.command()
def close(use: int, party: As = "") -> None:
    """End it early; by either clinician or the patient."""
    mined = emergency.close(suite(), signer(party), use)
    tell(f"use {use} is closed since block {mined.block}", {"use": use, "block": mined.block})


@app.command()
def review(
    use: int,
    justified: Annotated[bool, typer.Option("--justified/--unjustified", help="The judgement.")],
    reviewer: As = "",
) -> None:
    """Judge a use, once; an unjustified one suspends both clinicians."""
    mined = emergency.review(suite(), signer(reviewer), use, justified=justified)
    tell(
        f"use {use} was {'justified' if justified else 'not justified: both clinicians are suspended'}",
        {"use": use, "justified": justified, "block": mined.block},
    )
