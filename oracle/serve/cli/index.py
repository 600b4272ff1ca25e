"""``medtwin index``: the chain's events in a database."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from ...errors import ChainError, InputError, StorageError
from ...reports.lists import read_lists
from ...rights.mint import parse_twin_id
from ...settings import Settings, open_store, open_suite
from ...wiring import open_index
from .console import ERRORS, listing, tell

app = typer.Typer(help="Follow the chain's events into a database, and ask it.", no_args_is_help=True)
KINDS = {
    "twins": ("TwinToken", "Transfer", "tokenId"),
    "devices": ("DeviceRegistry", "DevicePaired", "twinId"),
    "batches": ("DataAnchor", "BatchAnchored", "twinId"),
    "epochs": ("EpochAnchor", "EpochAnchored", ""),
    "predictions": ("PredictionOracle", "PredictionPosted", "twinId"),
    "bundles": ("PredictionOracle", "BundlePosted", ""),
    "grants": ("ConsentRegistry", "ConsentGranted", "twinId"),
    "revocations": ("ConsentRegistry", "TransferSingle", "id"),
    "receipts": ("AuditTrail", "ReceiptsRooted", ""),
}
"""What can be asked for, and which argument names the twin."""
IN_LISTS = {"batches": "EpochAnchored", "predictions": "BundlePosted"}
"""What stands in lists as well, and the events that name these."""
NOBODY = "0x" + 40 * "0"


@app.command()
def run(
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.1)] = 2.0,
    once: Annotated[bool, typer.Option(help="Follow to the newest block and stop.")] = False,
) -> None:
    """Follow until stopped; it may be killed at any instant and goes on from its checkpoint."""
    settings = Settings.read()
    chain, index, store = open_suite(settings), open_index(settings), open_store(settings.store)
    while True:
        try:
            read = index.follow(chain)
            lists = read_lists(chain, store, index)
        except (ChainError, StorageError) as error:
            if once or error.kind in ("reorg_too_deep", "index_failed"):
                raise
            ERRORS.print(f"event=not_followed kind={error.kind}", highlight=False)
        else:
            head = index.head()
            if read or lists or once:
                tell(
                    f"{read} events and {lists} lists, up to block {head.number if head else 0}",
                    {"events": read, "lists": lists},
                )
            if once:
                return
        time.sleep(every)


@app.command()
def status() -> None:
    """How far it is, and how far behind the chain."""
    settings = Settings.read()
    index, newest = open_index(settings), open_suite(settings).head().number
    head = index.head()
    behind = newest - head.number if head else newest
    tell(
        f"{index.count():,} events up to block {head.number if head else 'none'}; the chain is {behind} blocks ahead",
        {"events": index.count(), "block": head.number if head else None, "behind": behind},
    )


@app.command("list")
def listed(
    what: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    twin: Annotated[str, typer.Option(help="Of one twin only.")] = "",
    last: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 20,
) -> None:
    """What the index knows, oldest first, without asking the chain."""
    if what not in KINDS:
        raise InputError(f"there is no list of {what!r}", hint=f"ask for {', '.join(KINDS)}")
    contract, name, argument = KINDS[what]
    if twin and not argument:
        raise InputError(f"{what} are not of one twin", hint="leave --twin out")
    index = open_index(Settings.read())
    head = index.head()
    match: dict[str, object] = {argument: parse_twin_id(twin)} if twin else {}
    if what == "revocations":  # of a grant's token only the burn is one
        match["to"] = NOBODY
    found = index.events(contract, name, since=0, until=head.number if head else 0, match=match, newest=last)
    if what in IN_LISTS:
        more = index.entries(IN_LISTS[what], twin_id=parse_twin_id(twin) if twin else None, newest=last)
        found = sorted([*found, *more], key=lambda one: (one.block, one.log_index))[-last:]
    listing(
        ("block", "time", "facts"),
        [(one.block, one.time_s, {key: _shown(value) for key, value in one.args.items()}) for one in found],
        empty=f"no {what} yet: medtwin index run",
    )


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    return hex(value) if isinstance(value, int) and value > 1 << 64 else value
