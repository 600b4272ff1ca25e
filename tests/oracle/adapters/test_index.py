"""The index says what the chain says: after reorganisations, restarts and kills, in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.index import EventIndex, IndexedChain
from oracle.adapters.memory import new_signer
from oracle.batches.anchored import anchored_batches, batched_twins
from oracle.custody.audit import timeline
from oracle.errors import ChainError, StorageError
from oracle.ports import Event
from oracle.records import Deployment, Readings
from oracle.rights.consent import consents
from oracle.rights.market import offers
from oracle.rights.mint import twin_state
from tests.simulation.endpoint import Endpoint
from tests.simulation.ledger import ADDRESSES, CHAIN_ID, Ledger, Transaction

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

KNOWN = Deployment(CHAIN_ID, b"\1" * 32, 0, dict(ADDRESSES))
OWNERS = {twin: new_signer().address for twin in (1, 2, 3)}


class Fair:
    """A network on which nothing happens."""

    def call(self) -> None:
        """Nothing."""

    def lag(self) -> int:
        """None."""
        return 0


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A real PostgreSQL of this run's own, reached by a socket alone."""
    program = shutil.which("initdb") or next(iter(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    assert program, "PostgreSQL is not installed (Debian: apt install postgresql)"
    tools, folder = Path(program).resolve().parent, Path(tempfile.mkdtemp(prefix="medtwin-pg-", dir="/tmp"))
    as_user: dict[str, Any] = {"user": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")

    def run(*command: str) -> None:
        done = subprocess.run([tools / command[0], *command[1:]], capture_output=True, check=False, **as_user)
        assert done.returncode == 0, done.stderr.decode()

    try:
        run("initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "medtwin", "--no-sync")
        run(
            "pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log",
            "-o", f"-c listen_addresses='' -k {folder} -c fsync=off", "start",
        )  # fmt: skip
        try:
            yield f"postgresql+psycopg://medtwin@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind."""
    return f"sqlite:///{tmp_path}/index.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres")


def told(events: list[Event]) -> list[tuple[Any, ...]]:
    """What can be compared."""
    return [(one.block, one.log_index, one.name, one.args, one.transaction, one.time_s) for one in events]


def test_it_follows_through_reorganisations_and_restarts(url: str) -> None:
    """Blocks come, go and come in another order; it is opened anew at times; at every step it equals the chain."""
    rng, ledger = random.Random(7), Ledger([], OWNERS, set())
    chain = Endpoint(ledger, Fair())
    index = EventIndex(url, KNOWN)
    compared = reorganised = 0
    for step in range(120):
        for _ in range(rng.randrange(3)):
            ledger.made += 1
            twin = rng.choice(list(OWNERS))
            grant = (twin, new_signer().address, 1, 1, 10**6)
            ledger.pool.append(Transaction(ledger.made, OWNERS[twin], "grant", grant))
        ledger.mine(1_700_000_000 + 12 * step)
        if rng.random() < 0.2:
            ledger.reorganise(rng.randint(1, 8), rng)
            reorganised += 1
        if rng.random() < 0.5:
            index.follow(chain)
            if rng.random() < 0.3:
                index.close()
                index = EventIndex(url, KNOWN)
        for match in ({}, {"twinId": 2}):
            asked = ("ConsentRegistry", "ConsentGranted")
            assert told(IndexedChain(chain, index).events(*asked, **match)) == told(chain.events(*asked, **match))
            compared += 1
    index.follow(chain)
    assert compared and reorganised > 10 and index.count() == len(chain.everything(0, chain.head().number)) > 50
    last = index.events("ConsentRegistry", "ConsentGranted", since=0, until=10**6, match={}, newest=3)
    assert told(last) == told(chain.events("ConsentRegistry", "ConsentGranted")[-3:])
    with pytest.raises(StorageError) as caught:
        EventIndex(url, Deployment(1, b"\2" * 32, 0, dict(ADDRESSES)))
    assert caught.value.kind == "other_deployment"
    index.close()


def test_a_reorganisation_while_it_reads_writes_nothing(tmp_path: Path) -> None:
    """The last block read is another one than before: what was read is not kept."""
    ledger = Ledger([], OWNERS, set())
    chain = Endpoint(ledger, Fair())
    ledger.mine(1_700_000_100)
    index = EventIndex(f"sqlite:///{tmp_path}/index.sqlite", KNOWN)

    class Turning(Endpoint):
        """The branch changes in the middle."""

        def everything(self, since: int, until: int) -> list[Event]:
            """And then it does."""
            found = super().everything(since, until)
            ledger.reorganise(1, random.Random(1))
            return found

    assert index.follow(Turning(ledger, Fair())) == 0 and index.head() is None
    index.follow(chain)
    assert index.head() == type(chain.head())(chain.head().number, chain.head().hash, 0)
    index.close()


def test_it_does_not_answer_for_a_chain_that_is_gone(tmp_path: Path) -> None:
    """Its last block is not the chain's: the chain itself is asked, or says why it cannot be."""
    ledger = Ledger([], OWNERS, set())
    ledger.mine(1_700_000_100)
    index = EventIndex(f"sqlite:///{tmp_path}/index.sqlite", KNOWN)
    index.follow(Endpoint(ledger, Fair()))
    other = Ledger([], OWNERS, set())
    for one in range(3):
        other.hashes += 7
        other.made += 1
        other.pool.append(Transaction(other.made, OWNERS[1], "grant", (1, new_signer().address, 1, 1, 9)))
        other.mine(1_700_000_200 + one)
    chain = Endpoint(other, Fair())
    asked = ("ConsentRegistry", "ConsentGranted")

    assert told(IndexedChain(chain, index).events(*asked)) == told(chain.events(*asked)) != []

    class Silent(Endpoint):
        """It does not answer."""

        def head(self, number: int | None = None) -> Any:
            """Never."""
            raise ChainError("silent")

    with pytest.raises(ChainError):
        IndexedChain(Silent(other, Fair()), index).events(*asked)
    index.close()


def test_the_real_suite_through_the_index(
    stage: Stage, twin: Twin, recorded: Callable[..., Readings], url: str, researcher: Any
) -> None:
    """Events of the contracts read back alike, old ones from the index and new ones from the chain."""
    twin.publish(recorded())
    twin.allow(researcher.address)
    deployment = stage.chain.deployment
    if url.startswith("postgresql"):
        url = _another(url)
    index = EventIndex(url, deployment)
    index.follow(stage.chain)
    twin.publish(recorded(heart=80))
    chain = IndexedChain(stage.chain, index)
    for contract, name, match in (
        ("DataAnchor", "BatchAnchored", {"twinId": twin.twin_id}), ("DataAnchor", "BatchAnchored", {}),
        ("DataAnchor", "BatchAnchored", {"device": twin.device.address}), ("DataAnchor", "BatchAnchored", {"twinId": 1}),
        ("ConsentRegistry", "ConsentGranted", {"grantee": researcher.address}), ("TwinToken", "Transfer", {}),
    ):  # fmt: skip
        assert told(chain.events(contract, name, **match)) == told(stage.chain.events(contract, name, **match))
    for ask in QUERIES:
        assert ask(chain, twin) == ask(stage.chain, twin), ask
    index.close()


QUERIES: tuple[Callable[[Any, Twin], Any], ...] = (
    lambda chain, twin: twin_state(chain, twin.twin_id),
    lambda chain, twin: anchored_batches(chain, twin.twin_id),
    lambda chain, twin: batched_twins(chain, twin.edge.store),
    lambda chain, twin: consents(chain, twin.twin_id),
    lambda chain, twin: timeline(chain, {}),
    lambda chain, twin: offers(chain),
)
"""What people ask, as they ask it."""


def test_a_broken_database_is_a_slower_answer(tmp_path: Path) -> None:
    """The index is no place where the truth is: without it the chain is asked."""
    ledger = Ledger([], OWNERS, {}, set())
    ledger.pool.append(Transaction(1, OWNERS[1], "grant", (1, new_signer().address, 1, 1, 9)))
    ledger.mine(1_700_000_100)
    chain, path = Endpoint(ledger, Fair()), tmp_path / "index.sqlite"
    index = EventIndex(f"sqlite:///{path}", KNOWN)
    index.follow(chain)
    asked = ("ConsentRegistry", "ConsentGranted")
    known = told(IndexedChain(chain, index).events(*asked))
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE event")

    assert told(IndexedChain(chain, index).events(*asked)) == known == told(chain.events(*asked)) != []
    index.close()


def _another(url: str) -> str:
    """A second database on the same server."""
    import sqlalchemy as sa

    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE suite"))
    engine.dispose()
    return url.replace("/postgres?", "/suite?")
