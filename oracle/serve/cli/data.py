"""``medtwin data``: the public data sets the models come from."""

from __future__ import annotations

import typer

from ... import datasets
from ...settings import Settings
from .console import listing, tell

app = typer.Typer(help="List and obtain public data sets, checked by SHA-256.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """What can be had, from whom, under which licence, and what is here."""
    folder = Settings.read().data
    listing(
        ("name", "what", "licence", "here"),
        [(one.name, one.title, one.licence, one.present(folder)) for one in datasets.CATALOGUE.values()],
        empty="",
    )


@app.command()
def get(name: str) -> None:
    """Fetch one set from its publisher; goes on where it was interrupted."""
    folder = Settings.read().data
    path = datasets.get(name, folder)
    tell(f"{name} is in {path}", {"name": name, "path": str(path)}, next_step=f"medtwin demo --source {name}")
