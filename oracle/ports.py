"""What the use cases need of the outside world. Adapters implement these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import RevertedError
from .formats.bundles import Bundle
from .records import (
    Batch,
    Context,
    ErasureRequest,
    ErasureStatement,
    Included,
    KeyRequest,
    Observation,
    Outgoing,
    Receipt,
    Release,
    SealedShare,
)


@dataclass(frozen=True, slots=True)
class Head:
    """A block of the chain: number, hash, time (s)."""

    number: int
    hash: bytes
    time_s: int


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log: the contract's and event's names, arguments, and where it stands."""

    contract: str
    name: str
    args: dict[str, Any]
    block: int
    log_index: int
    transaction: bytes
    time_s: int


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that succeeded."""

    transaction: bytes
    block: int
    time_s: int
    gas: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """A gateway's epoch that is written down: what is posted, and the newest block at that time."""

    id: int
    root: bytes
    batches: int
    manifest: bytes
    after: int


Call = tuple[Any, ...]
"""A view to be read: contract, function, and its arguments."""


@dataclass(frozen=True, slots=True)
class AskBlock:
    """A block's :class:`Head`; of the newest without a number."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class AskView:
    """What a view answers at a block; at the newest without a number."""

    call: Call
    block: int | None = None


@dataclass(frozen=True, slots=True)
class AskSigned:
    """Whether `account` (key or ERC-1271 contract) signed `digest`; a contract is asked at a block."""

    account: str
    digest: bytes
    signature: bytes
    block: int | None = None


Question = AskBlock | AskView | AskSigned


class Signer(Protocol):
    """A secp256k1 key that never leaves its holder."""

    @property
    def address(self) -> str: ...
    def sign_digest(self, digest: bytes) -> bytes:
        """65-byte signature r‖s‖v (v 27 or 28, low s) over a 32-byte digest."""
        ...

    def sign_transaction(self, transaction: dict[str, Any]) -> bytes: ...


class Chain(Protocol):
    """The deployed suite on one EVM chain. Contract and function names are Solidity's."""

    @property
    def chain_id(self) -> int: ...
    @property
    def genesis(self) -> bytes:
        """Hash of the block 0 that the suite was deployed after."""
        ...

    @property
    def gateways(self) -> tuple[tuple[str, int], ...]:
        """Gateways whose epochs count in this deployment, each from a block on."""
        ...

    def address(self, contract: str) -> str: ...
    def answers(self, questions: Sequence[Question]) -> list[Any]:
        """Answers in one message, in order; where the chain refused one question, the MedtwinError instead."""
        ...

    def head(self, number: int | None = None) -> Head:
        """The newest block, or the one of that number."""
        ...

    def read(self, contract: str, function: str, *args: Any, block: int | None = None) -> Any: ...
    def read_many(self, calls: Sequence[Call], *, block: int | None = None) -> list[Any]:
        """Several views in one message; of one moment only if `block` is named."""
        ...

    def write(self, signer: Signer, contract: str, function: str, *args: Any, gas: int | None = None) -> Mined:
        """Send, wait for the receipt; a revert raises :class:`~oracle.errors.RevertedError`.

        It is tried out on the newest block first, unless `gas` says what it may cost.
        """
        ...

    def write_many(self, signer: Signer, calls: Sequence[Call]) -> list[Mined | RevertedError]:
        """Try out, send and wait for several at once; what a contract refused stands in its place."""
        ...

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        """Logs oldest first; `match` filters by indexed argument."""
        ...

    def naming(self, events: Sequence[Event], twin_id: int) -> list[Event]:
        """Those whose lists in the store may name a twin; all of them where nobody read the lists before."""

    def everything(self, since: int, until: int) -> list[Event]:
        """All events of the suite in these blocks, oldest first."""

    def arguments(self, contract: str, transaction: bytes) -> dict[str, Any]:
        """What a transaction gave to a contract's function, by name; empty if it called another contract."""

    def settle(self, signer: Signer) -> None:
        """Wait until nothing that the signer sent is still on its way; what nobody takes is replaced by nothing."""

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        """Whether `account` (key or ERC-1271 contract) signed `digest`; a contract is asked at `block`."""
        ...


