"""Every error Medtwin raises on purpose.

::

    MedtwinError                exit 1
    ├── InputError              exit 2   what was given is malformed, implausible or out of order
    ├── Denied                  exit 3   a rule said no
    │   ├── RevertedError       exit 3   a contract said no; carries its error name and facts
    │   ├── Refused             exit 3   one custodian said no; carries its signed receipt
    │   └── CustodyDenied       exit 3   fewer than t custodians released a share
    ├── NotFound                exit 4
    ├── ChainError              exit 5   the chain cannot be reached or is not the one expected
    ├── StorageError            exit 6   the content store cannot be reached or lacks the block
    └── VerificationError       exit 7   bytes, a signature, a root or a proof does not match

The constructor takes the facts and writes the sentence; `hint` says what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .records import Receipt


class MedtwinError(Exception):
    """Base of the tree. `kind` is a stable word for programs, `hint` the next step for a person."""

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, *, hint: str = "", kind: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.kind = kind or type(self).__name__


class InputError(MedtwinError):
    """What was given is malformed, implausible or out of order."""

    exit_code = 2


class Denied(MedtwinError):
    """A rule said no."""

    exit_code = 3


class RevertedError(Denied):
    """A contract refused. `error` is the Solidity error's name, `facts` its arguments by name."""

    def __init__(self, contract: str, function: str, error: str, facts: Mapping[str, Any]) -> None:
        shown = ", ".join(f"{name}={_short(value)}" for name, value in facts.items())
        super().__init__(
            f"{contract}.{function} refused: {error}({shown})",
            hint=REVERT_HINTS.get(error, "the contract's interface says when it refuses"),
            kind=error,
        )
        self.contract = contract
        self.function = function
        self.error = error
        self.facts = dict(facts)


class Refused(Denied):
    """One custodian refused a request. `receipt` is its signed, logged record of that."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(
            f"custodian {receipt.custodian} refused: {receipt.reason}",
            hint="ask the twin's owner for a grant that covers this category and purpose",
            kind=receipt.reason,
        )
        self.receipt = receipt


class CustodyDenied(Denied):
    """Too few custodians released a share. `refusals` maps custodian address to its reason."""

    def __init__(self, needed: int, released: int, refusals: Mapping[str, str]) -> None:
        reasons = "; ".join(f"{who}: {why}" for who, why in sorted(refusals.items())) or "no custodian answered"
        super().__init__(
            f"{released} of the {needed} key shares needed were released: {reasons}",
            hint="start the custodians that do not answer, or name others in MEDTWIN_CUSTODIANS"
            if "custodian_unreachable" in refusals.values()
            else "ask the twin's owner for a grant that covers this category and purpose",
            kind="custody_denied",
        )
        self.refusals = dict(refusals)


class NotFound(MedtwinError):
    """Something named does not exist."""

    exit_code = 4


class ChainError(MedtwinError):
    """The chain cannot be reached, or is not the one expected."""

    exit_code = 5


class StorageError(MedtwinError):
    """The content store cannot be reached or lacks the block."""

    exit_code = 6


class VerificationError(MedtwinError):
    """Bytes, a signature, a root or a proof does not match."""

    exit_code = 7


REVERT_HINTS: dict[str, str] = {}
"""Solidity error name -> what the caller can do."""


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()[:12] + "…"
    if isinstance(value, int) and value > 10**15:
        return hex(value)[:14] + "…"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    return str(value)
