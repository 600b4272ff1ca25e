"""A chain in memory: blocks, a pool of transactions, reorganisations, and the suite's rules in plain Python.

It judges only what nodes, custodians, gateways and devices ask of the real contracts, and shares no code with them;
which batches of an epoch count, which the contracts leave to the reader, it judges as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from eth_utils import keccak, to_checksum_address

from oracle.errors import RevertedError
from oracle.formats import merkle
from oracle.formats.bundles import Bundle, bundle_digest, leaf_of
from oracle.formats.epochs import epoch_leaf
from oracle.formats.typed_data import Domain, batch_digest, recover, report_digest
from oracle.ports import Event, Head
from oracle.records import Batch, Report
from oracle.stages.post import split

from .state import Pairing, State, Transaction

CHAIN_ID = 1337
CONTRACTS = (
    "TwinToken", "ConsentRegistry", "DeviceRegistry", "DataAnchor", "EpochAnchor", "PredictionOracle", "AuditTrail",
)  # fmt: skip
ADDRESSES = {name: to_checksum_address(hashlib.sha256(name.encode()).digest()[:20]) for name in CONTRACTS}
START_S = 1_700_000_000
ADMITTED_S = 86_400
"""A gateway is admitted for so long at most."""

Told = tuple[str, str, dict[str, Any]]
"""Contract, event, arguments."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block and the state after it."""

    head: Head
    state: State
    transactions: tuple[Transaction, ...]
    events: tuple[Event, ...]


