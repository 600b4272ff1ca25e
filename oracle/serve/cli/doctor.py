"""``medtwin doctor``: what is installed, reachable, mismatched, and what to do."""

from __future__ import annotations

import platform
import shutil
import ssl
from collections.abc import Callable

import httpx
import typer

from ... import datasets
from ...adapters.abi import SUITE, artifact
from ...adapters.failover import MOST_BEHIND
from ...adapters.tls import client_context
from ...errors import ChainError, Denied, MedtwinError, StorageError
from ...settings import (
    Settings,
    open_chain,
    open_custodians,
    open_keystore,
    open_private_store,
    open_suite,
    open_suites,
)
from ...twins import kinds
from ...wiring import open_indexed, together
from .console import listing

Look = Callable[[Settings], str]
READY_S = 5.0
BEHIND_BLOCKS = 100
"""From which on an index does not help."""


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(doctor)


def doctor() -> None:
    """Look at everything a command may need; each problem comes with what to do."""
    settings = Settings.read()
    rows = [_row(name, look, settings) for name, look in LOOKS]
    listing(("what", "state", "found", "try"), rows, empty="")
    if any(row[1] == "problem" for row in rows):
        raise typer.Exit(1)


def _row(name: str, look: Look, settings: Settings) -> tuple[str, str, str, str]:
    try:
        return name, "ok", look(settings), ""
    except MedtwinError as error:
        return name, "problem", error.sentence, error.hint


def _python(_: Settings) -> str:
    return platform.python_version()


def _contracts(_: Settings) -> str:
    return f"{len([artifact(name) for name in SUITE])} shipped artifacts"


def _kinds(_: Settings) -> str:
    return ", ".join(f"{name} ({kind.model_digest.hex()[:8]})" for name, kind in sorted(kinds().items()))


def _node(_: Settings) -> str:
    return shutil.which("node") or "none; only make dev and make test need it"


def _chain(settings: Settings) -> str:
    with open_chain(settings.chain) as opened:
        return f"{settings.chain}, id {opened.web3.eth.chain_id}, block {opened.web3.eth.block_number}"


def _endpoints(settings: Settings) -> str:
    """Each endpoint of the chain, as those who use several ask them."""
    chains = open_suites(settings)
    aside = {name: why for name, why in together(chains).look().items() if why}
    if aside:
        name, why = next(iter(aside.items()))
        raise ChainError(
            f"{len(aside)} of {len(chains)} endpoints are not asked; {name}: {why}",
            hint="see its log, or take it out of MEDTWIN_CHAIN; it is tried again by itself",
            kind="endpoint_aside",
        )
    return f"{len(chains)} answer, on one block within {MOST_BEHIND}"


def _index(settings: Settings) -> str:
    chain = open_indexed(settings)
    index = getattr(chain, "index", None)
    if index is None:
        return "none is kept; events are read from the chain (medtwin index run)"
    head, newest = index.head(), chain.head().number
    if head is None or newest - head.number > BEHIND_BLOCKS:
        raise StorageError(
            f"the index ends {newest - head.number if head else newest} blocks behind the chain",
            hint="see whether medtwin index run does",
            kind="index_behind",
        )
    return f"{index.count():,} events up to block {head.number}"


def _suite(settings: Settings) -> str:
    return f"{len(open_suite(settings).deployment.contracts)} contracts of {settings.deployment} are there"


def _store(settings: Settings) -> str:
    return open_private_store(settings).describe()


def _custodians(settings: Settings) -> str:
    custodians, genesis = open_custodians(settings), open_suite(settings).deployment.genesis
    strange = [one.url for one in custodians if not one.is_on(genesis)]
    if strange:
        raise ChainError(
            f"the custodian at {strange[0]} decides by another chain",
            hint="start the custodians again, or name others in MEDTWIN_CUSTODIANS",
            kind="custodian_elsewhere",
        )
    return f"{len(custodians)} answer, on this chain"


def _services(settings: Settings) -> str:
    """The other nodes, and custodians, each with what it says of itself."""
    urls, tls = [*settings.peers, *settings.custodians], client_context(settings.authorities, settings.certificate)
    unready = {url: said for url in urls if (said := _why_not_ready(url, True if tls is None else tls))}
    if unready:
        url, said = next(iter(unready.items()))
        raise StorageError(
            f"{len(unready)} of {len(urls)} are not ready; {url}: {said}",
            hint="see its log and /readyz; start it, or take it out of MEDTWIN_PEERS or MEDTWIN_CUSTODIANS",
            kind="not_ready",
        )
    return f"{len(urls)} ready"


def _why_not_ready(url: str, verify: ssl.SSLContext | bool) -> str:
    try:
        answer = httpx.get(f"{url.rstrip('/')}/readyz", timeout=READY_S, trust_env=False, verify=verify)
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return "" if answer.is_success else answer.text[:120]


def _gateways(settings: Settings) -> str:
    """Whether each gateway that is followed still may post."""
    chain = open_suite(settings)
    for address, _ in chain.gateways:
        if (
            chain.read("EpochAnchor", "headOf", address)[3]
            or not chain.read("DeviceRegistry", "deviceOf", address).paired
        ):
            raise Denied(
                f"gateway {address} is followed and may not post: it was cut off or found at fault",
                hint="medtwin audit timeline says when; follow another one",
                kind="gateway_suspended",
            )
    return ", ".join(f"{address} from block {block}" for address, block in chain.gateways) or "none is followed"


def _keys(settings: Settings) -> str:
    return ", ".join(open_keystore(settings).names()) or "none yet: medtwin keys new NAME"


def _data(settings: Settings) -> str:
    states = (f"{one.name}: {one.present(settings.data)}" for one in datasets.CATALOGUE.values())
    return f"{settings.data}: " + ", ".join(states)


LOOKS: tuple[tuple[str, Look], ...] = (
    ("python", _python),
    ("contracts", _contracts),
    ("models", _kinds),
    ("node", _node),
    ("chain", _chain),
    ("endpoints", _endpoints),
    ("deployment", _suite),
    ("index", _index),
    ("store", _store),
    ("custodians", _custodians),
    ("services", _services),
    ("gateways", _gateways),
    ("keys", _keys),
    ("data", _data),
)
