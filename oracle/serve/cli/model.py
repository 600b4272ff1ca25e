"""``medtwin model``: which models may report."""

from __future__ import annotations

import enum
import hashlib
from typing import Annotated

import typer

from ...settings import Settings, open_store
from ...twins.shipped import Shipped
from .console import listing, tell, wants_json
from .options import As, KindName, kind_named, signer, suite

app = typer.Typer(
    help="Show, register, approve and withdraw models; only approved ones may report.", no_args_is_help=True
)


class State(enum.IntEnum):
    """As in ModelRegistry."""

    UNKNOWN = 0
    REGISTERED = 1
    APPROVED = 2
    WITHDRAWN = 3


@app.command()
def register(kind: KindName = "pulse", registrar: As = "") -> None:
    """Register the model of an installed kind of twin, and put its artefact into the store."""
    found = kind_named(kind)
    mined = suite().write(
        signer(registrar), "ModelRegistry", "register", found.model_digest, found.card_digest, bytes(32), False
    )
    open_store(Settings.read().store).put(found.model_bytes)
    tell(
        f"model 0x{found.model_digest.hex()} is registered",
        {"model": found.model_digest, "card": found.card_digest, "gas": mined.gas},
        next_step=f"medtwin model approve --kind {kind} --as APPROVER",
    )


@app.command()
def approve(kind: KindName = "pulse", approver: As = "") -> None:
    """Let a registered model report. Only an approver may."""
    found = kind_named(kind)
    mined = suite().write(signer(approver), "ModelRegistry", "approve", found.model_digest)
    tell(f"model {kind} may report since block {mined.block}", {"model": found.model_digest, "block": mined.block})


@app.command()
def withdraw(
    reason: Annotated[str, typer.Option(help="Why, in words; its SHA-256 goes on the chain.")],
    kind: KindName = "pulse",
    approver: As = "",
) -> None:
    """Take a model back for good. Its reports stay, no new one is accepted."""
    found = kind_named(kind)
    digest = hashlib.sha256(reason.encode()).digest()
    mined = suite().write(signer(approver), "ModelRegistry", "withdraw", found.model_digest, digest)
    tell(f"model {kind} is withdrawn since block {mined.block}", {"model": found.model_digest, "reason": digest})


@app.command()
def show(name: Annotated[str, typer.Argument(help="For example icu2012 or cgm_t1d_30.")]) -> None:
    """What a shipped model answers, how good it was and on what, its limits; with --json its whole card."""
    found = Shipped.named(name)
    head = found.card["headline"]
    if wants_json():
        tell("", {"digest": found.model_digest, "card_digest": found.card_digest, "card": found.card})
        return
    rows = [
        ("answers", found.card["title"]),
        ("figure", f"{head['metric']} {head['value']} ({head['low']} to {head['high']}): {head['how']}"),
        ("baseline", f"{head['baseline_name']}: {head['baseline_value']}"),
        ("data", found.card["data"]),
        ("method", found.card["method"]),
        *(("limit", limit) for limit in found.card["limits"]),
        ("use", found.card["intended_use"]),
        ("digest", found.model_digest),
    ]
    listing((name, ""), rows, empty="")


@app.command("list")
def list_() -> None:
    """Every registered model and whether it may report."""
    chain = suite()
    models = [event.args["model"] for event in chain.events("ModelRegistry", "ModelRegistered")]
    states = [State(chain.read("ModelRegistry", "modelOf", model).state) for model in models]
    listing(
        ("model", "state"),
        [("0x" + model.hex(), state.name.lower()) for model, state in zip(models, states, strict=True)],
        empty="no models yet: medtwin model register",
    )
