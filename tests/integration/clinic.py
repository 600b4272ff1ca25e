"""What whole paths are made of: the command as a process, real recordings, custodian processes, a clinic on Ganache."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account

from oracle.adapters.chain import Web3Chain
from oracle.adapters.keys import LocalSigner
from oracle.adapters.process import free_port, last_words, running, wait_until
from oracle.formats.readings import rows
from oracle.records import E6, Readings, TwinClass
from oracle.rights.consent import DAY_S
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Opened
from oracle.twins import TwinKind
from oracle.twins.pulse import Pulse

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"  # filled by scripts/ipfs_node.sh
PASSWORD = "of the tests only"
COMMAND = (sys.executable, "-m", "oracle.serve.cli")
ETHER = 10**18
START_S = 90.0
LONGEST_S = 240.0


@dataclass(frozen=True)
class Told:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """The JSON it printed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """The command ``medtwin`` under an environment of its own."""

    environment: Mapping[str, str] = field(repr=False)

    def __call__(self, *arguments: str, **changes: str) -> Told:
        """Run it and wait; keyword arguments are variables of its environment."""
        ended = subprocess.run(
            [*COMMAND, *arguments], cwd=ROOT, env={**self.environment, **changes}, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=LONGEST_S, check=False,
        )  # fmt: skip
        return Told(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def ok(self, *arguments: str, **changes: str) -> Told:
        """Run it; it must succeed."""
        told = self(*arguments, **changes)
        assert told.code == 0, f"medtwin {' '.join(arguments)} ended with {told.code}: {told.err}{told.out}"
        assert "Traceback" not in told.out + told.err
        return told

    def facts(self, *arguments: str, **changes: str) -> Any:
        """Run it for programs; its facts."""
        return self.ok("--json", *arguments, **changes).facts


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of Medtwin but these."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MEDTWIN_")} | variables


# -- recordings ----------------------------------------------------------------------------


def recorded(seconds: int, *, end_ms: int) -> Readings:
    """The last seconds of a real photoplethysmogram, moved in time so that it ends at `end_ms`."""
    found = next(Pulse().recordings(Path()))
    kept = rows(found.readings, found.readings.time_ms > found.readings.time_ms[-1] - 1000 * seconds)
    return replace(kept, time_ms=kept.time_ms - kept.time_ms[-1] + end_ms)


def table(readings: Readings) -> list[tuple[str, ...]]:
    """The rows of the CSV file of a recording, without its heading."""
    return [
        (str(int(t)), readings.channels[int(c)], repr(int(v) / E6), "1")
        for t, c, v in zip(readings.time_ms, readings.channel, readings.value_e6, strict=True)
    ]


def write_csv(path: Path, lines: list[tuple[str, ...]]) -> Path:
    """A CSV file as the command reads it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("time_ms", "channel", "value", "unit"), *lines])
    return path


def now_ms() -> int:
    """This machine's clock, at the end of the last whole second."""
    return int(time.time()) * 1000 - 1


# -- the clinic ------------------------------------------------------------------------------


def keep(folder: Path, name: str) -> LocalSigner:
    """A new key in a keystore that opens quickly; not for use outside tests."""
    account = Account.create()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = Account.encrypt(account.key, PASSWORD, kdf="pbkdf2", iterations=1_000)
    (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    return LocalSigner(bytes(account.key))


@contextmanager
def custodian_processes(environment: Mapping[str, str], names: list[str], logs: Path) -> Iterator[list[str]]:
    """``medtwin custodian serve`` for each key; the addresses when all answer."""
    ports = [free_port() for _ in names]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    with ExitStack() as stack:
        started = []
        for name, port in zip(names, ports, strict=True):
            command = [*COMMAND, "custodian", "serve", "--as", name, "--port", str(port)]
            started.append(
                stack.enter_context(
                    running(command, log=logs / f"{name}.log", environment={**environment, "PYTHONPATH": str(ROOT)})
                )
            )
        for name, url, process in zip(names, urls, started, strict=True):
            assert wait_until(lambda url=url: answers(url), process, START_S), last_words(logs / f"{name}.log")
        yield urls


def answers(url: str) -> bool:
    """Whether a custodian is there."""
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


@dataclass
class Clinic:
    """A suite on Ganache with custodians; `cli` is the command of somebody who holds the keys in `home`."""

    home: Path
    opened: Opened
    chain: Web3Chain
    keys: dict[str, LocalSigner]
    custodians: list[str]
    cli: Cli

    @property
    def outbox(self) -> Path:
        """The devices' outbox."""
        return self.home / "outbox.sqlite"

    @property
    def store(self) -> Path:
        """The embedded content store."""
        return self.home / "store.sqlite"

    def key(self, name: str, *, ether: int = 1) -> LocalSigner:
        """A new key in the keystore, with some ether."""
        signer = keep(self.home / "keys", name)
        if ether:
            self.opened.fund(signer.address, ether * ETHER)
        return signer

    def approve(self, kind: TwinKind) -> None:
        """Let the oracle run a kind's model, if it may not yet."""
        if not self.chain.read("ModelRegistry", "isApproved", kind.model_digest):
            hospital, model, card = self.keys["hospital"], kind.model_digest, kind.card_digest
            self.chain.write(hospital, "ModelRegistry", "register", model, card, bytes(32), False)
            self.chain.write(hospital, "ModelRegistry", "approve", model)

    def twin(self, name: str) -> tuple[int, LocalSigner, LocalSigner]:
        """A minted twin with the keys ``<name>`` and ``<name>-device``, paired."""
        owner, device = self.key(name), self.key(f"{name}-device")
        twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
        mint(self.chain, owner, twin_id)
        pair(self.chain, owner, device, twin_id, self.chain.head().time_s + 180 * DAY_S)
        return twin_id, owner, device
