"""One hospital of real processes and one real browser, for all of the portal's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from oracle.adapters.ipfs_node import ipfs_node
from oracle.adapters.process import free_port

from ..browsing import Visit, chromium, visiting
from ..clinic import ROOT, Cli, clean_environment
from ..hospital import START_S, Dev, started
from .scene import figures, url_of

RESULTS = ROOT / "bench" / "results" / "portal.json"


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A hospital with two patients, their recordings on IPFS, a researcher, nodes, custodians and the portal."""
    folder = tmp_path_factory.mktemp("portal")
    with (
        ipfs_node(ROOT / ".tools", repo=folder / "ipfs") as store,
        started(folder / "home", free_port(), MEDTWIN_STORE=store) as running,
    ):
        assert running.wait_for(lambda: "event=reported" in running.said(), START_S), running.said()
        yield running
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    pages = figures["pages"].values()
    whole = {**figures, "axe_serious": sum(len(one["axe_serious"]) for one in pages)}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


@pytest.fixture(scope="session")
def opened() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def visit(opened: Browser, dev: Dev) -> Iterator[Visit]:
    """Somebody new, who finds no error in the browser's console."""
    with visiting(opened, url_of(dev)) as one:
        yield one
        assert [said for said in one.troubles if "status of 40" not in said] == []  # a refusal is one, and is meant


@pytest.fixture(scope="session")
def cli(dev: Dev) -> Cli:
    settings, _ = dev.printed_commands()
    return Cli(clean_environment(**settings))


@pytest.fixture(scope="session")
def twin(dev: Dev) -> str:
    """Patient 1's."""
    _, commands = dev.printed_commands()
    return next(word for word in commands[0] if word.startswith("0x"))
