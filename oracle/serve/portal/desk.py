"""What waits for a second person: a hand-off, an emergency, a command to a device.

The desk carries what one of the hospital's people proposes to another, for an hour at most and in memory alone. It
judges nothing: the page shows what is to be signed, a person signs it, and the contract decides.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Annotated, Any, Literal

from cachetools import TTLCache
from eth_utils import to_checksum_address
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ...errors import Denied, NotFound
from .relay import ADDRESS, HEX

LIFE_S = 60 * 60
MOST, MOST_OF_ONE = 1_000, 20


Short = Annotated[str, Field(max_length=100)]


class Proposed(BaseModel):
    """What somebody is asked to sign; `signature` is the proposer's own where both sign."""

    kind: Literal["Case", "Emergency", "Command"]
    to: str = ADDRESS
    message: dict[str, Short] = Field(max_length=10)
    signature: str = HEX


class Answer(BaseModel):
    """The signature that was asked for."""

    signature: str = HEX


@dataclass(frozen=True, slots=True)
class Proposal:
    """One sheet on the desk."""

    number: str
    proposer: str
    asked: Proposed
    time_s: int
    answer: str = ""

    def told(self) -> dict[str, Any]:
        """As pages get it."""
        return {
            "id": self.number, "kind": self.asked.kind, "from": self.proposer, "to": self.asked.to,
            "message": self.asked.message, "signature": self.asked.signature, "answer": self.answer, "time": self.time_s,
        }  # fmt: skip


@dataclass
class Desk:
    """For people that the hospital knows; nobody sees what is between others.

    Parameters
    ----------
    people : mapping
        Account -> name and role.
    clock_s : callable
        Seconds that never go back.
    """

    people: Mapping[str, Any]
    clock_s: Callable[[], float]
    _sheets: TTLCache[str, Proposal] = field(init=False, repr=False)
    _lock: Lock = field(init=False, repr=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self._sheets = TTLCache(MOST, LIFE_S, self.clock_s)

    def propose(self, account: str, asked: Proposed) -> Proposal:
        """Lay a proposal before somebody.

        Raises
        ------
        Denied
            Either is a stranger to the hospital, or there are too many.
        """
        to = to_checksum_address(asked.to)
        if account not in self.people or to not in self.people:
            raise Denied(
                "only the hospital's people propose to one another", hint="see the list of people", kind="not_known"
            )
        with self._lock:
            mine = sum(one.proposer == account for one in self._sheets.values())
            if mine >= MOST_OF_ONE or len(self._sheets) >= MOST:
                raise Denied("too many proposals are waiting", hint="withdraw some of yours", kind="too_many")
            sheet = Proposal(
                secrets.token_hex(16), account, asked.model_copy(update={"to": to}), int(time.time())
            )  # fmt: skip
            self._sheets[sheet.number] = sheet
        return sheet

    def of(self, account: str) -> list[Proposal]:
        """What somebody proposed, or is asked for; oldest first."""
        with self._lock:
            return [one for one in self._sheets.values() if account in (one.proposer, one.asked.to)]

    def answer(self, account: str, number: str, signature: str) -> None:
        """Put the signature that was asked for beside it; only by whom it was asked of."""
        with self._lock:
            sheet = self._sheet(account, number)
            if account != sheet.asked.to:
                raise Denied("this waits for somebody else", hint="ask them to sign", kind="not_asked")
            self._sheets[number] = replace(sheet, answer=signature)

    def remove(self, account: str, number: str) -> None:
        """Take it away: withdrawn, declined or done; by either of the two."""
        with self._lock:
            self._sheet(account, number)
            del self._sheets[number]

    def _sheet(self, account: str, number: str) -> Proposal:
        found = self._sheets.get(number)
        if found is None or account not in (found.proposer, found.asked.to):
            raise NotFound("there is no such proposal", hint="it was withdrawn, or its hour is over")
        return found


def desk_routes(desk: Desk, signed_in: Callable[[Request], str]) -> APIRouter:
    """The desk's HTTP face; everything needs a session."""
    routes = APIRouter(prefix="/api/proposals")

    @routes.get("")
    def mine(request: Request) -> list[dict[str, Any]]:
        return [one.told() for one in desk.of(signed_in(request))]

    @routes.post("")
    def propose(request: Request, asked: Proposed) -> dict[str, str]:
        return {"id": desk.propose(signed_in(request), asked).number}

    @routes.post("/{number}/answer")
    def answer(request: Request, number: str, body: Answer) -> dict[str, str]:
        desk.answer(signed_in(request), number, body.signature)
        return {}

    @routes.post("/{number}/remove")
    def remove(request: Request, number: str) -> dict[str, str]:
        desk.remove(signed_in(request), number)
        return {}

    return routes
