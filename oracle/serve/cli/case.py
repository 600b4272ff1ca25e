"""``medtwin case``: hand a patient's data from one department to another."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from ...errors import InputError
from ...rights import handoff
from ...rights.mint import parse_twin_id
from . import options
from .console import tell
from .options import As, categories, signer, suite

HOUR_S = 3600
NONCE_BYTES = 16

app = typer.Typer(
    help="Two departments sign a case; it closes itself. The patient must have let the case contract in "
    "(medtwin consent grant ... --to case --purpose care).",
    no_args_is_help=True,
)


@app.command()
def appoint(who: Annotated[str, typer.Argument(help="Address or key name.")], administrator: As = "") -> None:
    """Let an account take part in cases as a department; the hospital's administrator decides."""
    mined = options.appoint("CaseToken", "department", who, administrator)
    tell(f"{who} is a department since block {mined.block}", {"account": who, "block": mined.block})


@app.command("open")
def open_(
    twin: str,
    to: Annotated[str, typer.Option("--to", metavar="KEY", help="Keystore of the receiving department.")],
    category: Annotated[str, typer.Option(help="Kinds of data, comma-separated.")],
    hours: Annotated[float, typer.Option(help="When it closes by itself.", min=0.1, max=168)] = 12,
    origin: As = "",
) -> None:
    """Open a case that both departments sign."""
    chain, sender, receiver = suite(), signer(origin), signer(to)
    case = handoff.Handoff(
        parse_twin_id(twin), sender.address, receiver.address, categories(category),
        chain.head().time_s + int(hours * HOUR_S),
    )  # fmt: skip
    case_id = handoff.open_case(chain, sender, receiver, case, int.from_bytes(os.urandom(NONCE_BYTES), "big"))
    tell(
        f"case 0x{case_id.hex()} is open until {datetime.fromtimestamp(case.expiry_s, UTC):%Y-%m-%d %H:%M} UTC",
        {"case": case_id, "expiry": case.expiry_s},
        next_step=f"medtwin fetch {twin} --purpose care --through case --as {to} --out data.csv",
    )


@app.command()
def close(
    case: str,
    ended: Annotated[bool, typer.Option("--procedure-ended", help="Because the procedure is over.")] = False,
    party: As = "",
) -> None:
    """Close it now; by either department or the patient."""
    try:
        case_id = bytes.fromhex(case.removeprefix("0x"))
    except ValueError:
        raise InputError(f"{case[:80]!r} is not a case", hint="copy it as it was printed when it opened") from None
    mined = handoff.close_case(suite(), signer(party), case_id, procedure_ended=ended)
    tell(f"the case is closed since block {mined.block}", {"case": case_id, "block": mined.block})
