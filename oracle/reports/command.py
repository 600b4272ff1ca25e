"""Feedback to a device: a clinician signs a command within the device's bounds, the device answers, or it runs out.

A record of proposals and answers, never a control path: a device keeps limits of its own and may always refuse.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InputError
from ..formats.typed_data import TYPES, Domain, digest
from ..ports import Chain, Mined, Signer
from ..records import to_e6

FIELDS = [name for name, _ in TYPES["Command"]]


NEVER = (1, 0)
"""Limits that no value lies within."""


class Code(enum.IntEnum):
    """What a command sets; the code on the chain."""

    HEART_RATE_ALARM_HIGH = 1
    RESPIRATION_ALARM_HIGH = 2
    SATURATION_ALARM_LOW = 3


UNITS = {Code.HEART_RATE_ALARM_HIGH: "/min", Code.RESPIRATION_ALARM_HIGH: "/min", Code.SATURATION_ALARM_LOW: "%"}


class State(enum.IntEnum):
    """Where a command stands, as DeviceLoop counts."""

    UNKNOWN = 0
    PENDING = 1
    ACKNOWLEDGED = 2
    REJECTED = 3
    EXPIRED = 4


@dataclass(frozen=True, slots=True)
class Command:
    """What a clinician signs; `value_e6` in millionths of the code's unit, `deadline_s` when it runs out (s)."""

    device: str
    twin_id: int
    code: int
    value_e6: int
    clinician: str
    nonce: int
    deadline_s: int

    def fields(self) -> tuple[str, int, int, int, str, int, int]:
        """In the order of the Solidity struct."""
        return self.device, self.twin_id, self.code, self.value_e6, self.clinician, self.nonce, self.deadline_s


@dataclass(frozen=True, slots=True)
class Answered:
    """A command that this device answered."""

    command_id: bytes
    command: Command
    accepted: bool
    mined: Mined


def command_id(chain: Chain, command: Command) -> bytes:
    """The command's id: the digest that its clinician signs."""
    return digest(_domain(chain), "Command", dict(zip(FIELDS, command.fields(), strict=True)))


def send(chain: Chain, clinician: Signer, sender: Signer, command: Command) -> Mined:
    """Sign and send; anyone may pay for it.

    Raises
    ------
    RevertedError
        It is outside the bounds, too soon after the last, or the patient does not allow this clinician.
    """
    signature = clinician.sign_digest(command_id(chain, command))
    return chain.write(sender, "DeviceLoop", "send", command.fields(), signature)


def waiting(chain: Chain, device: str) -> dict[bytes, Command]:
    """Commands to a device that have no answer yet and have not run out, by id, oldest first."""
    sent = {
        bytes(event.args["commandId"]): Command(*(event.args["command"][name] for name in FIELDS))
        for event in chain.events("DeviceLoop", "CommandSent", device=device)
    }
    return {one: command for one, command in sent.items() if chain.read("DeviceLoop", "stateOf", one) == State.PENDING}


def answer(chain: Chain, device: Signer, sender: Signer, identifier: bytes, *, accepted: bool) -> Mined:
    """Acknowledge or reject; the device signs, anyone may pay for it."""
    signature = device.sign_digest(digest(_domain(chain), "Answer", {"commandId": identifier, "accepted": accepted}))
    return chain.write(sender, "DeviceLoop", "answer", identifier, accepted, signature)


def answer_all(
    chain: Chain, device: Signer, sender: Signer, own_limits_e6: Mapping[int, tuple[int, int]]
) -> list[Answered]:
    """Answer what waits: yes within the device's own limits, no to everything else."""
    answered = []
    for identifier, command in waiting(chain, device.address).items():
        low, high = own_limits_e6.get(command.code, NEVER)
        accepted = low <= command.value_e6 <= high
        mined = answer(chain, device, sender, identifier, accepted=accepted)
        answered.append(Answered(identifier, command, accepted, mined))
    return answered


def parse_limits(texts: list[str]) -> dict[int, tuple[int, int]]:
    """``heart_rate_alarm_high=90:140`` and the like, in the code's unit, as millionths by code."""
    found = {}
    for text in texts:
        name, _, bounds = text.partition("=")
        low, _, high = bounds.partition(":")
        try:
            found[int(Code[name.upper()])] = (to_e6(float(low)), to_e6(float(high)))
        except (KeyError, ValueError, OverflowError):
            known = ", ".join(code.name.lower() for code in Code)
            raise InputError(
                f"{text[:60]!r} is no limit", hint=f"{Code(1).name.lower()}=90:140; known: {known}", kind="bad_limit"
            ) from None
    return found


def name_of(code: int) -> str:
    """A code as people write it."""
    return Code(code).name.lower() if code in set(Code) else f"code {code}"


def _domain(chain: Chain) -> Domain:
    return Domain(chain.chain_id, chain.address("DeviceLoop"))
