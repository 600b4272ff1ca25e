"""The only reader of the environment, and the only place where adapters are built.

========================  =====================================================  ====================
variable                  meaning                                                default
========================  =====================================================  ====================
``MEDTWIN_HOME``          keystores, journals, custodians' state                 the user's data folder
``MEDTWIN_CHAIN``         JSON-RPC address; several, with commas, for services   http://127.0.0.1:8545
``MEDTWIN_DEPTH``         blocks until grants and batches count as confirmed     0
``MEDTWIN_SILENCE``       age (s) of the newest block that custodians accept     any
``MEDTWIN_STORE``         ``ipfs://host:port``, or a file; several: copies        in ``MEDTWIN_HOME``
``MEDTWIN_PUBLIC_IPFS``   1: an IPFS node that others reach may hold sealed data 0
``MEDTWIN_DEPLOYMENT``    deployment file                                        deployments/development.json
``MEDTWIN_CUSTODIANS``    custodians' addresses, comma-separated URLs            http://127.0.0.1:8701..8703
``MEDTWIN_THRESHOLD``     how many custodians open a batch                       more than half
``MEDTWIN_CA``            certificates that vouch for custodians (PEM)           the system's
``MEDTWIN_CERTIFICATE``   own certificate and key, shown to custodians (PEM)     none
``MEDTWIN_PEERS``         the other oracle nodes, comma-separated URLs           none
``MEDTWIN_WITNESSES``     endpoints of the chain that the portal's pages ask     none
``MEDTWIN_PEOPLE``        JSON file of accounts' names, for the portal           none
``MEDTWIN_INDEX``         database of events, an SQLAlchemy URL                  in ``MEDTWIN_HOME``
``MEDTWIN_MQTT``          broker of a gateway: ``mqtts://user:password@host:port``  none
``MEDTWIN_MQTT_CA``       certificates to trust for the broker                   the system's
``MEDTWIN_DATA``          folder of clinical data sets                           in ``MEDTWIN_HOME``
``MEDTWIN_PASSWORD``      opens keystores                                        asked for on a terminal
``MEDTWIN_PASSWORD_FILE`` file whose first line opens keystores                  none
``MEDTWIN_PRIVATE_KEY``   a key for programs, instead of a keystore              none
========================  =====================================================  ====================
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eth_utils import to_checksum_address
from platformdirs import user_data_path
from web3 import Web3
from web3.types import Wei

from . import deploy
from .adapters.chain import GAS_PRICE_FLOOR_WEI, REQUEST_TIMEOUT_S, Web3Chain, genesis_of, remote
from .adapters.creation import deploy_contract
from .adapters.custodian_http import RemoteCustodian
from .adapters.custody import SqliteCustodianState
from .adapters.embedded import embedded
from .adapters.failover import FailoverStore
from .adapters.fetched import SqliteFetched
from .adapters.journal import SqliteExplanations, SqliteOutbox, SqliteSignedRounds
from .adapters.keys import Keystore, LocalSigner
from .adapters.portal_http import RemotePortal
from .adapters.store import EmbeddedStore
from .adapters.tls import check_guarded, client_context
from .custody.endpoints import Endpoints
from .custody.release import LocalCustodian
from .errors import ChainError, Denied, InputError
from .ports import Chain, Custodian, Signer, Store
from .records import Deployment
from .reports.predict import Node

DEV_CHAIN = "http://127.0.0.1:8545"
DEV_CUSTODIANS = tuple(f"http://127.0.0.1:{port}" for port in (8701, 8702, 8703))
DEV_DEPLOYMENT = Path("deployments/development.json")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where everything is; built once at the edge and passed in."""

    home: Path
    chain: str
    store: str
    deployment: Path
    custodians: tuple[str, ...]
    data: Path
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    home_chosen: bool = True
    more_chains: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    people: Path | None = None
    index: str = field(default="", repr=False)
    mqtt: str = field(default="", repr=False)
    mqtt_authority: Path | None = None
    public_ipfs: bool = False
    depth: int = 0
    threshold: int = 0
    authorities: Path | None = None
    certificate: Path | None = None
    longest_silence_s: int | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the environment (or a mapping in its place)."""
        found = os.environ if environment is None else environment
        home = Path(found.get("MEDTWIN_HOME") or user_data_path("medtwin", appauthor=False))
        chain, *more = _parts(found.get("MEDTWIN_CHAIN")) or (DEV_CHAIN,)
        return cls(
            home=home,
            chain=chain,
            more_chains=tuple(more),
            depth=_whole(found, "MEDTWIN_DEPTH"),
            threshold=_whole(found, "MEDTWIN_THRESHOLD"),
            authorities=Path(found["MEDTWIN_CA"]) if found.get("MEDTWIN_CA") else None,
            certificate=Path(found["MEDTWIN_CERTIFICATE"]) if found.get("MEDTWIN_CERTIFICATE") else None,
            longest_silence_s=_whole(found, "MEDTWIN_SILENCE") or None,
            public_ipfs=_whole(found, "MEDTWIN_PUBLIC_IPFS") > 0,
            store=found.get("MEDTWIN_STORE") or str(home / "store.sqlite"),
            deployment=Path(found.get("MEDTWIN_DEPLOYMENT") or DEV_DEPLOYMENT),
            custodians=_parts(found.get("MEDTWIN_CUSTODIANS")) or DEV_CUSTODIANS,
            peers=_parts(found.get("MEDTWIN_PEERS")),
            witnesses=_parts(found.get("MEDTWIN_WITNESSES")),
            people=Path(found["MEDTWIN_PEOPLE"]) if found.get("MEDTWIN_PEOPLE") else None,
            index=found.get("MEDTWIN_INDEX") or "",
            mqtt=found.get("MEDTWIN_MQTT") or "",
            mqtt_authority=Path(found["MEDTWIN_MQTT_CA"]) if found.get("MEDTWIN_MQTT_CA") else None,
            data=Path(found.get("MEDTWIN_DATA") or home / "data"),
            password=found.get("MEDTWIN_PASSWORD") or _first_line(found.get("MEDTWIN_PASSWORD_FILE")),
            private_key=found.get("MEDTWIN_PRIVATE_KEY") or None,
            home_chosen=bool(found.get("MEDTWIN_HOME")),
        )

    def environment(self, *, password: str) -> dict[str, str]:
        """This process's environment with these settings in it, for a process that is started from here."""
        return {
            **os.environ,
            "MEDTWIN_HOME": str(self.home),
            "MEDTWIN_CHAIN": ",".join((self.chain, *self.more_chains)),
            "MEDTWIN_DEPTH": str(self.depth),
            "MEDTWIN_THRESHOLD": str(self.threshold),
            "MEDTWIN_CA": str(self.authorities or ""),
            "MEDTWIN_CERTIFICATE": str(self.certificate or ""),
            "MEDTWIN_SILENCE": str(self.longest_silence_s or ""),
            "MEDTWIN_STORE": self.store,
            "MEDTWIN_PUBLIC_IPFS": str(int(self.public_ipfs)),
            "MEDTWIN_DEPLOYMENT": str(self.deployment),
            "MEDTWIN_CUSTODIANS": ",".join(self.custodians),
            "MEDTWIN_PEERS": ",".join(self.peers),
            "MEDTWIN_WITNESSES": ",".join(self.witnesses),
            "MEDTWIN_PEOPLE": str(self.people or ""),
            "MEDTWIN_INDEX": self.index,
            "MEDTWIN_MQTT": self.mqtt,
            "MEDTWIN_MQTT_CA": str(self.mqtt_authority or ""),
            "MEDTWIN_DATA": str(self.data),
            "MEDTWIN_PASSWORD": password,
        }


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _first_line(path: str | None) -> str | None:
    """Of a file that somebody else keeps, as systemd's credentials and mounted secrets are."""
    if not path:
        return None
    try:
        return Path(path).read_text("utf-8").partition("\n")[0] or None
    except OSError as error:
        raise InputError(
            f"MEDTWIN_PASSWORD_FILE cannot be read: {error.strerror}", hint="name a file that is there"
        ) from None


