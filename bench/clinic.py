"""The whole system as separate processes: anvil, an IPFS node, three custodians, four oracle nodes; each link breaks alone."""

from __future__ import annotations

import json
import os
import signal
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from oracle import deploy
from oracle.adapters.chain import Web3Chain, remote
from oracle.adapters.ganache import CHAIN_ID, MNEMONIC
from oracle.adapters.ipfs_node import ipfs_command, node_answers
from oracle.adapters.keys import Keystore, LocalSigner
from oracle.adapters.process import free_port
from oracle.adapters.tls import client_context
from oracle.errors import MedtwinError
from oracle.formats.wire import unpack_observations
from oracle.ports import Store
from oracle.records import Deployment, TwinClass
from oracle.reports.quorum import Place
from oracle.rights.consent import DAY_S
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Opened, Settings, open_store, open_suite
from oracle.twins import TwinKind
from scripts.install_solc import FOLDER, ROOT

from . import traitor
from .chaos import Forked, Process, Program, Proxy
from .links import Links, Loopback
from .machines import Machines

PASSWORD = "development"
NODES, CUSTODIANS, FAULTY = 4, 3, 1
ETHER = 10**18
START_S = 180.0
RESTART_S, BLOCK_S = 2.0, 1.0
ROLES = (
    "hospital",
    *(f"node-{one}" for one in range(1, NODES + 1)),
    *(f"custodian-{one}" for one in range(1, CUSTODIANS + 1)),
)
GATEWAY = "gateway"


