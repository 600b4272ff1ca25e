"""A small hospital to develop against: Ganache, the suite, three custodians, four nodes, some people and readings."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import httpx

from .. import deploy
from ..adapters.chain import Web3Chain
from ..adapters.custodian_http import RemoteCustodian
from ..adapters.ganache import MNEMONIC, ganache
from ..adapters.index import EventIndex
from ..adapters.keys import Keystore, LocalSigner
from ..adapters.process import running, wait_until
from ..batches.publish import Edge, publish
from ..errors import ChainError, MedtwinError, StorageError
from ..ports import Custodian
from ..records import Category, Purpose, Readings
from ..reports.lists import read_lists
from ..reports.predict import Node
from ..rights.consent import DAY_S, grant
from ..rights.market import Offer, offer
from ..rights.mint import mint, new_twin_id
from ..rights.pair import pair
from ..settings import (
    Settings,
    open_chain,
    open_custodians,
    open_explanations,
    open_node,
    open_outbox,
    open_private_store,
    open_store,
    open_suite,
    threshold_of,
)
from ..stages.ingest import split
from ..twins import TwinKind
from ..wiring import open_index
from .devnet_care import PASSWORD, appoint_all, let_in, listening_device, propose_example
from .worker import turn

ROLES = (
    "hospital", "node-1", "node-2", "node-3", "node-4", "patient-1", "patient-2", "researcher", "device-1", "device-2",
    "custodian-1", "custodian-2", "custodian-3", "clinician", "relayer", "clinician-2", "reviewer", "radiology", "theatre",
)  # fmt: skip
"""Accounts of the development mnemonic, in their order."""
PEOPLE = (
    "patient-1", "patient-2", "researcher", "clinician", "clinician-2", "reviewer", "radiology", "theatre", "hospital",
)  # fmt: skip
"""Those that the portal knows by name."""
CUSTODIANS = 3
CUSTODIAN_PORT = 8701
"""Of the first; the others follow."""
PORTAL_PORT = 8720
FAULTY = 1
ETHER = 10**18
RESEARCH_TOKENS = 1_000 * 10**18
PRICE_PER_DAY = 5 * 10**18
SEED_BATCHES = 4
TERMS = b"Health research only. No attempt to identify anyone. No onward transfer."
START_S = 60.0
LOOK_EVERY_S = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Hospital:
    """What runs: who is who, the suite, the nodes."""

    keys: Mapping[str, LocalSigner]
    chain: Web3Chain
    nodes: list[Node]
    twins: list[int]
    index: EventIndex


@contextmanager
def hospital(
    settings: Settings, kind: TwinKind, port: int, say: Say, *, portal_port: int | None = None
) -> Iterator[Hospital]:
    """Start everything, the custodians where the settings name them, seed it, and stop it all on leaving."""
    with ExitStack() as stack:
        url = stack.enter_context(ganache(port))
        settings = replace(settings, chain=url, more_chains=())
        keys = _keys(settings, say)
        _deploy(settings, keys)
        say(f"suite deployed on {url}; {settings.deployment} written")
        chain = open_suite(settings)
        _start_custodians(stack, settings, chain.deployment.genesis)
        custodians = open_custodians(settings)
        say(f"custodians answer at {', '.join(settings.custodians)}")
        store = open_private_store(settings)
        folder = settings.home / "nodes" / chain.deployment.genesis.hex()[:8]
        kept = open_explanations(settings)
        nodes = [
            replace(open_node(folder / name, keys[name], chain, store, custodians), explanations=kept)
            for name in ROLES
            if name.startswith("node-")
        ]
        chain.write(
            keys["hospital"], "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False
        )
        chain.write(keys["hospital"], "ModelRegistry", "approve", kind.model_digest)
        twins = _seed(settings, chain, kind, keys, custodians)
        appoint_all(chain, keys)
        let_in(chain, keys, twins[0], Category(kind.category))
        stack.enter_context(listening_device(settings))
        say(f"{len(twins)} patients, their devices and {SEED_BATCHES} batches each are in")
        if portal_port is not None:
            _start_portal(stack, settings, keys, portal_port)
            say(f"portal on http://localhost:{portal_port}")
            propose_example(chain, keys, f"http://localhost:{portal_port}")
        index = open_index(settings)
        stack.callback(index.close)
        yield Hospital(keys, chain, nodes, twins, index)


def watch(running_hospital: Hospital, kind: TwinKind, say: Say) -> None:
    """Report on every twin that lets the oracle look, until interrupted.

    Raises
    ------
    ChainError
        ``restarted_chain``: somebody started the chain anew underneath.
    """
    chain, refused = running_hospital.chain, dict[tuple[int, bytes, int], str]()
    while True:
        chain.check()
        try:
            running_hospital.index.follow(chain)
            with suppress(StorageError):  # later, when the store answers
                read_lists(chain, running_hospital.nodes[0].store, running_hospital.index)
            turn(running_hospital.nodes, running_hospital.keys["hospital"], [kind], say, refused)
        except ChainError:
            chain.check()  # if it was started anew in the meantime, that is the reason to tell
            raise
        time.sleep(LOOK_EVERY_S)


def _keys(settings: Settings, say: Say) -> dict[str, LocalSigner]:
    """The development accounts, also as keystores, so that the commands can sign as any of them."""
    keystore = Keystore(settings.home / "keys")
    keys = {role: LocalSigner.from_mnemonic(MNEMONIC, index) for index, role in enumerate(ROLES)}
    missing = [role for role in ROLES if role not in keystore.names()]
    if missing:
        say(f"writing {len(missing)} keystores")
    for role in missing:
        keystore.keep(role, keys[role], settings.password or PASSWORD)
    return keys


def _deploy(settings: Settings, keys: Mapping[str, LocalSigner]) -> None:
    nodes = [keys[role].address for role in ROLES if role.startswith("node-")]
    with open_chain(settings.chain) as opened:
        suite = opened.deploy(keys["hospital"], nodes, FAULTY)
        deploy.save(suite.deployment, settings.deployment)
        for role in ROLES:
            if suite.balance(keys[role].address) < ETHER:
                opened.fund(keys[role].address, ETHER)


def _start_custodians(stack: ExitStack, settings: Settings, genesis: bytes) -> None:
    """Three processes with a key and a state each, started side by side."""
    environment = settings.environment(password=settings.password or PASSWORD)
    started = []
    for number, url in enumerate(settings.custodians, 1):
        command = [sys.executable, "-m", "oracle.serve.cli", "custodian", "serve", "--as", f"custodian-{number}"]
        log = settings.home / f"custodian-{number}.log"
        started.append(
            stack.enter_context(running([*command, "--port", url.rpartition(":")[2]], log=log, environment=environment))
        )
    for number, (process, custodian) in enumerate(zip(started, open_custodians(settings), strict=True), 1):
        if not wait_until(partial(_answers, custodian, genesis), process, START_S):
            raise ChainError(
                f"custodian {number} did not start at {custodian.url}",
                hint=f"see {settings.home / f'custodian-{number}.log'}; is the port taken?",
                kind="custodian_failed",
            )


def _start_portal(stack: ExitStack, settings: Settings, keys: Mapping[str, LocalSigner], port: int) -> None:
    """The portal as a process, which knows the people of this hospital and asks the chain for a witness directly."""
    people = {keys[role].address: {"name": role, "role": role.partition("-")[0]} for role in PEOPLE}
    known = settings.home / "people.json"
    known.write_text(json.dumps(people, indent=1) + "\n", "utf-8")
    environment = replace(settings, people=known, witnesses=(settings.chain,)).environment(
        password=settings.password or PASSWORD
    )
    command = [sys.executable, "-m", "oracle.serve.cli", "portal", "serve", "--as", "relayer", "--demo"]
    log = settings.home / "portal.log"
    process = stack.enter_context(running([*command, "--port", str(port)], log=log, environment=environment))
    if not wait_until(partial(_is_up, f"http://127.0.0.1:{port}/healthz"), process, START_S):
        raise ChainError(
            f"the portal did not start on port {port}", hint=f"see {log}; is the port taken?", kind="portal_failed"
        )


def _is_up(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def _answers(custodian: RemoteCustodian, genesis: bytes) -> bool:
    """Not some other chain's custodian that holds the port."""
    try:
        return custodian.is_on(genesis)
    except MedtwinError:
        return False