def _whole(found: Mapping[str, str], name: str) -> int:
    text = found.get(name) or "0"
    if not text.isdigit():
        raise InputError(f"{name} is {text!r}, not a whole number", hint=f"for example {name}=12")
    return int(text)


# -- adapters ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """A chain before anything is deployed on it: how to fund accounts and deploy."""

    name: str
    url: str | None
    web3: Web3

    def fund(self, address: str, wei: int) -> None:
        """Send development ether from the chain's own first account.

        Raises
        ------
        ChainError
            The chain has no unlocked account: it is not a development chain.
        """
        accounts = self.web3.eth.accounts
        if not accounts:
            raise ChainError(
                f"{self.name} has no unlocked accounts to fund new ones from",
                hint="use a development chain (embedded, ganache, anvil)",
                kind="not_a_development_chain",
            )
        sent = self.web3.eth.send_transaction(
            {"from": accounts[0], "to": to_checksum_address(address), "value": Wei(wei), "gas": 21_000,
             "gasPrice": Wei(max(int(self.web3.eth.gas_price), GAS_PRICE_FLOOR_WEI))}
        )  # fmt: skip
        self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.05)

    def deploy(self, deployer: Signer, signers: Sequence[str], f: int, *, token: str | None = None) -> Web3Chain:
        """Deploy the whole suite; `deployer` becomes the approver of models."""
        block = int(self.web3.eth.block_number)
        steps = deploy.plan(deployer.address, signers, f, token=token)
        made = deploy.deploy(lambda name, args: deploy_contract(self.web3, deployer, name, args)[0], steps)
        contracts = {**made, **({"TestToken": token} if token else {})}
        chain_id = int(self.web3.eth.chain_id)
        ascending = tuple(sorted(signers, key=lambda address: int(address, 16)))
        return Web3Chain.open(self.web3, Deployment(chain_id, genesis_of(self.web3), block, contracts, ascending, f))