class Ledger:
    """The chain everybody speaks of.

    `listed` gives the signed batches of an epoch's manifest, None if it is kept back; those of gateways in `followed` count. `rules` is what
    stays switched on: a canary switches off that a round is taken once. `domain` is what a contract's data are signed for.
    """

    def __init__(
        self,
        signers: Sequence[str],
        owners: dict[int, str],
        rules: set[str],
        listed: Callable[[bytes], Sequence[tuple[Batch, bytes]] | None] = lambda manifest: (),
        followed: Sequence[str] = (),
        domain: Callable[[str], Domain] = lambda contract: Domain(CHAIN_ID, ADDRESSES[contract]),
    ) -> None:
        self.domain = domain
        self.watch: Callable[[str, str, tuple[Any, ...]], None] = lambda *_: None
        self.owners, self.rules, self.listed, self.followed = owners, rules, listed, followed
        self.pool: list[Transaction] = []
        self.made = 0
        self.hashes = 0
        self.blocks = [Block(Head(0, hashlib.sha256(b"genesis").digest(), START_S), _first(signers), (), ())]

    @property
    def state(self) -> State:
        """After the newest block."""
        return self.blocks[-1].state

    def submit(self, sender: str, function: str, *args: Any) -> Transaction:
        """Put a transaction into the pool."""
        self.made += 1
        self.watch(sender, function, args[:1])
        self.pool.append(Transaction(self.made, sender, function, args))
        return self.pool[-1]

    def mine(self, time_s: int) -> None:
        """A block with what is in the pool; transactions that revert change nothing."""
        head = self.blocks[-1].head
        time_s = max(time_s, head.time_s + 1)
        state, events, number = self.state.copy(), list[Event](), head.number + 1
        for transaction in self.pool:
            trial = state.copy()
            try:
                made = self.apply(trial, transaction, time_s, number, len(events))
            except RevertedError:
                continue
            state, events = trial, [*events, *made]
        self.hashes += 1
        block_hash = hashlib.sha256(head.hash + self.hashes.to_bytes(8, "big")).digest()
        self.blocks.append(Block(Head(number, block_hash, time_s), state, tuple(self.pool), tuple(events)))
        self.pool = []

    def reorganise(self, depth: int, order: Any) -> None:
        """Drop the last blocks; their transactions wait again, in another order, but each sender's in its own."""
        depth = min(depth, len(self.blocks) - 1)
        dropped = [one for block in self.blocks[-depth:] for one in block.transactions]
        old = self.blocks[-1].head
        del self.blocks[-depth:]
        own = {one.sender: iter([other for other in dropped if other.sender == one.sender]) for one in dropped}
        order.shuffle(dropped)
        dropped = [next(own[one.sender]) for one in dropped]
        later, self.pool = self.pool, []
        reports = ("post", "postBundle", "rotate", "proveEquivocation")
        for one in sorted(dropped, key=lambda one: one.function in reports):  # what devices sent comes first
            self.pool.append(one)
            self.mine(self.blocks[-1].head.time_s + 1)
        while self.blocks[-1].head.number <= old.number:  # the branch that wins is the longer one
            self.mine(old.time_s)
        self.pool = later

    def apply(self, state: State, one: Transaction, time_s: int, block: int, index: int) -> list[Event]:
        """Change `state` as the contract would, or raise RevertedError."""
        contract, name, args = getattr(self, f"_{one.function}")(state, one, time_s)
        return [Event(contract, name, args, block, index, one.number.to_bytes(32, "big"), time_s)]

    # -- devices and gateways --------------------------------------------------------

    def _pair(self, state: State, one: Transaction, time_s: int) -> Told:
        device, twin, until_s = one.args
        _require(state.paired_twin(device) is None, "DeviceRegistry", "pair", "DeviceAlreadyPaired")
        _require(one.sender == self.owners.get(twin), "DeviceRegistry", "pair", "NotPairingParty")
        _require(time_s < until_s, "DeviceRegistry", "pair", "CalibrationNotInFuture")
        state.pairings[device, twin] = Pairing(time_s, until_s, True)
        return "DeviceRegistry", "DevicePaired", dict(device=device, twinId=twin, calibratedUntil=until_s)

    def _unpair(self, state: State, one: Transaction, time_s: int) -> Told:
        (device,) = one.args
        twin = state.paired_twin(device)
        if twin is None:
            raise RevertedError("DeviceRegistry", "unpair", "DeviceNotPaired", {})
        _require(one.sender in (device, self.owners[twin]), "DeviceRegistry", "unpair", "NotPairingParty")
        state.pairings[device, twin] = replace(state.pairings[device, twin], paired=False)
        return "DeviceRegistry", "DeviceUnpaired", dict(device=device, twinId=twin, by=one.sender)

    def _anchor(self, state: State, one: Transaction, time_s: int) -> Told:
        given, signature = one.args
        batch = Batch(*given)
        device = self._device(batch, signature)
        sequence, prefix = state.heads.get(device, (0, bytes(24)))
        _require(batch.start_s <= batch.end_s <= time_s, "DataAnchor", "anchor", "InvalidInterval")
        _require(state.speaks(device, batch.twin_id, time_s), "DataAnchor", "anchor", "UnpairedDevice")
        _require(batch.sequence == sequence + 1, "DataAnchor", "anchor", "BrokenSequence")
        _require(batch.previous[:24] == prefix, "DataAnchor", "anchor", "BrokenChain")
        state.heads[device] = (batch.sequence, batch.digest[:24])
        state.batches[batch.twin_id] = state.batches.get(batch.twin_id, 0) + 1
        if batch.sequence > state.said.get(device, (0, b""))[0]:
            _count(state, device, batch)
        told = dict(
            twinId=batch.twin_id, sequence=batch.sequence, previous=batch.previous, digest=batch.digest,
            root=batch.root, readings=batch.readings, start=batch.start_s, end=batch.end_s,
        )  # fmt: skip
        index = state.batches[batch.twin_id]
        return "DataAnchor", "BatchAnchored", dict(twinId=batch.twin_id, device=device, index=index, batch=told)

    def _admit(self, state: State, one: Transaction, time_s: int) -> Told:
        (gateway,) = one.args
        pairing = state.pairings.get((gateway, state.paired_twin(gateway) or 0), Pairing())
        until_s = min(pairing.until_s, time_s + ADMITTED_S) if pairing.paired else 0
        state.epochs[gateway] = (state.epochs.get(gateway, (0, 0))[0], until_s)
        return "EpochAnchor", "GatewayAdmitted", dict(gateway=gateway, until=until_s)

    def _anchorEpoch(self, state: State, one: Transaction, time_s: int) -> Told:
        root, count, manifest = one.args[0]
        number, until_s = state.epochs.get(one.sender, (0, 0))
        _require(count > 0, "EpochAnchor", "anchorEpoch", "EmptyEpoch")
        _require(one.sender not in state.at_fault, "EpochAnchor", "anchorEpoch", "GatewayIsSuspended")
        _require(time_s < until_s, "EpochAnchor", "anchorEpoch", "NotGateway")
        state.epochs[one.sender] = (number + 1, until_s)
        state.posted[one.sender] = (*state.posted.get(one.sender, ()), (root, count, manifest))
        listed = self.listed(manifest) if one.sender in self.followed else ()
        if listed is None:
            state.hidden, listed = state.hidden + 1, ()
        leaves = [epoch_leaf(self.domain("DataAnchor"), *signed) for signed in listed]
        for batch, signature in listed if leaves and (merkle.root(leaves), len(leaves)) == (root, count) else ():
            device = self._device(batch, signature)
            sequence, previous = state.said.get(device, (0, bytes(32)))
            follows = (batch.sequence, batch.previous) == (sequence + 1, previous)
            follows |= batch.sequence > sequence + 1 and state.hidden > state.stood.get(device, 0)
            if follows and batch.end_s <= time_s and state.speaks(device, batch.twin_id, time_s):
                _count(state, device, batch)
        epoch = dict(root=root, batches=count, manifest=manifest)
        return "EpochAnchor", "EpochAnchored", dict(gateway=one.sender, number=number + 1, epoch=epoch)

    def _proveUnknownDevice(self, state: State, one: Transaction, time_s: int) -> Told:
        gateway, *shown = one.args
        device, batch = self._in_epoch(state, gateway, *shown)
        _require((device, batch.twin_id) not in state.pairings, "EpochAnchor", "proveUnknownDevice", "NoFault")
        return self._suspend(state, gateway)

    def _proveBrokenSequence(self, state: State, one: Transaction, time_s: int) -> Told:
        gateway, *shown = one.args
        (device, first), (other, second) = (self._in_epoch(state, gateway, *shown[at : at + 2]) for at in (0, 2))
        twice = first.sequence == second.sequence and first != second
        broken = first.sequence + 1 == second.sequence and first.digest != second.previous
        sound = device == other != "" and (twice or broken)
        _require(sound, "EpochAnchor", "proveBrokenSequence", "NoFault")
        return self._suspend(state, gateway)

    def _suspend(self, state: State, gateway: str) -> Told:
        _require(gateway not in state.at_fault, "EpochAnchor", "prove", "GatewayIsSuspended")
        state.at_fault |= {gateway}
        return "EpochAnchor", "GatewaySuspended", dict(gateway=gateway)

    def _in_epoch(self, state: State, gateway: str, place: Any, included: Any) -> tuple[str, Batch]:
        """A batch of a gateway's epoch, and who signed it."""
        (before, epoch, later), (fields, signature, path) = place, included
        posted, batch = state.posted.get(gateway, ()), Batch(*fields)
        at = len(posted) - len(later) - 1
        found = at >= 0 and posted[at:] == (epoch, *later) and before == running_hash(posted[:at])
        _require(found, "EpochAnchor", "prove", "PlaceNotFound")
        signed = batch_digest(self.domain("DataAnchor"), batch)
        node = keccak(keccak(signed + keccak(signature)))
        for beside in path:
            node = keccak(min(node, beside) + max(node, beside))
        _require(node == epoch[0], "EpochAnchor", "prove", "BatchNotIncluded")
        return recover(signed, signature) or "", batch

    def _device(self, batch: Batch, signature: bytes) -> str:
        return recover(batch_digest(self.domain("DataAnchor"), batch), signature) or ""

    # -- consent ---------------------------------------------------------------------

    def _grant(self, state: State, one: Transaction, time_s: int) -> Told:
        twin, grantee, categories, purposes, seconds = one.args
        _require(one.sender == self.owners.get(twin), "ConsentRegistry", "grant", "NotOwner")
        serial = getattr(state.grants.get((twin, grantee)), "serial", 0) + 1
        state.grants[twin, grantee] = SimpleNamespace(
            serial=serial, denied=False, revoked=False, notBefore=time_s, expiry=time_s + seconds,
            categories=categories, purposes=purposes,
        )  # fmt: skip
        return "ConsentRegistry", "ConsentGranted", dict(twinId=twin, grantee=grantee)

    def _revoke(self, state: State, one: Transaction, time_s: int) -> Told:
        twin, grantee = one.args
        held = state.grants.get((twin, grantee))
        if held is None or held.revoked:
            raise RevertedError("ConsentRegistry", "revoke", "ConsentMissing", {})
        _require(one.sender in (grantee, self.owners.get(twin)), "ConsentRegistry", "revoke", "NotOwner")
        state.grants[twin, grantee] = SimpleNamespace(**{**vars(held), "revoked": True})
        return "ConsentRegistry", "ConsentRevoked", dict(twinId=twin, grantee=grantee)

    # -- reports ---------------------------------------------------------------------

    def _post(self, state: State, one: Transaction, time_s: int) -> Told:
        given, signatures = one.args
        report = Report(*given)
        last = state.latest.get((report.twin_id, report.model), 0)
        if "round" in self.rules:
            _require(report.round > last, "PredictionOracle", "post", "RoundNotAfter")
        _require(report.as_of_s <= time_s, "PredictionOracle", "post", "InvalidTime")
        digest = report_digest(self.domain("PredictionOracle"), report)
        self._check_quorum(state, report.config, digest, signatures)
        state.latest[report.twin_id, report.model] = report.round
        names = ("twinId", "model", "round", "asOf", "status", "score", "low", "high", "inputsRoot", "explanationRoot")
        told = dict(
            twinId=report.twin_id, model=report.model, round=report.round,
            report=dict(zip((*names, "config"), given, strict=True)),
            reportDigest=digest,
        )  # fmt: skip
        return "PredictionOracle", "PredictionPosted", told

    def _postBundle(self, state: State, one: Transaction, time_s: int) -> Told:
        given, signatures = one.args
        bundle = Bundle(*given)
        place = (bundle.config, bundle.root)
        _require(any(bundle.root) and any(bundle.manifest), "PredictionOracle", "postBundle", "EmptyBundle")
        _require(place not in state.bundles, "PredictionOracle", "postBundle", "BundleExists")
        digest = bundle_digest(self.domain("PredictionOracle"), bundle)
        self._check_quorum(state, bundle.config, digest, signatures)
        state.bundles |= {place}
        told = dict(root=bundle.root, config=bundle.config, manifest=bundle.manifest)
        return "PredictionOracle", "BundlePosted", told

    def _proveEquivocation(self, state: State, one: Transaction, time_s: int) -> Told:
        (first, place, signature), (second, there, other) = one.args
        a, b = Report(*first), Report(*second)
        same = (a.twin_id, a.model, a.round, a.config) == (b.twin_id, b.model, b.round, b.config)
        digests = [self._signed_digest(*said) for said in ((a, place), (b, there))]
        signer = self._signer_of(state.known, state, digests[0], signature)
        sound = same and a.config in state.configs and a != b
        sound &= signer == self._signer_of(state.known, state, digests[1], other)
        _require(sound, "PredictionOracle", "proveEquivocation", "NotEquivocation")
        state.suspended |= {signer}
        return "PredictionOracle", "EquivocationProven", dict(signer=signer)

    def _signed_digest(self, report: Report, place: tuple[bytes, Sequence[bytes]]) -> bytes:
        domain, (manifest, path) = self.domain("PredictionOracle"), place
        if manifest == bytes(32):
            return report_digest(domain, report)
        return bundle_digest(domain, Bundle(merkle.hashed_up(path, leaf_of(domain, report)), manifest, report.config))

    def _rotate(self, state: State, one: Transaction, time_s: int) -> Told:
        """Its signatures are not looked at: who may rotate is no question of nodes, custodians and devices."""
        (signers,) = one.args
        _require(not state.suspended & set(signers), "PredictionOracle", "rotate", "UnknownSigner")
        after = _first(signers)
        state.signers, state.config = after.signers, after.config
        state.known, state.configs = state.known | after.known, state.configs | after.configs
        return "PredictionOracle", "ConfigSet", dict(config=state.config)

    def _check_quorum(self, state: State, config: bytes, digest: bytes, signatures: bytes) -> None:
        _require(config == state.config, "PredictionOracle", "post", "WrongConfig")
        signed = [self._signer_of(state.signers, state, digest, signature) for signature in split(signatures)]
        numbers = [int(one, 16) for one in signed]
        sound = len(signed) >= state.quorum and numbers == sorted(set(numbers))
        _require(sound, "PredictionOracle", "post", "QuorumNotMet")

    def _signer_of(self, nodes: Container[str], state: State, digest: bytes, signature: bytes) -> str:
        signer = recover(digest, signature)
        known = signer in nodes and signer not in state.suspended
        _require(known, "PredictionOracle", "post", "UnknownSigner")
        return str(signer)


