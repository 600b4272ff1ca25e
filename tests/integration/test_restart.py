"""Killed between any two steps and run again: every batch stands once, every round is posted once.

publish
  given a process killed (SIGKILL) at a named point, or at any time
    run again, it goes on where it was: no batch is missing, doubled or out of order
  given a transaction that was sent and not yet mined when the process died
    run again, it finds the batch anchored
fetch
  given a process killed when some blocks, or some keys, were there
    nothing stands under the file's name; run again, what was there is neither fetched nor asked for again
predict
  given an oracle killed at a named point
    run again, it posts the round, once, with the signatures it remembered
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.store import EmbeddedStore
from oracle.batches.fetch import anchored_batches
from oracle.formats.receipts import decode
from oracle.records import Category, Purpose
from oracle.rights.consent import grant
from oracle.settings import Settings, open_custodians, open_outbox
from oracle.twins import TwinKind, kinds

from .clinic import LONGEST_S, ROOT, Clinic, now_ms, recorded, table, write_csv

DRIVER = (sys.executable, "-m", "tests.integration.driver")
KILLED = -signal.SIGKILL
SECONDS = 75  # three batches of half a minute
BATCHES = 3
PUBLISHING = [
    *(f"{point}:{number}" for point in ("after_add", "after_put", "after_send") for number in (1, 3)),
    "before_add:2", "before_send:2", "before_done:1", "before_done:3", "after_done:2",
]  # fmt: skip
# Each node signs as grantee (a request to custodians), then its report; after_sign:8 is the last node's report.
PREDICTING = ["after_remember:1", "after_remember:3", "after_sign:2", "after_sign:8", "before_send:1", "after_send:1"]
RANDOM_KILLS = 10


class Subject:
    """A twin, a recording, and the driver that brings it in."""

    def __init__(self, clinic: Clinic, name: str, folder: Path) -> None:
        self.clinic, self.name = clinic, name
        self.twin, self.owner, self.device = clinic.twin(name)
        self.blocks_before = self.blocks()
        self.end_ms = now_ms()
        self.readings = recorded(SECONDS, end_ms=self.end_ms)
        self.file = write_csv(folder / f"{name}.csv", table(self.readings))

    @property
    def publishing(self) -> list[str]:
        """The arguments of its publication."""
        return ["publish", hex(self.twin), str(self.file), "--device", f"{self.name}-device"]

    def start(self, *arguments: str, kill: str = "") -> subprocess.Popen[bytes]:
        """The driver, running."""
        return subprocess.Popen(
            [*DRIVER, *arguments], cwd=ROOT, env={**self.clinic.cli.environment, "DRIVER_KILL": kill},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *arguments: str, kill: str = "") -> tuple[int, str]:
        """The driver, ended: exit code and what it said."""
        with self.start(*arguments, kill=kill) as process:
            said, _ = process.communicate(timeout=LONGEST_S)
        return process.returncode, said.decode()

    def blocks(self) -> int:
        """How many blocks are in the store."""
        if not self.clinic.store.exists():
            return 0
        with closing(sqlite3.connect(self.clinic.store)) as database:
            return int(database.execute("SELECT COUNT(*) FROM block").fetchone()[0])

    def outbox(self) -> SqliteOutbox:
        """The device's outbox."""
        settings = Settings.read(self.clinic.cli.environment)
        return open_outbox(settings, self.device.address, self.clinic.chain.deployment)

    def looked_at(self) -> int:
        """How many batches of this twin custodians were asked for, each one counted."""
        with ExitStack() as stack:
            settings = Settings.read(self.clinic.cli.environment)
            asked = [stack.enter_context(closing(one)) for one in open_custodians(settings)]
            read = [decode(*entry) for one in asked for entry in one.receipts()]
        return sum(len(one.batches) for one in read if one.twin_id == self.twin)

    def assert_published_once(self, batches: int = BATCHES) -> None:
        """Numbered from 1 without a gap, each on the one before, in the store, sealed once, whole, nothing pending."""
        found = [one.batch for one in anchored_batches(self.clinic.chain, self.twin)]
        blocks = EmbeddedStore(self.clinic.store)

        assert [one.sequence for one in found] == list(range(1, batches + 1))
        assert [one.previous for one in found] == [bytes(32), *(one.digest for one in found[:-1])]
        assert sum(one.readings for one in found) == len(self.readings)
        assert all(blocks.has(one.digest) for one in found)
        assert self.blocks() == self.blocks_before + batches
        assert self.outbox().pending() == []


