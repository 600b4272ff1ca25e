"""``medtwin study``: what ethics boards approve."""

from __future__ import annotations

import hashlib
import os
from typing import Annotated

import typer

from ...rights import study
from ...rights.consent import DAY_S
from . import options
from .console import tell
from .options import As, address_of, purposes, signer, suite

NONCE_KEY_BYTES = 16
SIGNATURE_LIFE_S = 10 * 60
Protocol = Annotated[typer.FileBinaryRead, typer.Argument(help="File with the study's protocol.")]
Researcher = Annotated[str, typer.Option(help="Who may buy for it: address or key name.")]

app = typer.Typer(help="Register ethics boards; approve, show and withdraw studies.", no_args_is_help=True)


@app.command()
def appoint(who: Annotated[str, typer.Argument(help="Address or key name.")], administrator: As = "") -> None:
    """Register an account as an ethics board; the hospital's administrator decides."""
    mined = options.appoint("StudyRegistry", "board", who, administrator)
    tell(f"{who} is a board since block {mined.block}", {"account": who, "block": mined.block})


@app.command()
def approve(
    protocol: Protocol,
    researcher: Researcher,
    purpose: Annotated[str, typer.Option(help="Purposes of use, comma-separated.")],
    days: Annotated[int, typer.Option(help="For how long from now.", min=1, max=3_653)],
    board: As = "",
) -> None:
    """Approve a study: access may be bought for it until it ends."""
    chain, signing = suite(), signer(board)
    now = chain.head().time_s
    found = study.Study(
        hashlib.sha256(protocol.read()).digest(), address_of(researcher), signing.address, purposes(purpose),
        now + days * DAY_S,
    )  # fmt: skip
    nonce, deadline = int.from_bytes(os.urandom(NONCE_KEY_BYTES), "big") << 64, now + SIGNATURE_LIFE_S
    signature = study.sign(chain, signing, found, nonce, deadline)
    mined = study.bring(chain, signing, found, nonce, deadline, signature)
    tell(
        f"study 0x{found.digest.hex()} is approved for {days} days",
        {"study": found.digest, "researcher": found.researcher, "expiry": found.expiry_s, "gas": mined.gas},
        next_step=f"medtwin market buy TWIN --days {days} --study {protocol.name} --as {researcher}",
    )


@app.command()
def show(protocol: Protocol, researcher: Researcher) -> None:
    """Whether a study is approved for a researcher, by whom and for what."""
    digest = hashlib.sha256(protocol.read()).digest()
    found = suite().read("StudyRegistry", "approvalOf", digest, address_of(researcher))
    approved = bool(int(found.board, 16)) and not found.withdrawn
    facts = {"study": digest, "approved": approved, "board": found.board, "expiry": found.expiry}
    tell("approved" if approved else "not approved", facts)


@app.command()
def withdraw(protocol: Protocol, researcher: Researcher, board: As = "") -> None:
    """Take an approval back for good."""
    digest = hashlib.sha256(protocol.read()).digest()
    mined = study.withdraw(suite(), signer(board), digest, address_of(researcher))
    tell(f"the approval is withdrawn since block {mined.block}", {"study": digest, "block": mined.block})
