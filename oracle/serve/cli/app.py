"""The command's root: groups, options for all, and how errors leave."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape

from ...errors import InputError, MedtwinError
from . import (
    audit,
    backup,
    case,
    consent,
    custodian,
    data,
    demo,
    dev,
    device,
    doctor,
    edge,
    emergency,
    erase,
    explain,
    guardian,
    index,
    keys,
    market,
    model,
    node,
    objects,
    oracle,
    portal,
    publish,
    report,
    store,
    study,
    train,
    twin,
)
from .console import ERRORS, OUTPUT, wants_json

USAGE: Any = typer.BadParameter.__base__  # the base of usage errors, whether typer brings its own click or not
STOPPED = 130  # as shells count Ctrl-C

app = typer.Typer(
    name="medtwin",
    help="Digital twins for hospitals that patients own and everyone can trust. Not a medical device.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog="First time here: medtwin demo. On a chain of your own: make dev, then medtwin doctor.",
)

demo.register(app)
dev.register(app)
app.add_typer(twin.app, name="twin")
app.add_typer(device.app, name="device")
app.add_typer(consent.app, name="consent")
publish.register(app)
app.add_typer(objects.app, name="object")
app.add_typer(guardian.app, name="guardian")
app.add_typer(market.app, name="market")
app.add_typer(study.app, name="study")
app.add_typer(emergency.app, name="emergency")
app.add_typer(case.app, name="case")
app.add_typer(model.app, name="model")
app.add_typer(report.app, name="report")
app.add_typer(audit.app, name="audit")
app.add_typer(custodian.app, name="custodian")
app.add_typer(node.app, name="node")
app.add_typer(oracle.app, name="oracle")
app.add_typer(edge.app, name="edge")
app.add_typer(index.app, name="index")
app.add_typer(portal.app, name="portal")
app.add_typer(store.app, name="store")
app.add_typer(data.app, name="data")
app.add_typer(keys.app, name="keys")
erase.register(app)
backup.register(app)
doctor.register(app)
train.register(app)
explain.register(app)


@app.callback()
def root(
    as_json: Annotated[bool, typer.Option("--json", help="Print facts as JSON, errors too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No hints.")] = False,
) -> None:
    """Options for every command."""
    wants_json(as_json)
    ERRORS.quiet = quiet


def main() -> None:
    """Run the command; one sentence and a hint instead of a traceback."""
    try:
        code = app(standalone_mode=False)
        if code == STOPPED:  # newer typers catch Ctrl-C themselves
            raise KeyboardInterrupt
        sys.exit(code)
    except MedtwinError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except USAGE as error:
        if wants_json():
            _tell(InputError(error.format_message(), hint="add --help to the command", kind="usage"))
        else:
            error.show()
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        ERRORS.print("stopped")
        sys.exit(STOPPED)


def _tell(error: MedtwinError) -> None:
    if wants_json():
        OUTPUT.print_json(json.dumps({"error": error.kind, "message": error.sentence, "hint": error.hint}))
        return
    ERRORS.print(f"[red]✗[/] {escape(error.sentence)}", highlight=False)
    if error.hint and not ERRORS.quiet:
        ERRORS.print(f"  [dim]try:[/] {escape(error.hint)}", highlight=False)