@contextmanager
def open_chain(where: str) -> Iterator[Opened]:
    """Open ``embedded``, ``ganache`` (started here, stopped on leaving) or a JSON-RPC address."""
    if where == "embedded":
        yield Opened("embedded (eth-tester, py-evm)", None, embedded())
    elif where == "ganache":
        from .adapters.ganache import ganache

        with ganache() as url:
            yield Opened("ganache", url, remote(url))
    else:
        yield Opened(where, where, remote(where))


def open_suite(settings: Settings) -> Web3Chain:
    """The deployment the settings name, on the chain they name."""
    return open_suites(settings)[0]


def open_suites(settings: Settings, timeout_s: float = REQUEST_TIMEOUT_S) -> list[Web3Chain]:
    """The same deployment through each endpoint, for those who must not trust one."""
    deployment = deploy.load(settings.deployment)
    return [Web3Chain.open(remote(url, timeout_s), deployment) for url in (settings.chain, *settings.more_chains)]


def open_store(where: str) -> Store:
    """``ipfs://host:port``, or the file of an embedded store; several, with commas, are as many copies."""
    if len(parts := _parts(where)) > 1:
        return FailoverStore([open_store(part) for part in parts])
    if where.startswith("ipfs://"):
        from .adapters.ipfs import IpfsStore

        return IpfsStore(where)
    return EmbeddedStore(Path(where))


def open_private_store(settings: Settings) -> Store:
    """The store of those who put sealed data there, or serve it.

    Raises
    ------
    Denied
        ``store_not_private``: the IPFS node is open to others, and nobody said that it may be.
    """
    store = open_store(settings.store)
    problems: list[str] = (
        [] if settings.public_ipfs else getattr(store, "problems", list)()
    )  # only an IPFS node can have any
    if problems:
        raise Denied(
            f"{store.describe()} is not private: {'; '.join(problems)}",
            hint="change the node so, or set MEDTWIN_PUBLIC_IPFS=1 if sealed data may leave your machines",
            kind="store_not_private",
        )
    return store


def open_fetched(path: Path) -> SqliteFetched:
    """What a fetch has so far, an earlier one that was interrupted included."""
    return SqliteFetched(path)


def open_portal(url: str, signer: Signer, chain: Web3Chain) -> RemotePortal:
    """The portal at `url`, for a program that holds a key."""
    return RemotePortal(url, signer, chain.chain_id)


