"""``medtwin report``: what was reported on a twin, and whether it stands."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ...custody.audit import utc
from ...errors import NotFound
from ...records import E6, Status
from ...reports import challenge as challenging
from ...reports.posted import Posting, postings
from ...rights.mint import parse_twin_id
from ...settings import Settings, open_custodians, open_explanations, open_store, open_suite
from ...twins import kinds
from ...twins.shipped import ShippedKind
from .console import listing, tell
from .options import As, KindName, PurposeName, kind_named, purposes, signer, suite

app = typer.Typer(
    help="List the reports on a twin, and refute one that does not follow from its own reasons.", no_args_is_help=True
)


@app.command("list")
def list_(twin: str) -> None:
    """Every report on a twin: what it says, and whether it is refuted, may still be, or is final."""
    chain, store = suite(), open_store(Settings.read().store)
    now_s, names = chain.head().time_s, {kind.model_digest: name for name, kind in kinds().items()}
    listing(
        ("round", "kind", "as of (UTC)", "answer", "state"),
        [
            (one.report.round, names.get(one.report.model, "0x" + one.report.model.hex()[:8]),
             f"{utc(one.report.as_of_s):%Y-%m-%d %H:%M:%S}", _answer(one), _state(one, now_s))
            for one in postings(chain, store, parse_twin_id(twin))
        ],
        empty="no reports yet: medtwin predict",
    )  # fmt: skip


@app.command()
def challenge(
    twin: str,
    purpose: PurposeName,
    kind: KindName = "pulse",
    round_: Annotated[int, typer.Option("--round", help="Which report; 0 for the newest.", min=0)] = 0,
    reader: As = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
) -> None:
    """Compute a report again from its reasons; if they contradict it, refute it and suspend all who signed it.

    The reasons are opened as data are: with the owner's consent, and a receipt. Only sum, score and contributions can be
    judged, within a day; with registered terms every contribution.
    """
    settings, found = Settings.read(), kind_named(kind)
    chain, store, who = open_suite(settings), open_store(settings.store), signer(reader)
    named = {"model": found.model_digest} | ({"round": round_} if round_ else {})
    known = postings(chain, store, parse_twin_id(twin), **named)
    if not known:
        raise NotFound(f"there is no such report on twin {twin}", hint="see which there are: medtwin report list")
    posting = known[-1]
    report = posting.report
    rows = challenging.rows_of(
        chain, store, open_custodians(settings), who, found, report, open_explanations(settings),
        purpose=int(purposes(purpose)), random_bytes=os.urandom,
    )  # fmt: skip
    model = found.shipped.additive if isinstance(found, ShippedKind) else None
    judged = model is not None and challenging.has_terms(chain, report)
    facts = {"twin": hex(report.twin_id), "round": report.round, "report": posting.digest, "terms": judged}
    fault = challenging.fault_in(chain, report, rows, model)
    if fault is None:
        how = "each contribution is what the model's terms give" if judged else "no terms of its model are registered"
        tell(f"round {report.round} holds: its reasons add up to it, and {how}", facts | {"fault": ""})
        return
    facts |= {"fault": fault.what.name.lower(), "feature": fault.feature}
    given = challenging.arguments(chain, posting, fault)
    if dry_run:
        gas = chain.estimate(who.address, "PredictionOracle", fault.function, *given)
        tell(
            f"round {report.round} does not hold: {fault.sentence}; refuting it would take {gas:,} gas",
            facts | {"refuted": False, "gas": gas},
            next_step="the same without --dry-run suspends all who signed it",
        )
        return
    mined = challenging.refute(chain, who, posting, fault)
    suspended = [one.args["signer"] for one in mined.events if one.name == "NodeSuspended"]
    tell(
        f"round {report.round} is refuted since block {mined.block}: {fault.sentence}; "
        f"{len(suspended)} nodes that signed it are suspended",
        facts | {"refuted": True, "suspended": suspended, "block": mined.block, "gas": mined.gas},
        next_step="the oracle has no quorum any more: deploy one with other nodes",
    )


def _answer(one: Posting) -> str:
    report = one.report
    if report.status != Status.ANSWER:
        return "no answer"
    return f"{report.score_e6 / E6:g} ({report.low_e6 / E6:g} to {report.high_e6 / E6:g})"


def _state(one: Posting, now_s: int) -> str:
    if one.refuted:
        return "refuted"
    return "final" if now_s >= one.final_s else f"may be refuted until {utc(one.final_s):%Y-%m-%d %H:%M:%S}"
