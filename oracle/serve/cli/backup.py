"""``medtwin backup`` and ``restore``: what this user's services must not lose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...adapters import archive
from ...settings import Settings, open_suite
from .console import tell


def register(app: typer.Typer) -> None:
    """Add both commands to the root."""
    app.command()(backup)
    app.command()(restore)


def backup(out: Annotated[Path, typer.Argument(help="Archive to write, for example today.tar.gz.")]) -> None:
    """Copy keystores, memories, outboxes and receipts of MEDTWIN_HOME; services may go on meanwhile."""
    home = Settings.read().home
    names = archive.save(home, out)
    tell(
        f"{len(names)} files of {home} are in {out}; it holds no block of readings and no wrapping key of a custodian",
        {"file": str(out), "files": names},
        next_step=f"medtwin restore {out}, on an empty MEDTWIN_HOME",
    )


def restore(file: Annotated[Path, typer.Argument(help="Archive that medtwin backup wrote.")]) -> None:
    """Bring a backup back into an empty MEDTWIN_HOME; nodes then sign only rounds of batches anchored from now on."""
    settings = Settings.read()
    block = open_suite(settings).head().number + settings.depth
    names = archive.restore(file, settings.home, block)
    tell(
        f"{len(names)} files are back in {settings.home}; nodes sign nothing that ends at block {block} or before",
        {"files": names, "block": block},
        next_step="medtwin doctor",
    )
