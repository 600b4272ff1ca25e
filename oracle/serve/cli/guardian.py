"""``medtwin guardian``: somebody who decides for a twin's person, until a day."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from ...rights import guardian
from ...rights.mint import parse_twin_id
from .console import tell
from .options import As, signer, suite

NONCE_KEY_BYTES = 16
SIGNATURE_LIFE_S = 10 * 60

app = typer.Typer(
    help="A guardian grants and revokes for the person a twin stands for, a child for instance, until a day.",
    no_args_is_help=True,
)
Who = Annotated[str, typer.Option("--guardian", metavar="KEY", help="Keystore of the guardian, who signs too.")]


@app.command()
def appoint(
    twin: str,
    who: Who,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day it ends (UTC).")],
    owner: As = "",
) -> None:
    """Make somebody guardian until a day; by the twin's owner."""
    chain, agreeing = suite(), signer(who)
    until_s = int(until.replace(tzinfo=UTC).timestamp())
    mined = guardian.appoint(
        chain, signer(owner), agreeing, parse_twin_id(twin), until_s, nonce=_nonce(),
        deadline_s=chain.head().time_s + SIGNATURE_LIFE_S,
    )  # fmt: skip
    tell(
        f"{who} is guardian until {until:%Y-%m-%d}", {"guardian": agreeing.address, "until": until_s, "gas": mined.gas}
    )


@app.command("hand-over")
def hand_over(
    twin: str,
    to: Annotated[str, typer.Option("--to", metavar="KEY", help="Keystore of the next guardian, who signs too.")],
    holder: As = "",
) -> None:
    """Pass one's own guardianship on; its end stays."""
    chain, agreeing = suite(), signer(to)
    mined = guardian.hand_over(
        chain, signer(holder), agreeing, parse_twin_id(twin), nonce=_nonce(),
        deadline_s=chain.head().time_s + SIGNATURE_LIFE_S,
    )  # fmt: skip
    tell(f"{to} is guardian since block {mined.block}", {"guardian": agreeing.address, "block": mined.block})


@app.command()
def dismiss(twin: str, party: As = "") -> None:
    """End a guardianship now; by the owner or the guardian."""
    mined = guardian.dismiss(suite(), signer(party), parse_twin_id(twin))
    tell(f"there is no guardian since block {mined.block}", {"block": mined.block})


@app.command()
def show(twin: str) -> None:
    """Who is guardian, and until when."""
    who, until_s = guardian.guardian_of(suite(), parse_twin_id(twin))
    words = f"{who} until {datetime.fromtimestamp(until_s, UTC):%Y-%m-%d %H:%M} UTC" if until_s else "nobody"
    tell(words, {"guardian": who, "until": until_s})


def _nonce() -> int:
    """The first nonce of a key that nobody used."""
    return int.from_bytes(os.urandom(NONCE_KEY_BYTES), "big") << 64
