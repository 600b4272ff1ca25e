"""``medtwin audit``: every look and every refusal, verified."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import cbor2
import typer

from ...batches import one_reading
from ...custody import audit, erase
from ...custody.fhir_audit import audit_events
from ...errors import InputError
from ...formats import cbor
from ...formats.receipts import decode
from ...formats.wire import unpack_receipts
from ...records import Purpose, Receipt
from ...reports.posted import bundled_events
from ...rights.mint import parse_twin_id
from ...settings import Settings, open_custodians, open_store, open_suite
from ...wiring import open_indexed
from .console import listing, tell
from .options import names

LOGS = "medtwin/logs/1"
WITHIN_S = 300
app = typer.Typer(help="Who looked, who was refused, and whether the record is whole.", no_args_is_help=True)

REASONS = {
    "no_consent": "you had not let them in",
    "consent_denied": "you had said no to them",
    "consent_revoked": "you had taken it back",
    "consent_expired": "the time you gave them was over",
    "consent_not_begun": "the time you gave them had not begun",
    "category_not_covered": "you had not let them see this kind of data",
    "purpose_not_covered": "you had not let them in for this purpose",
    "all_consents_withdrawn": "you had taken everything back",
}
"""The refusals that an owner's own will explains."""


@app.command()
def show(twin: Annotated[str, typer.Argument(help="One twin, or nothing for all.")] = "") -> None:
    """The timeline: chain events and custodians' receipts together."""
    wanted = parse_twin_id(twin) if twin else None
    settings = Settings.read()
    chain = open_indexed(settings)
    told = audit.timeline(chain, _logs(), bundled_events(chain, open_store(settings.store)))
    events = [e for e in told if wanted is None or e.twin_id == wanted]
    listing(
        ("time (UTC)", "who", "what", "twin", "purpose", "outcome"),
        [
            (f"{e.time:%Y-%m-%d %H:%M:%S}", e.who, e.what, hex(e.twin_id) if e.twin_id else "", e.purpose, e.outcome)
            for e in events
        ],
        empty="nothing has happened yet",
    )


@app.command()
def looks(twin: str) -> None:
    """For the owner: who looked and who was refused, how often, when last, and why."""
    asked: dict[tuple[str, int, str], dict[bytes, Receipt]] = defaultdict(dict)
    for receipt in _receipts(parse_twin_id(twin)):  # each custodian has one of the same request
        asked[receipt.grantee, receipt.purpose, receipt.reason][receipt.request] = receipt
    rows = []
    for (who, purpose, reason), found in asked.items():
        last = max(found.values(), key=lambda one: one.time_s)
        what = "refused: " + REASONS.get(reason, reason.replace("_", " ")) if reason else "looked"
        rows.append((f"{audit.utc(last.time_s):%Y-%m-%d %H:%M:%S}", who, names(Purpose(purpose)), what, len(found)))
    listing(("last (UTC)", "who", "purpose", "what", "times"), sorted(rows, reverse=True), empty="nobody has asked")


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    form: Annotated[
        str, typer.Option("--format", help="fhir: an AuditEvent (R4B) a line; logs: to verify later, also offline.")
    ] = "fhir",
    twin: Annotated[str, typer.Argument(help="One twin, or nothing for all; logs are always whole.")] = "",
) -> None:
    """Write what custodians recorded: for a hospital's audit repository, or as evidence."""
    if form not in ("fhir", "logs"):
        raise InputError(f"{form[:40]!r} is no format", hint="fhir or logs")
    partial, count = out.with_suffix(out.suffix + ".partial"), 0
    if form == "logs":
        logs = _logs()
        partial.write_bytes(
            cbor2.dumps([LOGS, {who: cbor2.dumps([list(e) for e in log]) for who, log in logs.items()}])
        )
        count = sum(map(len, logs.values()))
    else:
        with partial.open("w", encoding="utf-8") as file:
            chain_id = open_suite(Settings.read()).chain_id
            for event in audit_events(_receipts(parse_twin_id(twin) if twin else None), chain_id):
                file.write(event + "\n")
                count += 1
    partial.replace(out)
    tell(f"{count} receipts are in {out}", {"receipts": count, "file": str(out), "format": form})


@app.command()
def verify(
    log: Annotated[
        Path | None, typer.Option("--log", help="Verify these exported logs; custodians are not asked.", exists=True)
    ] = None,
    earlier: Annotated[
        Path | None, typer.Option("--earlier", help="Logs exported before, which must be how these begin.", exists=True)
    ] = None,
    within: Annotated[int, typer.Option(help="Longest time (s) from a receipt to its root.", min=1)] = WITHIN_S,
) -> None:
    """Check every custodian's receipts against the roots on the chain: deleted, altered, reordered, forked or late."""
    entries = read_logs(log) if log else _logs()
    before = read_logs(earlier) if earlier else {}
    verified = audit.verify_receipts(open_suite(Settings.read()), entries, earlier=before, within_s=within)
    tell(
        f"{verified.receipts} receipts are whole: none deleted, reordered or altered",
        {"receipts": verified.receipts, "unrooted": verified.unrooted, "verified": True},
    )


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="A certificate of erasure, as JSON.", exists=True, dir_okay=False)],
) -> None:
    """Check a certificate of erasure against the chain, the custodians' signatures and the store."""
    settings = Settings.read()
    read = erase.from_json(file.read_text("utf-8"))
    erase.verify_certificate(open_suite(settings), open_store(settings.store), read)
    tell(
        f"the certificate holds: {len(read.statements)} keys destroyed, none of {len(read.blocks)} blocks left here",
        {"twin": hex(read.twin_id), "verified": True},
    )


@app.command()
def reading(
    file: Annotated[Path, typer.Argument(help="A disclosed reading, as JSON.", exists=True, dir_okay=False)],
) -> None:
    """Check a reading that was disclosed alone: its device signed it, and when it was anchored."""
    settings = Settings.read()
    shown = one_reading.from_json(file.read_text("utf-8"))
    time_s = one_reading.verify_disclosure(open_suite(settings), open_store(settings.store), shown)
    tell(
        f"the reading holds: {shown.channel} {shown.value_e6 / 1e6} at {shown.time_ms} ms, anchored at {audit.utc(time_s)}",
        {"twin": hex(shown.twin_id), "channel": shown.channel, "time_ms": shown.time_ms, "value": shown.value_e6 / 1e6,
         "anchored": time_s, "verified": True},
    )  # fmt: skip


def read_logs(path: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    """Exported logs; InputError for anything else."""
    try:
        name, logs = cbor.items(cbor.read(path.read_bytes()), str, dict)
        if name != LOGS:
            raise ValueError(name)
        return {str(who): unpack_receipts(log) for who, log in logs.items()}
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path} holds no exported logs", hint="make it: medtwin audit export --format logs"
        ) from error


def _logs() -> dict[str, list[tuple[bytes, bytes]]]:
    return {one.address: audit.entries_of(one) for one in open_custodians(Settings.read())}


def _receipts(twin_id: int | None) -> list[Receipt]:
    found = [decode(*entry) for log in _logs().values() for entry in log]
    return [one for one in found if twin_id is None or one.twin_id == twin_id]
