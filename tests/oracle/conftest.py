"""The stage of the unit tests: an embedded chain with the suite, three custodians, roles with funded keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth.vm.spoof import SpoofTransaction

from oracle.adapters.chain import Web3Chain
from oracle.adapters.custody import SqliteCustodianState
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches.fetch import anchored_batches
from oracle.batches.publish import Edge, publish
from oracle.custody.endpoints import Endpoints
from oracle.custody.release import LocalCustodian
from oracle.errors import Refused
from oracle.formats import hpke
from oracle.formats.envelope import parse_header
from oracle.formats.receipts import asked_digest, decode, request_digest
from oracle.formats.typed_data import Domain, receipt_digest, recovers_to
from oracle.records import AnchoredBatch, Category, Channel, KeyRequest, Purpose, Readings, Receipt, TwinClass
from oracle.rights.consent import grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Opened, open_chain

DAY_S = 86_400
FUNDING_WEI = 10**18
AMPLE_GAS = 16_000_000  # of a limit of 30 million: finding the exact gas would take half of the tests' time
PEOPLE = 14  # funded once for each module; more are funded when they come
THRESHOLD = 2
HEART = Channel("heart_rate", "/min", 0, 350, "8867-4")
TEMPERATURE = Channel("temperature", "Cel", 15, 46, "8310-5")


@dataclass
class Stage:
    """A deployed suite and who acts on it."""

    opened: Opened
    chain: Web3Chain
    hospital: LocalSigner
    node_signers: Sequence[LocalSigner]
    nonces: Iterator[int] = field(default_factory=lambda: count(1))
    people: list[LocalSigner] = field(default_factory=list)

    def person(self) -> LocalSigner:
        """A funded key that nobody else has in this test."""
        if self.people:
            return self.people.pop()
        signer = new_signer()
        self.opened.fund(signer.address, FUNDING_WEI)
        return signer

    def now_s(self) -> int:
        """The chain's time."""
        return self.chain.head().time_s

    def travel(self, seconds: int) -> None:
        """Let time pass on the chain; the next block carries it."""
        tester(self.opened).time_travel(self.now_s() + seconds)
        tester(self.opened).mine_block()

    def consent_domain(self) -> Domain:
        """What key requests are signed for."""
        return Domain(self.chain.chain_id, self.chain.address("ConsentRegistry"))

    def sign(self, signer: LocalSigner, request: KeyRequest) -> KeyRequest:
        """The request with the signature of `signer`."""
        return replace(request, signature=signer.sign_digest(request_digest(self.consent_domain(), request)))


@dataclass
class Twin:
    """A patient's twin with a paired device and what the device needs to publish."""

    stage: Stage
    twin_id: int
    patient: LocalSigner
    device: LocalSigner
    edge: Edge

    def allow(self, grantee: str, categories: int = 1, purposes: int = 1, days: float = 1) -> None:
        """The patient's consent."""
        grant(
            self.stage.chain, self.patient, self.twin_id, grantee,
            categories=Category(categories), purposes=Purpose(purposes), days=days,
        )  # fmt: skip

    def publish(self, *batches: Readings) -> list[AnchoredBatch]:
        """Send batches; everything anchored so far."""
        list(publish(self.edge, batches))
        return anchored_batches(self.stage.chain, self.twin_id)


@dataclass
class Case:
    """A request that would be permitted, and all it needs."""

    stage: Stage
    twin: Twin
    custodian: LocalCustodian
    grantee: LocalSigner
    private: bytes
    request: KeyRequest
    items: list[Any]

    def asked(self, signer: LocalSigner | None = None, **change: Any) -> KeyRequest:
        """The request with changes and a fresh nonce, signed by the grantee or somebody else."""
        change = {"nonce": next(self.stage.nonces) + 2**64, **change}
        return self.stage.sign(signer or self.grantee, replace(self.request, **change))

    def refused(self, request: KeyRequest, items: list[Any] | None = None, by: LocalCustodian | None = None) -> str:
        """The reason; after checking that exactly one receipt says the same, signed by the custodian."""
        by = by or self.custodian
        before = len(list(by.receipts()))
        with pytest.raises(Refused) as caught:
            by.release(request, self.items if items is None else items)
        log = list(by.receipts())
        assert len(log) == before + 1
        assert decode(*log[-1]) == caught.value.receipt
        self.check(caught.value.receipt, request, by)
        assert not caught.value.receipt.permitted
        return caught.value.receipt.reason

    def check(self, receipt: Receipt, request: KeyRequest, by: LocalCustodian) -> None:
        """The receipt says what was asked and is signed by the custodian."""
        domain, consent = (
            Domain(self.stage.chain.chain_id, self.stage.chain.address(name))
            for name in ("AuditTrail", "ConsentRegistry")
        )
        assert recovers_to(receipt_digest(domain, receipt), receipt.signature, by.address)
        assert receipt.request == asked_digest(consent, receipt) == request_digest(consent, request)
        assert (receipt.grantee, receipt.request_signature) == (request.grantee, request.signature)

    def items_of(self, anchored: AnchoredBatch) -> list[Any]:
        """What a grantee shows the custodian of one batch: context and the custodian's own share."""
        header = parse_header(self.twin.edge.store.get(anchored.batch.digest))
        return [(header.context, next(one for one in header.shares if one.custodian == self.custodian.address))]


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Stage, Any]]:
    """An embedded chain with the whole suite, and its snapshot: four oracle nodes, one of which may lie."""
    with open_chain("embedded") as opened:
        tester(opened).backend.chain.gas_estimator = ample_gas
        hospital = new_signer()
        opened.fund(hospital.address, FUNDING_WEI)
        nodes = sorted((new_signer() for _ in range(4)), key=lambda signer: int(signer.address, 16))
        made = Stage(opened, opened.deploy(hospital, [node.address for node in nodes], 1), hospital, nodes)
        people = [made.person() for _ in range(PEOPLE)]
        yield replace(made, people=people), tester(opened).take_snapshot()


