"""``medtwin object``: files of any kind and length beside a twin's readings."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import Annotated

import typer

from ...batches.anchored import anchored_batches
from ...batches.objects import objects_of, open_object, publish_object, write_object
from ...batches.publish import Edge
from ...errors import Denied, InputError, NotFound
from ...formats.vouch import Voucher
from ...records import Category
from ...rights.mint import parse_twin_id
from ...settings import (
    Settings,
    chain_clock_s,
    open_custodians,
    open_fetched,
    open_outbox,
    open_private_store,
    open_store,
    open_suite,
    threshold_of,
)
from ...wiring import open_indexed
from .console import listing, tell, warn
from .options import As, PurposeName, categories, grantee_of, purposes, signer

app = typer.Typer(help="Files of any kind and length, sealed as readings are.", no_args_is_help=True)


@app.command()
def put(
    twin: str,
    file: Annotated[Path, typer.Argument(help="The file; at most 31 GiB.", exists=True, dir_okay=False)],
    device: Annotated[str, typer.Option("--device", metavar="KEY", help="Keystore of the paired device.")],
    category: Annotated[str, typer.Option(help="What it is, for example imaging or waveform.")],
    media_type: Annotated[str, typer.Option("--type", help="Media type; without it from the file's name.")] = "",
    at_s: Annotated[int, typer.Option("--at-s", help="When it was taken, in seconds since 1970; without it now.")] = 0,
    sender: As = "",
) -> None:
    """Seal a file chunk by chunk into the store, and anchor it. Its name and type are sealed too."""
    settings, one = Settings.read(), categories(category)
    if one.bit_count() != 1:
        raise InputError(f"{category!r} are several categories", hint="an object is of one")
    chain, twin_id, device_key = open_suite(settings), parse_twin_id(twin), signer(device)
    custodians, store = open_custodians(settings), open_private_store(settings)
    edge = Edge(
        chain, store, open_outbox(settings, device_key.address, chain.deployment), device_key,
        signer(sender) if sender else device_key, twin_id, (), int(one),
        {each.address: each.public_key(twin_id) for each in custodians}, threshold_of(custodians, settings.threshold),
        os.urandom, lambda: chain_clock_s(chain),
    )  # fmt: skip
    kind = media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    at = at_s or chain_clock_s(chain)
    with file.open("rb") as content:
        batch = list(publish_object(edge, content, file.name, kind, start_s=at, end_s=at))[-1].outgoing.batch
    tell(
        f"{file} is anchored in {batch.readings:,} chunks",
        {"twin": hex(twin_id), "digest": batch.digest, "chunks": batch.readings, "type": kind},
        next_step=f"medtwin object list {twin_id:#x}",
    )


@app.command(name="list")
def list_(twin: str) -> None:
    """A twin's objects. What they are about is sealed."""
    settings = Settings.read()
    found = objects_of(open_indexed(settings), open_store(settings.store), parse_twin_id(twin))
    listing(
        ("number", "category", "chunks", "device", "time"),
        [
            (one.anchored.index, str(Category(one.header.context.category).name).lower(), len(one.header.chunks),
             one.anchored.device, one.anchored.batch.start_s)
            for one in found
        ],
        empty="this twin has no objects",
    )  # fmt: skip


@app.command()
def get(
    twin: str,
    number: Annotated[int, typer.Argument(help="The object's number, as medtwin object list tells it.")],
    purpose: PurposeName,
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    grantee: As = "",
    through: Annotated[str, typer.Option(help="emergency or case: ask through an open emergency or case.")] = "",
) -> None:
    """Ask the custodians, fetch, decrypt, verify against the chain; run it again after any interruption."""
    settings, twin_id = Settings.read(), parse_twin_id(twin)
    chain, store = open_indexed(settings), open_store(settings.store)
    found = [one for one in anchored_batches(chain, twin_id, store) if one.index == number]
    if not found:
        raise NotFound(f"the twin has no batch {number}", hint=f"see what it has: medtwin object list {twin_id:#x}")
    fetched, refusals = open_fetched(out.with_name(f".{out.name}.fetched")), dict[str, str]()
    partial = out.with_name(f".{out.name}.partial")
    try:
        opened = open_object(
            chain, store, open_custodians(settings), signer(grantee), found[0], purpose=int(purposes(purpose)),
            random_bytes=os.urandom, voucher=Voucher(grantee_of(chain, through)) if through else None,
            fetched=fetched, told=refusals.__setitem__,
        )  # fmt: skip
    except Denied:
        fetched.forget()
        raise
    warn(f"custodian {who} released nothing: {why}" for who, why in refusals.items())
    with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        write_object(opened, store, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(out)
    fetched.forget()
    tell(
        f"{opened.about.length:,} bytes ({opened.about.media_type}), every one verified against the chain, are in {out}",
        {"twin": hex(twin_id), "number": number, "name": opened.about.name, "type": opened.about.media_type,
         "bytes": opened.about.length, "file": str(out), "refusals": refusals},
    )  # fmt: skip
