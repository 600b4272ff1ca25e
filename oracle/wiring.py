"""Opens what the services near the devices and beside the chain are made of, from the settings."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from eth_utils import is_address, to_checksum_address
from sqlalchemy import make_url

from . import deploy
from .adapters.box import SqliteBox
from .adapters.chain import Web3Chain
from .adapters.drift_memory import SqliteDriftMemory
from .adapters.failover import FailoverChain
from .adapters.gateway_http import RemoteGateway
from .adapters.index import EventIndex
from .adapters.index import indexed as with_index
from .adapters.journal import SqliteOutbox, SqliteSignedRounds
from .adapters.keys import LocalSigner
from .adapters.memory import new_signer
from .adapters.mqtt import MqttStream, Put
from .adapters.peer_http import HttpPeers
from .adapters.tls import check_guarded, client_context
from .adapters.workers import DaskWorkers
from .batches.collect import Bridge
from .batches.edge import Gateway
from .batches.publish import Edge
from .errors import InputError
from .ports import Chain
from .records import Deployment
from .reports.drift import Policy, State, Watched, watched
from .reports.onlooker import Onlooker
from .reports.predict import Node
from .reports.quorum import Member, config_digest
from .reports.reason import Reason, reason, reason_named
from .rights.mint import parse_twin_id
from .settings import (
    Settings,
    chain_clock_s,
    open_custodians,
    open_explanations,
    open_key,
    open_node,
    open_private_store,
    open_suite,
    threshold_of,
)
from .twins import Kind, TwinKind, kinds

C = TypeVar("C", bound=Chain)


def gateway_folder(settings: Settings, address: str, deployment: Deployment) -> Path:
    """Where a gateway keeps what it took; one folder for each deployment."""
    anchor = deployment.contracts["DataAnchor"].removeprefix("0x")[:8]
    return settings.home / "gateways" / f"{address}-{deployment.genesis.hex()[:8]}-{anchor}"


def open_gateway(settings: Settings, folder: Path, signer: LocalSigner, chain: Chain, *, most_bytes: int) -> Gateway:
    """A gateway on the store that the settings name."""
    chain = indexed(settings, chain)
    box, store = SqliteBox(folder / "box.sqlite"), open_private_store(settings)
    return Gateway(
        chain, store, box, signer, lambda: chain_clock_s(chain), most_bytes=most_bytes, depth=settings.depth
    )  # fmt: skip


def open_broker(settings: Settings, address: str, put: Put) -> MqttStream | None:
    """The stream from the broker that the settings name, if they name one."""
    if not settings.mqtt:
        return None
    return MqttStream(settings.mqtt, f"medtwin-edge-{address[:10]}", put, settings.mqtt_authority)


def index_url(settings: Settings, deployment: Deployment) -> str:
    """The database of events that the settings name, or this deployment's file in their home."""
    anchor = deployment.contracts["DataAnchor"].removeprefix("0x")[:8]
    return settings.index or f"sqlite:///{settings.home / 'index' / f'{deployment.genesis.hex()[:8]}-{anchor}.sqlite'}"


def open_index(settings: Settings) -> EventIndex:
    """The events of the deployment that the settings name."""
    deployment = deploy.load(settings.deployment)
    return EventIndex(index_url(settings, deployment), deployment)


def indexed(settings: Settings, chain: C) -> C:
    """The chain, with old events from the index where somebody keeps one (``medtwin index run``).

    For queries, and for nodes and gateways that compute from the chain; never for what a custodian decides by.
    """
    file = make_url(index_url(settings, deploy.load(settings.deployment))).database
    kept = bool(settings.index) or Path(file or "").is_file()
    return with_index(chain, open_index(settings)) if kept else chain


def open_indexed(settings: Settings) -> Web3Chain:
    """The deployment that the settings name, with its index."""
    return indexed(settings, open_suite(settings))


def together(chains: Sequence[Chain]) -> FailoverChain:
    """Several endpoints of a chain as one."""
    return FailoverChain(chains)


def open_peers(settings: Settings, config: str) -> HttpPeers:
    """The other nodes that the settings name; beyond this machine over TLS alone. `config` is what they must share.

    Raises
    ------
    Denied
        ``plain_http``: a node elsewhere is named without TLS.
    """
    check_guarded(settings.peers)
    return HttpPeers(settings.peers, config, client_context(settings.authorities, settings.certificate))