class Ear:
    """One more peer of every node: it hears what each signs, and says nothing."""

    def __init__(self, links: Links, settings: Settings) -> None:
        heard: defaultdict[tuple[str, Place], set[bytes]] = defaultdict(set)
        self.heard = heard

        class Hearing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != "/v1/observations":  # it signs no bundles
                    self.send_error(404)
                    return
                for one in unpack_observations(body):
                    report = one.report
                    told = repr(report).encode()
                    heard[one.signer, (report.twin_id, report.model, report.round)].add(told)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """It tells nobody."""

        self._server = ThreadingHTTPServer((links.host, 0), Hearing)
        self._server.daemon_threads = True
        if settings.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings.certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = links.url("", self._server.server_port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def twice(self, *, but: str = "") -> int:
        """Rounds of which a node signed more than one report."""
        return sum(len(said) > 1 for (signer, _), said in list(self.heard.items()) if signer != but)

    def close(self) -> None:
        """Hear no more."""
        self._server.shutdown()
        self._server.server_close()


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
    ear: Ear
    links: Links
    bundle: int = 0
    node_ports: dict[str, int] = field(default_factory=dict)
    services: dict[str, Process] = field(default_factory=dict)
    proxies: dict[str, Proxy] = field(default_factory=dict)

    def rpc(self, method: str, *params: object) -> Any:
        """A call that only development chains have."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = httpx.post(self.url, json=body, timeout=60).json()
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer}")
        return answer["result"]

    def restart_chain(self) -> None:
        """End it as a service is ended, and start it on the state it wrote."""
        chain = self.services["chain"]
        chain.signal(signal.SIGTERM)
        chain.start()
        await_true(lambda: chain_answers(self.url), "anvil, started again")
        self._set_time()

    def reorganise(self, blocks: int) -> None:
        """The chain's last blocks are others now, and empty."""
        self.rpc("anvil_reorg", blocks, [])
        self._set_time()

    def _set_time(self) -> None:
        """Anvil goes on at its first block's time when it is started again, and at the last common one's when it reorganised."""
        self.rpc("evm_setTime", int(time.time()))

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Meanwhile each transaction has a block, and nobody waits for one."""
        self.rpc("evm_setAutomine", True)
        yield
        self.rpc("evm_setAutomine", False)

    def own(self, name: str) -> Forked:
        """A node or a custodian."""
        found = self.services[name]
        assert isinstance(found, Forked)
        return found

    def node_settings(self, name: str) -> Settings:
        """Its own links to chain and store, each through a proxy, and to the others."""
        chain, store = (f"{self.links.host}:{self.proxies[f'{name} {to}'].port}" for to in ("chain", "store"))
        peers = (self.links.peer(name, other) for other in self.node_ports if other != name)
        settings = replace(
            self.settings, chain=f"http://{chain}", store=f"ipfs://{store}", peers=(*peers, self.ear.url)
        )
        return self.links.settings(settings, name)

    def node_url(self, name: str, port: int = 0) -> str:
        """Of a node, or of a copy of it on another port."""
        return self.links.url(name, port or self.node_ports[name])

    def start_node(self, name: str, *, lies: str = "", home: Path | None = None, port: int = 0) -> Forked:
        """As a process: the command, or one with the same key that lies; from another home on another port, a copy."""
        settings = replace(self.node_settings(name), home=home or self.settings.home)
        arguments = [
            "node", "run", "--as", name, "--kind", self.kind.name, "--port", str(port or self.node_ports[name]),
            "--bundle", str(self.bundle), *self.links.options(name),
        ]  # fmt: skip
        return Forked(
            [lies, *arguments[2:]] if lies else arguments, log=self.folder / f"{name}{'-copy' if home else ''}.log",
            environment={**settings.environment(password=PASSWORD), "OMP_NUM_THREADS": "1"},
            machine=self.links.machine(name), **({"main": traitor.main} if lies else {}),
        )  # fmt: skip

    def ready(self, name: str, port: int = 0) -> str:
        """What a node, or a copy of it, says of itself: "ready", why not, or nothing."""
        return self.told(f"{self.node_url(name, port)}/readyz")

    def told(self, url: str) -> str:
        """What a service answers, or nothing."""
        tls = client_context(self.settings.authorities, self.settings.certificate)
        try:
            return httpx.get(url, timeout=5, trust_env=False, verify=True if tls is None else tls).text
        except httpx.HTTPError:
            return ""


@contextmanager
def clinic(
    folder: Path, kind: TwinKind, *, depth: int, gateway: bool = False, bundle: int = 0, apart: bool = False
) -> Iterator[Clinic]:
    """Start everything and stop it on leaving; with a gateway, all follow its epochs, and it is not started.

    `bundle` is how many reports nodes post together; 0: each by itself. `apart` gives each node a machine of its own, if the program is
    :func:`~bench.machines.inside`.
    """
    with ExitStack() as stack:
        ports = {name: free_port() for name in ("chain", "ipfs", *ROLES[1:])}
        url, where = f"http://127.0.0.1:{ports['chain']}", f"ipfs://127.0.0.1:{ports['ipfs']}"
        nodes = {name: port for name, port in ports.items() if name.startswith("node")}
        links: Links = Machines(nodes, folder / "network") if apart else Loopback(nodes)
        stack.callback(links.close)
        services: dict[str, Process] = {}
        stack.callback(_stop, services)
        ended = threading.Event()
        stack.callback(ended.set)
        threading.Thread(target=_supervise, args=(services, ended), daemon=True).start()
        command = [anvil(), "--port", str(ports["chain"]), "--chain-id", str(CHAIN_ID), "--hardfork", "shanghai",
                   "--silent", "--mnemonic", MNEMONIC, "--no-mining", "--state", str(folder / "chain.json"),
                   "--timestamp", str(int(time.time())), "--preserve-historical-states", "--prune-history", "40"]  # fmt: skip
        services["chain"] = Program(command, log=folder / "anvil.log")
        command, environment = ipfs_command(FOLDER.parent, folder / "ipfs", ports["ipfs"])
        services["ipfs"] = Program(command, log=folder / "ipfs.log", environment=environment)
        await_true(lambda: chain_answers(url), "anvil")
        threading.Thread(target=_mine, args=(url, ended), daemon=True).start()
        settings = replace(
            Settings.read({"MEDTWIN_HOME": str(folder), "MEDTWIN_CHAIN": url, "MEDTWIN_STORE": where}),
            deployment=folder / "deployment.json", password=PASSWORD, depth=depth,
            custodians=tuple(links.url("", ports[f"custodian-{one}"]) for one in range(1, CUSTODIANS + 1)),
        )  # fmt: skip
        settings = links.settings(settings)
        keys = _keys(folder)
        opened = Opened("anvil", url, remote(url))
        for signer in keys.values():
            balance = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance"}
            httpx.post(url, json={**balance, "params": [signer.address, hex(500 * ETHER)]}).raise_for_status()
        suite = opened.deploy(keys["hospital"], [keys[f"node-{one}"].address for one in range(1, NODES + 1)], FAULTY)
        deploy.save(_followed(suite, keys) if gateway else suite.deployment, settings.deployment)
        suite.write(
            keys["hospital"], "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False
        )
        suite.write(keys["hospital"], "ModelRegistry", "approve", kind.model_digest)
        await_true(lambda: node_answers(where), "the IPFS node")
        ear = Ear(links, settings)
        stack.callback(ear.close)
        made = Clinic(
            url, settings, open_suite(settings), opened, open_store(where), keys, kind, folder, ear, links, bundle, nodes, services,
        )  # fmt: skip
        stack.callback(lambda: [one.close() for one in made.proxies.values()])
        _start(made, ports)
        yield made


def _followed(suite: Web3Chain, keys: dict[str, LocalSigner]) -> Deployment:
    """The deployment with the gateway in it, which speaks for a ward."""
    ward = new_twin_id(TwinClass.WARD, os.urandom)
    mint(suite, keys["hospital"], ward)
    pair(suite, keys["hospital"], keys[GATEWAY], ward, suite.head().time_s + 180 * DAY_S)
    return deploy.with_gateway(suite.deployment, keys[GATEWAY].address, suite.head().number + 1)


def _start(made: Clinic, ports: dict[str, int]) -> None:
    environment = {**made.settings.environment(password=PASSWORD), "OMP_NUM_THREADS": "1"}
    for name in (role for role in ROLES if role.startswith("custodian")):
        arguments = ["custodian", "serve", "--as", name, "--port", str(ports[name]), "--rate", str(10**6)]
        arguments += made.links.options()
        made.services[name] = Forked(arguments, log=made.folder / f"{name}.log", environment=environment)
    for name in made.node_ports:
        for to, port in (("chain", ports["chain"]), ("store", ports["ipfs"])):
            made.proxies[f"{name} {to}"] = Proxy(port, made.links.host)
    for name in made.node_ports:
        made.services[name] = made.start_node(name)
    for url in (*map(made.node_url, made.node_ports), *made.settings.custodians):
        await_true(lambda url=url: made.told(f"{url}/readyz") == "ready", f"{url}; see {made.folder}/*.log")  # type: ignore[misc]


def anvil() -> str:
    """The native binary: npm's wrapper of it cannot be signalled."""
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not found:
        raise SystemExit("anvil is not installed; run: make setup-dev")
    return str(found[0])


def chain_answers(url: str) -> bool:
    """Whether there is a chain."""
    try:
        remote(url)
    except MedtwinError:
        return False
    return True


def await_true(true: Any, what: str, within_s: float = START_S) -> None:
    """Wait for it, or end."""
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"nothing comes of {what}")
        time.sleep(0.2)


