"""Several endpoints of one chain, or several content stores, as one: whoever answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import ChainError, MedtwinError, RevertedError, StorageError, VerificationError
from ..ports import Call, Chain, Event, Head, Mined, Question, Signer, Store

T = TypeVar("T")
FIRST_REST_S, LONGEST_REST_S = 5.0, 300.0
"""How long an endpoint that failed is left alone; twice as long each time it fails again."""
MOST_BEHIND = 3
"""Blocks behind the newest of the others, from which on an endpoint is not asked."""


@dataclass(slots=True)
class Endpoint:
    """One way to the chain, and how it does. `why` is empty while it is asked."""

    chain: Chain
    name: str
    why: str = ""
    rest_s: float = FIRST_REST_S
    until_s: float = 0.0

    def aside(self, why: str, now_s: float) -> None:
        """Leave it alone for a while."""
        self.why, self.until_s = why, now_s + self.rest_s
        self.rest_s = min(2 * self.rest_s, LONGEST_REST_S)

    def well(self) -> None:
        """Ask it as before."""
        self.why, self.rest_s = "", FIRST_REST_S


class FailoverChain:
    """Implements :class:`oracle.ports.Chain`: asks the first endpoint that is well, in the order they were named.

    One that does not answer is put aside, and one that :meth:`look` finds behind the others; after a rest it is tried
    again. While all are aside, all are tried. For those to whom an endpoint that lies can do no more than make them miss a turn, as it is with oracle
    nodes. Custodians ask all of their endpoints instead, and believe none.
    """

    def __init__(self, chains: Sequence[Chain], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._endpoints = [Endpoint(chain, getattr(chain, "where", f"{at}")) for at, chain in enumerate(chains, 1)]
        self._clock_s = clock_s

    @property
    def chain_id(self) -> int:
        return self._endpoints[0].chain.chain_id

    @property
    def genesis(self) -> bytes:
        return self._endpoints[0].chain.genesis

    @property
    def gateways(self) -> tuple[tuple[str, int], ...]:
        return self._endpoints[0].chain.gateways

    def address(self, contract: str) -> str:
        return self._endpoints[0].chain.address(contract)

    def look(self) -> Mapping[str, str]:
        """Ask each endpoint that is not resting for its newest block; why each is not asked, empty if it is."""
        heads: dict[str, int] = {}
        asked = [one for one in self._endpoints if not one.why or one.until_s <= self._clock_s()]
        for one in asked:
            try:
                heads[one.name] = one.chain.head().number
            except ChainError as error:
                one.aside(error.kind, self._clock_s())
        for one in asked:
            if one.name in heads and max(heads.values()) - heads[one.name] > MOST_BEHIND:
                one.aside("behind", self._clock_s())
            elif one.name in heads:
                one.well()
        return {one.name: one.why for one in self._endpoints}

    def answers(self, questions: Sequence[Question]) -> list[Any]:
        return self._first(lambda chain: chain.answers(questions))

    def head(self, number: int | None = None) -> Head:
        return self._first(lambda chain: chain.head(number))

    def read(self, contract: str, function: str, *args: Any, block: int | None = None) -> Any:
        return self._first(lambda chain: chain.read(contract, function, *args, block=block))

    def read_many(self, calls: Sequence[Call], *, block: int | None = None) -> list[Any]:
        return self._first(lambda chain: chain.read_many(calls, block=block))

    def write(self, signer: Signer, contract: str, function: str, *args: Any, gas: int | None = None) -> Mined:
        return self._first(lambda chain: chain.write(signer, contract, function, *args, gas=gas))

    def write_many(self, signer: Signer, calls: Sequence[Call]) -> list[Mined | RevertedError]:
        return self._first(lambda chain: chain.write_many(signer, calls))

    def events(
        self, contract: str, name: str, *, since: int = 0, until: int | None = None, **match: Any
    ) -> list[Event]:
        return self._first(lambda chain: chain.events(contract, name, since=since, until=until, **match))

    def naming(self, events: Sequence[Event], twin_id: int) -> list[Event]:
        return list(events)

    def everything(self, since: int, until: int) -> list[Event]:
        return self._first(lambda chain: chain.everything(since, until))

    def arguments(self, contract: str, transaction: bytes) -> dict[str, Any]:
        return self._first(lambda chain: chain.arguments(contract, transaction))

    def settle(self, signer: Signer) -> None:
        self._first(lambda chain: chain.settle(signer))

    def is_signed_by(self, account: str, digest: bytes, signature: bytes, *, block: int | None = None) -> bool:
        return self._first(lambda chain: chain.is_signed_by(account, digest, signature, block=block))

    def _first(self, ask: Callable[[Chain], T]) -> T:
        failure = ChainError("no chain endpoint was named", hint="name one in MEDTWIN_CHAIN")
        now_s = self._clock_s()
        well = [one for one in self._endpoints if not one.why or one.until_s <= now_s]
        resting = [one for one in self._endpoints if one not in well]
        for one in (*well, *sorted(resting, key=lambda one: one.until_s)):
            try:
                answer = ask(one.chain)
            except ChainError as error:
                failure = error
                one.aside(error.kind, now_s)
            except MedtwinError:  # a refusal is an answer
                one.well()
                raise
            else:
                one.well()
                return answer
        raise failure


class FailoverStore:
    """Implements :class:`oracle.ports.Store`: puts into every store, is content with one; gets from the first that has it.

    What one store lacks or damaged, another may have whole: every read is verified by the store that gives it.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = list(stores)

    @property
    def stores(self) -> tuple[Store, ...]:
        """Each by itself, to compare them."""
        return tuple(self._stores)

    def put(self, block: bytes) -> bytes:
        digests, failure = [], None
        for store in self._stores:
            try:
                digests.append(store.put(block))
            except StorageError as error:
                failure = error
        if not digests:
            raise failure or StorageError("no store was named", hint="name one in MEDTWIN_STORE")
        return digests[0]

    def get(self, digest: bytes) -> bytes:
        failures: list[MedtwinError] = []
        for store in self._stores:
            try:
                return store.get(digest)
            except (StorageError, VerificationError) as error:
                failures.append(error)
        raise next((one for one in failures if isinstance(one, VerificationError)), failures[-1])

    def has(self, digest: bytes) -> bool:
        return any(store.has(digest) for store in self._stores)

    def remove(self, digest: bytes) -> None:
        failures = []
        for store in self._stores:
            try:
                store.remove(digest)
            except StorageError as error:
                failures.append(error)
        if failures:  # once it is gone wherever it can be
            raise failures[0]

    def pins(self) -> dict[bytes, str]:
        return {digest: kind for store in self._stores for digest, kind in store.pins().items()}

    def describe(self) -> str:
        return " and ".join(store.describe() for store in self._stores)

    def problems(self) -> list[str]:
        """What makes one of them unfit for patients' data."""
        return [problem for store in self._stores for problem in getattr(store, "problems", list)()]
