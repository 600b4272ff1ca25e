"""One party's way to the simulated chain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from oracle.errors import ChainError, NotFound, RevertedError
from oracle.formats.typed_data import recover
from oracle.ports import Event, Head
from tests.answering import Answering

from .ledger import ADDRESSES, CHAIN_ID, Block, Ledger, Pairing, allowed, running_hash


class Endpoint(Answering):
    """One party's way to the ledger. Implements :class:`oracle.ports.Chain`; `luck` may lag, fail, lie or interrupt."""

    def __init__(self, ledger: Ledger, luck: Any) -> None:
        self._ledger, self._luck = ledger, luck

    chain_id = CHAIN_ID

    @property
    def gateways(self) -> tuple[tuple[str, int], ...]:
        return tuple((one, 0) for one in self._ledger.followed)

    @property
    def genesis(self) -> bytes:
        return self._ledger.blocks[0].head.hash

    def address(self, contract: str) -> str:
        if contract not in ADDRESSES:
            raise NotFound(contract)
        return ADDRESSES[contract]

    def _newest(self) -> int:
        """Number of the newest block that it has seen."""
        self._luck.call()
        return max(0, len(self._ledger.blocks) - 1 - self._luck.lag())

    def _visible(self, since: int = 0, until: int | None = None) -> list[Block]:
        newest = self._newest()
        return self._ledger.blocks[since : 1 + (newest if until is None else min(until, newest))]

    def head(self, number: int | None = None) -> Head:
        newest = self._newest()
        if number is not None and number > newest:
            raise ChainError("no such block")
        return self._ledger.blocks[newest if number is None else number].head

    def read(self, contract: str, function: str, *args: Any, block: int | None = None) -> Any:
        newest = self._newest()
        at = self._ledger.blocks[newest if block is None else min(block, newest)]
        name = "epochHead" if (contract, function) == ("EpochAnchor", "headOf") else function
        return getattr(self, f"_{name}")(at, *args)

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        return [
            event
            for block in self._visible(since, until)
            if block.events
            for event in block.events
            if event.name == name
            and event.contract == contract
            and all(event.args.get(key) == value for key, value in match.items())
        ]

    def everything(self, since: int, until: int) -> list[Event]:
        """As they stand in the blocks."""
        return [event for block in self._visible(since, until) for event in block.events]

    def arguments(self, contract: str, transaction: bytes) -> dict[str, Any]:
        """What was sent."""
        number = int.from_bytes(transaction, "big")
        sent = next(one for block in self._visible() for one in block.transactions if one.number == number)
        return dict(zip(("report", "signatures"), sent.args, strict=False))

    def settle(self, signer: Any) -> None:
        """What the signer sent is mined now."""
        self._luck.call()
        if any(one.sender == signer.address for one in self._ledger.pool):
            self._ledger.mine(self._ledger.blocks[-1].head.time_s + 1)

    def write(self, signer: Any, contract: str, function: str, *args: Any, gas: int | None = None) -> Any:
        self._luck.call()
        ledger = self._ledger
        tip = ledger.blocks[-1]
        sent = ledger.submit(signer.address, function, *args)
        later = tip.head.time_s + (0 if gas is None else 600)
        try:
            ledger.apply(tip.state.copy(), sent, later, tip.head.number + 1, 0)  # the estimate: reverts say why
        except RevertedError:
            ledger.pool.remove(sent)
            raise
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
        return self._isSigner(self._ledger.blocks[self._newest()], str(signer))

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
        return who in at.state.signers and who not in at.state.suspended

    def _quorum(self, at: Block) -> int:
        return at.state.quorum

    def _signers(self, at: Block) -> tuple[str, ...]:
        return at.state.signers

    def _configDigest(self, at: Block) -> bytes:
        return at.state.config

    def _pairingOf(self, at: Block, device: str, twin: int) -> tuple[int, int, bool]:
        one = at.state.pairings.get((device, twin), Pairing())
        return one.at_s, one.until_s, one.paired

    def _calibrationOf(self, at: Block, device: str, twin: int) -> int:
        _, until_s, paired = self._pairingOf(at, device, twin)
        return until_s if paired else 0

    def _epochHead(self, at: Block, gateway: str) -> tuple[int, bytes, int, bool]:
        number, until_s = at.state.epochs.get(gateway, (0, 0))
        kept = running_hash(at.state.posted.get(gateway, ()))
        return number, kept, until_s, gateway in at.state.at_fault

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