def allowed(
    state: State, owners: dict[int, str], twin: int, grantee: str, category: int, purpose: int, now_s: int
) -> bool:
    """What isAllowed answers."""
    held = state.grants.get((twin, grantee))
    covered = (
        held is not None
        and not held.revoked
        and held.notBefore <= now_s < held.expiry
        and category & held.categories == category
        and purpose & held.purposes == purpose
    )
    return covered or owners[twin] == grantee


def _first(signers: Sequence[str]) -> State:
    ascending = tuple(sorted(signers, key=lambda one: int(one, 16)))
    config = hashlib.sha256("".join(ascending).encode()).digest()
    return State(ascending, config, frozenset(signers), frozenset({config}))


def running_hash(posted: Sequence[tuple[Any, ...]]) -> bytes:
    """What the chain keeps of a gateway's epochs."""
    kept = bytes(21)
    for root, count, manifest in posted:
        kept = keccak(kept.ljust(32, b"\0") + root + count.to_bytes(32, "big") + manifest)[:21]
    return kept


def _count(state: State, device: str, batch: Batch) -> None:
    state.said[device], state.stood[device] = (batch.sequence, batch.digest), state.hidden
    state.counted[batch.twin_id] = (*state.counted.get(batch.twin_id, ()), batch.digest)


def _require(holds: bool, contract: str, function: str, error: str) -> None:
    if not holds:
        raise RevertedError(contract, function, error, {})