def open_custodian(
    folder: Path,
    signer: LocalSigner,
    chains: Sequence[Web3Chain],
    *,
    depth: int = 0,
    longest_silence_s: int | None = None,
) -> LocalCustodian:
    """A custodian with its state in `folder`, its clock the chain's where that runs ahead."""
    folder.mkdir(parents=True, exist_ok=True)
    state = SqliteCustodianState(folder / "custodian.sqlite", signer)

    def clock() -> int:
        return chain_clock_s(chains[0])

    at_once = ThreadPoolExecutor(len(chains)) if len(chains) > 1 else None
    endpoints = Endpoints(chains, clock, depth=depth, longest_silence_s=longest_silence_s, at_once=at_once)
    return LocalCustodian(state, signer, endpoints, clock=clock, random_bytes=os.urandom)


def open_custodians(settings: Settings) -> list[RemoteCustodian]:
    """The custodian services the settings name; beyond this machine over TLS alone.

    Raises
    ------
    Denied
        ``plain_http``: a custodian elsewhere is named without TLS.
    """
    tls = client_context(settings.authorities, settings.certificate)
    check_guarded(settings.custodians)
    return [RemoteCustodian(url, tls) for url in settings.custodians]


def threshold_of(custodians: Sequence[Custodian], chosen: int = 0) -> int:
    """How many open a batch: those the settings chose, else a majority, so 2 of 3."""
    return chosen or len(custodians) // 2 + 1


def open_keystore(settings: Settings) -> Keystore:
    """The named keys."""
    return Keystore(settings.home / "keys")


def open_key(settings: Settings, name: str) -> LocalSigner:
    """The key of that name; without a name ``MEDTWIN_PRIVATE_KEY``.

    Raises
    ------
    InputError
        ``no_password``: a keystore needs ``MEDTWIN_PASSWORD``, or somebody to type it.
    """
    if settings.private_key and not name:
        return LocalSigner.from_hex(settings.private_key)
    if not name:
        raise InputError("no key was named", hint="name one: --as NAME (medtwin keys list), or set MEDTWIN_PRIVATE_KEY")
    if settings.password is None:
        raise InputError(f"the key {name!r} needs its password", hint="set MEDTWIN_PASSWORD", kind="no_password")
    return open_keystore(settings).load(name, settings.password)


def custodian_folder(settings: Settings, address: str, deployment: Deployment) -> Path:
    """Where a custodian keeps its state; one folder for each deployment, as receipts belong to one chain."""
    anchor = deployment.contracts["DataAnchor"].removeprefix("0x")[:8]
    return settings.home / "custodians" / f"{address}-{deployment.genesis.hex()[:8]}-{anchor}"


def open_outbox(settings: Settings, device: str, deployment: Deployment) -> SqliteOutbox:
    """A device's outbox on one deployment: a chain that was started anew has the old addresses, not the old genesis."""
    name = f"{deployment.genesis.hex()}-{deployment.contracts['DataAnchor']}"
    return SqliteOutbox(settings.home / "outbox.sqlite", device, name)


def open_node(folder: Path, signer: Signer, chain: Chain, store: Store, custodians: Sequence[Custodian]) -> Node:
    """An oracle node with its memory of what it signed in `folder`."""
    signed = SqliteSignedRounds(folder / "signed.sqlite")
    return Node(signer, chain, store, custodians, signed, os.urandom)


def open_explanations(settings: Settings) -> SqliteExplanations:
    """Where the explanations of reports are kept on this machine."""
    return SqliteExplanations(settings.home / "explanations.sqlite")


def node_folder(settings: Settings, address: str, deployment: Deployment) -> Path:
    """Where a node remembers what it signed; one folder for each deployment."""
    anchor = deployment.contracts["DataAnchor"].removeprefix("0x")[:8]
    return settings.home / "nodes" / f"{address}-{deployment.genesis.hex()[:8]}-{anchor}"


def chain_clock_s(chain: Chain) -> int:
    """Now (s): this machine's clock, or the chain's where a development chain runs ahead of it."""
    now = int(time.time())
    try:
        return max(now, chain.head().time_s)
    except ChainError:  # whoever needs the chain itself will say so
        return now
