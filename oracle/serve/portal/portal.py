"""What the portal stands on, and what pages are told of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eth_utils import to_checksum_address
from pydantic import BaseModel

from ...adapters.chain import Web3Chain
from ...adapters.ganache import MNEMONIC
from ...errors import InputError
from ...ports import Custodian, Explanations, Signer, Store
from ...settings import Settings, open_custodians, open_explanations, open_private_store
from ...twins import TwinKind, kinds
from ...wiring import open_indexed
from ..devnet import ROLES
from .relay import Relay
from .sessions import Sessions


class Channel(BaseModel):
    """What a kind of twin reads, and its UCUM unit."""

    name: str
    unit: str


class Model(BaseModel):
    """A model that this deployment's nodes may report by."""

    digest: str
    kind: str
    answers: str
    unit: str
    channels: list[Channel]


class Demo(BaseModel):
    """Demonstration accounts: their words, which everybody knows, and a role for each."""

    mnemonic: str
    roles: list[str]


class Config(BaseModel):
    """The deployment, as pages are told of it; `gateways` are those whose epochs count, each from a block on."""

    chainId: int
    genesis: str
    block: int
    contracts: dict[str, str]
    gateways: dict[str, int]
    signers: list[str]
    witnesses: list[str]
    custodians: int
    relayer: str | None
    models: list[Model]
    demo: Demo | None


class Person(BaseModel):
    """An account as the hospital knows it."""

    name: str
    role: str


@dataclass(frozen=True)
class Portal:
    """What the portal stands on.

    Parameters
    ----------
    chain : Web3Chain
    chain_url : str
        JSON-RPC address that pages reach as ``/rpc``.
    witnesses : sequence of str
        Endpoints of the same chain that pages ask themselves.
    custodians, custodian_urls : sequences
        The services, and their addresses; pages reach them as ``/custodians/1`` and so on.
    store : Store
    site : str
        Its name as people's browsers have it, with the port if it is not the usual one. Whoever comes by another
        name is sent away: a page that stands in between must not pass for this one.
    kinds : mapping
        Kinds of twins by name, for their cards.
    relay : Relay or None
        Pays for signed transactions; without one people pay themselves.
    explanations : Explanations or None
        Where the sealed explanations of reports are.
    people : mapping
        Account -> name and role, as the hospital knows them; told to those signed in.
    demo : mapping or None
        Demonstration accounts, whose keys everybody knows.
    """

    chain: Web3Chain
    chain_url: str
    witnesses: Sequence[str]
    custodians: Sequence[Custodian]
    custodian_urls: Sequence[str]
    store: Store
    site: str
    kinds: Mapping[str, TwinKind]
    sessions: Sessions
    relay: Relay | None = None
    explanations: Explanations | None = None
    people: Mapping[str, Person] | None = None
    demo: Demo | None = None


def portal_of(settings: Settings, payer: Signer | None, site: str, *, demo: bool = False) -> Portal:
    """The portal of the deployment that the settings name.

    Raises
    ------
    InputError
        The file of people is not one.
    """
    chain = open_indexed(settings)
    return Portal(
        chain=chain,
        chain_url=settings.chain,
        witnesses=settings.witnesses,
        custodians=open_custodians(settings),
        custodian_urls=settings.custodians,
        store=open_private_store(settings),
        site=site,
        kinds=kinds(),
        sessions=Sessions(chain, time.monotonic),
        relay=Relay(chain, payer) if payer else None,
        explanations=open_explanations(settings),
        people=_people(settings.people),
        demo=Demo(mnemonic=MNEMONIC, roles=list(ROLES)) if demo else None,
    )


def described(portal: Portal) -> Config:
    """What pages are told of the deployment; they check it against the chain."""
    deployment = portal.chain.deployment
    return Config(
        chainId=deployment.chain_id,
        genesis="0x" + deployment.genesis.hex(),
        block=deployment.block,
        contracts=dict(deployment.contracts),
        gateways=dict(deployment.gateways),
        signers=list(deployment.signers),
        witnesses=list(portal.witnesses),
        custodians=len(portal.custodians),
        relayer=portal.relay.payer.address if portal.relay else None,
        models=[
            Model(
                digest="0x" + kind.model_digest.hex(),
                kind=kind.name,
                answers=kind.answers,
                unit=kind.unit,
                channels=[Channel(name=one.name, unit=one.unit) for one in kind.channels],
            )
            for kind in portal.kinds.values()
        ],
        demo=portal.demo,
    )


def _people(path: Path | None) -> dict[str, Person]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {
            to_checksum_address(account): Person(name=str(one["name"]), role=str(one["role"]))
            for account, one in found.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} does not name people ({type(error).__name__})",
            hint='it is {"0x...": {"name": "...", "role": "clinician"}, ...}',
            kind="bad_people",
        ) from error
