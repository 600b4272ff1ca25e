"""Transactions that the hospital pays for: what somebody signed, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any

from eth_utils import is_address, to_checksum_address
from pydantic import BaseModel, Field

from ...adapters.chain import Web3Chain
from ...errors import InputError
from ...ports import Mined, Signer
from ...records import ErasureRequest

CLONE = bytes.fromhex("363d3d373d3d3d363d73")  # what stands before the address in a minimal proxy
HEX_32 = Field(pattern="^0x[0-9a-fA-F]{64}$")
HEX = Field(pattern="^0x([0-9a-fA-F]{2})*$", max_length=20_000)
NUMBER = Field(pattern="^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$")
Bits = Annotated[int, Field(ge=0, lt=2**32)]
Time = Annotated[int, Field(ge=0, lt=2**40)]
ADDRESS = Field(pattern="^0x[0-9a-fA-F]{40}$")


class SignedGrant(BaseModel):
    """A consent as its owner signed it (ConsentGrant)."""

    twin: str = NUMBER
    grantee: str = ADDRESS
    categories: Bits
    purposes: Bits
    not_before: Time
    expiry: Time
    nonce: str = NUMBER
    deadline: Time
    signature: str = HEX


class SignedRevocation(BaseModel):
    """A revocation as its owner signed it (ConsentRevocation)."""

    twin: str = NUMBER
    grantee: str = ADDRESS
    nonce: str = NUMBER
    deadline: Time
    signature: str = HEX


class SignedCall(BaseModel):
    """What a passkey account is to do (Call)."""

    account: str = ADDRESS
    target: str = ADDRESS
    data: str = HEX
    nonce: str = NUMBER
    deadline: Time
    signature: str = HEX


class SignedCase(BaseModel):
    """A hand-off as both departments signed it (Case)."""

    twin: str = NUMBER
    origin: str = ADDRESS
    receiver: str = ADDRESS
    categories: Bits
    expiry: Time
    nonce: str = NUMBER
    deadline: Time
    origin_signature: str = HEX
    receiver_signature: str = HEX


class SignedCommand(BaseModel):
    """A command to a device as its clinician signed it (Command)."""

    device: str = ADDRESS
    twin: str = NUMBER
    code: Annotated[int, Field(ge=0, lt=2**16)]
    value: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    clinician: str = ADDRESS
    nonce: str = NUMBER
    deadline: Time
    signature: str = HEX


class ErasureOrder(BaseModel):
    """An order to erase a twin, as its owner signed it (Erasure)."""

    twin: str = NUMBER
    owner: str = ADDRESS
    deadline: Time
    signature: str = HEX

    def request(self) -> ErasureRequest:
        """The order as custodians take it."""
        return ErasureRequest(_number(self.twin), _address(self.owner), self.deadline, _bytes(self.signature))


class NewAccount(BaseModel):
    """A passkey's public key."""

    x: str = HEX_32
    y: str = HEX_32


class Recovery(NewAccount):
    """The key that an account's guardians asked for."""

    account: str = ADDRESS


@dataclass
class Relay:
    """Sends for people, one transaction after the other, as the chain counts the payer's."""

    chain: Web3Chain
    payer: Signer

    def __post_init__(self) -> None:
        self._one_at_a_time = Lock()

    def grant(self, signed: SignedGrant) -> Mined:
        """Bring a signed consent to the chain."""
        scope = (signed.categories, signed.purposes, signed.not_before, signed.expiry)
        return self._send(
            "ConsentRegistry", "grantBySignature", _number(signed.twin), _address(signed.grantee), scope,
            _number(signed.nonce), signed.deadline, _bytes(signed.signature),
        )  # fmt: skip

    def revoke(self, signed: SignedRevocation) -> Mined:
        """Bring a signed revocation to the chain."""
        return self._send(
            "ConsentRegistry", "revokeBySignature", _number(signed.twin), _address(signed.grantee),
            _number(signed.nonce), signed.deadline, _bytes(signed.signature),
        )  # fmt: skip

    def case(self, signed: SignedCase) -> Mined:
        """Open a case that both departments signed."""
        parties = (_address(signed.origin), _address(signed.receiver))
        case = (_number(signed.twin), *parties, signed.categories, signed.expiry)
        return self._send(
            "CaseToken", "open", case, _number(signed.nonce), signed.deadline,
            _bytes(signed.origin_signature), _bytes(signed.receiver_signature),
        )  # fmt: skip

    def command(self, signed: SignedCommand) -> Mined:
        """Bring a signed command to the chain, where its device finds it."""
        command = (
            _address(signed.device), _number(signed.twin), signed.code, signed.value, _address(signed.clinician),
            _number(signed.nonce), signed.deadline,
        )  # fmt: skip
        return self._send("DeviceLoop", "send", command, _bytes(signed.signature))

    def call(self, signed: SignedCall) -> Mined:
        """Let a passkey account act on one of the suite's contracts; on others, its owner must pay.

        Raises
        ------
        InputError
            The target is none of the suite's contracts, nor a passkey account; or no passkey account is to act.
        """
        target, account = _address(signed.target), self._account(signed.account)
        if target not in self.chain.deployment.contracts.values() and not self._is_account(target):
            raise InputError("only calls to this deployment are paid for", hint="pay for it yourself", kind="not_paid")
        with self._one_at_a_time:
            return self.chain.write_at(
                self.payer, account, "PasskeyAccount", "execute", target, _bytes(signed.data),
                _number(signed.nonce), signed.deadline, _bytes(signed.signature),
            )  # fmt: skip

    def account(self, key: NewAccount, host: str) -> str:
        """The account contract of a passkey of this site; made if there is none."""
        # What an authenticator puts first in what it signs: the hash of the site's name.
        fields = (_bytes(key.x), _bytes(key.y), hashlib.sha256(host.encode()).digest())
        address = str(self.chain.read("PasskeyFactory", "addressOf", *fields))
        if not self.chain.code(address):
            self._send("PasskeyFactory", "create", *fields)
        return address

    def recover(self, key: Recovery) -> Mined:
        """Finish a recovery whose waiting time is over; the contract says no to any other."""
        account = self._account(key.account)
        with self._one_at_a_time:
            return self.chain.write_at(
                self.payer, account, "PasskeyAccount", "finishRecovery", _bytes(key.x), _bytes(key.y)
            )

    def _account(self, text: str) -> str:
        """The address of a passkey account: other code would spend what the payer has on whatever it likes."""
        address = _address(text)
        if not self._is_account(address):
            raise InputError("this is no passkey account", hint="pay for it yourself", kind="not_paid")
        return address

    def _is_account(self, address: str) -> bool:
        """Whether the code there is a clone (EIP-1167) of the pattern of passkey accounts."""
        pattern = bytes.fromhex(self.chain.read("PasskeyFactory", "PATTERN").removeprefix("0x"))
        return self.chain.code(address).startswith(CLONE + pattern)

    def _send(self, contract: str, function: str, *args: Any) -> Mined:
        with self._one_at_a_time:
            return self.chain.write(self.payer, contract, function, *args)


def _number(text: str) -> int:
    number = int(text, 16 if text.startswith("0x") else 10)
    if number >= 2**256:
        raise InputError(f"{text[:20]}... is too large a number", hint="a number has 256 bits", kind="bad_number")
    return number


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _address(text: str) -> str:
    if not is_address(text):
        raise InputError(f"{text[:60]!r} is not an address", hint="choose somebody from the list", kind="bad_address")
    return to_checksum_address(text)
