"""``medtwin model``: which models may report."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError, NotFound
from ...reports import lineage, terms
from ...reports.vetting import State, refuse_foreign, vet
from ...settings import Settings, open_store
from ...twins.shipped import Shipped, ShippedKind
from .console import listing, tell, wants_json
from .options import As, KindName, address_of, kind_named, signer, suite

app = typer.Typer(
    help="Show, register, approve, mark and withdraw models; only approved ones may report.", no_args_is_help=True
)


@app.command()
def register(
    kind: KindName = "pulse",
    consents: Annotated[typer.FileText | None, typer.Option(help="The consents it was trained under.")] = None,
    stops: Annotated[
        bool, typer.Option("--stops-when-marked", help="A revocation among them ends its reports.")
    ] = False,
    registrar: As = "",
) -> None:
    """Register the model of an installed kind of twin and its terms, and put its artefact into the store."""
    found = kind_named(kind)
    root = lineage.root_of(lineage.read(consents.read())) if consents else lineage.NO_LINEAGE
    chain, who = suite(), signer(registrar)
    named = (found.model_digest, found.card_digest, root, stops)
    shipped = isinstance(found, ShippedKind)
    if not (shipped and terms.awaited(chain, who.address, *named)):  # else an earlier run was cut off between the two
        chain.write(who, "ModelRegistry", "register", *named)
    if isinstance(found, ShippedKind):
        terms.register(chain, who, found.model_digest, found.shipped.additive)
    open_store(Settings.read().store).put(found.model_bytes)
    tell(
        f"model 0x{found.model_digest.hex()} is registered",
        {"model": found.model_digest, "card": found.card_digest, "lineage": root},
        next_step=f"medtwin model approve --kind {kind} --as APPROVER",
    )


@app.command("consents")
def consents_(
    who: Annotated[str, typer.Argument(help="Who trains: address or key name.")],
    out: Annotated[typer.FileTextWrite, typer.Option(help="Where to write them, for: medtwin model register.")],
) -> None:
    """Write down the consents that an account holds now, to be named with a model trained under them."""
    found = lineage.held(suite(), address_of(who))
    out.write(lineage.write(found))
    tell(f"{len(found)} consents in {out.name}", {"consents": len(found), "file": out.name})


@app.command()
def mark(
    consents: Annotated[typer.FileText, typer.Option(help="The consents the model was registered with.")],
    kind: KindName = "pulse",
    sender: As = "",
) -> None:
    """Show that a consent a model was trained under was revoked; anybody may."""
    chain, model = suite(), kind_named(kind).model_digest
    found = lineage.read(consents.read())
    gone = lineage.revoked(chain, found)
    if not gone:
        raise NotFound(f"none of the {len(found)} consents was revoked", hint="there is nothing to show")
    mined = lineage.mark(chain, signer(sender), model, found, gone[0])
    reports = chain.read("ModelRegistry", "isApproved", model)
    tell(
        f"model {kind} is marked since block {mined.block}, and {'still reports' if reports else 'reports no more'}",
        {"model": model, "twin": hex(gone[0].twin_id), "revoked": len(gone), "reports": reports, "gas": mined.gas},
    )


@app.command()
def approve(kind: KindName = "pulse", approver: As = "") -> None:
    """Let a registered model report, unless its terms on the chain are not its card's. Only an approver may."""
    found, chain = kind_named(kind), suite()
    if isinstance(found, ShippedKind):
        terms.check(chain, found.model_digest, found.shipped.additive)
    mined = chain.write(signer(approver), "ModelRegistry", "approve", found.model_digest)
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
def verify(
    kind: KindName = "pulse",
    model: Annotated[Path | None, typer.Option(help="Model file. Default: the installed one of the kind.")] = None,
    card: Annotated[Path | None, typer.Option(help="Card file. Default: the installed one of the kind.")] = None,
) -> None:
    """Check a model and its card against the chain's registry; refused if altered, swapped, unregistered or withdrawn."""
    shipped = None if model and card else Shipped.named(kind)
    model_bytes, card_bytes = (
        _bytes(path) if path else getattr(shipped, f"{what}_bytes") for path, what in ((model, "model"), (card, "card"))
    )
    refuse_foreign(model_bytes)
    found = vet(suite(), model_bytes, card_bytes)
    tell(
        f"model 0x{found.model.hex()} may report; its card is the registered one",
        {"model": found.model, "card": found.card, "registrar": found.registrar, "registered_at": found.registered_at}
        | {"lineage": found.lineage},
        next_step=f"medtwin model show {kind}",
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="name a file") from error


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="For example icu2012 or cgm_t1d_30.")],
    html: Annotated[Path | None, typer.Option(help="Write the whole card there, with pictures.")] = None,
) -> None:
    """What a shipped model answers, how good it was and on what, its limits; with --json its whole card."""
    found = Shipped.named(name)
    if html is not None:
        from ..cards import page  # here, because the pictures load matplotlib

        html.write_text(page(found.card, found.model_digest.hex(), found.card_digest.hex()), "utf-8")
        tell(f"the card of {name} is in {html}", {"model": found.model_digest, "card": found.card_digest, "html": html})
        return
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
