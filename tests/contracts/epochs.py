"""What gateways post: epochs of batches, where one lies among them, and what is found there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eth_abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from oracle.formats import merkle
from tests.contracts.devices import Batch
from tests.contracts.signing import signed, typed
from tests.contracts.vouchers import digest_of

UNKNOWN_DEVICE, DUPLICATE_SEQUENCE, BROKEN_CHAIN = 1, 2, 3


class Epoch(NamedTuple):
    """As in contracts/interfaces/IEpochAnchor.sol."""

    root: bytes
    batches: int
    manifest: bytes


class Place(NamedTuple):
    """As in contracts/interfaces/IEpochAnchor.sol."""

    before: bytes
    epoch: Epoch
    later: tuple[Epoch, ...]


class Included(NamedTuple):
    """As in contracts/interfaces/IEpochAnchor.sol."""

    batch: Batch
    signature: bytes
    proof: tuple[bytes, ...]


class Signed(NamedTuple):
    """A batch and what stands under it."""

    batch: Batch
    signature: bytes


def chained(head: bytes, epoch: Epoch) -> bytes:
    """The running hash after an epoch."""
    return keccak(encode(["bytes21", "(bytes32,uint32,bytes32)"], [head, tuple(epoch)]))[:21]


@dataclass(slots=True)
class Gateway:
    """A gateway that posts whatever it is told."""

    contract: Any
    anchor: Any
    account: Any
    posted: list[tuple[Epoch, list[bytes]]] = field(default_factory=list)

    def sign(self, batch: Batch, key: LocalAccount) -> Signed:
        """A batch, signed with a key."""
        return Signed(batch, signed(key, self.anchor, "Batch", batch._asdict()))

    def leaf(self, found: Signed) -> bytes:
        """A batch's leaf, by the interface's manual."""
        digest = digest_of(typed(self.anchor, "Batch", found.batch._asdict()))
        return keccak(keccak(encode(["bytes32", "bytes32"], [digest, keccak(found.signature)])))

    def epoch_of(self, *batches: Signed) -> tuple[Epoch, list[bytes]]:
        """An epoch over these batches, and its leaves."""
        leaves = [self.leaf(found) for found in batches]
        return Epoch(merkle.root(leaves), len(leaves), b"\x77" * 32), leaves

    def post(self, *batches: Signed) -> Any:
        """Anchor an epoch, and give the transaction."""
        epoch, leaves = self.epoch_of(*batches)
        tx = self.contract.anchorEpoch(epoch, {"from": self.account})
        self.posted.append((epoch, leaves))
        return tx

    def heads(self) -> list[bytes]:
        """The running hash before the first epoch and after each."""
        heads = [bytes(21)]
        for epoch, _ in self.posted:
            heads.append(chained(heads[-1], epoch))
        return heads

    def place(self, number: int) -> Place:
        """Where the n-th epoch lies."""
        epochs = [epoch for epoch, _ in self.posted]
        return Place(self.heads()[number - 1], epochs[number - 1], tuple(epochs[number:]))

    def found(self, number: int, batch: Signed) -> Included:
        """A batch with its proof in the n-th epoch."""
        return Included(*batch, tuple(merkle.proof(self.posted[number - 1][1], self.leaf(batch))))

    def at(self, number: int, batch: Signed) -> tuple[Place, Included]:
        """Place and proof, as the contract takes them."""
        return self.place(number), self.found(number, batch)

    def suspended(self) -> bool:
        """Whether it was found at fault."""
        return bool(self.contract.headOf(self.account)[3])
