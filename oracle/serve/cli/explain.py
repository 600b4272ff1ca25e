"""``medtwin explain``: the reasons behind a twin's newest report, for a clinician and for the patient."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ...errors import InputError
from ...reports.why import why
from ...rights.mint import parse_twin_id
from ...settings import Settings, open_custodians, open_store
from ...twins.reasons import reasons
from ...twins.shipped import ShippedKind
from ...wiring import open_indexed
from .console import OUTPUT, tell
from .options import As, KindName, PurposeName, kind_named, purposes, signer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(explain)


def explain(
    twin: str,
    purpose: PurposeName,
    kind: KindName = "pulse",
    reader: As = "",
    language: Annotated[str, typer.Option(help="Language of the words: en or ar.")] = "en",
) -> None:
    """Open the data you were allowed, compute the report again, compare it with the chain, and say why in words."""
    settings, twin_id, found = Settings.read(), parse_twin_id(twin), kind_named(kind)
    if not isinstance(found, ShippedKind):
        raise InputError(f"{kind} explains itself in numbers only", hint="its reasons have no templates")
    report, features, explanation = why(
        open_indexed(settings), open_store(settings.store), open_custodians(settings), signer(reader), found,
        twin_id=twin_id, purpose=int(purposes(purpose)), random_bytes=os.urandom,
    )  # fmt: skip
    told = reasons(found, features, explanation.prediction, language=language)
    tell(
        f"round {report.round}, the same reasons as reported: {told.clinician}",
        {"round": report.round, "clinician": told.clinician, "patient": told.patient, "hint": told.hint}
        | {"parts": {part.feature: part.contribution_e6 for part in explanation.prediction.contributions}},
    )
    for line in (told.patient, told.hint):
        if line:
            OUTPUT.print(f"  {line}", highlight=False)