@pytest.fixture
def subject(clinic: Clinic, tmp_path: Path, request: pytest.FixtureRequest) -> Subject:
    """A twin of this test alone."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())[-40:].strip("-")
    return Subject(clinic, name, tmp_path)


@pytest.fixture(scope="module")
def kind(clinic: Clinic) -> TwinKind:
    """The pulse model, approved on the chain."""
    found = kinds()["pulse"]
    clinic.approve(found)
    return found


@pytest.mark.parametrize("point", PUBLISHING)
def test_killed_publication_goes_on_where_it_was(subject: Subject, point: str) -> None:
    """Whatever the last step was, the same command finishes the work once."""
    code, said = subject.run(*subject.publishing, kill=point)
    assert code == KILLED, said

    code, said = subject.run(*subject.publishing)

    assert code == 0, said
    subject.assert_published_once()


def test_publication_run_again_changes_nothing(subject: Subject) -> None:
    """A third run of a finished publication is a success with nothing to do."""
    assert subject.run(*subject.publishing)[0] == 0

    code, said = subject.run(*subject.publishing)

    assert code == 0, said
    assert f"{BATCHES} were there already" in said
    subject.assert_published_once()


def test_publication_killed_at_any_time_loses_nothing(subject: Subject, tmp_path: Path) -> None:
    """Killed again and again at random moments of its work; what is there at the end is there once."""
    chance = random.Random(20_120_717)
    end_ms, parts = subject.end_ms, []
    for number in range(RANDOM_KILLS):  # many short recordings, each a file of its own, sent in order
        lines = table(recorded(2, end_ms=end_ms - 4_000 * (RANDOM_KILLS - number)))
        parts.append(write_csv(tmp_path / f"part-{number}.csv", lines))
    killed = 0
    for part in parts:
        command = ["publish", hex(subject.twin), str(part), "--device", f"{subject.name}-device"]
        killed += kill_within(subject.start(*command), chance.uniform(0.05, 1.0))
        code, said = subject.run(*command)
        assert code == 0, said

    found = [one.batch for one in anchored_batches(subject.clinic.chain, subject.twin)]
    assert [one.sequence for one in found] == list(range(1, RANDOM_KILLS + 1))
    assert len({(one.start_s, one.end_s) for one in found}) == RANDOM_KILLS
    assert subject.outbox().pending() == []
    assert killed >= RANDOM_KILLS // 2  # else it was always too late


def kill_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a driver some time after it is ready; whether it was still at work."""
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.stdout.read()
    return process.returncode == KILLED


def test_transaction_mined_after_the_kill_is_found(subject: Subject) -> None:
    """Sent, not mined, killed; the next run sends it again before the first is mined, and the chain keeps one."""
    rpc: Callable[..., Any] = subject.clinic.opened.web3.provider.make_request
    rpc("miner_stop", [])
    try:
        code, said = subject.run(*subject.publishing, kill="after_send:1")
        assert code == KILLED, said
        process = subject.start(*subject.publishing)
        wait_for(lambda: sent_by(rpc, subject.device.address) == 2, process)
    finally:
        rpc("miner_start", [])
    with process:
        said, _ = process.communicate(timeout=LONGEST_S)

    assert process.returncode == 0, said
    subject.assert_published_once()


def sent_by(rpc: Callable[..., Any], sender: str) -> int:
    """How many transactions of an account wait to be mined."""
    pool = rpc("txpool_content", [])["result"]["pending"]
    return sum(len(waiting) for account, waiting in pool.items() if account.lower() == sender.lower())


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Until `ready`, while the process lives."""
    end = time.monotonic() + LONGEST_S
    while not ready():
        assert process.poll() is None and time.monotonic() < end, process.communicate()[0]
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue


@pytest.fixture(scope="module")
def watched(clinic: Clinic, kind: TwinKind, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A twin on which the oracle may report; each test adds a round."""
    subject = Subject(clinic, "watched", tmp_path_factory.mktemp("watched"))
    grant(
        clinic.chain, subject.owner, subject.twin, clinic.chain.address("PredictionOracle"),
        categories=Category(kind.category), purposes=Purpose.CARE, days=1,
    )  # fmt: skip
    return subject


@pytest.mark.parametrize(
    ("point", "asked"), [("after_keep_block:2", 3), ("after_keep_key:1", 2), ("after_keep_key:3", 0)]
)
def test_killed_fetch_goes_on_where_it_was(subject: Subject, tmp_path: Path, point: str, asked: int) -> None:
    """The blocks it had are removed from the store before it runs again; custodians hear of the batches that were left alone."""
    assert subject.run(*subject.publishing)[0] == 0
    out, kept = tmp_path / "out.csv", tmp_path / ".out.csv.fetched"
    fetching = ["fetch", hex(subject.twin), "--purpose", "care", "--out", str(out), "--as", subject.name]
    code, said = subject.run(*fetching, kill=point)
    assert code == KILLED, said
    assert not out.exists() and kept.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(kept)) as database:
        had = [digest for (digest,) in database.execute("SELECT digest FROM fetched")]
    assert len(had) >= 2
    for digest in had:
        EmbeddedStore(subject.clinic.store).remove(digest)
    before = subject.looked_at()

    code, said = subject.run(*fetching)

    assert code == 0, said
    assert subject.looked_at() - before == 2 * asked  # by two custodians of three
    assert out.read_text("utf-8").splitlines()[1:] == [",".join(line) for line in table(subject.readings)]
    assert [one.name for one in tmp_path.iterdir() if "out.csv" in one.name] == ["out.csv"]


@pytest.mark.parametrize("point", PREDICTING)
def test_killed_oracle_posts_its_round_once(watched: Subject, kind: TwinKind, point: str) -> None:
    """Run again it posts the round if nobody has, and never a second time."""
    chain, before = watched.clinic.chain, rounds(watched, kind)
    lines = table(recorded(65, end_ms=watched.end_ms - 70_000 * (len(PREDICTING) - len(before))))
    newest = write_csv(watched.file.with_name(f"{os.urandom(4).hex()}.csv"), lines)
    watched.clinic.cli.ok("publish", hex(watched.twin), str(newest), "--device", "watched-device")
    round_ = int(chain.read("DataAnchor", "batchCount", watched.twin))

    code, said = watched.run("predict", hex(watched.twin), kill=point)
    assert code == KILLED, said
    for _ in range(2):
        code, said = watched.run("predict", hex(watched.twin))
        assert code == 0, said

    assert rounds(watched, kind) == [*before, round_]


def rounds(subject: Subject, kind: TwinKind) -> list[int]:
    """The rounds that were posted, in their order."""
    found = subject.clinic.chain.events(
        "PredictionOracle", "PredictionPosted", twinId=subject.twin, model=kind.model_digest
    )
    return [event.args["round"] for event in found]