class Store(Protocol):
    """Content-addressed blocks. Every `get` verifies; wrong bytes raise VerificationError."""

    def put(self, block: bytes) -> bytes:
        """Store and pin; return the SHA-256 digest. Idempotent."""
        ...

    def get(self, digest: bytes) -> bytes: ...
    def has(self, digest: bytes) -> bool: ...
    def remove(self, digest: bytes) -> None:
        """Unpin and collect. Idempotent."""
        ...

    def pins(self) -> Mapping[bytes, str]:
        """How each block is kept: pins of an IPFS node by their kind (recursive, direct, indirect), else ``kept``."""

    def describe(self) -> str:
        """One line for people and for ``doctor``."""
        ...


class Fetched(Protocol):
    """What a grantee got before it was interrupted; durable before each method returns."""

    def block(self, digest: bytes) -> bytes | None: ...
    def keep_block(self, digest: bytes, block: bytes) -> None: ...
    def key(self, digest: bytes) -> bytes | None:
        """The data key of a block that it opened, and that agreed with the chain."""

    def keep_key(self, digest: bytes, key: bytes) -> None: ...


class SignedRounds(Protocol):
    """What a node signed: at most one digest per (twin, model, round), durable before it returns."""

    def remember(self, twin_id: int, model: bytes, round_: int, digest: bytes) -> bytes:
        """Record `digest` if the round has none yet; the digest on record."""

    def knows(self, twin_id: int, model: bytes, round_: int) -> bool:
        """Whether a digest is on record."""

    def floor(self) -> int:
        """Block up to which more may have been signed than is on record; 0 unless this is a restored copy."""


class Explanations(Protocol):
    """Where sealed explanations are in the store, by the root that a report has on the chain."""

    def keep(self, root: bytes, block: bytes) -> None:
        """Remember the digest of the block; the first for a root stays."""

    def find(self, root: bytes) -> bytes | None: ...