def _keys(folder: Path) -> dict[str, LocalSigner]:
    """In keystores that open quickly, as there are many restarts."""
    from eth_account import Account

    keystore = Keystore(folder / "keys")
    keys = {role: LocalSigner.from_mnemonic(MNEMONIC, index) for index, role in enumerate((*ROLES, GATEWAY))}
    (folder / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
    for role, signer in keys.items():
        content = Account.encrypt(signer._secret_32_bytes, PASSWORD, kdf="pbkdf2", iterations=1_000)
        (folder / "keys" / f"{role}.json").write_text(json.dumps(content), "utf-8")
        assert keystore.load(role, PASSWORD).address == signer.address
    return keys


def _supervise(services: dict[str, Process], ended: threading.Event) -> None:
    """What ends by itself is started again, as systemd does."""
    while not ended.wait(RESTART_S):
        for service in list(services.values()):
            service.revive()


def _mine(url: str, ended: threading.Event) -> None:
    """A block a second. An anvil that does so by itself keeps all states, and writes hundreds of megabytes when it ends."""
    while not ended.wait(BLOCK_S):
        with suppress(httpx.HTTPError):
            httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []})


def _stop(services: dict[str, Process]) -> None:
    for service in services.values():
        service.signal(signal.SIGCONT)
        service.signal(signal.SIGKILL)
