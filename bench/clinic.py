"""The whole system as separate processes: anvil, an IPFS node, three custodians, four oracle nodes; each node's ways out break alone."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from oracle import deploy
from oracle.adapters.chain import Web3Chain, remote
from oracle.adapters.ganache import CHAIN_ID, MNEMONIC
from oracle.adapters.ipfs_node import ipfs_node
from oracle.adapters.keys import Keystore, LocalSigner
from oracle.adapters.process import free_port, running, wait_until
from oracle.errors import MedtwinError
from oracle.ports import Store
from oracle.settings import Opened, Settings, open_custodians, open_store, open_suite
from oracle.twins import TwinKind
from scripts.install_solc import FOLDER, ROOT

from .chaos import Proxy, Service

PASSWORD = "development"
NODES, CUSTODIANS, FAULTY = 4, 3, 1
DEPTH = 3
ETHER = 10**18
START_S = 90.0
ROLES = (
    "hospital",
    *(f"node-{one}" for one in range(1, NODES + 1)),
    *(f"custodian-{one}" for one in range(1, CUSTODIANS + 1)),
)


@dataclass(slots=True)
class Clinic:
    """What runs, and the harness's own undisturbed way to it."""

    url: str
    settings: Settings
    chain: Web3Chain
    opened: Opened
    store: Store
    keys: dict[str, LocalSigner]
    kind: TwinKind
    folder: Path
    services: dict[str, Service] = field(default_factory=dict)
    proxies: dict[str, Proxy] = field(default_factory=dict)

    def rpc(self, method: str, *params: object) -> object:
        """A call that only development chains have."""
        answer = httpx.post(
            self.url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, timeout=30
        ).json()
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer}")
        return answer["result"]


@contextmanager
def clinic(folder: Path, kind: TwinKind) -> Iterator[Clinic]:
    """Start everything and stop it on leaving."""
    with ExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [anvil(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--hardfork", "shanghai", "--silent",
                   "--mnemonic", MNEMONIC, "--block-time", "1"]  # fmt: skip
        process = stack.enter_context(running(command, log=folder / "anvil.log"))
        if not wait_until(lambda: _answers(url), process, START_S):
            raise SystemExit("anvil did not start")
        where = stack.enter_context(ipfs_node(FOLDER.parent))
        custodians = [free_port() for _ in range(CUSTODIANS)]
        settings = replace(
            Settings.read({"MEDTWIN_HOME": str(folder), "MEDTWIN_CHAIN": url, "MEDTWIN_STORE": where}),
            deployment=folder / "deployment.json", password=PASSWORD, depth=DEPTH,
            custodians=tuple(f"http://127.0.0.1:{one}" for one in custodians),
        )  # fmt: skip
        keys = _keys(folder)
        opened = Opened("anvil", url, remote(url))
        for signer in keys.values():
            opened.fund(signer.address, 50 * ETHER)
        suite = opened.deploy(keys["hospital"], [keys[f"node-{one}"].address for one in range(1, NODES + 1)], FAULTY)
        deploy.save(suite.deployment, settings.deployment)
        suite.write(
            keys["hospital"], "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False
        )
        suite.write(keys["hospital"], "ModelRegistry", "approve", kind.model_digest)
        made = Clinic(url, settings, open_suite(settings), opened, open_store(where), keys, kind, folder)
        stack.callback(_stop, made)
        _start_custodians(made, custodians)
        _start_nodes(made, port, int(where.rpartition(":")[2]))
        yield made


def anvil() -> str:
    """The native binary: npm's wrapper of it cannot be signalled."""
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not found:
        raise SystemExit("anvil is not installed; run: make setup-dev")
    return str(found[0])


def _answers(url: str) -> bool:
    try:
        remote(url)
    except MedtwinError:
        return False
    return True


def _keys(folder: Path) -> dict[str, LocalSigner]:
    keystore = Keystore(folder / "keys")
    keys = {role: LocalSigner.from_mnemonic(MNEMONIC, index) for index, role in enumerate(ROLES)}
    for role, signer in keys.items():
        keystore.keep(role, signer, PASSWORD)
    return keys


def _start_custodians(made: Clinic, ports: list[int]) -> None:
    environment = {**made.settings.environment(password=PASSWORD), "OMP_NUM_THREADS": "1"}
    for number, port in enumerate(ports, 1):
        name = f"custodian-{number}"
        made.services[name] = Service(
            name, [sys.executable, "-m", "oracle.serve.cli", "custodian", "serve", "--as", name, "--port", str(port)],
            log=made.folder / f"{name}.log", environment=environment,
        )  # fmt: skip
    for one in open_custodians(made.settings):
        _wait(f"{one.url}/healthz")


def _start_nodes(made: Clinic, chain_port: int, ipfs_port: int) -> None:
    ports = {number: free_port() for number in range(1, NODES + 1)}
    for number, port in ports.items():
        name = f"node-{number}"
        chain, store = Proxy(chain_port), Proxy(ipfs_port)
        made.proxies |= {f"{name}'s chain": chain, f"{name}'s store": store}
        settings = replace(
            made.settings, chain=f"http://127.0.0.1:{chain.port}", store=f"ipfs://127.0.0.1:{store.port}",
            peers=tuple(f"http://127.0.0.1:{other}" for other in ports.values() if other != port),
        )  # fmt: skip
        made.services[name] = Service(
            name,
            [
                sys.executable,
                "-m",
                "oracle.serve.cli",
                "node",
                "run",
                "--as",
                name,
                "--port",
                str(port),
                "--kind",
                made.kind.name,
            ],
            log=made.folder / f"{name}.log",
            environment={**settings.environment(password=PASSWORD), "OMP_NUM_THREADS": "1"},
        )
    for port in ports.values():
        _wait(f"http://127.0.0.1:{port}/readyz")


def _wait(url: str) -> None:
    from time import monotonic, sleep

    end = monotonic() + START_S
    while monotonic() < end:
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        sleep(0.2)
    raise SystemExit(f"nothing answers at {url}")


def _stop(made: Clinic) -> None:
    for service in made.services.values():
        service.signal(signal.SIGCONT)
        service.signal(signal.SIGKILL)
    for proxy in made.proxies.values():
        proxy.close()