class Peers(Protocol):
    """The other nodes of the oracle."""

    def send(self, observations: Sequence[Observation]) -> None:
        """Hand to every other node; any of it may be lost, doubled, late or out of order."""

    def ask(self, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
        """Ask every other node to sign it: signatures as they come, unchecked, for seconds; who refuses gives none."""


class Outbox(Protocol):
    """A device's batches on their way, durable before anything is sent."""

    def last(self) -> Outgoing | None:
        """The newest batch, sent or not."""
        ...

    def add(self, outgoing: Outgoing) -> None: ...
    def pending(self) -> list[Outgoing]:
        """Batches not known to be anchored, oldest first."""
        ...

    def done(self, sequence: int) -> None: ...


class Relay(Protocol):
    """A gateway, as a device sees it."""

    def take(self, outgoing: Outgoing) -> None:
        """Hand a batch over; when this returns it is on the gateway's disk."""
        ...


class Box(Protocol):
    """What a gateway holds; durable before each method returns."""

    def held_bytes(self) -> int:
        """Of blocks and messages that are not on the chain yet."""
        ...

    def last(self, device: str) -> Batch | None:
        """The newest batch taken of a device."""
        ...

    def digest_of(self, device: str, sequence: int) -> bytes | None: ...
    def take(self, device: str, outgoing: Outgoing, now_s: int, *, sensor: str = "", passed: int = 0) -> None:
        """Keep a batch; if it was sealed here, a sensor's messages up to `passed` go in the same step."""
        ...

    def waiting(self, most: int) -> list[tuple[str, Outgoing]]:
        """(device, batch) in no epoch, oldest first."""
        ...

    def set_aside(self, device: str, twin_id: int, newest: int) -> None:
        """All it sent of a twin, out of the line until it is heard again; not if it was since `newest` was its newest batch."""
        ...

    def close(self, root: bytes, manifest: bytes, after: int, places: Sequence[tuple[str, int]]) -> int:
        """Write an epoch down, of these (device, sequence); its id."""
        ...

    def epochs(self) -> list[OpenEpoch]:
        """Those not known to be final, oldest first."""
        ...

    def finish(self, epoch: int, again: Sequence[tuple[str, int]] = ()) -> None:
        """Let its blocks go; the batches of a device from one of `again` on wait to be in another epoch."""
        ...

    def find(self, digest: bytes) -> OpenEpoch | None:
        """The epoch of a batch."""
        ...

    def passed(self, sensor: str) -> int:
        """Number of a sensor's last message that was sealed or given up."""
        ...

    def keep(self, sensor: str, number: int, body: bytes, now_s: int) -> bool:
        """Keep a message; False if it is here already."""
        ...

    def messages(self, sensor: str) -> list[tuple[int, bytes, int]]:
        """(number, body, when it was taken), by number."""
        ...

    def skip(self, sensor: str, number: int) -> None:
        """Give up what is missing up to a number."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A receipt to be: `make` is given its number and whether its nonce (grantee, number) was unspent; None spends none."""

    make: Callable[[int, bool], Receipt]
    nonce: tuple[str, int] | None


class CustodianState(Protocol):
    """What a custodian must not lose: keys, receipts, spent nonces. Durable before each method returns."""

    def key(self, twin_id: int, make: Callable[[], bytes]) -> bytes | None:
        """The private key for a twin, made and kept at first use; None once erased."""
        ...

    def has_key(self, twin_id: int) -> bool: ...
    def erase(self, twin_id: int, make: Callable[[bytes | None], ErasureStatement]) -> ErasureStatement:
        """Destroy a key for good and keep the statement `make` gives for it (None: there never was one), in one step.

        Asked again, it returns the same statement.
        """
        ...

    def is_used(self, grantee: str, nonce: int) -> bool: ...
    def append(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Store the receipts that `entries` make for the next numbers, and their nonces as spent, in one step."""
        ...

    def tables(self, twin_id: int) -> list[bytes]:
        """What was kept for a twin, oldest first."""
        ...

    def keep_table(self, twin_id: int, body: bytes, instead_of: Sequence[bytes]) -> None:
        """Keep a table, and forget those it replaces, in one step."""
        ...

    def head(self) -> tuple[int, bytes]:
        """Size and root of the log of receipts."""
        ...

    def receipts(self, since: int) -> Iterator[tuple[bytes, bytes]]: ...


class Custodian(Protocol):
    """One holder of key shares, local or remote."""

    @property
    def address(self) -> str: ...
    def public_key(self, twin_id: int) -> bytes:
        """The HPKE key that shares for this twin are sealed to; made at first use."""
        ...

    def release(
        self,
        request: KeyRequest,
        items: Sequence[tuple[Context, SealedShare]],
        proofs: Sequence[tuple[Batch, Included]] = (),
    ) -> Release:
        """Decide, write the receipt durably, then answer; a refusal raises :class:`~oracle.errors.Refused`.

        `proofs` are of those batches that are in epochs.
        """
        ...

    def erase(self, request: ErasureRequest) -> ErasureStatement:
        """Destroy the key for a twin on its owner's order, for good; Denied for anybody else's."""
        ...

    def keep_table(self, body: bytes) -> None:
        """Keep shares that the twin's owner dealt anew; Denied for anybody else's."""
        ...

    def tables(self, twin_id: int) -> Iterator[bytes]:
        """The tables it keeps for a twin."""
        ...

    def receipts(self, *, since: int = 0) -> Iterator[tuple[bytes, bytes]]:
        """(leaf bytes, signature) oldest first, for auditors."""
        ...
