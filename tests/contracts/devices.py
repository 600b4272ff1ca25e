"""What devices sign: pairings and batches."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.clock import now_s
from tests.contracts.signing import signed

HOUR_S = 3_600


class Batch(NamedTuple):
    """As in contracts/interfaces/IDataAnchor.sol."""

    twinId: int
    sequence: int
    previous: bytes
    digest: bytes
    root: bytes
    readings: int
    start: int
    end: int


def pairing_signature(
    devices: Any,
    key: LocalAccount,
    twin: int,
    owner: Any,
    calibrated_until: int,
    deadline: int,
    nonce: int,
    **domain: Any,
) -> bytes:
    """A device's signature under a pairing or a calibration."""
    message = {
        "device": key.address, "twinId": twin, "owner": str(owner), "calibratedUntil": calibrated_until,
        "nonce": nonce, "deadline": deadline,
    }  # fmt: skip
    return signed(key, devices, "Pairing", message, **domain)


def pairing(
    devices: Any, key: LocalAccount, twin: int, owner: Any, calibrated_until: int, nonce: int = 0
) -> tuple[str, int, int, int, bytes]:
    """Arguments of a good `pair`, with an hour to send it."""
    deadline = now_s() + HOUR_S
    signature = pairing_signature(devices, key, twin, owner, calibrated_until, deadline, nonce)
    return key.address, twin, calibrated_until, deadline, signature


@dataclass(frozen=True, slots=True)
class Recorder:
    """A device at work; it knows nothing but its key, its twin and a number."""

    anchor: Any
    twin: int
    key: LocalAccount

    def batch(self, sequence: int, /, **changes: Any) -> Batch:
        """The device's n-th batch, with fields replaced."""
        good = Batch(
            twinId=self.twin,
            sequence=sequence,
            previous=self.digest(sequence - 1),
            digest=self.digest(sequence),
            root=sha256(b"root %d" % sequence).digest(),
            readings=60,
            start=now_s() - 60,
            end=now_s(),
        )
        return good._replace(**changes)

    def digest(self, sequence: int) -> bytes:
        """Digest of the n-th sealed block."""
        return sha256(b"block %d" % sequence).digest() if sequence else bytes(32)

    def sign(self, batch: Batch, **domain: Any) -> bytes:
        """The device's signature."""
        return signed(self.key, self.anchor, "Batch", batch._asdict(), **domain)

    def record(self, sequence: int, sender: Any) -> Any:
        """Anchor the n-th batch."""
        batch = self.batch(sequence)
        return self.anchor.anchor(batch, self.sign(batch), {"from": sender})
