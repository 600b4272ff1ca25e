"""Gas of every operation in steady state, beside what peers take for the nearest thing on the same chain.

Steady state: the accounts, tokens and counters have been written before; what is new is the one record.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from oracle.adapters.memory import new_signer
from oracle.adapters.views import view
from oracle.formats.typed_data import Domain, batch_digest, digest, report_digest
from oracle.ports import Mined, Signer
from oracle.records import Batch, Category, Purpose, Report, TwinClass
from oracle.rights.consent import DAY_S
from oracle.rights.mint import new_twin_id
from oracle.rights.pair import pair
from oracle.serve.demo.world import World
from oracle.stages.post import post

from .measure import Figure, gas
from .peer_gas import Peers

TIMES = 3
READINGS = 10_000
NODES = 3
SCOPE = (int(Category.VITALS), int(Purpose.CARE | Purpose.RESEARCH_HEALTH))


@dataclass(slots=True)
class Cast:
    """Who and what every operation needs, made once."""

    scene: World
    owner: Signer
    device: Signer
    twin_id: int
    now_s: int
    node_signers: list[Signer]
    sequence: int = 0
    previous: bytes = bytes(32)

    def until(self, days: int = 90) -> tuple[int, int, int, int]:
        """A consent's scope from now on."""
        return (*SCOPE, self.now_s, self.now_s + days * DAY_S)

    def write(self, signer: Signer, contract: str, function: str, *args: object) -> Mined:
        """A transaction that must succeed."""
        return self.scene.chain.write(signer, contract, function, *args)


def figures(scene: World, peers: Peers) -> Iterator[Figure]:
    """Every operation's gas: the median of a few, as calldata differs in its zero bytes."""
    cast = _cast(scene)
    yield from _tokens(cast, peers)
    yield from _consents(cast, peers)
    yield from _market(cast, peers)
    yield from _anchors(cast, peers)
    yield from _predictions(cast, peers)
    yield _receipt_root(cast, peers)


def _cast(scene: World) -> Cast:
    owner, device = scene.person("owner"), new_signer()
    chain = scene.chain
    twin_id = _mint(scene, owner)[0]
    now_s = chain.head().time_s
    pair(chain, owner, device, twin_id, now_s + 365 * DAY_S)
    nodes = sorted((node.signer for node in scene.nodes), key=lambda one: int(one.address, 16))
    return Cast(scene, owner, device, twin_id, now_s, nodes)


def _mint(scene: World, owner: Signer) -> tuple[int, int]:
    twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
    return twin_id, scene.chain.write(owner, "TwinToken", "mint", twin_id).gas


def _tokens(cast: Cast, peers: Peers) -> Iterator[Figure]:
    ours = _median(lambda: _mint(cast.scene, cast.owner)[1])
    yield gas("mint", ours, 58_000, 53_000, peer="OpenZeppelin ERC721", theirs=peers.mint())


def _consents(cast: Cast, peers: Peers) -> Iterator[Figure]:
    grantees = [new_signer().address for _ in range(TIMES)]
    registry, owner, twin_id = "ConsentRegistry", cast.owner, cast.twin_id
    grant = _each(grantees, lambda who: cast.write(owner, registry, "grant", twin_id, who, cast.until()).gas)
    again = _each(grantees, lambda who: cast.write(owner, registry, "grant", twin_id, who, cast.until(91)).gas)
    allowed = peers.execution(cast.scene.chain.address(registry), _asked(cast, grantees[0]))
    revoke = _each(grantees, lambda who: cast.write(owner, registry, "revoke", twin_id, who).gas)
    attested = peers.attestation(cast.twin_id)
    yield gas("grant", grant, 61_000, 55_000, peer="EAS attest", theirs=attested.attest)
    yield gas("grant", grant, 61_000, 55_000, peer="OpenZeppelin grantRole", theirs=peers.grant_role())
    yield gas("regrant", again, 44_000, 36_000)
    yield gas("revoke", revoke, 36_000, 31_000, peer="EAS revoke", theirs=attested.revoke)
    _grant_by_signature(cast, new_signer().address)  # an owner's first nonce
    signed = _each([new_signer().address for _ in range(TIMES)], lambda who: _grant_by_signature(cast, who))
    yield gas("grant_by_signature", signed, 76_000, 68_000, peer="EAS attestByDelegation", theirs=attested.delegated)
    yield gas("is_allowed", allowed, 8_000, 6_000, peer="EAS, the same check", theirs=attested.check,
              how="asked by a contract, whose call is 116 gas of it, the peer's too")  # fmt: skip


def _asked(cast: Cast, grantee: str) -> str:
    asked = view("ConsentRegistry", "isAllowed", 4)
    return "0x" + asked.call([cast.twin_id, grantee, int(Category.VITALS), int(Purpose.CARE)]).hex()


def _grant_by_signature(cast: Cast, grantee: str) -> int:
    chain = cast.scene.chain
    categories, purposes, start, end = cast.until()
    nonce = chain.read("ConsentRegistry", "nonces", cast.owner.address)
    facts = {
        "twinId": cast.twin_id, "grantee": grantee, "categories": categories, "purposes": purposes,
        "notBefore": start, "expiry": end, "epoch": chain.read("TwinToken", "epochOf", cast.twin_id), "nonce": nonce,
        "deadline": cast.now_s + DAY_S,
    }  # fmt: skip
    domain = Domain(chain.chain_id, chain.address("ConsentRegistry"))
    signature = cast.owner.sign_digest(digest(domain, "ConsentGrant", facts))
    return cast.write(
        cast.scene.hospital, "ConsentRegistry", "grantBySignature",
        cast.twin_id, grantee, (categories, purposes, start, end), nonce, cast.now_s + DAY_S, signature,
    ).gas  # fmt: skip


