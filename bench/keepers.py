"""Custodians as processes over an anvil of their own, with a twin, a device and some readings: what races and loads run on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import numpy as np

from oracle import deploy
from oracle.adapters.chain import Web3Chain, remote
from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.ganache import CHAIN_ID, MNEMONIC
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import new_signer
from oracle.adapters.process import free_port, running, wait_until
from oracle.batches.publish import Edge, publish
from oracle.errors import MedtwinError
from oracle.ports import Chain, Custodian, Signer, Store
from oracle.records import Category, Channel, Readings, TwinClass
from oracle.rights.consent import DAY_S
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Opened, Settings, custodian_folder, open_custodians, open_store, open_suite, threshold_of

from .chaos import Forked
from .clinic import anvil

PASSWORD = "development"
ETHER = 10**18
START_S = 300.0  # a machine that does much else starts a process slowly
HEART = Channel("heart_rate", "/min", 0, 350, "8867-4")
ROLES = ("hospital", "owner", "custodian-1", "custodian-2", "custodian-3", "custodian-4", "custodian-5")


@dataclass(slots=True)
class Keepers:
    """What runs, and the harness's own way to it."""

    url: str
    settings: Settings
    chain: Web3Chain
    opened: Opened
    store: Store
    keys: dict[str, LocalSigner]
    folder: Path
    chain_pid: int
    services: dict[str, Forked] = field(default_factory=dict)

    @property
    def custodians(self) -> list[RemoteCustodian]:
        """The services, as a grantee sees them."""
        return open_custodians(self.settings)

    def rpc(self, method: str, *params: object) -> object:
        """A call that only development chains have."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = httpx.post(self.url, json=body, timeout=30).json()
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer}")
        return answer["result"]

    def mine_every(self, seconds: int) -> None:
        """From now on a block in so many seconds, whether something happens or not."""
        self.rpc("evm_setAutomine", False)
        self.rpc("evm_setIntervalMining", seconds)

    def twin(self, kind: TwinClass = TwinClass.PATIENT, batches: int = 2) -> int:
        """A twin of the owner with a device and a few readings."""
        return published_twin(
            self.chain,
            self.store,
            self.custodians,
            self.keys["owner"],
            self.keys["hospital"],
            kind=kind,
            batches=batches,
        )

    def state_of(self, number: int) -> Path:
        """The folder of a custodian's files."""
        return custodian_folder(self.settings, self.keys[f"custodian-{number}"].address, self.chain.deployment)

    def wait_for(self, number: int) -> None:
        """Until a custodian answers that it could decide."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.settings.custodians[number - 1]}/readyz", timeout=2).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"custodian {number} does not come back; see {self.folder}/custodian-{number}.log")


def published_twin(
    chain: Chain, store: Store, custodians: Sequence[Custodian], owner: Signer, payer: Signer,
    *, kind: TwinClass = TwinClass.PATIENT, batches: int = 2,
) -> int:  # fmt: skip
    """A twin of `owner` with a device and a minute of made-up readings in each of its batches."""
    device, twin_id = new_signer(), new_twin_id(kind, os.urandom)
    mint(chain, owner, twin_id)
    pair(chain, owner, device, twin_id, chain.head().time_s + 180 * DAY_S)
    keys = {one.address: one.public_key(twin_id) for one in custodians}
    edge = Edge(
        chain, store, SqliteOutbox(":memory:", device.address, "bench"), device, payer, twin_id, (HEART,),
        int(Category.VITALS), keys, threshold_of(custodians), os.urandom,
    )  # fmt: skip
    begin = (chain.head().time_s - 3_600) * 1000
    for number in range(batches):
        times = begin + 1000 * np.arange(number * 60, number * 60 + 60, dtype=np.int64)
        values = np.full(60, (70 + number) * 10**6, np.int64)
        list(publish(edge, [Readings("bench/1", (HEART.name,), times, np.zeros(60, np.uint8), values)]))
    return twin_id


@contextmanager
def keepers(
    folder: Path, *, count: int = 3, depth: int = 0, rate: int = 10**6, endpoints: int = 1
) -> Iterator[Keepers]:
    """Start a chain (a block for each transaction, for now) and `count` custodians, with so many ways to it; stop them on leaving."""
    with ExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [anvil(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--hardfork", "shanghai", "--silent",
                   "--mnemonic", MNEMONIC]  # fmt: skip
        process = stack.enter_context(running(command, log=folder / "anvil.log"))
        if not wait_until(lambda: _answers(url), process, START_S):
            raise SystemExit("anvil did not start")
        custodians = tuple(f"http://127.0.0.1:{free_port()}" for _ in range(count))
        settings = replace(
            Settings.read({"MEDTWIN_HOME": str(folder), "MEDTWIN_CHAIN": url}), deployment=folder / "deployment.json",
            password=PASSWORD, depth=depth, custodians=custodians, more_chains=(url,) * (endpoints - 1),
        )  # fmt: skip
        keys = {role: LocalSigner.from_mnemonic(MNEMONIC, index) for index, role in enumerate(ROLES[: 2 + count])}
        opened = Opened("anvil", url, remote(url))
        for signer in keys.values():
            opened.fund(signer.address, 50 * ETHER)
        suite = opened.deploy(keys["hospital"], [new_signer().address for _ in range(4)], 1)
        deploy.save(suite.deployment, settings.deployment)
        made = Keepers(
            url, settings, open_suite(settings), opened, open_store(settings.store), keys, folder, process.pid
        )
        stack.callback(_stop, made)
        environment = {**settings.environment(password=PASSWORD), "OMP_NUM_THREADS": "1"}
        for number, where in enumerate(custodians, 1):
            name = f"custodian-{number}"
            own = {**environment, "MEDTWIN_PRIVATE_KEY": keys[name]._secret_32_bytes.hex()}
            arguments = ["custodian", "serve", "--as", "", "--port", where.rpartition(":")[2], "--rate", str(rate)]
            made.services[name] = Forked(arguments, log=folder / f"{name}.log", environment=own)
        for number in range(1, count + 1):
            made.wait_for(number)
        yield made


def _answers(url: str) -> bool:
    try:
        remote(url)
    except MedtwinError:
        return False
    return True


def _stop(made: Keepers) -> None:
    for service in made.services.values():
        service.signal(signal.SIGKILL)
