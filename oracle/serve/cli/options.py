"""Options that several commands share, and what they turn into."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from eth_utils import is_address, to_checksum_address

from ...adapters.chain import Web3Chain
from ...adapters.keys import LocalSigner
from ...errors import InputError
from ...ports import Mined
from ...records import Category, Purpose
from ...settings import Settings, open_key, open_keystore
from ...twins import TwinKind, kinds
from ...wiring import open_indexed

As = Annotated[str, typer.Option("--as", metavar="KEY", help="Name of the keystore that signs (medtwin keys list).")]
Host = Annotated[str, typer.Option(help="Address to listen on; beyond loopback it needs a certificate.")]
Certificate = Annotated[Path | None, typer.Option(help="PEM with certificate and key: TLS.", exists=True)]
Clients = Annotated[Path | None, typer.Option(help="PEM of the authority of whom it takes: mTLS.", exists=True)]
KindName = Annotated[str, typer.Option("--kind", help="Kind of twin: pulse, icu2012, or one you installed.")]
OWN_GRANTEES = {"oracle": "PredictionOracle", "emergency": "EmergencyAccess", "case": "CaseToken"}
"""Contracts that people consent to by name."""

PurposeName = Annotated[str, typer.Option("--purpose", help="Purpose of use, for example care or research_health.")]


def suite() -> Web3Chain:
    """The deployed suite of this user's settings, with its index if there is one."""
    return open_indexed(Settings.read())


def signer(name: str) -> LocalSigner:
    """The key of that name; its password comes from MEDTWIN_PASSWORD or the terminal, never an argument."""
    settings = Settings.read()
    if name and settings.password is None and sys.stdin.isatty():
        settings = replace(settings, password=typer.prompt(f"Password of {name}", hide_input=True, err=True))
    return open_key(settings, name)


def address_of(text: str) -> str:
    """An address, or the name of one of this user's keys."""
    if is_address(text):
        return to_checksum_address(text)
    return open_keystore(Settings.read()).address(text)


def grantee_of(chain: Web3Chain, text: str) -> str:
    """Whom a consent names: one of the suite's own grantees, an address, or a key's name."""
    return chain.address(OWN_GRANTEES[text]) if text in OWN_GRANTEES else address_of(text)


def appoint(contract: str, role: str, who: str, administrator: str) -> Mined:
    """Give an account a role in a contract of the suite; only the hospital's administrator may."""
    chain = suite()
    return chain.write(
        signer(administrator), contract, "grantRole", chain.read(contract, f"{role.upper()}_ROLE"), address_of(who)
    )


def kind_named(name: str) -> TwinKind:
    """The twin kind of that name."""
    found = kinds()
    if name not in found:
        raise InputError(f"there is no kind of twin {name!r}", hint=f"installed: {', '.join(sorted(found))}")
    return found[name]


def categories(text: str) -> Category:
    """Comma-separated category names."""
    return Category(_bits(text, Category, "category"))


def purposes(text: str) -> Purpose:
    """Comma-separated purpose names."""
    return Purpose(_bits(text, Purpose, "purpose"))


def _bits(text: str, flags: type[Category] | type[Purpose], what: str) -> int:
    total = 0
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            total |= int(flags[part.upper()])
        except KeyError:
            known = ", ".join(str(flag.name).lower() for flag in flags)
            raise InputError(f"{part!r} is not a {what}", hint=f"known: {known}") from None
    if not total:
        raise InputError(f"no {what} named", hint="name at least one")
    return total


def names(flags: Category | Purpose) -> str:
    """Flags as comma-separated lower-case names."""
    return ", ".join(str(flag.name).lower() for flag in flags)