def _market(cast: Cast, peers: Peers) -> Iterator[Figure]:
    chain, buyers = cast.scene.chain, [cast.scene.person("buyer") for _ in range(TIMES + 1)]
    twins = [_mint(cast.scene, cast.owner)[0] for _ in range(TIMES)]
    price = 5 * 10**18
    offers = [(twin_id, price, *SCOPE, 30, os.urandom(32), False) for twin_id in twins]
    listed = _each(offers, lambda fields: cast.write(cast.owner, "AccessMarket", "list", fields).gas)
    limits = (*SCOPE, cast.now_s, cast.now_s + 365 * DAY_S)
    cast.write(
        cast.owner, "ConsentRegistry", "setOperator", twins[0], chain.address("AccessMarket"), limits, 30 * DAY_S
    )
    for buyer in buyers:
        cast.write(buyer, "TestToken", "mint", buyer.address, 1_000 * price)
        cast.write(buyer, "TestToken", "approve", chain.address("AccessMarket"), 2**256 - 1)
    paid = [cast.write(buyer, "AccessMarket", "purchase", offers[0], 30, 30 * price, bytes(32)).gas for buyer in buyers]
    sold, bought = peers.market()
    yield gas("list", listed, 58_000, peer="Ocean createERC20, createFixedRate", theirs=sold)
    # the first fills the market's balance
    paid_later = statistics.median(paid[1:])
    yield gas("purchase", paid_later, 122_000, 105_000, peer="Ocean buyFromFreAndOrder", theirs=bought)


def _anchors(cast: Cast, peers: Peers) -> Iterator[Figure]:
    _anchor(cast)
    ours = _median(lambda: _anchor(cast))
    timestamp, each = peers.timestamps()
    epoch = _epoch(cast)
    yield gas("anchor", ours, 55_000, 48_000, peer="EAS timestamp (checks nothing)", theirs=timestamp)
    yield gas("anchor_epoch", epoch, 33_000, 30_000, peer="EAS timestamp", theirs=timestamp)
    yield gas(
        "per reading, 10,000 in an epoch", epoch / READINGS, 3.3, peer="EAS multiTimestamp", theirs=each,
        how=f"the epoch's gas by its readings; anchored as one batch, {ours / READINGS:.2f} gas a reading",
    )  # fmt: skip


def _epoch(cast: Cast) -> float:
    """A hospital's gateway roots its batches; not its first epoch."""
    gateway = cast.scene.person("gateway")
    pair(cast.scene.chain, cast.owner, gateway, cast.twin_id, cast.now_s + 365 * DAY_S)
    cast.write(gateway, "EpochAnchor", "admit", gateway.address)

    def once() -> int:
        return cast.write(gateway, "EpochAnchor", "anchorEpoch", (os.urandom(32), 100, os.urandom(32))).gas

    once()
    return _median(once)


def _anchor(cast: Cast) -> int:
    cast.sequence += 1
    chain, now_s = cast.scene.chain, cast.now_s
    batch = Batch(
        cast.twin_id, cast.sequence, cast.previous, os.urandom(32), os.urandom(32), READINGS, now_s - 3600, now_s
    )
    signature = cast.device.sign_digest(batch_digest(Domain(chain.chain_id, chain.address("DataAnchor")), batch))
    fields = (
        batch.twin_id, batch.sequence, batch.previous, batch.digest,
        batch.root, batch.readings, batch.start_s, batch.end_s,
    )  # fmt: skip
    cast.previous = batch.digest
    return cast.write(cast.scene.hospital, "DataAnchor", "anchor", fields, signature).gas


def _predictions(cast: Cast, peers: Peers) -> Iterator[Figure]:
    model = os.urandom(32)
    cast.write(cast.scene.hospital, "ModelRegistry", "register", model, os.urandom(32), bytes(32), False)
    cast.write(cast.scene.hospital, "ModelRegistry", "approve", model)
    _post(cast, model, 1, NODES)
    three, four = _post(cast, model, 2, NODES), _post(cast, model, 3, NODES + 1)
    theirs, further = peers.transmissions()
    peer = "Chainlink OCR2Base transmit, f = 2"
    yield gas("post_prediction", three, 70_000, 58_000, peer=peer, theirs=theirs)
    yield gas(
        "further_signature", four - three, 8_000, 5_000, peer="Chainlink OCR2Base, f = 3 less f = 2", theirs=further
    )


def _post(cast: Cast, model: bytes, round_: int, signatures: int) -> int:
    chain = cast.scene.chain
    config = chain.read("PredictionOracle", "configDigest")
    report = Report(
        cast.twin_id, model, round_, cast.now_s, 1, 180_000, 110_000, 290_000, os.urandom(32), os.urandom(32), config
    )
    signed = report_digest(Domain(chain.chain_id, chain.address("PredictionOracle")), report)
    votes = [node.sign_digest(signed) for node in cast.node_signers[:signatures]]
    mined = post(report, votes, chain, cast.scene.hospital)
    assert mined is not None
    return mined.gas


def _receipt_root(cast: Cast, peers: Peers) -> Figure:
    head, costs = (0, bytes(32)), []
    for size in (100, 250, 700):
        root = os.urandom(32)
        costs.append(cast.write(cast.scene.hospital, "AuditTrail", "post", *head, size, root).gas)
        head = (size, root)
    ours = statistics.median(costs[1:])
    return gas("receipt_root", ours, 32_000, peer="EAS timestamp", theirs=peers.timestamps()[0])


def _median(once: Callable[[], int]) -> float:
    return statistics.median(once() for _ in range(TIMES))


def _each(things: Sequence[Any], once: Callable[[Any], int]) -> float:
    return statistics.median(once(thing) for thing in things)
