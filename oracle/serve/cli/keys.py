"""``medtwin keys``: keystores of this user."""

from __future__ import annotations

import sys

import typer

from ...errors import InputError
from ...settings import Settings, open_keystore
from .console import listing, tell

app = typer.Typer(help="Make and list encrypted keys; a key never leaves its keystore.", no_args_is_help=True)


@app.command()
def new(name: str) -> None:
    """Make a key in an encrypted keystore file."""
    settings = Settings.read()
    password = settings.password
    if password is None:
        if not sys.stdin.isatty():
            raise InputError("a new key needs a password", hint="set MEDTWIN_PASSWORD")
        password = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    key = open_keystore(settings).create(name, password)
    tell(f"{name} is {key.address}", {"name": name, "address": key.address}, next_step="medtwin twin mint --as " + name)


@app.command("list")
def list_() -> None:
    """Names and addresses; nothing is opened."""
    store = open_keystore(Settings.read())
    listing(
        ("name", "address"),
        [(name, store.address(name)) for name in store.names()],
        empty="no keys yet: medtwin keys new NAME",
    )