@pytest.fixture
def stage(deployed: tuple[Stage, Any]) -> Stage:
    """The suite as it was deployed: each test begins where the last one began."""
    made, snapshot = deployed
    tester(made.opened).revert_to_snapshot(snapshot)
    chain = Web3Chain(made.opened.web3, made.chain.deployment)
    return replace(made, chain=chain, nonces=count(1), people=list(made.people))


def ample_gas(state: Any, transaction: Any) -> int:
    """A gas limit by one run, which raises what the contract would."""
    before = state.snapshot()
    try:
        state.apply_transaction(SpoofTransaction(transaction, gas=AMPLE_GAS, gas_price=0)).raise_if_error()
    finally:
        state.revert(before)
    return AMPLE_GAS


def tester(opened: Opened) -> Any:
    """The embedded chain's own controls: its clock, its blocks, its snapshots."""
    return opened.web3.provider.ethereum_tester  # type: ignore[attr-defined]


@pytest.fixture
def chain(stage: Stage) -> Web3Chain:
    """The suite on the embedded chain."""
    return stage.chain


@pytest.fixture
def patient(stage: Stage) -> LocalSigner:
    """Owns a twin."""
    return stage.person()


@pytest.fixture
def stranger(stage: Stage) -> LocalSigner:
    """Nobody gave it anything."""
    return stage.person()


@pytest.fixture
def researcher(stage: Stage) -> LocalSigner:
    """Whom a patient may give access."""
    return stage.person()


@pytest.fixture
def device() -> LocalSigner:
    """Signs batches; sends nothing itself."""
    return new_signer()


@pytest.fixture
def states(tmp_path: Path) -> list[Path]:
    """The custodians' files."""
    return [tmp_path / f"custodian-{number}.sqlite" for number in range(3)]


@pytest.fixture
def custodians(stage: Stage, states: list[Path]) -> list[LocalCustodian]:
    """Three custodians, two of which open a batch."""
    return [make_custodian(stage, path, stage.person()) for path in states]


def make_custodian(stage: Stage, path: Path, signer: LocalSigner, *more: Any) -> LocalCustodian:
    """A custodian on its file; `more` are further chain endpoints of its own."""
    return LocalCustodian(
        SqliteCustodianState(path, signer), signer, Endpoints([stage.chain, *more], stage.now_s),
        clock=stage.now_s, random_bytes=os.urandom,
    )  # fmt: skip


@pytest.fixture
def custodian_on(stage: Stage) -> Callable[..., LocalCustodian]:
    """Opens a custodian on a file: (path, signer, further endpoints)."""
    return lambda path, signer, *more: make_custodian(stage, path, signer, *more)


@pytest.fixture
def store() -> MemoryStore:
    """An empty content store."""
    return MemoryStore()


@pytest.fixture
def twin(
    stage: Stage,
    patient: LocalSigner,
    device: LocalSigner,
    custodians: list[LocalCustodian],
    store: MemoryStore,
    tmp_path: Path,
) -> Twin:
    """A minted twin with a paired device and nothing anchored."""
    chain, twin_id = stage.chain, new_twin_id(TwinClass.PATIENT, os.urandom)
    mint(chain, patient, twin_id)
    pair(chain, patient, device, twin_id, stage.now_s() + 180 * DAY_S)
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite", device.address, chain.address("DataAnchor"))
    keys = {one.address: one.public_key(twin_id) for one in custodians}
    edge = Edge(
        chain, store, outbox, device, stage.hospital, twin_id, (HEART, TEMPERATURE),
        int(Category.VITALS), keys, THRESHOLD, os.urandom,
    )  # fmt: skip
    return Twin(stage, twin_id, patient, device, edge)


@pytest.fixture
def recorded(stage: Stage) -> Callable[..., Readings]:
    """Makes a short recording that ends at the chain's present, or `end_ms`."""

    def record(pairs: int = 4, end_ms: int | None = None, heart: float = 72.5) -> Readings:
        end = stage.now_s() * 1000 if end_ms is None else end_ms
        return Readings(
            "unit/1",
            (HEART.name, TEMPERATURE.name),
            np.repeat(np.arange(end - 100 * (pairs - 1), end + 1, 100, dtype=np.int64), 2),
            np.tile(np.array([0, 1], np.uint8), pairs),
            np.array([[int((heart + at) * 1e6), 36_600_000 + at] for at in range(pairs)], np.int64).ravel(),
        )

    return record


@pytest.fixture
def anchored(twin: Twin, recorded: Callable[..., Readings]) -> AnchoredBatch:
    """The twin's first batch, on the chain and in the store."""
    return twin.publish(recorded())[0]


@pytest.fixture
def case(stage: Stage, twin: Twin, anchored: AnchoredBatch, custodians: list[Any], researcher: LocalSigner) -> Case:
    """A researcher with consent for vitals and care, and a good request."""
    twin.allow(researcher.address)
    private = hpke.new_key(os.urandom)
    request = KeyRequest(
        twin_id=twin.twin_id, grantee=researcher.address, recipient_key=hpke.public_key(private),
        batches=(anchored.batch.digest,), category=1, purpose=1, nonce=0, deadline_s=stage.now_s() + 300,
    )  # fmt: skip
    made = Case(stage, twin, custodians[0], researcher, private, request, [])
    made.items = made.items_of(anchored)
    made.request = made.asked()
    return made
