"""Commands to devices: what a clinician signs, and what a device answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount

from tests.contracts.clock import now_s
from tests.contracts.signing import signed

CODE = 7
LOW, HIGH, INTERVAL_S = -3, 9, 120
WAIT_S = 3_600
EQUIPMENT_DATA = 1 << 5
UNKNOWN, PENDING, ACKNOWLEDGED, REJECTED, EXPIRED = range(5)


class Command(NamedTuple):
    """As in contracts/interfaces/IDeviceLoop.sol."""

    device: str
    twinId: int
    code: int
    value: int
    clinician: str
    nonce: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Loop:
    """The contract, a clinician and a device."""

    contract: Any
    twin: int
    clinician: LocalAccount
    device: LocalAccount

    def command(self, **changes: Any) -> Command:
        """A good command, with ten minutes to answer."""
        good = Command(self.device.address, self.twin, CODE, 5, self.clinician.address, 1, now_s() + 600)
        return good._replace(**changes)

    def sign(self, command: Command, key: LocalAccount | None = None, **domain: Any) -> bytes:
        """The clinician's signature, or another's."""
        return signed(key or self.clinician, self.contract, "Command", command._asdict(), **domain)

    def send(self, sender: Any, **changes: Any) -> Any:
        """Send a command, and give the transaction."""
        command = self.command(**changes)
        return self.contract.send(command, self.sign(command), {"from": sender})

    def answer(self, command_id: Any, accepted: bool, key: LocalAccount | None = None, **domain: Any) -> bytes:
        """The device's signature under its answer, or another's."""
        message = {"commandId": bytes(command_id), "accepted": accepted}
        return signed(key or self.device, self.contract, "Answer", message, **domain)
