"""The stage of the whole-path tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from oracle import deploy
from oracle.adapters.ganache import ganache
from oracle.settings import open_chain

from . import evms
from .clinic import ETHER, PASSWORD, Cli, Clinic, clean_environment, custodian_processes, keep

LEFT_OUT: set[str] = set()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of data sets; without it tests fail, they are not skipped."""
    named = os.environ.get("MEDTWIN_DATA", "")
    if not (Path(named) / "icu2012" / "set-a.csv.xz").is_file():
        pytest.fail("MEDTWIN_DATA must name a folder with icu2012/set-a.csv.xz: medtwin data get icu2012")
    return Path(named).resolve()


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One for all tests; each makes twins of its own on it."""
    home = tmp_path_factory.mktemp("clinic")
    with ExitStack() as stack:
        url = stack.enter_context(ganache(folder=home / "chain"))
        opened = stack.enter_context(open_chain(url))
        roles = ["hospital", *(f"node-{n}" for n in range(1, 5)), *(f"custodian-{n}" for n in range(1, 4))]
        keys = {role: keep(home / "keys", role) for role in roles}
        for signer in keys.values():
            opened.fund(signer.address, ETHER)
        chain = opened.deploy(keys["hospital"], [keys[f"node-{n}"].address for n in range(1, 5)], 1)
        deploy.save(chain.deployment, home / "deployment.json")
        environment = clean_environment(
            MEDTWIN_HOME=str(home), MEDTWIN_CHAIN=url, MEDTWIN_PASSWORD=PASSWORD,
            MEDTWIN_DEPLOYMENT=str(home / "deployment.json"),
        )  # fmt: skip
        names = [f"custodian-{n}" for n in range(1, 4)]
        urls = stack.enter_context(custodian_processes(environment, names, home))
        cli = Cli({**environment, "MEDTWIN_CUSTODIANS": ",".join(urls)})
        yield Clinic(home, opened, chain, keys, urls, cli)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of data sets that are not here: no publisher serves all of them; `pytest_terminal_summary` names them."""
    here = Path(os.environ.get("MEDTWIN_DATA", ""))
    absent = [one for one in items if any(not (here / mark.args[0]).is_dir() for mark in one.iter_markers("of_set"))]
    if absent:
        LEFT_OUT.update(mark.args[0] for one in absent for mark in one.iter_markers("of_set"))
        config.hook.pytest_deselected(items=absent)
        items[:] = [one for one in items if one not in absent]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say on which EVMs the main job ran, which one is not here, and which data sets are not."""
    if LEFT_OUT:
        sets = ", ".join(sorted(LEFT_OUT))
        terminalreporter.write_line(f"left out, as MEDTWIN_DATA lacks their data: tests of {sets} (docs/models.md)")
    if evms.RAN:
        terminalreporter.write_line(evms.told())