def _seed(
    settings: Settings,
    chain: Web3Chain,
    kind: TwinKind,
    keys: Mapping[str, LocalSigner],
    custodians: Sequence[Custodian],
) -> list[int]:
    twins = []
    recordings = islice(kind.recordings(settings.data), 2)
    for number, recording in enumerate(recordings, 1):
        owner, device = keys[f"patient-{number}"], keys[f"device-{number}"]
        twin_id = new_twin_id(kind.twin_class, os.urandom)
        mint(chain, owner, twin_id)
        pair(chain, owner, device, twin_id, chain.head().time_s + 180 * DAY_S)
        edge = Edge(
            chain, open_store(settings.store),
            open_outbox(settings, device.address, chain.deployment),
            device, keys["hospital"], twin_id, kind.channels, int(kind.category),
            {one.address: one.public_key(twin_id) for one in custodians}, threshold_of(custodians, settings.threshold), os.urandom,
        )  # fmt: skip
        batches = split(_ending_now(recording.readings, chain), interval_ms=kind.batch_ms, most=20_000)
        for _ in publish(edge, islice(batches, SEED_BATCHES)):
            pass
        twins.append(twin_id)
    scope = Category(kind.category)
    oracle = chain.address("PredictionOracle")
    grant(chain, keys["patient-1"], twins[0], oracle, categories=scope, purposes=Purpose.CARE, days=90)
    terms = hashlib.sha256(TERMS).digest()
    offer(chain, keys["patient-1"], Offer(twins[0], PRICE_PER_DAY, scope, Purpose.RESEARCH_HEALTH, 90, terms))
    chain.write(keys["researcher"], "TestToken", "mint", keys["researcher"].address, RESEARCH_TOKENS)
    return twins


def _ending_now(readings: Readings, chain: Web3Chain) -> Readings:
    shift = chain.head().time_s * 1000 - int(readings.time_ms[-1])
    return replace(readings, time_ms=readings.time_ms + shift)


def home_of(settings: Settings, chosen: bool, custodian_port: int = CUSTODIAN_PORT) -> Settings:
    """The settings with a folder of this project, unless the user chose one, and custodians from that port on."""
    custodians = tuple(f"http://127.0.0.1:{custodian_port + number}" for number in range(CUSTODIANS))
    home = settings.home if chosen else Path(".dev").resolve()
    home.mkdir(parents=True, exist_ok=True)
    store = settings.store if settings.store.startswith("ipfs://") else str(home / "store.sqlite")
    return replace(settings, home=home, store=store, custodians=custodians, password=settings.password or PASSWORD)
