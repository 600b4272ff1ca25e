"""A chain in memory: blocks, a pool of transactions, reorganisations, and the suite's rules in plain Python.

It judges only what nodes, custodians and devices ask of the real contracts, and shares no code with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from eth_utils import to_checksum_address

from oracle.errors import ChainError, MedtwinError, NotFound, RevertedError
from oracle.formats.typed_data import Domain, batch_digest, recover, report_digest
from oracle.ports import AskBlock, AskSigned, AskView, Event, Head, Question
from oracle.records import Batch, Report
from oracle.stages.post import split

CHAIN_ID = 1337
CONTRACTS = ("TwinToken", "ConsentRegistry", "DataAnchor", "PredictionOracle", "AuditTrail")
ADDRESSES = {name: to_checksum_address(hashlib.sha256(name.encode()).digest()[:20]) for name in CONTRACTS}
CONFIG = hashlib.sha256(b"config").digest()


@dataclass(frozen=True, slots=True)
class Transaction:
    """What somebody sent; `number` tells equal ones apart."""

    number: int
    sender: str
    function: str
    args: tuple[Any, ...]


@dataclass(slots=True)
class State:
    """All that the contracts store."""

    batches: dict[int, int] = field(default_factory=dict)
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    grants: dict[tuple[int, str], SimpleNamespace] = field(default_factory=dict)
    latest: dict[tuple[int, bytes], int] = field(default_factory=dict)
    suspended: frozenset[str] = frozenset()

    def copy(self) -> State:
        """So that a block never changes what an earlier one held."""
        return State(
            dict(self.batches), dict(self.heads), dict(self.ends), dict(self.grants), dict(self.latest), self.suspended
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A block and the state after it."""

    head: Head
    state: State
    transactions: tuple[Transaction, ...]
    events: tuple[Event, ...]


