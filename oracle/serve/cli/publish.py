"""``medtwin publish``, ``predict`` and ``fetch``: readings in, reports on, readings out."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Annotated

import typer

from ...batches import one_reading as disclosing
from ...batches.fetch import fetch as fetch_batches
from ...batches.publish import Edge, fit, unsent
from ...batches.publish import publish as publish_batches
from ...errors import Denied
from ...formats.readings import join
from ...formats.vouch import Voucher
from ...records import E6, Status
from ...reports.posted import latest_report
from ...rights.mint import parse_twin_id
from ...settings import (
    Settings,
    chain_clock_s,
    open_custodians,
    open_fetched,
    open_outbox,
    open_private_store,
    open_store,
    threshold_of,
)
from ...stages.explain import quantity
from ...stages.ingest import read_csv, split
from ...wiring import open_indexed, remote_gateway
from .console import tell, warn
from .options import As, KindName, PurposeName, grantee_of, kind_named, purposes, signer

MOST_READINGS_A_BATCH = 20_000


def register(app: typer.Typer) -> None:
    """Add the three commands to the root."""
    app.command()(publish)
    app.command()(predict)
    app.command()(fetch)
    app.command()(disclose)


def publish(
    twin: str,
    file: Annotated[Path, typer.Argument(help="CSV with the columns time_ms,channel,value,unit.")],
    device: Annotated[str, typer.Option("--device", metavar="KEY", help="Keystore of the paired device.")],
    sender: As = "",
    kind: KindName = "pulse",
    via: Annotated[str, typer.Option(help="Address of a gateway (medtwin edge run) that stores and posts.")] = "",
) -> None:
    """Seal, store and anchor a device's readings; run it again after any interruption."""
    settings = Settings.read()
    chain, twin_id, twin_kind = open_indexed(settings), parse_twin_id(twin), kind_named(kind)
    readings = read_csv(file, twin_kind.schema, twin_kind.channels)
    device_key = signer(device)
    custodians, store = open_custodians(settings), open_private_store(settings)
    store.has(bytes(32))  # a store that does not answer is told before anything is sealed
    outbox = open_outbox(settings, device_key.address, chain.deployment)
    edge = Edge(
        chain, store, outbox, device_key, signer(sender) if sender else device_key, twin_id,
        twin_kind.channels, int(twin_kind.category), {one.address: one.public_key(twin_id) for one in custodians},
        threshold_of(custodians, settings.threshold), os.urandom, lambda: chain_clock_s(chain), relay=remote_gateway(settings, via) if via else None,
    )  # fmt: skip
    # The whole file first: a fault at its end must not leave its beginning on the chain.
    batches = list(split(fit(edge, readings), interval_ms=twin_kind.batch_ms, most=MOST_READINGS_A_BATCH))
    sent = [one.outgoing.batch for one in publish_batches(edge, unsent(edge, batches))]
    done = f"are with the gateway at {via}" if via else "are anchored"
    there = f"; {len(batches) - len(sent)} were there already" if len(sent) < len(batches) else ""
    tell(
        f"{len(sent)} batches with {sum(batch.readings for batch in sent):,} readings {done}{there}",
        {"twin": hex(twin_id), "batches": [batch.digest for batch in sent]},
        next_step=f"medtwin predict {twin_id:#x} --kind {kind}",
    )


def predict(
    twin: str,
    sender: As = "",
    kind: KindName = "pulse",
) -> None:
    """The newest report of a twin, as the oracle nodes posted it."""
    settings = Settings.read()
    chain, twin_id, twin_kind = open_indexed(settings), parse_twin_id(twin), kind_named(kind)
    report = latest_report(chain, open_store(settings.store), twin_id, twin_kind.model_digest)
    answered = report.status == Status.ANSWER
    score, low, high = (value / E6 for value in (report.score_e6, report.low_e6, report.high_e6))
    told = [quantity(value, twin_kind.unit) for value in (report.score_e6, report.low_e6, report.high_e6)]
    sentence = f"{twin_kind.answers} {told[0]} ({told[1]} to {told[2]})" if answered else "no answer"
    tell(
        f"round {report.round}: {sentence}",
        {
            "twin": hex(twin_id),
            "round": report.round,
            "status": "answer" if answered else "no_answer",
            "score": score if answered else None,
            "interval": [low, high] if answered else None,
            "model": report.model,
            "as_of": report.as_of_s,
        },
    )


def fetch(
    twin: str,
    purpose: PurposeName,
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
    kind: KindName = "pulse",
    grantee: As = "",
    through: Annotated[str, typer.Option(help="emergency or case: ask through an open emergency or case.")] = "",
) -> None:
    """Ask the custodians, decrypt, verify against the chain, write a CSV; run it again after any interruption."""
    settings = Settings.read()
    chain, twin_id, twin_kind = open_indexed(settings), parse_twin_id(twin), kind_named(kind)
    fetched, refusals = open_fetched(out.with_name(f".{out.name}.fetched")), dict[str, str]()
    try:
        opened = fetch_batches(
            chain, open_store(settings.store), open_custodians(settings), signer(grantee),
            twin_id=twin_id, purpose=int(purposes(purpose)), category=int(twin_kind.category), random_bytes=os.urandom,
            voucher=Voucher(grantee_of(chain, through)) if through else None, fetched=fetched, told=refusals.__setitem__,
        )  # fmt: skip
    except Denied:  # what is not allowed leaves nothing behind; what broke off goes on from here
        fetched.forget()
        raise
    warn(f"custodian {who} released nothing: {why}" for who, why in refusals.items())
    readings = join([one.readings for one in opened])
    units = {channel.name: channel.unit for channel in twin_kind.channels}
    partial = out.with_suffix(out.suffix + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("time_ms", "channel", "value", "unit"))
        for time_ms, index, value in zip(readings.time_ms, readings.channel, readings.value_e6, strict=True):
            name = readings.channels[index]
            rows.writerow((int(time_ms), name, repr(int(value) / E6), units.get(name, "")))
    partial.replace(out)
    fetched.forget()
    tell(
        f"{len(readings):,} readings of {len(opened)} batches, every one verified against the chain, are in {out}",
        {
            "twin": hex(twin_id),
            "batches": len(opened),
            "readings": len(readings),
            "file": str(out),
            "refusals": refusals,
        },
    )


def disclose(
    twin: str,
    channel: Annotated[str, typer.Option(help="Name of the channel, for example heart_rate.")],
    time_ms: Annotated[int, typer.Option("--time-ms", help="Time of the reading, as medtwin fetch writes it.")],
    out: Annotated[Path, typer.Option("--out", help="JSON file to write, for whoever is to see this one reading.")],
    purpose: PurposeName = "patient_request",
    kind: KindName = "pulse",
    grantee: As = "",
) -> None:
    """Show one reading alone, with what proves that its device signed it. The others stay hidden."""
    settings = Settings.read()
    chain, twin_id, twin_kind = open_indexed(settings), parse_twin_id(twin), kind_named(kind)
    opened = fetch_batches(
        chain, open_store(settings.store), open_custodians(settings), signer(grantee),
        twin_id=twin_id, purpose=int(purposes(purpose)), category=int(twin_kind.category), random_bytes=os.urandom,
    )  # fmt: skip
    shown = disclosing.disclose(chain.chain_id, *disclosing.find(opened, channel, time_ms))
    out.write_text(disclosing.to_json(shown), "utf-8")
    tell(
        f"one reading of {channel}, its salt and its path of {len(shown.path)} steps are in {out}",
        {"twin": hex(twin_id), "batch": shown.batch, "file": str(out)},
        next_step=f"medtwin audit reading {out}",
    )