def open_member(
    settings: Settings,
    folder: Path,
    signer: LocalSigner,
    chain: Chain,
    kinds: Sequence[Kind],
    deployment: Deployment,
    *,
    compute: Reason = reason,
    at_once: int = 1,
    bundle: int = 0,
) -> Member:
    """A node among the peers that the settings name."""
    node = open_reporter(settings, folder, signer, indexed(settings, chain), compute)
    peers = open_peers(settings, config_digest(deployment, kinds).hex())
    return Member(
        node, signer, kinds, peers, clock_s=time.monotonic, depth=settings.depth, at_once=at_once, bundle=bundle
    )


def open_reporter(settings: Settings, folder: Path, signer: LocalSigner, chain: Chain, compute: Reason) -> Node:
    """A node by itself, with its memory in `folder`."""
    node = open_node(folder, signer, chain, open_private_store(settings), open_custodians(settings))
    return replace(node, explanations=open_explanations(settings), reason=compute)


@contextmanager
def open_workers(scheduler: str) -> Iterator[Reason]:
    """Reasons computed by Dask workers, where a scheduler is named; drift is watched here."""
    if not scheduler:
        yield reason
        return
    with closing(DaskWorkers(scheduler, reason_named)) as workers:
        yield watched(workers)


def open_onlooker(settings: Settings, chain: Chain, kinds: Sequence[Kind]) -> Onlooker:
    """A node without a key."""
    nobody = new_signer()
    node = Node(
        nobody, indexed(settings, chain), open_private_store(settings), [], SqliteSignedRounds(":memory:"), os.urandom
    )
    return Onlooker(Member(node, nobody, kinds, HttpPeers(()), clock_s=time.monotonic, depth=settings.depth))


def remote_gateway(settings: Settings, url: str) -> RemoteGateway:
    """A gateway that a device publishes through; beyond this machine over TLS alone.

    Raises
    ------
    Denied
        ``plain_http``: it is elsewhere and named without TLS.
    """
    check_guarded([url])
    return RemoteGateway(url, client_context(settings.authorities, settings.certificate))


def read_bridges(settings: Settings, gateway: Gateway, path: Path) -> dict[str, Bridge]:
    """Sensors by the address that signs their messages.

    The file is a JSON list of ``{"sensor": address, "key": keystore, "twin": id, "kind": name}``.
    """
    try:
        listed: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        bridges = [_bridge(settings, gateway, one["sensor"], one["key"], one["twin"], one["kind"]) for one in listed]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not list sensors: {str(error)[:120]}",
            hint='a JSON list of {"sensor": "0x...", "key": "...", "twin": "0x...", "kind": "pulse"}',
        ) from error
    return {one.sensor: one for one in bridges}


def _bridge(settings: Settings, gateway: Gateway, sensor: str, key: str, twin: str, kind_name: str) -> Bridge:
    if not is_address(sensor):
        raise ValueError(f"{sensor[:60]!r} is not an address")
    kind, twin_id, device = kinds()[kind_name], parse_twin_id(twin), open_key(settings, key)
    custodians = open_custodians(settings)
    edge = Edge(
        gateway.chain, gateway.store, SqliteOutbox(":memory:", device.address, ""), device, device, twin_id,
        kind.channels, int(kind.category), {one.address: one.public_key(twin_id) for one in custodians},
        threshold_of(custodians), os.urandom,
    )  # fmt: skip
    return Bridge(to_checksum_address(sensor), edge, kind.schema, kind.batch_ms)


def drift_memory(folder: Path) -> SqliteDriftMemory:
    """What the drift monitors of a node know."""
    return SqliteDriftMemory(folder / "drift.sqlite", State)


def watched_kinds(folder: Path, kinds: Sequence[TwinKind], policy: str, say: Callable[[str], None]) -> list[Any]:
    """Kinds of twin with their drift monitors.

    Raises
    ------
    InputError
        There is no such policy, or river is not installed.
    """
    try:
        chosen = Policy(policy)
    except ValueError:
        raise InputError(f"{policy!r} is no policy for drift", hint="off, tell or suspend", kind="bad_policy") from None
    memory = drift_memory(folder)
    return [Watched(kind, memory, chosen, say) for kind in kinds]