class Ledger:
    """The chain everybody speaks of. `rules` is what a canary switches off."""

    def __init__(
        self, signers: Sequence[str], owners: dict[int, str], devices: dict[str, int], rules: set[str]
    ) -> None:
        self.signers = sorted(signers, key=lambda one: int(one, 16))
        self.owners, self.devices, self.rules = owners, devices, rules
        self.pool: list[Transaction] = []
        self.made = 0
        self.hashes = 0
        self.blocks = [Block(Head(0, hashlib.sha256(b"genesis").digest(), 1_700_000_000), State(), (), ())]

    @property
    def quorum(self) -> int:
        """Signatures a report needs."""
        count = len(self.signers)
        return (count + (count - 1) // 3) // 2 + 1

    def mine(self, time_s: int) -> None:
        """A block with what is in the pool; transactions that revert change nothing."""
        head = self.blocks[-1].head
        time_s = max(time_s, head.time_s + 1)
        state, events, number = self.blocks[-1].state.copy(), list[Event](), head.number + 1
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
        """Drop the last blocks; their transactions wait again, in another order."""
        depth = min(depth, len(self.blocks) - 1)
        dropped = [one for block in self.blocks[-depth:] for one in block.transactions]
        old = self.blocks[-1].head
        del self.blocks[-depth:]
        order.shuffle(dropped)
        later, self.pool = self.pool, []
        for one in sorted(dropped, key=lambda one: one.sender in self.signers):  # what devices sent comes first
            self.pool.append(one)
            self.mine(self.blocks[-1].head.time_s + 1)
        while self.blocks[-1].head.number <= old.number:  # the branch that wins is the longer one
            self.mine(old.time_s)
        self.pool = later

    def apply(self, state: State, one: Transaction, time_s: int, block: int, index: int) -> list[Event]:
        """Change `state` as the contract would, or raise RevertedError."""
        contract, name, args = getattr(self, f"_{one.function}")(state, one, time_s)
        return [Event(contract, name, args, block, index, one.number.to_bytes(32, "big"), time_s)]

    # -- the contracts' rules --------------------------------------------------------

    def _anchor(self, state: State, one: Transaction, time_s: int) -> tuple[str, str, dict[str, Any]]:
        fields, signature = one.args
        batch = Batch(*fields)
        device = recover(batch_digest(Domain(CHAIN_ID, ADDRESSES["DataAnchor"]), batch), signature) or ""
        sequence, prefix = state.heads.get(device, (0, bytes(24)))
        sound = (
            self.devices.get(device) == batch.twin_id
            and batch.sequence == sequence + 1
            and batch.previous[:24] == prefix
            and state.ends.get(device, 0) <= batch.start_s <= batch.end_s <= time_s
        )
        if not sound:
            raise RevertedError("DataAnchor", "anchor", "SequenceNotNext", {})
        state.heads[device] = (batch.sequence, batch.digest[:24])
        state.ends[device] = batch.end_s
        state.batches[batch.twin_id] = state.batches.get(batch.twin_id, 0) + 1
        told = dict(
            twinId=batch.twin_id, sequence=batch.sequence, previous=batch.previous, digest=batch.digest,
            root=batch.root, readings=batch.readings, start=batch.start_s, end=batch.end_s,
        )  # fmt: skip
        index = state.batches[batch.twin_id]
        return "DataAnchor", "BatchAnchored", dict(twinId=batch.twin_id, device=device, index=index, batch=told)

    def _grant(self, state: State, one: Transaction, time_s: int) -> tuple[str, str, dict[str, Any]]:
        twin, grantee, categories, purposes, seconds = one.args
        serial = getattr(state.grants.get((twin, grantee)), "serial", 0) + 1
        state.grants[twin, grantee] = SimpleNamespace(
            serial=serial, denied=False, revoked=False, notBefore=time_s, expiry=time_s + seconds,
            categories=categories, purposes=purposes,
        )  # fmt: skip
        return "ConsentRegistry", "ConsentGranted", dict(twinId=twin, grantee=grantee)

    def _revoke(self, state: State, one: Transaction, time_s: int) -> tuple[str, str, dict[str, Any]]:
        twin, grantee = one.args
        held = state.grants.get((twin, grantee))
        if held is None or held.revoked:
            raise RevertedError("ConsentRegistry", "revoke", "ConsentMissing", {})
        state.grants[twin, grantee] = SimpleNamespace(**{**vars(held), "revoked": True})
        return "ConsentRegistry", "ConsentRevoked", dict(twinId=twin, grantee=grantee)

    def _post(self, state: State, one: Transaction, time_s: int) -> tuple[str, str, dict[str, Any]]:
        fields, signatures = one.args
        report = Report(*fields)
        last = state.latest.get((report.twin_id, report.model), 0)
        if "round" in self.rules and report.round <= last:
            raise RevertedError("PredictionOracle", "post", "RoundNotAfter", {})
        if report.as_of_s > time_s or report.config != CONFIG:
            raise RevertedError("PredictionOracle", "post", "InvalidTime", {})
        signed = [self._signer_of(state, report, signature) for signature in split(signatures)]
        numbers = [int(one, 16) for one in signed]
        if len(signed) < self.quorum or numbers != sorted(set(numbers)):
            raise RevertedError("PredictionOracle", "post", "QuorumNotMet", {})
        state.latest[report.twin_id, report.model] = report.round
        digest = report_digest(Domain(CHAIN_ID, ADDRESSES["PredictionOracle"]), report)
        told = dict(
            twinId=report.twin_id, model=report.model, round=report.round, report=report, reportDigest=digest
        )  # fmt: skip
        return "PredictionOracle", "PredictionPosted", told

    def _proveEquivocation(self, state: State, one: Transaction, time_s: int) -> tuple[str, str, dict[str, Any]]:
        (first, _, signature), (second, _, other) = one.args
        a, b = Report(*first), Report(*second)
        signer = self._signer_of(state, a, signature)
        same = (a.twin_id, a.model, a.round) == (b.twin_id, b.model, b.round)
        if not same or a == b or signer != self._signer_of(state, b, other):
            raise RevertedError("PredictionOracle", "proveEquivocation", "NotEquivocation", {})
        state.suspended |= {signer}
        return "PredictionOracle", "EquivocationProven", dict(signer=signer)

    def _signer_of(self, state: State, report: Report, signature: bytes) -> str:
        signer = recover(report_digest(Domain(CHAIN_ID, ADDRESSES["PredictionOracle"]), report), signature)
        if signer not in self.signers or signer in state.suspended:
            raise RevertedError("PredictionOracle", "post", "UnknownSigner", {})
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


class Endpoint:
    """One party's way to the ledger. Implements :class:`oracle.ports.Chain`; `luck` may lag, fail, lie or interrupt."""

    def __init__(self, ledger: Ledger, luck: Any) -> None:
        self._ledger, self._luck = ledger, luck

    chain_id = CHAIN_ID
    gateways: tuple[tuple[str, int], ...] = ()

    @property
    def genesis(self) -> bytes:
        return self._ledger.blocks[0].head.hash

    def address(self, contract: str) -> str:
        if contract not in ADDRESSES:
            raise NotFound(contract)
        return ADDRESSES[contract]

    def _visible(self) -> list[Block]:
        self._luck.call()
        behind = min(self._luck.lag(), len(self._ledger.blocks) - 1)
        return self._ledger.blocks[: len(self._ledger.blocks) - behind]

    def head(self, number: int | None = None) -> Head:
        blocks = self._visible()
        if number is not None and number >= len(blocks):
            raise ChainError("no such block")
        return blocks[-1 if number is None else number].head

    def read(self, contract: str, function: str, *args: Any, block: int | None = None) -> Any:
        blocks = self._visible()
        at = blocks[-1 if block is None else min(block, len(blocks) - 1)]
        return getattr(self, f"_{function}")(at, *args)

    def answers(self, questions: Sequence[Question]) -> list[Any]:
        return [self._answer(one) for one in questions]

    def _answer(self, question: Question) -> Any:
        try:
            match question:
                case AskBlock(number):
                    return self.head(number)
                case AskView(call, block):
                    return self.read(*call, block=block)
                case AskSigned(account, digest, signature, block):
                    return self.is_signed_by(account, digest, signature, block=block)
        except MedtwinError as error:
            return error

    def read_many(self, calls: Sequence[Any], *, block: int | None = None) -> list[Any]:
        return [self.read(*one, block=block) for one in calls]

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        return [
            event
            for block in self._visible()[since : None if until is None else until + 1]
            for event in block.events
            if (event.contract, event.name) == (contract, name)
            and all(event.args.get(key) == value for key, value in match.items())
        ]

    def everything(self, since: int, until: int) -> list[Event]:
        """As they stand in the blocks."""
        return [event for block in self._visible()[since : until + 1] for event in block.events]

    def arguments(self, contract: str, transaction: bytes) -> dict[str, Any]:
        """What was sent."""
        number = int.from_bytes(transaction, "big")
        sent = next(one for block in self._visible() for one in block.transactions if one.number == number)
        return dict(zip(("report", "signatures"), sent.args, strict=False))

    def settle(self, signer: Any) -> None:
        """What is in the pool is mined in its turn."""
        self._luck.call()

    def write(self, signer: Any, contract: str, function: str, *args: Any, gas: int | None = None) -> Any:
        self._luck.call()
        ledger = self._ledger
        tip = ledger.blocks[-1]
        ledger.made += 1
        sent = Transaction(ledger.made, signer.address, function, args)
        later = tip.head.time_s + (0 if gas is None else 600)
        ledger.apply(tip.state.copy(), sent, later, tip.head.number + 1, 0)  # the estimate: reverts say why
        ledger.pool.append(sent)
        self._luck.sent()
        for block in reversed(ledger.blocks):
            for event in block.events:
                if event.transaction == sent.number.to_bytes(32, "big"):
                    return SimpleNamespace(block=block.head.number, gas=0, events=(event,), time_s=block.head.time_s)
        if any(one is sent for one in ledger.pool):
            raise ChainError("the chain did not mine in time")
        raise RevertedError(contract, function, "RoundNotAfter" if function == "post" else "Reverted", {})

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        signer = recover(digest, signature)
        if account != self.address("PredictionOracle"):
            return signer == account
        return signer in self._ledger.signers and signer not in self._visible()[-1].state.suspended

    # -- views -----------------------------------------------------------------------

    def _isApproved(self, at: Block, model: bytes) -> bool:
        return True

    def _isRetired(self, at: Block, twin: int) -> bool:
        return False

    def _batchCount(self, at: Block, twin: int) -> int:
        return at.state.batches.get(twin, 0)

    def _headOf(self, at: Block, device: str) -> tuple[int, bytes]:
        return at.state.heads.get(device, (0, bytes(24)))

    def _latest(self, at: Block, twin: int, model: bytes) -> SimpleNamespace:
        return SimpleNamespace(round=at.state.latest.get((twin, model), 0))

    def _isSigner(self, at: Block, who: str) -> bool:
        return who in self._ledger.signers and who not in at.state.suspended

    def _quorum(self, at: Block) -> int:
        return self._ledger.quorum

    def _signers(self, at: Block) -> list[str]:
        return self._ledger.signers

    def _configDigest(self, at: Block) -> bytes:
        return CONFIG

    def _isAllowed(self, at: Block, twin: int, grantee: str, category: int, purpose: int) -> bool:
        if self._luck.lies():
            return True
        return allowed(at.state, self._ledger.owners, twin, grantee, category, purpose, at.head.time_s)

    def _grantOf(self, at: Block, twin: int, grantee: str) -> SimpleNamespace:
        none = SimpleNamespace(serial=0, denied=False, revoked=False, notBefore=0, expiry=0, categories=0, purposes=0)
        held = at.state.grants.get((twin, grantee), none)
        return SimpleNamespace(**{**vars(held), "expiry": 2**40 - 1}) if self._luck.lies() else held

    def _ownerOf(self, at: Block, twin: int) -> str:
        if twin not in self._ledger.owners:
            raise RevertedError("TwinToken", "ownerOf", "TwinMissing", {})
        return self._ledger.owners[twin]
